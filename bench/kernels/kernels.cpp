// Data, launches and comparisons of the benchmark pairs. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/data.h"
#include "kernels/opencl.h"
#include "kernels/twins.h"
#include "kernels_ptx.h"

namespace bench {

std::vector<Pair> kernelPairs(bool small) {
  Module function(kernelsPtx);
  double scale = small ? 0.1 : 1.0;
  std::vector<Pair> pairs;
  int n = int(16'777'216 * scale) / 256 * 256;
  int side = scale < 1 ? 1024 : 4096;
  {
    auto x = randomFloats(n, -1, 1, 1), y = randomFloats(n, -1, 1, 2);
    Launch k{function("saxpy"), blocks(n, 256)};
    // y grows alike on both sides: the same number of calls.
    pairs.push_back({"saxpy", "streaming", [=] { k(x->address(), y->address(), 0.5f, n); },
                     [=] { twin::saxpy(x->host.data(), y->host.data(), 0.5f, n); }, [=] { return y->error(); }});
    pairs.back().openCl = openCl("saxpy", k, x, y, 0.5f, n);
    pairs.back().work(12.0 * n, 2.0 * n);
  }
  {
    auto a = randomFloats(n, -1, 1, 1), b = randomFloats(n, -1, 1, 2), c = data<float>(n);
    Launch k{function("triad"), 256};
    pairs.push_back({"triad", "streaming, grid stride", [=] { k(a->address(), b->address(), c->address(), 3.0f, n); },
                     [=] { twin::triad(a->host.data(), b->host.data(), c->host.data(), 3.0f, n); }, [=] { return c->error(); }});
    pairs.back().openCl = openCl("triad", k, a, b, c, 3.0f, n);
    pairs.back().work(12.0 * n, 2.0 * n);
  }
  {
    auto in = randomFloats(size_t(side) * side, -1, 1, 3), out = randomFloats(size_t(side) * side, 0, 0, 3);
    Launch k{function("stencil2d"), blocks(side, 32), blocks(side, 8), 32, 8};
    pairs.push_back({"stencil2d", "stencil", [=] { k(in->address(), out->address(), side, side); },
                     [=] { twin::stencil2d(in->host.data(), out->host.data(), side, side); }, [=] { return out->error(); }});
    pairs.back().openCl = openCl("stencil2d", k, in, out, side, side);
    pairs.back().work(8.0 * side * side, 6.0 * side * side);
    Launch s{function("stencilShared"), blocks(side, 32), blocks(side, 16), 32, 16};
    auto out2 = data<float>(size_t(side) * side);
    pairs.push_back({"stencilShared", "stencil, shared memory", [=] { s(in->address(), out2->address(), side, side); },
                     [=] { twin::stencil2dClamped(in->host.data(), out2->host.data(), side, side); }, [=] { return out2->error(); }});
    pairs.back().openCl = openCl("stencilShared", s, in, out2, side, side);
    pairs.back().work(8.0 * side * side, 6.0 * side * side);
  }
  {
    int m = scale < 1 ? 96 : 256;
    auto in = randomFloats(size_t(m) * m * m, -1, 1, 4), out = randomFloats(size_t(m) * m * m, 0, 0, 4);
    Launch k{function("stencil3d"), blocks(m, 32), blocks(m, 8), 32, 8};
    pairs.push_back({"stencil3d", "stencil", [=] { k(in->address(), out->address(), m); },
                     [=] { twin::stencil3d(in->host.data(), out->host.data(), m); }, [=] { return out->error(); }});
    pairs.back().openCl = openCl("stencil3d", k, in, out, m);
    pairs.back().work(8.0 * m * m * m, 8.0 * m * m * m);
  }
  {
    auto in = randomFloats(size_t(side) * side, -1, 1, 5), out = data<float>(size_t(side) * side);
    Launch k{function("transpose"), unsigned(side / 32), unsigned(side / 32), 32, 8};
    pairs.push_back({"transpose", "shared tile", [=] { k(in->address(), out->address(), side); },
                     [=] { twin::transpose(in->host.data(), out->host.data(), side); }, [=] { return out->error(); }});
    pairs.back().openCl = openCl("transpose", k, in, out, side);
    pairs.back().work(8.0 * side * side, 0);
  }
  for (const char* name : {"reduceTree", "reduceShuffle"}) {
    auto in = randomFloats(n, 0, 1, 6);
    auto out = data<float>(256);
    auto sum = std::make_shared<float>(0.0f);
    Launch k{function(name), 256};
    pairs.push_back({name, name[6] == 'T' ? "reduction, tree" : "reduction, shuffles", [=] { k(in->address(), out->address(), n); },
                     [=] { *sum = twin::reduce(in->host.data(), n); },
                     [=] {
                       out->device->download(out->result.data());
                       double total = 0;
                       for (float v : out->result) total += v;
                       return std::abs(total - *sum) / total;
                     },
                     1e-3});
    pairs.back().work(4.0 * n, 1.0 * n);
  }
  {
    auto in = data<int>(n), out = data<int>(n);
    for (int i = 0; i < n; ++i) in->host[i] = i * 7 % 13;
    in->upload();
    Launch k{function("scanBlock"), unsigned(n / 256)};
    pairs.push_back({"scanBlock", "scan", [=] { k(in->address(), out->address()); },
                     [=] { twin::scanRuns(in->host.data(), out->host.data(), n); }, [=] { return out->error(); }, 0});
    pairs.back().openCl = openCl("scanBlock", k, in, out);
    pairs.back().work(8.0 * n, 0);
  }
  {
    auto in = data<uint8_t>(n);
    std::mt19937 random(8);
    for (auto& v : in->host) v = uint8_t(random() >> 8);
    in->upload();
    auto bins = data<uint32_t>(256);
    bins->upload();
    Launch k{function("histogram"), 256};
    pairs.push_back({"histogram", "shared atomics", [=] { k(in->address(), bins->address(), n); },
                     [=] { twin::histogram(in->host.data(), bins->host.data(), n); }, [=] { return bins->error(); }, 0});
    pairs.back().openCl = openCl("histogram", k, in, bins, n);
    pairs.back().work(1.0 * n, 0);
  }
  {
    int m = scale < 1 ? 256 : 1024;
    auto a = randomFloats(size_t(m) * m, -1, 1, 9), b = randomFloats(size_t(m) * m, -1, 1, 10), c = data<float>(size_t(m) * m);
    Launch t{function("gemmTiled"), unsigned(m / 16), unsigned(m / 16), 16, 16};
    pairs.push_back({"gemmTiled", "matrix product", [=] { t(a->address(), b->address(), c->address(), m); },
                     [=] { twin::gemm(a->host.data(), b->host.data(), c->host.data(), m); }, [=] { return c->error(); }});
    pairs.back().openCl = openCl("gemmTiled", t, a, b, c, m);
    pairs.back().work(12.0 * m * m, 2.0 * m * m * m);
    auto c2 = data<float>(size_t(m) * m);
    Launch r{function("gemmRegisters"), unsigned(m / 64), unsigned(m / 64), 16, 16};
    pairs.push_back({"gemmRegisters", "matrix product", [=] { r(a->address(), b->address(), c2->address(), m); },
                     [=] { twin::gemm(a->host.data(), b->host.data(), c2->host.data(), m); }, [=] { return c2->error(); }});
    pairs.back().openCl = openCl("gemmRegisters", r, a, b, c2, m);
    pairs.back().work(12.0 * m * m, 2.0 * m * m * m);
  }
  {
    int m = scale < 1 ? 2048 : 16384;
    auto p = randomFloats(size_t(m) * 4, 0, 1, 11), out = data<float>(size_t(m) * 4);
    Launch k{function("nbody"), unsigned(m / 256)};
    pairs.push_back({"nbody", "all pairs", [=] { k(p->address(), out->address(), m); },
                     [=] { twin::nbody(reinterpret_cast<twin::Float4*>(p->host.data()), reinterpret_cast<twin::Float4*>(out->host.data()), m); },
                     [=] { return out->error(); }, 1e-3});
    pairs.back().openCl = openCl("nbody", k, p, out, m);
    pairs.back().work(32.0 * m, 20.0 * m * m);
  }
  {
    int m = n / 4;
    auto s = randomFloats(m, 5, 30, 12), x = randomFloats(m, 1, 100, 13), t = randomFloats(m, 0.25f, 10, 14);
    auto callValue = data<float>(m), putValue = data<float>(m);
    Launch k{function("blackScholes"), blocks(m, 256)};
    pairs.push_back({"blackScholes", "transcendental", [=] { k(s->address(), x->address(), t->address(), callValue->address(), putValue->address(), m); },
                     [=] { twin::blackScholes(s->host.data(), x->host.data(), t->host.data(), callValue->host.data(), putValue->host.data(), m); },
                     [=] { return std::max(callValue->error(), putValue->error()); }, 1e-3});
    pairs.back().openCl = openCl("blackScholes", k, s, x, t, callValue, putValue, m);
    pairs.back().work(20.0 * m, 60.0 * m);
  }
  {
    int w = scale < 1 ? 256 : 1024;
    auto out = data<int>(size_t(w) * w);
    Launch k{function("mandelbrot"), blocks(w, 32), blocks(w, 8), 32, 8};
    pairs.push_back({"mandelbrot", "divergent loop", [=] { k(out->address(), w, w, 256); },
                     [=] { twin::mandelbrot(out->host.data(), w, w, 256); },
                     [=] {  // contraction differs: points on the border may
                       out->device->download(out->result.data());
                       size_t different = 0;
                       for (size_t i = 0; i < out->host.size(); ++i) different += out->host[i] != out->result[i];
                       return double(different) / double(out->host.size());
                     },
                     0.02});
    pairs.back().openCl = openCl("mandelbrot", k, out, w, w, 256);
  }
  {
    auto in = randomFloats(n, -1, 1, 15), out = data<float>(n);
    auto index = data<int>(n);
    std::mt19937 random(16);
    for (int& i : index->host) i = int(random() % unsigned(n));
    index->upload();
    Launch k{function("gather"), blocks(n, 256)};
    pairs.push_back({"gather", "indirect reads", [=] { k(in->address(), index->address(), out->address(), n); },
                     [=] { twin::gather(in->host.data(), index->host.data(), out->host.data(), n); }, [=] { return out->error(); }, 0});
    pairs.back().openCl = openCl("gather", k, in, index, out, n);
    pairs.back().work(12.0 * n, 0);
  }
  {
    int m = n / 32;
    auto rows = data<int>(m + 1);
    std::mt19937 random(17);
    for (int i = 0; i < m; ++i) rows->host[i + 1] = rows->host[i] + 8 + int(random() % 17);
    size_t count = size_t(rows->host[m]);
    auto columns = data<int>(count);
    for (int& c : columns->host) c = int(random() % unsigned(m));
    rows->upload();
    columns->upload();
    auto values = randomFloats(count, -1, 1, 18), x = randomFloats(m, -1, 1, 19), y = data<float>(m);
    Launch k{function("spmv"), blocks(m, 256)};
    pairs.push_back({"spmv", "sparse rows", [=] { k(rows->address(), columns->address(), values->address(), x->address(), y->address(), m); },
                     [=] { twin::spmv(rows->host.data(), columns->host.data(), values->host.data(), x->host.data(), y->host.data(), m); },
                     [=] { return y->error(); }});
    pairs.back().openCl = openCl("spmv", k, rows, columns, values, x, y, m);
    pairs.back().work(8.0 * double(count) + 12.0 * m, 2.0 * double(count));
  }
  {
    int m = n / 256;
    auto in = randomFloats(n, -4, 4, 20), out = data<float>(n);
    Launch k{function("softmax"), blocks(m, 8)};
    pairs.push_back({"softmax", "warp per row", [=] { k(in->address(), out->address(), m); },
                     [=] { twin::softmax(in->host.data(), out->host.data(), m); }, [=] { return out->error(); }, 1e-3});
    pairs.back().work(8.0 * n, 0);
  }
  return pairs;
}

}  // namespace bench
