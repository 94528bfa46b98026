// A product of bf16 matrices: the CUDA kernel on mma.sync beside plain loops, and beside oneDNN where it is installed.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>
#include <random>

#include "bench.h"
#include "kernels/twins.h"
#include "matrix_ptx.h"

namespace bench {

#ifdef ANYWARP_BENCH_ONEDNN
std::function<void()> oneDnnGemm(const uint16_t* a, const uint16_t* b, float* c, int n);  // C = A * B^T
#endif

namespace {

struct Product {
  int n;
  std::vector<uint16_t> a, b;
  std::vector<float> c, result;
  Buffer<uint16_t> deviceA, deviceB;
  Buffer<float> deviceC;

  explicit Product(int n)
      : n(n), a(size_t(n) * n), b(a.size()), c(a.size()), result(a.size()), deviceA(a.size()), deviceB(a.size()), deviceC(a.size()) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> values(-1, 1);
    for (auto* m : {&a, &b})
      for (uint16_t& v : *m) {
        float f = values(random);
        uint32_t bits;
        std::memcpy(&bits, &f, 4);
        v = uint16_t(bits >> 16);
      }
    deviceA.upload(a.data());
    deviceB.upload(b.data());
  }

  double error() {
    deviceC.download(result.data());
    double worst = 0;
    for (size_t i = 0; i < c.size(); ++i) {
      double d = std::abs(double(c[i]) - result[i]) / std::max(1.0, std::abs(double(c[i])));
      if (!(d <= worst)) worst = std::isnan(d) ? 1e30 : d;
    }
    return worst;
  }
};

}  // namespace

std::vector<Pair> matrixPairs(bool small) {
  CUmodule module;
  CU(cuModuleLoadData(&module, matrixPtx));
  CUfunction function;
  CU(cuModuleGetFunction(&function, module, "gemmBf16"));
  const int n = small ? 512 : 1024;
  auto p = std::make_shared<Product>(n);
  auto kernel = [=] {
    CUdeviceptr a = p->deviceA.address(), b = p->deviceB.address(), c = p->deviceC.address();
    int size = n;
    void* arguments[] = {&a, &b, &c, &size};
    CU(cuLaunchKernel(function, unsigned(n / 128), unsigned(n / 128), 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    CU(cuCtxSynchronize());
  };
  std::vector<Pair> pairs;
  pairs.push_back({"gemmBf16", "mma.sync", kernel, [=] { twin::gemmBf16(p->a.data(), p->b.data(), p->c.data(), n); }, [=] { return p->error(); }, 1e-3});
#ifdef ANYWARP_BENCH_ONEDNN
  if (auto product = oneDnnGemm(p->a.data(), p->b.data(), p->c.data(), n))
    pairs.push_back({"gemmBf16", "mma.sync, oneDNN", kernel, product, [=] { return p->error(); }, 1e-3, true});
  else
    std::printf("oneDNN has no product of bf16 matrices for this CPU\n");
#endif
  return pairs;
}

}  // namespace bench
