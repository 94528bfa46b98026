// Driver API: Stream Management, capture. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstring>
#include <thread>

#include "graph_fixture.h"

namespace anywarp::test {
namespace {

class Capture : public GraphTest {
 protected:
  void SetUp() override {
    GraphTest::SetUp();
    ASSERT_OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
    ASSERT_OK(cuEventCreate(&fork, CU_EVENT_DISABLE_TIMING));
    ASSERT_OK(cuEventCreate(&join, CU_EVENT_DISABLE_TIMING));
  }
  void begin(CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL) { ASSERT_OK(cuStreamBeginCapture_v2(stream, mode)); }
  CUgraph end(CUresult expected = CUDA_SUCCESS) {
    CUgraph graph = bogus<CUgraph>();
    EXPECT_EQ(cuStreamEndCapture(stream, &graph), expected);
    EXPECT_EQ(graph != nullptr, expected == CUDA_SUCCESS);
    return graph;
  }
  CUstreamCaptureStatus status(CUstream of) {
    CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_INVALIDATED;
    EXPECT_OK(cuStreamIsCapturing(of, &status));
    return status;
  }
  CUstream other = nullptr;
  CUevent fork = nullptr, join = nullptr;
};

TEST_F(Capture, SubmittedWorkBecomesNodes) {
  static std::atomic<int> calls;
  calls = 0;
  uint32_t seen = 0;
  begin();
  EXPECT_EQ(status(stream), CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_EQ(status(other), CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_OK(cuMemsetD32Async(value, 0, 1, stream));
  launchAppend(stream, 4);
  launchAppend(stream, 2);
  EXPECT_OK(cuMemcpyDtoHAsync_v2(&seen, value, 4, stream));
  EXPECT_OK(cuLaunchHostFunc(stream, [](void*) { ++calls; }, nullptr));
  CUgraph graph = end();
  EXPECT_EQ(status(stream), CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_EQ(seen, 0u);  // nothing has run
  size_t nodes = 0, edges = 0;
  EXPECT_OK(cuGraphGetNodes(graph, nullptr, &nodes));
  EXPECT_OK(cuGraphGetEdges(graph, nullptr, nullptr, &edges));
  EXPECT_EQ(nodes, 5u);
  EXPECT_EQ(edges, 4u);
  CUgraphExec exec = instantiate(graph);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(run(exec), 42u);
    EXPECT_EQ(seen, 42u);
    EXPECT_EQ(calls, i);
  }
}

TEST_F(Capture, EventsForkAndJoin) {
  begin();
  launchAppend(stream, 1);
  EXPECT_OK(cuEventRecord(fork, stream));
  EXPECT_OK(cuStreamWaitEvent(other, fork, 0));
  EXPECT_EQ(status(other), CU_STREAM_CAPTURE_STATUS_ACTIVE);
  launchAppend(other, 2);
  EXPECT_OK(cuEventRecord(join, other));
  EXPECT_OK(cuStreamWaitEvent(stream, join, 0));
  launchAppend(stream, 3);
  EXPECT_EQ(runOnce(end()), 123u);
  EXPECT_EQ(status(other), CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_EQ(cuEventQuery(fork), CUDA_ERROR_CAPTURED_EVENT);
  EXPECT_OK(cuEventRecord(fork, stream));
  EXPECT_OK(cuEventSynchronize(fork));
}

TEST_F(Capture, UnjoinedForksAreErrors) {
  begin();
  EXPECT_OK(cuEventRecord(fork, stream));
  EXPECT_OK(cuStreamWaitEvent(other, fork, 0));
  launchAppend(other, 2);
  end(CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  EXPECT_EQ(status(stream), CU_STREAM_CAPTURE_STATUS_NONE);
}

TEST_F(Capture, WaitingSpoilsIt) {
  begin();
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(status(stream), CU_STREAM_CAPTURE_STATUS_INVALIDATED);
  EXPECT_EQ(cuMemsetD32Async(value, 0, 1, stream), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_OK(cuStreamSynchronize(stream));
}

TEST_F(Capture, ForeignWorkIsIsolated) {
  EXPECT_OK(cuEventRecord(fork, other));
  begin();
  EXPECT_EQ(cuStreamWaitEvent(stream, fork, 0), CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(Capture, TwoCapturesDoNotMerge) {
  begin();
  ASSERT_OK(cuStreamBeginCapture_v2(other, CU_STREAM_CAPTURE_MODE_GLOBAL));
  EXPECT_OK(cuEventRecord(fork, other));
  EXPECT_EQ(cuStreamWaitEvent(stream, fork, 0), CUDA_ERROR_STREAM_CAPTURE_MERGE);
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(other, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(Capture, UnsafeCallsDependOnTheMode) {
  CUdeviceptr memory = 0;
  begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_EQ(cuMemAlloc_v2(&memory, 64), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  begin(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  std::thread([&] {
    cuCtxSetCurrent(context);
    EXPECT_OK(cuMemAlloc_v2(&memory, 64));
  }).join();
  EXPECT_EQ(cuMemFree_v2(memory), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  begin(CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_OK(cuMemAlloc_v2(&memory, 64));
  end();
  begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
  EXPECT_OK(cuThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_OK(cuMemAlloc_v2(&memory, 64));
  EXPECT_OK(cuThreadExchangeStreamCaptureMode(&mode));
  end();
}

TEST_F(Capture, TheLegacyStreamWouldWait) {
  CUstream blocking = nullptr;
  ASSERT_OK(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
  ASSERT_OK(cuStreamBeginCapture_v2(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
  EXPECT_EQ(cuMemsetD32Async(value, 0, 1, nullptr), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(blocking, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(cuStreamBeginCapture_v2(nullptr, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
}

TEST_F(Capture, EndsWhereAndByWhomItBegan) {
  begin();
  EXPECT_OK(cuEventRecord(fork, stream));
  EXPECT_OK(cuStreamWaitEvent(other, fork, 0));
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(other, &graph), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  begin();
  std::thread([&] {
    cuCtxSetCurrent(context);
    CUgraph none = nullptr;
    EXPECT_EQ(cuStreamEndCapture(stream, &none), CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  }).join();
  end(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(cuStreamEndCapture(stream, &graph), CUDA_ERROR_ILLEGAL_STATE);
  begin();
  EXPECT_EQ(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_ILLEGAL_STATE);
  end();
}

TEST_F(Capture, MemoryIsAllocatedByTheGraph) {
  begin();
  CUdeviceptr memory = 0;
  EXPECT_OK(cuMemAllocAsync(&memory, 4, stream));
  EXPECT_OK(cuMemsetD32Async(memory, 8, 1, stream));
  EXPECT_OK(cuMemcpyDtoDAsync_v2(value, memory, 4, stream));
  EXPECT_OK(cuMemFreeAsync(memory, stream));
  EXPECT_EQ(runOnce(end()), 8u);
}

TEST_F(Capture, GraphsAndExistingGraphs) {
  CUgraph inner = create();
  add(inner, 5);
  CUgraphExec exec = instantiate(inner);
  CUgraph graph = create();
  CUgraphNode first = add(graph, 1);
  ASSERT_OK(cuStreamBeginCaptureToGraph(stream, graph, &first, nullptr, 1, CU_STREAM_CAPTURE_MODE_GLOBAL));
  EXPECT_OK(cuGraphLaunch(exec, stream));
  launchAppend(stream, 6);
  EXPECT_INVALID(cuGraphDestroy(graph));  // while it captures
  CUgraph same = nullptr;
  EXPECT_OK(cuStreamEndCapture(stream, &same));
  EXPECT_EQ(same, graph);
  EXPECT_EQ(runOnce(graph), 156u);
}

TEST_F(Capture, DependenciesCanBeReadAndSet) {
  begin();
  launchAppend(stream, 1);
  CUstreamCaptureStatus state;
  uint64_t id = 0;
  CUgraph graph = nullptr;
  const CUgraphNode* nodes = nullptr;
  size_t length = 0;
  ASSERT_OK(cuStreamGetCaptureInfo_v2(stream, &state, &id, &graph, &nodes, &length));
  EXPECT_EQ(state, CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_NE(id, 0u);
  ASSERT_EQ(length, 1u);
  CUgraphNode manual = add(graph, 2, {nodes[0]});
  ASSERT_OK(cuStreamUpdateCaptureDependencies(stream, &manual, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES));
  launchAppend(stream, 3);
  EXPECT_EQ(runOnce(end()), 123u);
}

TEST_F(Capture, DestroyedStreamsEndIt) {
  CUstream gone = nullptr;
  ASSERT_OK(cuStreamCreate(&gone, CU_STREAM_NON_BLOCKING));
  ASSERT_OK(cuStreamBeginCapture_v2(gone, CU_STREAM_CAPTURE_MODE_GLOBAL));
  EXPECT_OK(cuStreamDestroy_v2(gone));
  CUdeviceptr memory = 0;
  EXPECT_OK(cuMemAlloc_v2(&memory, 64));
}

TEST_F(Capture, StreamsThatJoinedMayGo) {
  CUstream side = nullptr;
  ASSERT_OK(cuStreamCreate(&side, CU_STREAM_NON_BLOCKING));
  begin();
  launchAppend(stream, 1);
  EXPECT_OK(cuEventRecord(fork, stream));
  EXPECT_OK(cuStreamWaitEvent(side, fork, 0));
  launchAppend(side, 2);
  EXPECT_OK(cuEventRecord(join, side));
  EXPECT_OK(cuStreamWaitEvent(stream, join, 0));
  EXPECT_OK(cuStreamDestroy_v2(side));
  EXPECT_EQ(runOnce(end()), 12u);
  ASSERT_OK(cuStreamCreate(&side, CU_STREAM_NON_BLOCKING));
  begin();
  EXPECT_OK(cuEventRecord(fork, stream));
  EXPECT_OK(cuStreamWaitEvent(side, fork, 0));
  launchAppend(side, 2);
  EXPECT_OK(cuStreamDestroy_v2(side));
  end(CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
}

TEST_F(Capture, ExternalEventsBecomeNodes) {
  begin();
  EXPECT_OK(cuEventRecordWithFlags(fork, stream, CU_EVENT_RECORD_EXTERNAL));
  EXPECT_OK(cuStreamWaitEvent(stream, join, CU_EVENT_WAIT_EXTERNAL));
  CUgraph graph = end();
  CUgraphNode nodes[2];
  size_t length = 2;
  ASSERT_OK(cuGraphGetNodes(graph, nodes, &length));
  ASSERT_EQ(length, 2u);
  CUgraphNodeType type;
  EXPECT_OK(cuGraphNodeGetType(nodes[0], &type));
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_EVENT_RECORD);
  EXPECT_OK(cuGraphNodeGetType(nodes[1], &type));
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_WAIT_EVENT);
}

}  // namespace
}  // namespace anywarp::test
