// Random data, and how far results are apart. SPDX-License-Identifier: Apache-2.0
#include "kernels/data.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace bench {

namespace {

template <class T>
double largest(const T* wanted, const T* gotten, size_t n) {
  double worst = 0;
  for (size_t i = 0; i < n; ++i) {
    double want = double(wanted[i]), got = double(gotten[i]);
    double d = std::abs(want - got) / std::max(1.0, std::abs(want));
    if (!(d <= worst)) worst = std::isnan(d) ? 1e30 : d;
  }
  return worst;
}

}  // namespace

double largestError(const float* want, const float* got, size_t n) { return largest(want, got, n); }
double largestError(const int* want, const int* got, size_t n) { return largest(want, got, n); }
double largestError(const uint32_t* want, const uint32_t* got, size_t n) { return largest(want, got, n); }
double largestError(const uint8_t* want, const uint8_t* got, size_t n) { return largest(want, got, n); }

Shared<float> randomFloats(size_t n, float low, float high, unsigned seed) {
  auto d = data<float>(n);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(low, high);
  for (float& v : d->host) v = values(random);
  d->upload();
  return d;
}

Shared<int> randomInts(size_t n, unsigned below, unsigned seed) {
  auto d = data<int>(n);
  std::mt19937 random(seed);
  for (int& v : d->host) v = int(random() % below);
  d->upload();
  return d;
}

}  // namespace bench
