// What the machine can do at most: memory traffic and fused multiply-adds with all cores. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "bench.h"

namespace bench {
namespace {

// A triad over more than the caches hold, counted as programs count: two arrays read, one written.
double bandwidth() {
  size_t n = size_t(32) << 20;
  std::unique_ptr<float[]> a(new float[n]), b(new float[n]), c(new float[n]);
  float *x = a.get(), *y = b.get(), *z = c.get();
#pragma omp parallel for
  for (size_t i = 0; i < n; ++i) x[i] = y[i] = 1, z[i] = 0;
  double best = 1e30;
  for (int round = 0; round < 6; ++round) {
    double start = now();
#pragma omp parallel for simd
    for (size_t i = 0; i < n; ++i) z[i] = x[i] + 3.0f * y[i];
    best = std::min(best, now() - start);
  }
  return 12.0 * double(n) / best;
}

#if defined(__AVX512F__)
constexpr int vectorBytes = 64;
#else
constexpr int vectorBytes = 32;
#endif
using Vector = float __attribute__((vector_size(vectorBytes)));

// Chains enough to hide the latency of any fused multiply-add unit; each a variable, so that it stays in a register.
#define EACH_CHAIN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

double arithmetic() {
  constexpr int chains = 10, steps = 3'000'000;
  double best = 1e30;
  int threads = 1;
  for (int round = 0; round < 5; ++round) {
    double start = now();
    threads = 0;
#pragma omp parallel reduction(+ : threads)
    {
      threads += 1;
      Vector factor, term;
      for (int i = 0; i < int(sizeof(Vector) / 4); ++i) factor[i] = 0.999f, term[i] = 0.5f;
#define START(c) Vector v##c = factor * float(c);
      EACH_CHAIN(START)
      for (int s = 0; s < steps; ++s) {
#define STEP(c) v##c = v##c * factor + term;
        EACH_CHAIN(STEP)
        asm volatile("" : "+x"(factor), "+x"(term));
      }
      Vector sum{};
#define END(c) sum += v##c;
      EACH_CHAIN(END)
      asm volatile("" ::"x"(sum));
    }
    best = std::min(best, now() - start);
  }
  return 2.0 * chains * steps * double(sizeof(Vector) / 4) * threads / best;
}

}  // namespace

Limits measureLimits() { return {bandwidth(), arithmetic()}; }

}  // namespace bench
