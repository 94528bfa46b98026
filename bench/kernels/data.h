// What the pairs are made of: launches, and data that is on both sides. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "bench.h"

namespace bench {

double largestError(const float* want, const float* got, size_t n);
double largestError(const int* want, const int* got, size_t n);
double largestError(const uint32_t* want, const uint32_t* got, size_t n);
double largestError(const uint8_t* want, const uint8_t* got, size_t n);

struct Launch {
  CUfunction function = nullptr;
  unsigned gx = 1, gy = 1, bx = 256, by = 1;
  bool wait = true;

  template <class... Args>
  void operator()(Args... args) const {
    void* pointers[] = {&args...};
    CU(cuLaunchKernel(function, gx, gy, 1, bx, by, 1, 0, nullptr, pointers, nullptr));
    if (wait) CU(cuCtxSynchronize());
  }
};

// The same data on both sides, and both results.
template <class T>
struct Data {
  std::vector<T> host, result;
  std::shared_ptr<Buffer<T>> device;

  explicit Data(size_t n) : host(n), result(n), device(std::make_shared<Buffer<T>>(n)) {}
  CUdeviceptr address() const { return device->address(); }
  void upload() { device->upload(host.data()); }
  // Largest difference between the device's values and the host's, relative to the larger of 1 and the value.
  double error() {
    device->download(result.data());
    return largestError(host.data(), result.data(), host.size());
  }
};

template <class T>
using Shared = std::shared_ptr<Data<T>>;
template <class T>
Shared<T> data(size_t n) {
  return std::make_shared<Data<T>>(n);
}

Shared<float> randomFloats(size_t n, float low, float high, unsigned seed);
Shared<int> randomInts(size_t n, unsigned below, unsigned seed);

inline unsigned blocks(int n, int size) { return unsigned((n + size - 1) / size); }

}  // namespace bench
