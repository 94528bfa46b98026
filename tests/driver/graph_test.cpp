// Driver API: Graph Management, graphs that are built node by node. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include "graph_fixture.h"

namespace anywarp::test {
namespace {

TEST_F(GraphTest, NodesRunInTheOrderOfTheirDependencies) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1), three = add(graph, 3), two = add(graph, 2, {one});
  EXPECT_OK(cuGraphAddDependencies(graph, &two, &three, 1));
  CUgraphExec exec = instantiate(graph);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(run(exec), 123u);
  EXPECT_OK(cuGraphExecDestroy(exec));
  EXPECT_OK(cuGraphDestroy(graph));
}

TEST_F(GraphTest, LaunchesFollowEachOtherWithoutWaiting) {
  CUgraph graph = create();
  add(graph, 1);
  CUgraphExec exec = instantiate(graph);
  clear();
  for (int i = 0; i < 6; ++i) EXPECT_OK(cuGraphLaunch(exec, i % 2 ? stream : CU_STREAM_PER_THREAD));
  EXPECT_OK(cuCtxSynchronize());
  EXPECT_EQ(read(), 111111u);
}

TEST_F(GraphTest, ManyBranchesJoin) {
  CUgraph graph = create();
  std::vector<CUgraphNode> leaves;
  std::vector<CUdeviceptr> cells;
  CUgraphNode root = nullptr;
  EXPECT_OK(cuGraphAddEmptyNode(&root, graph, nullptr, 0));
  for (int i = 0; i < 40; ++i) {
    cells.push_back(allocate(4));
    EXPECT_OK(cuMemsetD32_v2(cells.back(), 0, 1));
    CUDA_MEMSET_NODE_PARAMS_v1 params{cells.back(), 0, 7, 4, 1, 1};
    CUgraphNode node = nullptr;
    EXPECT_OK(cuGraphAddMemsetNode(&node, graph, &root, 1, &params, context));
    leaves.push_back(node);
  }
  CUgraphNode last = add(graph, 5, leaves);
  size_t dependencies = 0;
  EXPECT_OK(cuGraphNodeGetDependencies(last, nullptr, &dependencies));
  EXPECT_EQ(dependencies, 40u);
  EXPECT_EQ(runOnce(graph), 5u);
  for (CUdeviceptr cell : cells) EXPECT_EQ(download<uint32_t>(cell, 1)[0], 7u);
}

TEST_F(GraphTest, CopiesFillsAndHostFunctions) {
  struct State {
    uint32_t source[4] = {1, 2, 3, 4}, target[4] = {};
    std::atomic<int> calls{0};
  } state;
  CUdeviceptr device = allocate(16);
  CUgraph graph = create();
  CUDA_MEMCPY3D in{};
  in.srcMemoryType = CU_MEMORYTYPE_HOST;
  in.srcHost = state.source;
  in.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  in.dstDevice = device;
  in.WidthInBytes = 16;
  in.Height = in.Depth = 1;
  CUDA_MEMCPY3D out{};
  out.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  out.srcDevice = device;
  out.dstMemoryType = CU_MEMORYTYPE_HOST;
  out.dstHost = state.target;
  out.WidthInBytes = 16;
  out.Height = out.Depth = 1;
  CUDA_MEMSET_NODE_PARAMS_v1 fill{device + 4, 0, 9, 4, 2, 1};
  CUDA_HOST_NODE_PARAMS host{[](void* data) { ++static_cast<State*>(data)->calls; }, &state};
  CUgraphNode a, b, c, d;
  ASSERT_OK(cuGraphAddMemcpyNode(&a, graph, nullptr, 0, &in, context));
  ASSERT_OK(cuGraphAddMemsetNode(&b, graph, &a, 1, &fill, context));
  ASSERT_OK(cuGraphAddMemcpyNode(&c, graph, &b, 1, &out, context));
  ASSERT_OK(cuGraphAddHostNode(&d, graph, &c, 1, &host));
  CUgraphExec exec = instantiate(graph);
  run(exec);
  EXPECT_EQ(state.calls, 1);
  EXPECT_EQ(state.target[0], 1u);
  EXPECT_EQ(state.target[1], 9u);
  EXPECT_EQ(state.target[3], 4u);
  CUDA_MEMCPY3D known{};
  EXPECT_OK(cuGraphMemcpyNodeGetParams(a, &known));
  EXPECT_EQ(std::memcmp(&known, &in, sizeof(in)), 0);
  fill.value = 8;
  EXPECT_OK(cuGraphExecMemsetNodeSetParams(exec, b, &fill, context));
  run(exec);
  EXPECT_EQ(state.target[2], 8u);
  EXPECT_OK(cuGraphNodeSetEnabled(exec, b, 0));
  unsigned enabled = 1;
  EXPECT_OK(cuGraphNodeGetEnabled(exec, b, &enabled));
  EXPECT_EQ(enabled, 0u);
  run(exec);
  EXPECT_EQ(state.target[2], 3u);
  EXPECT_INVALID(cuGraphNodeSetEnabled(exec, d, 0));
}

