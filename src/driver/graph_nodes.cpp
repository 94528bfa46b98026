// Driver API: Graph Management, nodes of every type. SPDX-License-Identifier: Apache-2.0
#include "driver/graph_call.h"

using namespace anywarp;
using namespace anywarp::driver;

CUresult anywarp::driver::addNode(const char* name, CUgraphNode* out, CUgraph handle, const CUgraphNode* dependencies, const CUgraphEdgeData* data,
                                  size_t count, CUgraphNodeParams& params) {
  return withGraph(name, handle, [&](Graph& graph) -> CUresult {
    std::vector<GraphEdge> edges;
    if (!out || !findNodes(graph, dependencies, data, count, edges)) return CUDA_ERROR_INVALID_VALUE;
    Work work;
    if (CUresult result = makeWork(graph, params, nullptr, work); result != CUDA_SUCCESS) return result;
    GraphNode& node = graph.add(params.type, std::move(work));
    for (const GraphEdge& edge : edges) connect(*edge.node, node, edge.data);
    *out = node.handle;
    return CUDA_SUCCESS;
  });
}

CUresult anywarp::driver::setNode(const char* name, CUgraphNode handle, CUgraphNodeParams& params) {
  return withNode(name, handle, params.type, [&](GraphNode& node) -> CUresult {
    Work work;
    CUresult result = makeWork(*node.graph, params, &node.work, work);
    if (result == CUDA_SUCCESS) node.work = std::move(work);
    return result;
  });
}

namespace {

template <class Read>
CUresult getNode(const char* name, CUgraphNode handle, CUgraphNodeType type, const void* out, Read read) {
  return withNode(name, handle, type, [&](GraphNode& node) -> CUresult {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    CUgraphNodeParams params;
    CUresult result = readWork(node, params);
    if (result == CUDA_SUCCESS) read(params);
    return result;
  });
}

// Fills in the member of CUgraphNodeParams that `type` means.
CUgraphNodeParams kernelParams(const CUDA_KERNEL_NODE_PARAMS_v1& given) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_KERNEL);
  static_cast<CUDA_KERNEL_NODE_PARAMS_v1&>(params.kernel) = given;
  return params;
}
CUgraphNodeParams kernelParams(const CUDA_KERNEL_NODE_PARAMS& given) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_KERNEL);
  params.kernel = given;
  return params;
}
CUgraphNodeParams copyParams(const CUDA_MEMCPY3D& given, CUcontext context) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_MEMCPY);
  params.memcpy = {0, 0, context, given};
  return params;
}
CUgraphNodeParams fillParams(const CUDA_MEMSET_NODE_PARAMS_v1& given, CUcontext context) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_MEMSET);
  static_cast<CUDA_MEMSET_NODE_PARAMS_v1&>(params.memset) = given;
  params.memset.ctx = context;
  return params;
}
CUgraphNodeParams hostParams(const CUDA_HOST_NODE_PARAMS& given) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_HOST);
  params.host = given;
  return params;
}
CUgraphNodeParams childParams(CUgraph graph) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_GRAPH);
  params.graph = {graph, CU_GRAPH_CHILD_GRAPH_OWNERSHIP_CLONE};
  return params;
}
CUgraphNodeParams eventParams(CUgraphNodeType type, CUevent event) {
  CUgraphNodeParams params = emptyParams(type);
  params.eventWait = {event};
  return params;
}
CUgraphNodeParams operationParams(const CUDA_BATCH_MEM_OP_NODE_PARAMS& given) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_BATCH_MEM_OP);
  params.memOp = given;
  return params;
}

// Where a function got null for its parameters.
CUresult missing(const char* name) {
  return graphCall(name, [] { return CUDA_ERROR_INVALID_VALUE; });
}

}  // namespace

CUresult cuGraphAddNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, CUgraphNodeParams* params) {
  return params ? addNode(__func__, node, graph, dependencies, nullptr, count, *params) : missing(__func__);
}
CUresult cuGraphAddNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, const CUgraphEdgeData* data, size_t count,
                           CUgraphNodeParams* params) {
  return params ? addNode(__func__, node, graph, dependencies, data, count, *params) : missing(__func__);
}
CUresult cuGraphNodeSetParams(CUgraphNode node, CUgraphNodeParams* params) { return params ? setNode(__func__, node, *params) : missing(__func__); }

