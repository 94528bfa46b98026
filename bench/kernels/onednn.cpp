// oneDNN's matmul of bf16 matrices, the yardstick of the matrix benchmark. SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <functional>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

namespace bench {

// C = A * B^T; nothing where the library has no such product for this CPU (bf16 before AVX-512).
std::function<void()> oneDnnGemm(const uint16_t* a, const uint16_t* b, float* c, int n) {
  using namespace dnnl;
  struct State {
    engine where{engine::kind::cpu, 0};
    stream in{where};
    memory a, b, c;
    matmul product;
  };
  auto s = std::make_shared<State>();
  memory::dims size{n, n};
  memory::desc rows(size, memory::data_type::bf16, memory::format_tag::ab), columns(size, memory::data_type::bf16, memory::format_tag::ba);
  memory::desc result(size, memory::data_type::f32, memory::format_tag::ab);
  s->a = memory(rows, s->where, const_cast<uint16_t*>(a));
  s->b = memory(columns, s->where, const_cast<uint16_t*>(b));
  s->c = memory(result, s->where, c);
  try {
    s->product = matmul(matmul::primitive_desc(matmul::desc(rows, columns, result), s->where));
  } catch (const error& e) {
    if (e.status != dnnl_unimplemented) throw;
    return nullptr;
  }
  return [s] {
    s->product.execute(s->in, {{DNNL_ARG_SRC, s->a}, {DNNL_ARG_WEIGHTS, s->b}, {DNNL_ARG_DST, s->c}});
    s->in.wait();
  };
}

}  // namespace bench
