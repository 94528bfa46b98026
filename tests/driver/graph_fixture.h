// What the tests of graphs and capture share: kernels that show in which order they ran. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda_graph.h"
#include "driver_fixture.h"

namespace anywarp::test {

inline constexpr const char* graphPtx = R"(
.version 7.8
.target sm_80
.address_size 64

// *value = *value * 10 + digit: the digits tell the order.
.visible .entry append(.param .u64 value, .param .u32 digit)
{
  .reg .b32 %r<5>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [value];
  ld.param.u32 %r1, [digit];
  ld.global.u32 %r2, [%rd1];
  mad.lo.u32 %r3, %r2, 10, %r1;
  st.global.u32 [%rd1], %r3;
  ret;
}

// Adds one to *value and stores whether it is below `limit` to what `handle` stands for.
.visible .entry count(.param .u64 value, .param .u32 limit, .param .u64 handle)
{
  .reg .pred %p<2>;
  .reg .b32 %r<5>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [value];
  ld.param.u32 %r1, [limit];
  ld.param.u64 %rd2, [handle];
  ld.global.u32 %r2, [%rd1];
  add.u32 %r2, %r2, 1;
  st.global.u32 [%rd1], %r2;
  setp.lt.u32 %p1, %r2, %r1;
  selp.u32 %r3, 1, 0, %p1;
  st.global.u32 [%rd2], %r3;
  ret;
}
)";

class GraphTest : public Driver {
 protected:
  void SetUp() override {
    Driver::SetUp();
    ASSERT_OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CUmodule module = load(graphPtx);
    append = function(module, "append");
    count = function(module, "count");
    value = allocate(4);
    clear();
  }

  void clear() { EXPECT_OK(cuMemsetD32_v2(value, 0, 1)); }
  uint32_t read() { return download<uint32_t>(value, 1)[0]; }

  // A kernel node that appends `digit`, after `dependencies`.
  CUgraphNode add(CUgraph graph, uint32_t digit, std::vector<CUgraphNode> dependencies = {}) {
    CUgraphNode node = nullptr;
    void* arguments[] = {&value, &digit};
    CUDA_KERNEL_NODE_PARAMS_v1 params{append, 1, 1, 1, 1, 1, 1, 0, arguments, nullptr};
    EXPECT_OK(cuGraphAddKernelNode(&node, graph, dependencies.data(), dependencies.size(), &params));
    return node;
  }
  void launchAppend(CUstream where, uint32_t digit) {
    void* arguments[] = {&value, &digit};
    EXPECT_OK(cuLaunchKernel(append, 1, 1, 1, 1, 1, 1, 0, where, arguments, nullptr));
  }
  CUgraph create() {
    CUgraph graph = nullptr;
    EXPECT_OK(cuGraphCreate(&graph, 0));
    return graph;
  }
  CUgraphExec instantiate(CUgraph graph, unsigned long long flags = 0) {
    CUgraphExec exec = nullptr;
    EXPECT_OK(cuGraphInstantiateWithFlags(&exec, graph, flags));
    return exec;
  }
  uint32_t run(CUgraphExec exec) {
    clear();
    EXPECT_OK(cuGraphLaunch(exec, stream));
    EXPECT_OK(cuStreamSynchronize(stream));
    return read();
  }
  // Instantiates, runs once, throws the executable graph away.
  uint32_t runOnce(CUgraph graph) {
    CUgraphExec exec = instantiate(graph);
    uint32_t result = run(exec);
    EXPECT_OK(cuGraphExecDestroy(exec));
    return result;
  }

  CUstream stream = nullptr;
  CUfunction append = nullptr, count = nullptr;
  CUdeviceptr value = 0;
};

}  // namespace anywarp::test
