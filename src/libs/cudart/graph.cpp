// Graph Management: what the runtime passes on to the driver as it is. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"

namespace anywarp::cudart {

// A function that differs from the driver's in name only.
#define ANYWARP_FORWARD_AS(name, call, params, args) \
  ANYWARP_RUNTIME cudaError_t cuda##name params {    \
    return inContext([&] { return driver().call args; }); \
  }
#define ANYWARP_FORWARD(name, params, args) ANYWARP_FORWARD_AS(name, cu##name, params, args)
// ... and its twin, in which stream 0 is the thread's own. `twin` are the arguments with that.
#define ANYWARP_FORWARD_TWIN(name, call, params, args, twin) \
  ANYWARP_FORWARD_AS(name, call, params, args)               \
  ANYWARP_FORWARD_AS(name##_ptsz, call, params, twin)

using Node = CUgraphNode;
using Edges = const CUgraphEdgeData*;

ANYWARP_FORWARD(GraphCreate, (CUgraph * a, unsigned b), (a, b))
ANYWARP_FORWARD(GraphDestroy, (CUgraph a), (a))
ANYWARP_FORWARD(GraphClone, (CUgraph * a, CUgraph b), (a, b))
ANYWARP_FORWARD(GraphNodeFindInClone, (Node * a, Node b, CUgraph c), (a, b, c))
ANYWARP_FORWARD(GraphNodeGetType, (Node a, CUgraphNodeType* b), (a, b))
ANYWARP_FORWARD(GraphGetNodes, (CUgraph a, Node* b, size_t* c), (a, b, c))
ANYWARP_FORWARD(GraphGetRootNodes, (CUgraph a, Node* b, size_t* c), (a, b, c))
ANYWARP_FORWARD(GraphDestroyNode, (Node a), (a))
ANYWARP_FORWARD(GraphDebugDotPrint, (CUgraph a, const char* b, unsigned c), (a, b, c))
ANYWARP_FORWARD(GraphKernelNodeCopyAttributes, (Node a, Node b), (a, b))
ANYWARP_FORWARD(GraphKernelNodeGetAttribute, (Node a, CUlaunchAttributeID b, CUlaunchAttributeValue* c), (a, b, c))
ANYWARP_FORWARD(GraphKernelNodeSetAttribute, (Node a, CUlaunchAttributeID b, const CUlaunchAttributeValue* c), (a, b, c))

// Edges have had data since 12.3; in 13 the functions with it took over the plain names.
#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_FORWARD_AS(GraphGetEdges, cuGraphGetEdges_v2, (CUgraph a, Node* b, Node* c, CUgraphEdgeData* d, size_t* e), (a, b, c, d, e))
ANYWARP_FORWARD_AS(GraphNodeGetDependencies, cuGraphNodeGetDependencies_v2, (Node a, Node* b, CUgraphEdgeData* c, size_t* d), (a, b, c, d))
ANYWARP_FORWARD_AS(GraphNodeGetDependentNodes, cuGraphNodeGetDependentNodes_v2, (Node a, Node* b, CUgraphEdgeData* c, size_t* d), (a, b, c, d))
ANYWARP_FORWARD_AS(GraphAddDependencies, cuGraphAddDependencies_v2, (CUgraph a, const Node* b, const Node* c, Edges d, size_t e), (a, b, c, d, e))
ANYWARP_FORWARD_AS(GraphRemoveDependencies, cuGraphRemoveDependencies_v2, (CUgraph a, const Node* b, const Node* c, Edges d, size_t e), (a, b, c, d, e))
ANYWARP_FORWARD_TWIN(StreamUpdateCaptureDependencies, cuStreamUpdateCaptureDependencies_v2, (CUstream a, Node* b, Edges c, size_t d, unsigned e),
                     (a, b, c, d, e), (perThread(a), b, c, d, e))
#else
ANYWARP_FORWARD(GraphGetEdges, (CUgraph a, Node* b, Node* c, size_t* d), (a, b, c, d))
ANYWARP_FORWARD(GraphNodeGetDependencies, (Node a, Node* b, size_t* c), (a, b, c))
ANYWARP_FORWARD(GraphNodeGetDependentNodes, (Node a, Node* b, size_t* c), (a, b, c))
ANYWARP_FORWARD(GraphAddDependencies, (CUgraph a, const Node* b, const Node* c, size_t d), (a, b, c, d))
ANYWARP_FORWARD(GraphRemoveDependencies, (CUgraph a, const Node* b, const Node* c, size_t d), (a, b, c, d))
ANYWARP_FORWARD_TWIN(StreamUpdateCaptureDependencies, cuStreamUpdateCaptureDependencies, (CUstream a, Node* b, size_t c, unsigned d), (a, b, c, d),
                     (perThread(a), b, c, d))
#endif
#if ANYWARP_CUDART_MAJOR == 12
ANYWARP_FORWARD(GraphGetEdges_v2, (CUgraph a, Node* b, Node* c, CUgraphEdgeData* d, size_t* e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphNodeGetDependencies_v2, (Node a, Node* b, CUgraphEdgeData* c, size_t* d), (a, b, c, d))
ANYWARP_FORWARD(GraphNodeGetDependentNodes_v2, (Node a, Node* b, CUgraphEdgeData* c, size_t* d), (a, b, c, d))
ANYWARP_FORWARD(GraphAddDependencies_v2, (CUgraph a, const Node* b, const Node* c, Edges d, size_t e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphRemoveDependencies_v2, (CUgraph a, const Node* b, const Node* c, Edges d, size_t e), (a, b, c, d, e))
ANYWARP_FORWARD_TWIN(StreamUpdateCaptureDependencies_v2, cuStreamUpdateCaptureDependencies_v2, (CUstream a, Node* b, Edges c, size_t d, unsigned e),
                     (a, b, c, d, e), (perThread(a), b, c, d, e))
#endif

ANYWARP_FORWARD_TWIN(StreamBeginCapture, cuStreamBeginCapture_v2, (CUstream a, CUstreamCaptureMode b), (a, b), (perThread(a), b))
ANYWARP_FORWARD_TWIN(StreamEndCapture, cuStreamEndCapture, (CUstream a, CUgraph* b), (a, b), (perThread(a), b))
#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_FORWARD_TWIN(StreamBeginCaptureToGraph, cuStreamBeginCaptureToGraph,
                     (CUstream a, CUgraph b, const Node* c, Edges d, size_t e, CUstreamCaptureMode f), (a, b, c, d, e, f),
                     (perThread(a), b, c, d, e, f))
ANYWARP_RUNTIME cudaError_t cudaGraphConditionalHandleCreate(CUgraphConditionalHandle* handle, CUgraph graph, unsigned start, unsigned flags) {
  return inContext([&] { return driver().cuGraphConditionalHandleCreate(handle, graph, nullptr, start, flags); });
}
#endif

// Nodes whose parameters are the driver's.
ANYWARP_FORWARD(GraphAddHostNode, (Node * a, CUgraph b, const Node* c, size_t d, const CUDA_HOST_NODE_PARAMS* e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphHostNodeGetParams, (Node a, CUDA_HOST_NODE_PARAMS* b), (a, b))
ANYWARP_FORWARD(GraphHostNodeSetParams, (Node a, const CUDA_HOST_NODE_PARAMS* b), (a, b))
ANYWARP_FORWARD(GraphExecHostNodeSetParams, (CUgraphExec a, Node b, const CUDA_HOST_NODE_PARAMS* c), (a, b, c))
ANYWARP_FORWARD(GraphAddChildGraphNode, (Node * a, CUgraph b, const Node* c, size_t d, CUgraph e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphChildGraphNodeGetGraph, (Node a, CUgraph* b), (a, b))
ANYWARP_FORWARD(GraphExecChildGraphNodeSetParams, (CUgraphExec a, Node b, CUgraph c), (a, b, c))
ANYWARP_FORWARD(GraphAddEmptyNode, (Node * a, CUgraph b, const Node* c, size_t d), (a, b, c, d))
ANYWARP_FORWARD(GraphAddEventRecordNode, (Node * a, CUgraph b, const Node* c, size_t d, CUevent e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphEventRecordNodeGetEvent, (Node a, CUevent* b), (a, b))
ANYWARP_FORWARD(GraphEventRecordNodeSetEvent, (Node a, CUevent b), (a, b))
ANYWARP_FORWARD(GraphExecEventRecordNodeSetEvent, (CUgraphExec a, Node b, CUevent c), (a, b, c))
ANYWARP_FORWARD(GraphAddEventWaitNode, (Node * a, CUgraph b, const Node* c, size_t d, CUevent e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphEventWaitNodeGetEvent, (Node a, CUevent* b), (a, b))
ANYWARP_FORWARD(GraphEventWaitNodeSetEvent, (Node a, CUevent b), (a, b))
ANYWARP_FORWARD(GraphExecEventWaitNodeSetEvent, (CUgraphExec a, Node b, CUevent c), (a, b, c))
ANYWARP_FORWARD(GraphAddMemAllocNode, (Node * a, CUgraph b, const Node* c, size_t d, CUDA_MEM_ALLOC_NODE_PARAMS* e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphMemAllocNodeGetParams, (Node a, CUDA_MEM_ALLOC_NODE_PARAMS* b), (a, b))
ANYWARP_FORWARD(GraphAddMemFreeNode, (Node * a, CUgraph b, const Node* c, size_t d, void* e), (a, b, c, d, devicePtr(e)))
ANYWARP_FORWARD(GraphMemFreeNodeGetParams, (Node a, void* b), (a, static_cast<CUdeviceptr*>(b)))
ANYWARP_FORWARD_AS(GraphAddMemsetNode, cuGraphAddMemsetNode, (Node * a, CUgraph b, const Node* c, size_t d, const CUDA_MEMSET_NODE_PARAMS_v1* e),
                   (a, b, c, d, e, nullptr))
ANYWARP_FORWARD(GraphMemsetNodeGetParams, (Node a, CUDA_MEMSET_NODE_PARAMS_v1* b), (a, b))
ANYWARP_FORWARD(GraphMemsetNodeSetParams, (Node a, const CUDA_MEMSET_NODE_PARAMS_v1* b), (a, b))
ANYWARP_FORWARD(GraphExecMemsetNodeSetParams, (CUgraphExec a, Node b, const CUDA_MEMSET_NODE_PARAMS_v1* c), (a, b, c, nullptr))

// Executable graphs.
#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_FORWARD_AS(GraphInstantiate, cuGraphInstantiateWithFlags, (CUgraphExec * a, CUgraph b, unsigned long long c), (a, b, c))
ANYWARP_FORWARD_TWIN(GraphInstantiateWithParams, cuGraphInstantiateWithParams, (CUgraphExec * a, CUgraph b, CUDA_GRAPH_INSTANTIATE_PARAMS* c), (a, b, c),
                     (a, b, c))
ANYWARP_RUNTIME cudaError_t cudaGraphExecGetFlags(CUgraphExec exec, unsigned long long* flags) {
  return inContext([&] { return driver().cuGraphExecGetFlags(exec, reinterpret_cast<uint64_t*>(flags)); });
}
ANYWARP_FORWARD_AS(GraphExecUpdate, cuGraphExecUpdate_v2, (CUgraphExec a, CUgraph b, CUgraphExecUpdateResultInfo* c), (a, b, c))
#else
ANYWARP_FORWARD_AS(GraphInstantiate, cuGraphInstantiate_v2, (CUgraphExec * a, CUgraph b, Node* c, char* d, size_t e), (a, b, c, d, e))
ANYWARP_FORWARD(GraphExecUpdate, (CUgraphExec a, CUgraph b, Node* c, CUgraphExecUpdateResult* d), (a, b, c, d))
#endif
ANYWARP_FORWARD(GraphInstantiateWithFlags, (CUgraphExec * a, CUgraph b, unsigned long long c), (a, b, c))
ANYWARP_FORWARD(GraphExecDestroy, (CUgraphExec a), (a))
ANYWARP_FORWARD_TWIN(GraphUpload, cuGraphUpload, (CUgraphExec a, CUstream b), (a, b), (a, perThread(b)))
ANYWARP_FORWARD_TWIN(GraphLaunch, cuGraphLaunch, (CUgraphExec a, CUstream b), (a, b), (a, perThread(b)))
ANYWARP_FORWARD(GraphNodeSetEnabled, (CUgraphExec a, Node b, unsigned c), (a, b, c))
ANYWARP_FORWARD(GraphNodeGetEnabled, (CUgraphExec a, Node b, unsigned* c), (a, b, c))

// User objects, memory of graphs.
ANYWARP_FORWARD(UserObjectCreate, (CUuserObject * a, void* b, CUhostFn c, unsigned d, unsigned e), (a, b, c, d, e))
ANYWARP_FORWARD(UserObjectRetain, (CUuserObject a, unsigned b), (a, b))
ANYWARP_FORWARD(UserObjectRelease, (CUuserObject a, unsigned b), (a, b))
ANYWARP_FORWARD(GraphRetainUserObject, (CUgraph a, CUuserObject b, unsigned c, unsigned d), (a, b, c, d))
ANYWARP_FORWARD(GraphReleaseUserObject, (CUgraph a, CUuserObject b, unsigned c), (a, b, c))
ANYWARP_FORWARD(DeviceGraphMemTrim, (int a), (a))
ANYWARP_FORWARD(DeviceGetGraphMemAttribute, (int a, CUgraphMem_attribute b, void* c), (a, b, c))
ANYWARP_FORWARD(DeviceSetGraphMemAttribute, (int a, CUgraphMem_attribute b, void* c), (a, b, c))

}  // namespace anywarp::cudart