TEST_F(GraphTest, ChildGraphsAreCopies) {
  CUgraph child = create(), graph = create();
  CUgraphNode two = add(child, 2);
  add(child, 3, {two});
  CUgraphNode one = add(graph, 1), inside = nullptr;
  ASSERT_OK(cuGraphAddChildGraphNode(&inside, graph, &one, 1, child));
  add(graph, 4, {inside});
  add(child, 9);
  EXPECT_EQ(runOnce(graph), 1234u);
  CUgraph embedded = nullptr;
  EXPECT_OK(cuGraphChildGraphNodeGetGraph(inside, &embedded));
  size_t nodes = 0;
  EXPECT_OK(cuGraphGetNodes(embedded, nullptr, &nodes));
  EXPECT_EQ(nodes, 2u);
  EXPECT_INVALID(cuGraphDestroy(embedded));
  EXPECT_INVALID(cuGraphAddChildGraphNode(&inside, graph, nullptr, 0, graph));
}

TEST_F(GraphTest, ClonesKeepTheirOwnNodes) {
  CUgraph graph = create(), clone = nullptr;
  CUgraphNode one = add(graph, 1), two = add(graph, 2, {one}), found = nullptr;
  ASSERT_OK(cuGraphClone(&clone, graph));
  ASSERT_OK(cuGraphNodeFindInClone(&found, two, clone));
  EXPECT_NE(found, two);
  EXPECT_INVALID(cuGraphNodeFindInClone(&found, two, graph));
  EXPECT_OK(cuGraphDestroyNode(found));
  EXPECT_EQ(runOnce(clone), 1u);
  EXPECT_EQ(runOnce(graph), 12u);
}

TEST_F(GraphTest, ExecutableGraphsChange) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1), two = add(graph, 2, {one});
  CUgraphExec exec = instantiate(graph);
  uint32_t digit = 7;
  void* arguments[] = {&value, &digit};
  CUDA_KERNEL_NODE_PARAMS_v1 params{append, 1, 1, 1, 1, 1, 1, 0, arguments, nullptr};
  EXPECT_OK(cuGraphExecKernelNodeSetParams(exec, two, &params));
  EXPECT_EQ(run(exec), 17u);
  EXPECT_EQ(runOnce(graph), 12u);
  CUDA_KERNEL_NODE_PARAMS_v1 known{};
  EXPECT_OK(cuGraphKernelNodeGetParams(two, &known));
  EXPECT_EQ(known.func, append);
  EXPECT_EQ(*static_cast<uint32_t*>(known.kernelParams[1]), 2u);

  CUgraph other = create();
  CUgraphNode five = add(other, 5);
  CUgraphExecUpdateResultInfo info{};
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, other, &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  add(other, 6, {five});
  EXPECT_OK(cuGraphExecUpdate_v2(exec, other, &info));
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
  EXPECT_EQ(run(exec), 56u);
  EXPECT_INVALID(cuGraphExecKernelNodeSetParams(exec, five, &params));  // of another graph
}

TEST_F(GraphTest, AGridMayBeEmptyUntilItsSizeIsSet) {
  CUgraph graph = create();
  uint32_t digit = 7;
  void* arguments[] = {&value, &digit};
  CUDA_KERNEL_NODE_PARAMS_v1 params{append, 0, 1, 1, 1, 1, 1, 0, arguments, nullptr};
  CUgraphNode node = nullptr;
  ASSERT_OK(cuGraphAddKernelNode(&node, graph, nullptr, 0, &params));
  add(graph, 2, {node});
  CUgraphExec exec = instantiate(graph);
  EXPECT_EQ(run(exec), 2u);
  params.gridDimX = 1;
  EXPECT_OK(cuGraphExecKernelNodeSetParams(exec, node, &params));
  EXPECT_EQ(run(exec), 72u);
  params.blockDimY = 0;
  EXPECT_INVALID(cuGraphExecKernelNodeSetParams(exec, node, &params));
  EXPECT_INVALID(cuLaunchKernel(append, 0, 1, 1, 1, 1, 1, 0, stream, arguments, nullptr));
}

