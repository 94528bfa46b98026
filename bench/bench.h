// What a benchmark is: a CUDA kernel, its OpenMP twin, and a comparison of their results. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "examples/common/driver.h"

namespace bench {

struct Pair {
  std::string name, kind;
  std::function<void()> kernel;  // launches and waits
  std::function<void()> twin;
  std::function<double()> error;  // largest relative difference of the results, after both ran
  double tolerance = 1e-4;
  bool library = false;  // the twin is a vendor's library: shown, but not part of the mean
};

// `scale` 1: full sizes; smaller for --quick. Buffers live as long as the list.
std::vector<Pair> kernelPairs(CUmodule module, double scale);

// Matrix products on tensor cores, with a module of their own.
std::vector<Pair> matrixPairs();

// Prints the small times: launches, compilation, loading, memory.
void runMicro(CUmodule module);

double now();  // milliseconds

}  // namespace bench
