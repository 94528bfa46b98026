// The small times: launches, compilation, loading of large modules, memory while idle. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <string>

#include "bench.h"

namespace bench {
namespace {

double medianOf(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

double residentMegabytes() {
  FILE* f = std::fopen("/proc/self/statm", "r");
  long total = 0, resident = 0;
  if (f && std::fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
  if (f) std::fclose(f);
  return double(resident) * 4096 / 1e6;
}

void launches(CUmodule module) {
  CUfunction empty;
  CU(cuModuleGetFunction(&empty, module, "empty"));
  auto launch = [&] { CU(cuLaunchKernel(empty, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr)); };
  launch();
  CU(cuCtxSynchronize());
  std::vector<double> both, alone;
  for (int i = 0; i < 2000; ++i) {
    double a = now();
    launch();
    double b = now();
    CU(cuCtxSynchronize());
    double c = now();
    alone.push_back((b - a) * 1000);
    both.push_back((c - a) * 1000);
  }
  std::printf("empty launch + synchronise   %9.2f us (median of 2000)\n", medianOf(both));
  std::printf("launch alone                 %9.2f us\n", medianOf(alone));
}

// A chain of empty kernels as one graph, beside the same launches one by one.
void graphs(CUmodule module) {
  constexpr int length = 1000;
  CUfunction empty;
  CU(cuModuleGetFunction(&empty, module, "empty"));
  CUstream stream;
  CU(cuStreamCreate(&stream, 1));
  auto launchAll = [&] {
    for (int i = 0; i < length; ++i) CU(cuLaunchKernel(empty, 1, 1, 1, 32, 1, 1, 0, stream, nullptr, nullptr));
  };
  CUgraph graph;
  CUgraphExec exec;
  CU(cuStreamBeginCapture(stream, 0));
  launchAll();
  CU(cuStreamEndCapture(stream, &graph));
  double a = now();
  CU(cuGraphInstantiate(&exec, graph, 0));
  double b = now();
  std::vector<double> replayed, launched;
  for (int i = 0; i < 20; ++i) {
    double t = now();
    CU(cuGraphLaunch(exec, stream));
    CU(cuStreamSynchronize(stream));
    double u = now();
    launchAll();
    CU(cuStreamSynchronize(stream));
    replayed.push_back((u - t) * 1000 / length);
    launched.push_back((now() - u) * 1000 / length);
  }
  std::printf("graph replay, each node      %9.2f us (a chain of %d; one by one %.2f us; instantiation %.2f us)\n", medianOf(replayed), length,
              medianOf(launched), (b - a) * 1000 / length);
  CU(cuGraphExecDestroy(exec));
  CU(cuGraphDestroy(graph));
  CU(cuStreamDestroy(stream));
}

// Kernel i of a chain of fused multiply-adds and branches, `size` instructions long.
std::string syntheticKernel(int index, int size) {
  std::string s = ".visible .entry k" + std::to_string(index) + "(.param .u64 p, .param .u32 n) {\n  .reg .f32 %f<9>;\n  .reg .b32 %r<9>;\n"
                  "  .reg .b64 %rd<9>;\n  .reg .pred %p<9>;\n  ld.param.u64 %rd1, [p];\n  ld.param.u32 %r2, [n];\n  mov.u32 %r1, %tid.x;\n"
                  "  mul.wide.s32 %rd2, %r1, 4;\n  add.s64 %rd3, %rd1, %rd2;\n  ld.global.f32 %f1, [%rd3];\n  mov.f32 %f2, %f1;\n";
  for (int i = 0; i < size; ++i) {
    s += "  fma.rn.f32 %f" + std::to_string(1 + i % 8) + ", %f" + std::to_string(1 + (i + 3) % 8) + ", %f2, 0f3F" + (i % 2 ? "8" : "9") + "00000;\n";
    if (i % 40 == 39) s += "  setp.lt.f32 %p1, %f1, 0f00000000;\n  @%p1 bra L" + std::to_string(i) + ";\n  add.f32 %f2, %f2, %f1;\nL" + std::to_string(i) + ":\n";
  }
  return s + "  st.global.f32 [%rd3], %f2;\n  ret;\n}\n";
}

const char* header = ".version 7.0\n.target sm_70\n.address_size 64\n";

void compilation() {
  for (int size : {177, 1600, 12000}) {
    std::string ptx = header + syntheticKernel(0, size);
    CUmodule module;
    CUfunction f;
    CU(cuModuleLoadData(&module, ptx.c_str()));
    CU(cuModuleGetFunction(&f, module, "k0"));
    Buffer<float> buffer(32);
    int n = 1;
    void* arguments[] = {buffer.argument(), &n};
    double a = now();
    CU(cuLaunchKernel(f, 1, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr));
    CU(cuCtxSynchronize());
    std::printf("first launch, %5d PTX instructions %8.1f ms (ANYWARP_CACHE=0 for a compilation, else the cache may have it)\n", size, now() - a);
    CU(cuModuleUnload(module));
  }
}

void indexing() {
  std::string ptx = header;
  for (int i = 0; ptx.size() < 26'000'000; ++i) ptx += syntheticKernel(i, 1500);
  double a = now();
  CUmodule module;
  CU(cuModuleLoadData(&module, ptx.c_str()));
  std::printf("index a module of 26 MB      %9.1f ms\n", now() - a);
  CU(cuModuleUnload(module));
}

}  // namespace

void runMicro(CUmodule module) {
  launches(module);
  graphs(module);
  compilation();
  indexing();
  std::printf("resident memory of the process, buffers of the table freed  %.0f MB\n", residentMegabytes());
}

}  // namespace bench