TEST_F(GraphTest, ChangesLeaveSubmittedRunsAlone) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1);
  CUgraphExec exec = instantiate(graph);
  std::atomic<bool> go{false};
  clear();
  EXPECT_OK(cuLaunchHostFunc(stream, [](void* data) { while (!*static_cast<std::atomic<bool>*>(data)) std::this_thread::yield(); }, &go));
  EXPECT_OK(cuGraphLaunch(exec, stream));
  uint32_t digit = 2;
  void* arguments[] = {&value, &digit};
  CUDA_KERNEL_NODE_PARAMS_v1 params{append, 1, 1, 1, 1, 1, 1, 0, arguments, nullptr};
  EXPECT_OK(cuGraphExecKernelNodeSetParams(exec, one, &params));
  EXPECT_OK(cuGraphLaunch(exec, stream));
  go = true;
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(read(), 12u);
}

TEST_F(GraphTest, EventNodes) {
  CUevent start = nullptr, end = nullptr;
  ASSERT_OK(cuEventCreate(&start, 0));
  ASSERT_OK(cuEventCreate(&end, 0));
  CUgraph graph = create();
  CUgraphNode a, b, c;
  ASSERT_OK(cuGraphAddEventRecordNode(&a, graph, nullptr, 0, start));
  b = add(graph, 4, {a});
  ASSERT_OK(cuGraphAddEventRecordNode(&c, graph, &b, 1, end));
  CUgraphExec exec = instantiate(graph);
  clear();
  EXPECT_OK(cuGraphLaunch(exec, stream));
  EXPECT_OK(cuEventSynchronize(end));
  EXPECT_EQ(read(), 4u);
  float milliseconds = -1;
  EXPECT_OK(cuEventElapsedTime(&milliseconds, start, end));
  EXPECT_GE(milliseconds, 0.0f);
  CUevent known = nullptr;
  EXPECT_OK(cuGraphEventRecordNodeGetEvent(c, &known));
  EXPECT_EQ(known, end);
  EXPECT_INVALID(cuGraphEventWaitNodeGetEvent(c, &known));

  // A wait for what another stream records.
  CUgraph waiting = create();
  CUgraphNode wait = nullptr;
  ASSERT_OK(cuGraphAddEventWaitNode(&wait, waiting, nullptr, 0, start));
  add(waiting, 9, {wait});
  CUgraphExec second = instantiate(waiting);
  CUstream other = nullptr;
  ASSERT_OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
  std::atomic<bool> go{false};
  clear();
  EXPECT_OK(cuLaunchHostFunc(other, [](void* data) { while (!*static_cast<std::atomic<bool>*>(data)) std::this_thread::yield(); }, &go));
  EXPECT_OK(cuEventRecord(start, other));
  EXPECT_OK(cuGraphLaunch(second, stream));
  EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
  go = true;
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(read(), 9u);
}