CUresult cuGraphAddKernelNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, const CUDA_KERNEL_NODE_PARAMS_v1* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = kernelParams(*given);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphAddKernelNode_v2(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, const CUDA_KERNEL_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = kernelParams(*given);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphKernelNodeGetParams(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v1* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_KERNEL, out, [&](const CUgraphNodeParams& params) {
    *out = params.kernel;
    if (!out->func) out->func = reinterpret_cast<CUfunction>(params.kernel.kern);  // which every function takes as well
  });
}
CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_KERNEL, out, [&](const CUgraphNodeParams& params) { *out = params.kernel; });
}
CUresult cuGraphKernelNodeSetParams(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = kernelParams(*given);
  return setNode(__func__, node, params);
}
CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = kernelParams(*given);
  return setNode(__func__, node, params);
}

CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode target, CUgraphNode source) {
  return withNode(__func__, target, CU_GRAPH_NODE_TYPE_KERNEL, [&](GraphNode& to) -> CUresult {
    std::shared_ptr<GraphNode> from = graphNodes().find(source);
    if (!from || from->type != CU_GRAPH_NODE_TYPE_KERNEL) return CUDA_ERROR_INVALID_VALUE;
    std::get<KernelWork>(to.work).attributes = std::get<KernelWork>(from->work).attributes;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphKernelNodeGetAttribute(CUgraphNode handle, CUlaunchAttributeID id, CUlaunchAttributeValue* value) {
  return withNode(__func__, handle, CU_GRAPH_NODE_TYPE_KERNEL, [&](GraphNode& node) -> CUresult {
    LaunchArguments ignored;
    CUlaunchAttribute known{};
    known.id = id;
    if (!value || (!readAttribute(known, ignored) && id != CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION)) return CUDA_ERROR_INVALID_VALUE;
    std::memset(value, 0, sizeof(*value));
    for (const CUlaunchAttribute& attribute : std::get<KernelWork>(node.work).attributes)
      if (attribute.id == id) *value = attribute.value;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle, CUlaunchAttributeID id, const CUlaunchAttributeValue* value) {
  return withNode(__func__, handle, CU_GRAPH_NODE_TYPE_KERNEL, [&](GraphNode& node) -> CUresult {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    LaunchArguments ignored;
    CUlaunchAttribute given{};
    given.id = id;
    given.value = *value;
    if (!readAttribute(given, ignored)) return CUDA_ERROR_INVALID_VALUE;
    auto& attributes = std::get<KernelWork>(node.work).attributes;
    std::erase_if(attributes, [&](const CUlaunchAttribute& a) { return a.id == id; });
    attributes.push_back(given);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphAddMemcpyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, const CUDA_MEMCPY3D* given,
                              CUcontext context) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = copyParams(*given, context);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_MEMCPY, out, [&](const CUgraphNodeParams& params) { *out = params.memcpy.copyParams; });
}
CUresult cuGraphMemcpyNodeSetParams(CUgraphNode node, const CUDA_MEMCPY3D* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = copyParams(*given, nullptr);
  return setNode(__func__, node, params);
}

CUresult cuGraphAddMemsetNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, const CUDA_MEMSET_NODE_PARAMS_v1* given,
                              CUcontext context) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = fillParams(*given, context);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS_v1* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_MEMSET, out, [&](const CUgraphNodeParams& params) { *out = params.memset; });
}
CUresult cuGraphMemsetNodeSetParams(CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS_v1* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = fillParams(*given, nullptr);
  return setNode(__func__, node, params);
}

CUresult cuGraphAddHostNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, const CUDA_HOST_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = hostParams(*given);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphHostNodeGetParams(CUgraphNode node, CUDA_HOST_NODE_PARAMS* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_HOST, out, [&](const CUgraphNodeParams& params) { *out = params.host; });
}
CUresult cuGraphHostNodeSetParams(CUgraphNode node, const CUDA_HOST_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = hostParams(*given);
  return setNode(__func__, node, params);
}

CUresult cuGraphAddChildGraphNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, CUgraph child) {
  CUgraphNodeParams params = childParams(child);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode node, CUgraph* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_GRAPH, out, [&](const CUgraphNodeParams& params) { *out = params.graph.graph; });
}

