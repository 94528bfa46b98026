// Threads without a current context: streams, events, functions and memory bring theirs along. SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "graph_fixture.h"

namespace anywarp::test {
namespace {

class BareThread : public GraphTest {
 protected:
  void SetUp() override {
    GraphTest::SetUp();
    ASSERT_OK(cuEventCreate(&event, 0));
    ASSERT_OK(cuMemAllocHost_v2(&pinned, 4));
    ASSERT_OK(cuCtxSetCurrent(nullptr));
  }
  void TearDown() override {
    EXPECT_OK(cuCtxSetCurrent(context));
    GraphTest::TearDown();
  }
  CUevent event = nullptr;
  void* pinned = nullptr;
};

TEST_F(BareThread, WorkOnAStreamOfItsOwn) {
  CUmemPoolProps props = devicePoolProps();
  CUmemoryPool pool = nullptr;
  ASSERT_OK(cuMemPoolCreate(&pool, &props));
  CUdeviceptr a = 0, b = 0;
  ASSERT_OK(cuMemAllocAsync(&a, 64, stream));
  ASSERT_OK(cuMemAllocFromPoolAsync(&b, 64, pool, stream));
  EXPECT_OK(cuMemsetD32Async(a, 77, 16, stream));
  EXPECT_OK(cuMemcpyAsync(b, a, 64, stream));
  EXPECT_OK(cuMemcpyDtoHAsync_v2(pinned, b + 60, 4, stream));
  EXPECT_OK(cuEventRecord(event, stream));
  EXPECT_OK(cuEventSynchronize(event));
  EXPECT_OK(cuEventQuery(event));
  float milliseconds = -1;
  EXPECT_OK(cuEventElapsedTime(&milliseconds, event, event));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(*static_cast<int*>(pinned), 77);
  EXPECT_OK(cuMemFreeAsync(a, stream));
  EXPECT_OK(cuMemFreeAsync(b, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuMemPoolDestroy(pool));
}

TEST_F(BareThread, MemoryIsFreed) {
  EXPECT_OK(cuMemFree_v2(value));
  EXPECT_OK(cuMemFreeHost(pinned));
  EXPECT_NE(cuMemFree_v2(value), CUDA_SUCCESS);  // nothing is left there that could tell a context
}

TEST_F(BareThread, GraphsOfKernels) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1);
  add(graph, 2, {one});
  CUgraphExec exec = instantiate(graph);
  EXPECT_OK(cuGraphLaunch(exec, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuMemcpyDtoHAsync_v2(pinned, value, 4, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(*static_cast<int*>(pinned), 12);
}

TEST_F(BareThread, AFunctionsContextCountsAndNoOther) {
  CUgraph graph = create();
  CUgraphNode node = nullptr;
  uint32_t digit = 7;
  void* arguments[] = {&value, &digit};
  CUDA_KERNEL_NODE_PARAMS params{append, 1, 1, 1, 1, 1, 1, 0, arguments, nullptr, bogus<CUkernel>(), bogus<CUcontext>()};
  EXPECT_OK(cuGraphAddKernelNode_v2(&node, graph, nullptr, 0, &params));
  params.func = nullptr;
  EXPECT_NE(cuGraphAddKernelNode_v2(&node, graph, nullptr, 0, &params), CUDA_SUCCESS);
  EXPECT_OK(cuCtxSetCurrent(context));
  EXPECT_EQ(runOnce(graph), 7u);
}

TEST_F(BareThread, DefaultStreamsBelongToNobody) {
  CUdeviceptr a = 0;
  EXPECT_EQ(cuMemAllocAsync(&a, 64, nullptr), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuMemsetD32Async(value, 1, 1, nullptr), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(cuStreamSynchronize(CU_STREAM_PER_THREAD), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(BareThread, AContextThatIsGoneBringsNothing) {
  CUcontext other = nullptr;
  ASSERT_OK(cuCtxCreate_v2(&other, 0, 0));
  CUevent lost = nullptr;
  ASSERT_OK(cuEventCreate(&lost, 0));
  ASSERT_OK(cuCtxDestroy_v2(other));
  EXPECT_NE(cuEventQuery(lost), CUDA_SUCCESS);
  EXPECT_NE(cuEventQuery(bogus<CUevent>()), CUDA_SUCCESS);
}

TEST_F(BareThread, FunctionsInAStreamMayAskForEvents) {
  struct Seen {
    CUevent event;
    std::atomic<CUresult> query{CUDA_ERROR_UNKNOWN}, wait{CUDA_ERROR_UNKNOWN};
  } seen{event};
  EXPECT_OK(cuEventRecord(event, stream));
  EXPECT_OK(cuLaunchHostFunc(stream, [](void* user) {
    auto* s = static_cast<Seen*>(user);
    s->query = cuEventQuery(s->event);
    s->wait = cuEventSynchronize(s->event);
  }, &seen));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(seen.query);
  EXPECT_EQ(seen.wait, CUDA_ERROR_NOT_PERMITTED);
}

using StreamAttribute = GraphTest;

TEST_F(StreamAttribute, IsToldAsItWasSet) {
  CUstream other = nullptr;
  ASSERT_OK(cuStreamCreate(&other, 0));
  auto policy = [](CUstream of) {
    CUstreamAttrValue value{};
    EXPECT_OK(cuStreamGetAttribute(of, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &value));
    return value.syncPolicy;
  };
  EXPECT_EQ(policy(stream), CU_SYNC_POLICY_AUTO);
  CUstreamAttrValue yield{};
  yield.syncPolicy = CU_SYNC_POLICY_YIELD;
  EXPECT_OK(cuStreamSetAttribute(stream, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &yield));
  EXPECT_EQ(policy(stream), CU_SYNC_POLICY_YIELD);
  EXPECT_EQ(policy(other), CU_SYNC_POLICY_AUTO);
  EXPECT_OK(cuStreamCopyAttributes(other, stream));
  EXPECT_EQ(policy(other), CU_SYNC_POLICY_YIELD);
  EXPECT_OK(cuStreamCopyAttributes(other, other));
  EXPECT_OK(cuStreamSetAttribute(nullptr, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &yield));
  EXPECT_EQ(policy(CU_STREAM_LEGACY), CU_SYNC_POLICY_YIELD);
  EXPECT_EQ(policy(CU_STREAM_PER_THREAD), CU_SYNC_POLICY_AUTO);
  EXPECT_EQ(cuStreamCopyAttributes(stream, bogus<CUstream>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(cuStreamSetAttribute(stream, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, &yield));
  EXPECT_INVALID(cuStreamSetAttribute(stream, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, nullptr));
  CUstreamAttrValue window{};
  window.accessPolicyWindow.num_bytes = 4096;
  EXPECT_OK(cuStreamSetAttribute(stream, CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW, &window));
  CUstreamAttrValue back{};
  EXPECT_OK(cuStreamGetAttribute(stream, CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW, &back));
  EXPECT_EQ(back.accessPolicyWindow.num_bytes, 4096u);
}

}  // namespace
}  // namespace anywarp::test