TEST_F(GraphTest, AllocationNodesKeepTheirAddress) {
  CUgraph graph = create();
  CUDA_MEM_ALLOC_NODE_PARAMS params{};
  params.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  params.poolProps.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  params.bytesize = 1024;
  CUgraphNode allocation, fill, release;
  CUDA_MEM_ALLOC_NODE_PARAMS managed = params;
  managed.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_MANAGED;
  CUgraph other = create();
  ASSERT_OK(cuGraphAddMemAllocNode(&allocation, other, nullptr, 0, &managed));
  unsigned isManaged = 0;
  EXPECT_OK(cuPointerGetAttribute(&isManaged, CU_POINTER_ATTRIBUTE_IS_MANAGED, managed.dptr));
  EXPECT_EQ(isManaged, 1u);
  EXPECT_OK(cuGraphDestroy(other));
  ASSERT_OK(cuGraphAddMemAllocNode(&allocation, graph, nullptr, 0, &params));
  ASSERT_NE(params.dptr, 0u);
  CUDA_MEMSET_NODE_PARAMS_v1 memset{params.dptr, 0, 3, 4, 256, 1};
  ASSERT_OK(cuGraphAddMemsetNode(&fill, graph, &allocation, 1, &memset, context));
  CUgraphExec leaking = instantiate(graph);
  EXPECT_OK(cuGraphLaunch(leaking, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(download<uint32_t>(params.dptr, 256)[255], 3u);
  uint64_t used = 0;
  EXPECT_OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(used, 1024u);
  EXPECT_INVALID(cuGraphLaunch(leaking, stream));  // its memory has not been freed
  EXPECT_OK(cuMemFreeAsync(params.dptr, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_OK(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(used, 0u);
  EXPECT_OK(cuGraphLaunch(leaking, stream));
  EXPECT_OK(cuMemFree_v2(params.dptr));
  EXPECT_INVALID(cuMemFree_v2(params.dptr));

  ASSERT_OK(cuGraphAddMemFreeNode(&release, graph, &fill, 1, params.dptr));
  CUgraphExec balanced = instantiate(graph);
  for (int i = 0; i < 3; ++i) EXPECT_OK(cuGraphLaunch(balanced, stream));
  EXPECT_INVALID(cuGraphAddMemFreeNode(&release, graph, nullptr, 0, value));
  EXPECT_OK(cuStreamSynchronize(stream));
}

TEST_F(GraphTest, ConditionalNodes) {
  CUgraph graph = create();
  CUgraphConditionalHandle handle = 0;
  ASSERT_OK(cuGraphConditionalHandleCreate(&handle, graph, context, 1, CU_GRAPH_COND_ASSIGN_DEFAULT));
  CUgraphNodeParams params;
  std::memset(&params, 0, sizeof(params));
  params.type = CU_GRAPH_NODE_TYPE_CONDITIONAL;
  params.conditional.handle = handle;
  params.conditional.type = CU_GRAPH_COND_TYPE_WHILE;
  params.conditional.size = 1;
  params.conditional.ctx = context;
  CUgraphNode loop = nullptr;
  ASSERT_OK(cuGraphAddNode(&loop, graph, nullptr, 0, &params));
  CUgraph body = params.conditional.phGraph_out[0];
  uint32_t limit = 1000;
  void* arguments[] = {&value, &limit, &handle};
  CUDA_KERNEL_NODE_PARAMS_v1 kernel{count, 1, 1, 1, 1, 1, 1, 0, arguments, nullptr};
  CUgraphNode inner = nullptr;
  ASSERT_OK(cuGraphAddKernelNode(&inner, body, nullptr, 0, &kernel));
  CUgraphExec exec = instantiate(graph);
  EXPECT_EQ(run(exec), 1000u);
  EXPECT_EQ(run(exec), 1000u);

  for (uint32_t start : {0u, 1u, 2u, 5u}) {
    CUgraph choice = create();
    ASSERT_OK(cuGraphConditionalHandleCreate(&handle, choice, context, start, CU_GRAPH_COND_ASSIGN_DEFAULT));
    params.conditional.handle = handle;
    params.conditional.type = CU_GRAPH_COND_TYPE_SWITCH;
    params.conditional.size = 3;
    ASSERT_OK(cuGraphAddNode(&loop, choice, nullptr, 0, &params));
    for (uint32_t i = 0; i < 3; ++i) add(params.conditional.phGraph_out[i], i + 1);
    EXPECT_EQ(runOnce(choice), start < 3 ? start + 1 : 0);
    EXPECT_INVALID(cuGraphAddNode(&loop, choice, nullptr, 0, &params));  // the handle is taken
  }
}

TEST_F(GraphTest, MemoryOperations) {
  CUdeviceptr flag = allocate(8);
  EXPECT_OK(cuMemsetD32_v2(flag, 0, 2));
  CUgraph graph = create();
  CUstreamBatchMemOpParams operations[2];
  std::memset(operations, 0, sizeof(operations));
  operations[0].value = {CU_STREAM_MEM_OP_WAIT_VALUE_32, flag, 5, CU_STREAM_WAIT_VALUE_EQ, 0};
  operations[1].value = {CU_STREAM_MEM_OP_WRITE_VALUE_32, flag + 4, 6, 0, 0};
  CUDA_BATCH_MEM_OP_NODE_PARAMS params{context, 2, operations, 0};
  CUgraphNode node = nullptr;
  ASSERT_OK(cuGraphAddBatchMemOpNode(&node, graph, nullptr, 0, &params));
  add(graph, 1, {node});
  CUgraphExec exec = instantiate(graph);
  clear();
  EXPECT_OK(cuGraphLaunch(exec, stream));
  EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
  CUstream other = nullptr;
  ASSERT_OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
  EXPECT_OK(cuStreamWriteValue32(other, flag, 5, 0));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(read(), 1u);
  EXPECT_EQ(download<uint32_t>(flag, 2)[1], 6u);
}

TEST_F(GraphTest, StreamMemoryOperations) {
  CUdeviceptr flag = allocate(16);
  EXPECT_OK(cuMemsetD32_v2(flag, 0, 4));
  CUstream other = nullptr;
  ASSERT_OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
  EXPECT_OK(cuStreamWaitValue64(stream, flag, 1ull << 40, CU_STREAM_WAIT_VALUE_GEQ));
  EXPECT_OK(cuStreamWriteValue64(stream, flag + 8, 77, 0));
  EXPECT_EQ(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
  EXPECT_OK(cuStreamWriteValue64(other, flag, (1ull << 40) + 1, 0));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(download<uint64_t>(flag, 2)[1], 77u);
  EXPECT_INVALID(cuStreamWriteValue32(stream, flag + 1, 0, 0));
  EXPECT_INVALID(cuStreamWriteValue32(stream, 0, 0, 0));
  EXPECT_INVALID(cuStreamWaitValue32(stream, flag, 0, 64));
  EXPECT_EQ(cuStreamWriteValue32(bogus<CUstream>(), flag, 0, 0), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_INVALID(cuStreamBatchMemOp(stream, 1, nullptr, 0));
}

TEST_F(GraphTest, UserObjectsLiveAsLongAsGraphs) {
  static std::atomic<int> destroyed;
  destroyed = 0;
  CUuserObject object = nullptr;
  ASSERT_OK(cuUserObjectCreate(&object, nullptr, [](void*) { ++destroyed; }, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
  CUgraph graph = create();
  add(graph, 1);
  EXPECT_OK(cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
  EXPECT_INVALID(cuUserObjectRelease(object, 1));  // the program has none left
  CUgraphExec exec = instantiate(graph);
  EXPECT_OK(cuGraphDestroy(graph));
  EXPECT_EQ(destroyed, 0);
  EXPECT_OK(cuGraphExecDestroy(exec));
  EXPECT_EQ(destroyed, 1);
  EXPECT_INVALID(cuUserObjectCreate(&object, nullptr, nullptr, 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
}

TEST_F(GraphTest, ListsTellTheirLength) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1), two = add(graph, 2, {one}), three = add(graph, 3, {one, two});
  CUgraphNode nodes[5];
  size_t length = 5;
  EXPECT_OK(cuGraphGetNodes(graph, nodes, &length));
  EXPECT_EQ(length, 3u);
  EXPECT_EQ(nodes[2], three);
  EXPECT_EQ(nodes[3], nullptr);
  length = 5;
  EXPECT_OK(cuGraphGetRootNodes(graph, nodes, &length));
  EXPECT_EQ(length, 1u);
  CUgraphNode from[5], to[5];
  length = 2;
  EXPECT_OK(cuGraphGetEdges(graph, from, to, &length));
  EXPECT_EQ(length, 2u);
  EXPECT_OK(cuGraphGetEdges(graph, nullptr, nullptr, &length));
  EXPECT_EQ(length, 3u);
  EXPECT_OK(cuGraphRemoveDependencies(graph, &one, &three, 1));
  EXPECT_INVALID(cuGraphRemoveDependencies(graph, &one, &three, 1));
  EXPECT_OK(cuGraphNodeGetDependentNodes(one, nullptr, &length));
  EXPECT_EQ(length, 1u);
  CUgraphNodeType type;
  EXPECT_OK(cuGraphNodeGetType(one, &type));
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_KERNEL);
}

TEST_F(GraphTest, DotFilesNameTheKernels) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1);
  add(graph, 2, {one});
  std::string path = testing::TempDir() + "anywarp_graph.dot";
  ASSERT_OK(cuGraphDebugDotPrint(graph, path.c_str(), CU_GRAPH_DEBUG_DOT_FLAGS_VERBOSE));
  std::ifstream file(path);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_NE(text.find("append"), std::string::npos);
  EXPECT_NE(text.find("->"), std::string::npos);
  std::remove(path.c_str());
  EXPECT_EQ(cuGraphDebugDotPrint(graph, "/nowhere/at/all", 0), CUDA_ERROR_OPERATING_SYSTEM);
}

TEST_F(GraphTest, CyclesAreFoundAtInstantiation) {
  CUgraph graph = create();
  CUgraphNode one = add(graph, 1), two = add(graph, 2, {one});
  EXPECT_OK(cuGraphAddDependencies(graph, &two, &one, 1));
  CUgraphExec exec = nullptr;
  EXPECT_INVALID(cuGraphInstantiateWithFlags(&exec, graph, 0));
}

TEST_F(GraphTest, WrongHandlesAndParametersAreErrors) {
  CUgraph graph = create(), gone = create();
  CUgraphNode node = add(graph, 1), foreign = add(gone, 1), out = nullptr;
  CUgraphExec exec = nullptr;
  EXPECT_INVALID(cuGraphCreate(nullptr, 0));
  EXPECT_INVALID(cuGraphCreate(&graph, 1));
  EXPECT_INVALID(cuGraphDestroy(nullptr));
  EXPECT_INVALID(cuGraphDestroy(bogus<CUgraph>()));
  EXPECT_INVALID(cuGraphAddEmptyNode(&out, graph, &foreign, 1));
  CUgraphNode twice[] = {node, node};
  EXPECT_INVALID(cuGraphAddEmptyNode(&out, graph, twice, 2));
  EXPECT_INVALID(cuGraphAddEmptyNode(nullptr, graph, nullptr, 0));
  EXPECT_INVALID(cuGraphAddKernelNode(&out, graph, nullptr, 0, nullptr));
  EXPECT_INVALID(cuGraphAddDependencies(graph, &node, &foreign, 1));
  EXPECT_INVALID(cuGraphInstantiateWithFlags(nullptr, graph, 0));
  EXPECT_INVALID(cuGraphInstantiateWithFlags(&exec, graph, 1024));
  EXPECT_INVALID(cuGraphLaunch(nullptr, stream));
  EXPECT_OK(cuGraphDestroy(gone));
  EXPECT_INVALID(cuGraphDestroy(gone));
  CUgraphNodeType type;
  EXPECT_INVALID(cuGraphNodeGetType(foreign, &type));
  EXPECT_INVALID(cuGraphInstantiateWithFlags(&exec, gone, 0));
  exec = instantiate(graph);
  EXPECT_EQ(cuGraphLaunch(exec, bogus<CUstream>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuGraphExecDestroy(exec));
  EXPECT_INVALID(cuGraphExecDestroy(exec));
  EXPECT_INVALID(cuGraphLaunch(exec, stream));
  CUDA_HOST_NODE_PARAMS host{nullptr, nullptr};
  EXPECT_INVALID(cuGraphAddHostNode(&out, graph, nullptr, 0, &host));
  CUDA_MEMSET_NODE_PARAMS_v1 wild{0x1000, 0, 0, 4, 1, 1};
  EXPECT_INVALID(cuGraphAddMemsetNode(&out, graph, nullptr, 0, &wild, context));
  uint32_t digit = 0;
  void* arguments[] = {&value, &digit};
  CUDA_KERNEL_NODE_PARAMS_v1 huge{append, 1, 1, 1, 2048, 1, 1, 0, arguments, nullptr};
  EXPECT_INVALID(cuGraphAddKernelNode(&out, graph, nullptr, 0, &huge));
}

TEST_F(GraphTest, ManyThreadsHaveTheirOwn) {
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      cuCtxSetCurrent(context);
      CUstream own = nullptr;
      cuStreamCreate(&own, CU_STREAM_NON_BLOCKING);
      CUdeviceptr cell = 0;
      cuMemAlloc_v2(&cell, 4);
      for (int round = 0; round < 20; ++round) {
        CUgraph graph = nullptr;
        CUgraphExec exec = nullptr;
        CUgraphNode node = nullptr;
        cuGraphCreate(&graph, 0);
        CUDA_MEMSET_NODE_PARAMS_v1 fill{cell, 0, static_cast<unsigned>(round), 4, 1, 1};
        cuGraphAddMemsetNode(&node, graph, nullptr, 0, &fill, context);
        cuGraphInstantiateWithFlags(&exec, graph, 0);
        cuGraphLaunch(exec, own);
        uint32_t seen = 99;
        cuMemcpyDtoHAsync_v2(&seen, cell, 4, own);
        cuStreamSynchronize(own);
        if (seen != static_cast<uint32_t>(round)) ++failures;
        if (cuGraphExecDestroy(exec) != CUDA_SUCCESS || cuGraphDestroy(graph) != CUDA_SUCCESS) ++failures;
      }
      cuMemFree_v2(cell);
      cuStreamDestroy_v2(own);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace anywarp::test