CUresult cuGraphAddEmptyNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_EMPTY);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}

// Records and waits have the same functions.
#define ANYWARP_EVENT_NODE(Name, type)                                                                                                        \
  CUresult cuGraphAdd##Name##Node(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, CUevent event) {            \
    CUgraphNodeParams params = eventParams(type, event);                                                                                      \
    return addNode(__func__, node, graph, dependencies, nullptr, count, params);                                                              \
  }                                                                                                                                           \
  CUresult cuGraph##Name##NodeGetEvent(CUgraphNode node, CUevent* out) {                                                                       \
    return getNode(__func__, node, type, out, [&](const CUgraphNodeParams& params) { *out = params.eventWait.event; });                        \
  }                                                                                                                                           \
  CUresult cuGraph##Name##NodeSetEvent(CUgraphNode node, CUevent event) {                                                                      \
    CUgraphNodeParams params = eventParams(type, event);                                                                                      \
    return setNode(__func__, node, params);                                                                                                    \
  }                                                                                                                                           \
  CUresult cuGraphExec##Name##NodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {                                                \
    CUgraphNodeParams params = eventParams(type, event);                                                                                      \
    return setExecNode(__func__, exec, node, params);                                                                                          \
  }
ANYWARP_EVENT_NODE(EventRecord, CU_GRAPH_NODE_TYPE_EVENT_RECORD)
ANYWARP_EVENT_NODE(EventWait, CU_GRAPH_NODE_TYPE_WAIT_EVENT)

CUresult cuGraphAddBatchMemOpNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count,
                                  const CUDA_BATCH_MEM_OP_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = operationParams(*given);
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode node, CUDA_BATCH_MEM_OP_NODE_PARAMS* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, out, [&](const CUgraphNodeParams& params) { *out = params.memOp; });
}
CUresult cuGraphBatchMemOpNodeSetParams(CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = operationParams(*given);
  return setNode(__func__, node, params);
}

CUresult cuGraphAddMemAllocNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, CUDA_MEM_ALLOC_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_MEM_ALLOC);
  params.alloc = *given;
  CUresult result = addNode(__func__, node, graph, dependencies, nullptr, count, params);
  if (result == CUDA_SUCCESS) given->dptr = params.alloc.dptr;
  return result;
}
CUresult cuGraphMemAllocNodeGetParams(CUgraphNode node, CUDA_MEM_ALLOC_NODE_PARAMS* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_MEM_ALLOC, out, [&](const CUgraphNodeParams& params) { *out = params.alloc; });
}
CUresult cuGraphAddMemFreeNode(CUgraphNode* node, CUgraph graph, const CUgraphNode* dependencies, size_t count, CUdeviceptr pointer) {
  CUgraphNodeParams params = emptyParams(CU_GRAPH_NODE_TYPE_MEM_FREE);
  params.free.dptr = pointer;
  return addNode(__func__, node, graph, dependencies, nullptr, count, params);
}
CUresult cuGraphMemFreeNodeGetParams(CUgraphNode node, CUdeviceptr* out) {
  return getNode(__func__, node, CU_GRAPH_NODE_TYPE_MEM_FREE, out, [&](const CUgraphNodeParams& params) { *out = params.free.dptr; });
}

// The same changes in an executable graph.
CUresult cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraphNodeParams* params) {
  return params ? setExecNode(__func__, exec, node, *params) : missing(__func__);
}
CUresult cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = kernelParams(*given);
  return setExecNode(__func__, exec, node, params);
}
CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = kernelParams(*given);
  return setExecNode(__func__, exec, node, params);
}
CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D* given, CUcontext context) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = copyParams(*given, context);
  return setExecNode(__func__, exec, node, params);
}
CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS_v1* given, CUcontext context) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = fillParams(*given, context);
  return setExecNode(__func__, exec, node, params);
}
CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = hostParams(*given);
  return setExecNode(__func__, exec, node, params);
}
CUresult cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraph child) {
  CUgraphNodeParams params = childParams(child);
  return setExecNode(__func__, exec, node, params);
}
CUresult cuGraphExecBatchMemOpNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_BATCH_MEM_OP_NODE_PARAMS* given) {
  if (!given) return missing(__func__);
  CUgraphNodeParams params = operationParams(*given);
  return setExecNode(__func__, exec, node, params);
}
