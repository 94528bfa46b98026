// Driver API: Graph Management, executable graphs. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/graph_call.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr uint64_t instantiateFlags = CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH | CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
                                CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH | CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;

CUresult make(const char* name, CUgraphExec* handle, CUgraph graphHandle, uint64_t flags, CUgraphNode* failed) {
  return withGraph(name, graphHandle, [&](Graph& graph) -> CUresult {
    if (!handle || flags & ~instantiateFlags || isCapturing(graph)) return CUDA_ERROR_INVALID_VALUE;
    if (flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH) return CUDA_ERROR_NOT_SUPPORTED;  // launches from kernels
    std::shared_ptr<GraphExec> exec;
    CUresult result = instantiate(graph, flags, exec, failed);
    if (result == CUDA_SUCCESS) *handle = graphExecs().add(exec);
    return result;
  });
}

CUresult makeLogged(const char* name, CUgraphExec* handle, CUgraph graph, CUgraphNode* failed, char* log, size_t bytes) {
  if (log && bytes) log[0] = 0;
  CUgraphNode node = nullptr;
  CUresult result = make(name, handle, graph, 0, &node);
  if (failed) *failed = node;
  return result;
}

bool sameFunctionContext(const Work& a, const Work& b) {
  auto *x = std::get_if<KernelWork>(&a), *y = std::get_if<KernelWork>(&b);
  return !x || x->context == y->context;
}

size_t indexOf(const Graph& graph, const GraphNode* node) {
  auto found = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const auto& n) { return n.get() == node; });
  return static_cast<size_t>(found - graph.nodes.begin());
}

