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
  // What a run cannot avoid: bytes from and to memory that is not in caches, floating-point operations.
  double bytes = 0, operations = 0;
  std::function<void()> openCl;  // the same kernel there, where it is written down and a platform is installed

  void work(double bytesMoved, double operationsDone) { bytes = bytesMoved, operations = operationsDone; }
};

// Kernels by name; the module stays loaded.
class Module {
 public:
  explicit Module(const void* ptx) { CU(cuModuleLoadData(&module_, ptx)); }
  CUfunction operator()(const char* name) const {
    CUfunction function;
    CU(cuModuleGetFunction(&function, module_, name));
    return function;
  }

 private:
  CUmodule module_ = nullptr;
};

// The set, topic by topic; small: for --quick. Buffers live as long as the list.
std::vector<Pair> kernelPairs(bool small);
std::vector<Pair> densePairs(bool small);
std::vector<Pair> collectivePairs(bool small);
std::vector<Pair> sparsePairs(bool small);
std::vector<Pair> simulationPairs(bool small);
std::vector<Pair> textPairs(bool small);
std::vector<Pair> imagePairs(bool small);
std::vector<Pair> matrixPairs(bool small);

// What this machine can do with all cores.
struct Limits {
  double bytesPerMs = 0, operationsPerMs = 0;
};
Limits measureLimits();

struct Row {
  std::string name, kind;
  double kernel, twin, error;
  bool right, library;
  double limit;   // milliseconds below which no program for this machine can come; 0: unknown
  double openCl;  // 0: none
};
// Bars for each kernel beside its twin and the limit, as SVG.
void drawPicture(const std::string& file, const std::vector<Row>& rows);

// Prints the small times: launches, compilation, loading, memory.
void runMicro(CUmodule module);

double now();  // milliseconds

}  // namespace bench
