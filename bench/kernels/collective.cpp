// Reductions, scans and sorts: loops for the CPU beside the kernels. SPDX-License-Identifier: Apache-2.0
#include <omp.h>

#include <algorithm>

#include "collective_ptx.h"
#include "kernels/data.h"
#include "kernels/opencl.h"

namespace bench {
namespace {

uint32_t sum(const int* __restrict in, int n) {
  uint32_t total = 0;
#pragma omp parallel for simd reduction(+ : total)
  for (int i = 0; i < n; ++i) total += uint32_t(in[i]);
  return total;
}

// Each thread sums its part, then scans it from where the parts before it end.
void scan(const int* __restrict in, int* __restrict out, int n) {
  std::vector<int> starts(size_t(omp_get_max_threads()) + 1);
#pragma omp parallel
  {
    int threads = omp_get_num_threads(), me = omp_get_thread_num();
    int begin = int(int64_t(n) * me / threads), end = int(int64_t(n) * (me + 1) / threads), total = 0;
#pragma omp simd reduction(+ : total)
    for (int i = begin; i < end; ++i) total += in[i];
    starts[size_t(me) + 1] = total;
#pragma omp barrier
#pragma omp single
    for (int t = 1; t < threads; ++t) starts[size_t(t) + 1] += starts[size_t(t)];
    int at = starts[size_t(me)];
#pragma omp simd reduction(inscan, + : at)
    for (int i = begin; i < end; ++i) {
      at += in[i];
#pragma omp scan inclusive(at)
      out[i] = at;
    }
  }
}

void sortRuns(const uint32_t* __restrict in, uint32_t* __restrict out, int n) {
#pragma omp parallel for
  for (int r = 0; r < n; r += 1024) {
    std::copy(in + r, in + r + 1024, out + r);
    std::sort(out + r, out + r + 1024);
  }
}

void radixPass(const uint32_t* __restrict in, uint32_t* __restrict out, int n, int shift) {
  std::vector<uint32_t> counts(size_t(omp_get_max_threads()) * 256);
#pragma omp parallel
  {
    int threads = omp_get_num_threads(), me = omp_get_thread_num();
    int begin = int(int64_t(n) * me / threads), end = int(int64_t(n) * (me + 1) / threads);
    uint32_t next[256] = {};
    for (int i = begin; i < end; ++i) ++next[in[i] >> shift & 255];
    std::copy(next, next + 256, counts.data() + size_t(me) * 256);
#pragma omp barrier
#pragma omp single
    {
      uint32_t at = 0;
      for (int d = 0; d < 256; ++d)
        for (int t = 0; t < threads; ++t) {
          uint32_t c = counts[size_t(t) * 256 + d];
          counts[size_t(t) * 256 + d] = at;
          at += c;
        }
    }
    std::copy(counts.data() + size_t(me) * 256, counts.data() + size_t(me) * 256 + 256, next);
    for (int i = begin; i < end; ++i) out[next[in[i] >> shift & 255]++] = in[i];
  }
}

}  // namespace

std::vector<Pair> collectivePairs(bool small) {
  Module module(collectivePtx);
  std::vector<Pair> pairs;
  int n = small ? 1 << 20 : 1 << 24;
  {
    auto in = randomInts(n, 1000, 41);
    auto out = data<uint32_t>(1);
    out->upload();
    Launch k{module("reduceAtomic"), 256};
    pairs.push_back({"reduceAtomic", "reduction, atomics", [=] { k(in->address(), out->address(), n); },
                     [=] { out->host[0] += sum(in->host.data(), n); }, [=] { return out->error(); }, 0});
    pairs.back().work(4.0 * n, 0);
  }
  {
    auto in = randomInts(n, 100, 42), out = data<int>(n);
    auto state = data<uint64_t>(size_t(n) / 1024 + 1);
    Launch k{module("scanLookback"), unsigned(n / 1024)};
    pairs.push_back({"scanLookback", "scan of the device",
                     [=] {
                       CU(cuMemsetD8(state->address(), 0, state->host.size() * 8));
                       k(in->address(), out->address(), state->address(), state->address() + 8);
                     },
                     [=] { scan(in->host.data(), out->host.data(), n); }, [=] { return out->error(); }, 0});
    pairs.back().work(8.0 * n, 0);
  }
  {
    int m = n / 4;
    auto in = data<uint32_t>(m), out = data<uint32_t>(m);
    auto values = randomInts(m, 0x7fffffff, 43);
    std::copy(values->host.begin(), values->host.end(), in->host.begin());
    in->upload();
    Launch k{module("bitonicSort"), unsigned(m / 1024), 1, 512};
    pairs.push_back({"bitonicSort", "runs of 1024", [=] { k(in->address(), out->address()); },
                     [=] { sortRuns(in->host.data(), out->host.data(), m); }, [=] { return out->error(); }, 0});
    pairs.back().openCl = openCl("bitonicSort", k, in, out);
    pairs.back().work(8.0 * m, 0);
    auto sorted = data<uint32_t>(m);
    auto counts = data<uint32_t>(size_t(m) / 4096 * 256);
    Launch count{module("radixCount"), unsigned(m / 4096)}, starts{module("radixScan"), 1}, scatter{module("radixScatter"), unsigned(m / 4096)};
    count.wait = starts.wait = false;
    int shift = 8;
    pairs.push_back({"radixPass", "8 bits: 3 kernels",
                     [=] {
                       count(in->address(), counts->address(), shift);
                       starts(counts->address(), m / 4096 * 256);
                       scatter(in->address(), sorted->address(), counts->address(), shift);
                     },
                     [=] { radixPass(in->host.data(), sorted->host.data(), m, shift); }, [=] { return sorted->error(); }, 0});
    pairs.back().work(12.0 * m, 0);
  }
  return pairs;
}

}  // namespace bench