bool sameDependencies(const Graph& a, const GraphNode& x, const Graph& b, const GraphNode& y) {
  if (x.dependencies.size() != y.dependencies.size()) return false;
  std::vector<size_t> left, right;
  for (const GraphEdge& edge : x.dependencies) left.push_back(indexOf(a, edge.node));
  for (const GraphEdge& edge : y.dependencies) right.push_back(indexOf(b, edge.node));
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

// What keeps an executable graph from becoming like another, if anything: nodes are paired in the order of their making.
CUgraphExecUpdateResultInfo difference(const Graph& own, const Graph& wanted);

CUgraphExecUpdateResultInfo difference(const Graph& own, const Graph& wanted, size_t i) {
  const GraphNode &a = *own.nodes[i], &b = *wanted.nodes[i];
  if (a.type != b.type) return {CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED, b.handle, nullptr};
  if (!sameDependencies(own, a, wanted, b)) return {CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, b.handle, nullptr};
  if (!sameFunctionContext(a.work, b.work)) return {CU_GRAPH_EXEC_UPDATE_ERROR_UNSUPPORTED_FUNCTION_CHANGE, b.handle, nullptr};
  if (auto* child = std::get_if<ChildWork>(&a.work)) return difference(*child->child->graph, *std::get<ChildWork>(b.work).child->graph);
  if (auto* allocation = std::get_if<AllocationWork>(&a.work))
    if (allocation->params.bytesize != std::get<AllocationWork>(b.work).params.bytesize)
      return {CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED, b.handle, nullptr};
  if (auto* conditional = std::get_if<ConditionalWork>(&a.work)) {
    auto& other = std::get<ConditionalWork>(b.work);
    if (conditional->bodies.size() != other.bodies.size() || conditional->params.type != other.params.type)
      return {CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED, b.handle, nullptr};
    for (size_t k = 0; k < other.bodies.size(); ++k)
      if (CUgraphExecUpdateResultInfo info = difference(*conditional->bodies[k]->graph, *other.bodies[k]->graph); info.result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
        return info;
  }
  return {CU_GRAPH_EXEC_UPDATE_SUCCESS, nullptr, nullptr};
}

CUgraphExecUpdateResultInfo difference(const Graph& own, const Graph& wanted) {
  if (own.nodes.size() != wanted.nodes.size()) return {CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, nullptr, nullptr};
  for (size_t i = 0; i < own.nodes.size(); ++i)
    if (CUgraphExecUpdateResultInfo info = difference(own, wanted, i); info.result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return info;
  return {CU_GRAPH_EXEC_UPDATE_SUCCESS, nullptr, nullptr};
}

// `wanted` is a copy that nobody else has: its work is moved over.
void takeOver(Graph& own, Graph& wanted) {
  for (size_t i = 0; i < own.nodes.size(); ++i) {
    Work &a = own.nodes[i]->work, &b = wanted.nodes[i]->work;
    if (auto* child = std::get_if<ChildWork>(&a)) {
      takeOver(*child->child->graph, *std::get<ChildWork>(b).child->graph);
    } else if (auto* conditional = std::get_if<ConditionalWork>(&a)) {
      auto& other = std::get<ConditionalWork>(b);
      for (size_t k = 0; k < other.bodies.size(); ++k) takeOver(*conditional->bodies[k]->graph, *other.bodies[k]->graph);
      conditional->handle = other.handle;
    } else {
      a = std::move(b);
    }
  }
}

CUresult update(GraphExec& exec, Graph& graph, CUgraphExecUpdateResultInfo& info) {
  info = difference(*exec.graph, graph);
  if (info.result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  std::shared_ptr<Graph> copy = cloneGraph(graph);
  takeOver(*exec.graph, *copy);
  exec.graph->conditionals = copy->conditionals;
  exec.graph->userObjects = copy->userObjects;
  CUresult result = exec.build(nullptr);
  if (result != CUDA_SUCCESS) info.result = CU_GRAPH_EXEC_UPDATE_ERROR;
  return result;
}

CUresult updateExec(const char* name, CUgraphExec handle, CUgraph graphHandle, CUgraphExecUpdateResultInfo& info) {
  return withGraph(name, graphHandle, [&](Graph& graph) -> CUresult {
    std::shared_ptr<GraphExec> exec = graphExecs().find(handle);
    if (!exec) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(exec->mutex);
    return update(*exec, graph, info);
  });
}

CUresult setExecChild(GraphExec& exec, GraphNode& node, CUgraph child) {
  std::shared_ptr<Graph> graph = graphs().find(child);
  if (!graph) return CUDA_ERROR_INVALID_VALUE;
  Graph& own = *std::get<ChildWork>(node.work).child->graph;
  if (difference(own, *graph).result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  std::shared_ptr<Graph> copy = cloneGraph(*graph);
  takeOver(own, *copy);
  return exec.build(nullptr);
}

bool canBeDisabled(const GraphNode& node) {
  return node.type == CU_GRAPH_NODE_TYPE_KERNEL || node.type == CU_GRAPH_NODE_TYPE_MEMCPY || node.type == CU_GRAPH_NODE_TYPE_MEMSET;
}

CUresult launchExec(const char* name, CUgraphExec handle, CUstream streamHandle) {
  return callInContext(name, streamHandle, [&](Current& current) -> CUresult {
    std::shared_ptr<GraphExec> exec = graphExecs().find(handle);
    if (!exec) return CUDA_ERROR_INVALID_VALUE;
    StreamRef stream = enterStream(current, streamHandle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!stream.capture) return exec->launch(current, stream);
    if (stream.implicit) return refuseCapture(stream);
    std::lock_guard lock(graphMutex());
    return captureWork(stream, CU_GRAPH_NODE_TYPE_GRAPH, ChildWork{std::make_shared<EmbeddedGraph>(cloneGraph(*exec->graph))});
  });
}

}  // namespace

CUresult anywarp::driver::setExecNode(const char* name, CUgraphExec execHandle, CUgraphNode nodeHandle, CUgraphNodeParams& params) {
  return withExecNode(name, execHandle, nodeHandle, [&](GraphExec& exec, GraphNode& node) -> CUresult {
    if (node.type != params.type) return CUDA_ERROR_INVALID_VALUE;
    if (params.type == CU_GRAPH_NODE_TYPE_GRAPH) return setExecChild(exec, node, params.graph.graph);
    Work work;
    if (CUresult result = makeWork(*exec.graph, params, &node.work, work); result != CUDA_SUCCESS) return result;
    if (!sameFunctionContext(node.work, work)) return CUDA_ERROR_INVALID_VALUE;
    node.work = std::move(work);
    return exec.refresh(node);
  });
}

CUresult cuGraphInstantiate(CUgraphExec* exec, CUgraph graph, CUgraphNode* failed, char* log, size_t bytes) {
  return makeLogged(__func__, exec, graph, failed, log, bytes);
}
CUresult cuGraphInstantiate_v2(CUgraphExec* exec, CUgraph graph, CUgraphNode* failed, char* log, size_t bytes) {
  return makeLogged(__func__, exec, graph, failed, log, bytes);
}
CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long flags) { return make(__func__, exec, graph, flags, nullptr); }

CUresult cuGraphInstantiateWithParams(CUgraphExec* exec, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS* params) {
  if (!params) return graphCall(__func__, [] { return CUDA_ERROR_INVALID_VALUE; });
  params->hErrNode_out = nullptr;
  CUresult result = make(__func__, exec, graph, params->flags, &params->hErrNode_out);
  params->result_out = result == CUDA_SUCCESS               ? CUDA_GRAPH_INSTANTIATE_SUCCESS
                       : result == CUDA_ERROR_NOT_SUPPORTED ? CUDA_GRAPH_INSTANTIATE_NODE_OPERATION_NOT_SUPPORTED
                       : params->hErrNode_out               ? CUDA_GRAPH_INSTANTIATE_ERROR
                                                            : CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE;
  return result;
}

CUresult cuGraphExecGetFlags(CUgraphExec handle, uint64_t* flags) {
  return graphCall(__func__, [&]() -> CUresult {
    std::shared_ptr<GraphExec> exec = graphExecs().find(handle);
    if (!exec || !flags) return CUDA_ERROR_INVALID_VALUE;
    *flags = exec->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  std::shared_ptr<GraphExec> exec;  // waits for its runs, without the mutex
  return call(__func__, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    exec = graphExecs().take(handle);
    return exec ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphUpload(CUgraphExec handle, CUstream streamHandle) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!graphExecs().find(handle)) return CUDA_ERROR_INVALID_VALUE;
    StreamRef stream = enterStream(current, streamHandle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    return stream.capture ? refuseCapture(stream) : CUDA_SUCCESS;  // everything was prepared by its instantiation
  });
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream stream) { return launchExec(__func__, exec, stream); }

CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode* failed, CUgraphExecUpdateResult* outcome) {
  CUgraphExecUpdateResultInfo info{CU_GRAPH_EXEC_UPDATE_ERROR, nullptr, nullptr};
  CUresult result = updateExec(__func__, exec, graph, info);
  if (failed) *failed = info.errorNode;
  if (outcome) *outcome = info.result;
  return result;
}

CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* outcome) {
  CUgraphExecUpdateResultInfo info{CU_GRAPH_EXEC_UPDATE_ERROR, nullptr, nullptr};
  CUresult result = updateExec(__func__, exec, graph, info);
  if (outcome) *outcome = info;
  return result;
}

CUresult cuGraphNodeSetEnabled(CUgraphExec execHandle, CUgraphNode handle, unsigned enabled) {
  return withExecNode(__func__, execHandle, handle, [&](GraphExec& exec, GraphNode& node) -> CUresult {
    if (!canBeDisabled(node)) return CUDA_ERROR_INVALID_VALUE;
    exec.disabled[&node] = !enabled;
    if (!exec.turns->done->reached(exec.turns->submitted)) return exec.build(nullptr);
    GraphExec::Place place = exec.places[&node];
    place.program->task(place.task).enabled = enabled;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetEnabled(CUgraphExec execHandle, CUgraphNode handle, unsigned* enabled) {
  return withExecNode(__func__, execHandle, handle, [&](GraphExec& exec, GraphNode& node) -> CUresult {
    if (!enabled || !canBeDisabled(node)) return CUDA_ERROR_INVALID_VALUE;
    auto found = exec.disabled.find(&node);
    *enabled = found == exec.disabled.end() || !found->second;
    return CUDA_SUCCESS;
  });
}
