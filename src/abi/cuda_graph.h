// The part of the CUDA driver API about graphs: its types and the functions that we implement (Driver API: Graph Management, Stream
// Memory Operations). SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda.h"

using CUgraphExec = struct CUgraphExec_st*;
using CUuserObject = struct CUuserObject_st*;
using CUgraphConditionalHandle = uint64_t;

enum CUgraphNodeType : unsigned {
  CU_GRAPH_NODE_TYPE_KERNEL = 0, CU_GRAPH_NODE_TYPE_MEMCPY = 1, CU_GRAPH_NODE_TYPE_MEMSET = 2, CU_GRAPH_NODE_TYPE_HOST = 3,
  CU_GRAPH_NODE_TYPE_GRAPH = 4, CU_GRAPH_NODE_TYPE_EMPTY = 5, CU_GRAPH_NODE_TYPE_WAIT_EVENT = 6, CU_GRAPH_NODE_TYPE_EVENT_RECORD = 7,
  CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL = 8, CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT = 9, CU_GRAPH_NODE_TYPE_MEM_ALLOC = 10,
  CU_GRAPH_NODE_TYPE_MEM_FREE = 11, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP = 12, CU_GRAPH_NODE_TYPE_CONDITIONAL = 13,
};

enum CUgraphExecUpdateResult : unsigned {
  CU_GRAPH_EXEC_UPDATE_SUCCESS = 0, CU_GRAPH_EXEC_UPDATE_ERROR = 1, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED = 2,
  CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED = 3, CU_GRAPH_EXEC_UPDATE_ERROR_FUNCTION_CHANGED = 4,
  CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED = 5, CU_GRAPH_EXEC_UPDATE_ERROR_NOT_SUPPORTED = 6,
  CU_GRAPH_EXEC_UPDATE_ERROR_UNSUPPORTED_FUNCTION_CHANGE = 7, CU_GRAPH_EXEC_UPDATE_ERROR_ATTRIBUTES_CHANGED = 8,
};

enum CUgraphInstantiate_flags : unsigned {
  CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH = 1, CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD = 2,
  CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH = 4, CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY = 8,
};

enum CUgraphInstantiateResult : unsigned {
  CUDA_GRAPH_INSTANTIATE_SUCCESS = 0, CUDA_GRAPH_INSTANTIATE_ERROR = 1, CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE = 2,
  CUDA_GRAPH_INSTANTIATE_NODE_OPERATION_NOT_SUPPORTED = 3, CUDA_GRAPH_INSTANTIATE_MULTIPLE_CTXS_NOT_SUPPORTED = 4,
  CUDA_GRAPH_INSTANTIATE_CONDITIONAL_HANDLE_UNUSED = 5,
};

enum CUgraphMem_attribute : unsigned {
  CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT = 0, CU_GRAPH_MEM_ATTR_USED_MEM_HIGH = 1, CU_GRAPH_MEM_ATTR_RESERVED_MEM_CURRENT = 2,
  CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH = 3,
};

enum CUgraphConditionalNodeType : unsigned {
  CU_GRAPH_COND_TYPE_IF = 0, CU_GRAPH_COND_TYPE_WHILE = 1, CU_GRAPH_COND_TYPE_SWITCH = 2,
};

enum CUgraphChildGraphNodeOwnership : unsigned {
  CU_GRAPH_CHILD_GRAPH_OWNERSHIP_CLONE = 0, CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE = 1,
};

enum CUstreamWaitValue_flags : unsigned {
  CU_STREAM_WAIT_VALUE_GEQ = 0, CU_STREAM_WAIT_VALUE_EQ = 1, CU_STREAM_WAIT_VALUE_AND = 2, CU_STREAM_WAIT_VALUE_NOR = 3,
  CU_STREAM_WAIT_VALUE_FLUSH = 1u << 30,
};

enum CUstreamBatchMemOpType : unsigned {
  CU_STREAM_MEM_OP_WAIT_VALUE_32 = 1, CU_STREAM_MEM_OP_WRITE_VALUE_32 = 2, CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES = 3,
  CU_STREAM_MEM_OP_WAIT_VALUE_64 = 4, CU_STREAM_MEM_OP_WRITE_VALUE_64 = 5, CU_STREAM_MEM_OP_BARRIER = 6,
};

// Flags that are plain numbers.
enum : unsigned {
  CU_STREAM_WRITE_VALUE_DEFAULT = 0, CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER = 1,
  CU_GRAPH_COND_ASSIGN_DEFAULT = 1, CU_GRAPH_USER_OBJECT_MOVE = 1, CU_USER_OBJECT_NO_DESTRUCTOR_SYNC = 1,
  CU_GRAPH_DEBUG_DOT_FLAGS_VERBOSE = 1, CU_GRAPH_DEBUG_DOT_FLAGS_ALL = 0xffff,
};

struct CUDA_KERNEL_NODE_PARAMS_v1 {
  CUfunction func;
  unsigned gridDimX, gridDimY, gridDimZ;
  unsigned blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  void** kernelParams;
  void** extra;
};
static_assert(sizeof(CUDA_KERNEL_NODE_PARAMS_v1) == 56);

struct CUDA_KERNEL_NODE_PARAMS : CUDA_KERNEL_NODE_PARAMS_v1 {
  CUkernel kern;
  CUcontext ctx;
};
static_assert(sizeof(CUDA_KERNEL_NODE_PARAMS) == 72);

struct CUDA_MEMCPY_NODE_PARAMS {
  int flags;
  int reserved;
  CUcontext copyCtx;
  CUDA_MEMCPY3D copyParams;
};
static_assert(sizeof(CUDA_MEMCPY_NODE_PARAMS) == 216);

struct CUDA_MEMSET_NODE_PARAMS_v1 {
  CUdeviceptr dst;
  size_t pitch;
  unsigned value;
  unsigned elementSize;
  size_t width;
  size_t height;
};
struct CUDA_MEMSET_NODE_PARAMS : CUDA_MEMSET_NODE_PARAMS_v1 {
  CUcontext ctx;
};
static_assert(sizeof(CUDA_MEMSET_NODE_PARAMS) == 48);

struct CUDA_HOST_NODE_PARAMS {
  CUhostFn fn;
  void* userData;
};

struct CUDA_CHILD_GRAPH_NODE_PARAMS {
  CUgraph graph;
  CUgraphChildGraphNodeOwnership ownership;
};

struct CUDA_EVENT_NODE_PARAMS {
  CUevent event;
};

struct CUDA_MEM_ALLOC_NODE_PARAMS {
  CUmemPoolProps poolProps;
  const CUmemAccessDesc* accessDescs;
  size_t accessDescCount;
  size_t bytesize;
  CUdeviceptr dptr;
};
static_assert(sizeof(CUDA_MEM_ALLOC_NODE_PARAMS) == 120);

struct CUDA_MEM_FREE_NODE_PARAMS {
  CUdeviceptr dptr;
};

struct CUDA_CONDITIONAL_NODE_PARAMS {
  CUgraphConditionalHandle handle;
  CUgraphConditionalNodeType type;
  unsigned size;
  CUgraph* phGraph_out;
  CUcontext ctx;
};
static_assert(sizeof(CUDA_CONDITIONAL_NODE_PARAMS) == 32);

// Of a wait and of a write; the others have only `operation` and flags where `address` lies here.
struct CUstreamMemOpValueParams {
  CUstreamBatchMemOpType operation;
  CUdeviceptr address;
  uint64_t value;  // 32-bit ones in the low half
  unsigned flags;
  CUdeviceptr alias;
};
union CUstreamBatchMemOpParams {
  CUstreamBatchMemOpType operation;
  CUstreamMemOpValueParams value;
  struct {
    CUstreamBatchMemOpType operation;
    unsigned flags;
  } barrier;
  uint64_t pad[6];
};
static_assert(sizeof(CUstreamBatchMemOpParams) == 48);

struct CUDA_BATCH_MEM_OP_NODE_PARAMS {
  CUcontext ctx;
  unsigned count;
  CUstreamBatchMemOpParams* paramArray;
  unsigned flags;
};
static_assert(sizeof(CUDA_BATCH_MEM_OP_NODE_PARAMS) == 32);

struct CUgraphNodeParams {
  CUgraphNodeType type;
  int reserved0[3];
  union {
    long long reserved1[29];
    CUDA_KERNEL_NODE_PARAMS kernel;
    CUDA_MEMCPY_NODE_PARAMS memcpy;
    CUDA_MEMSET_NODE_PARAMS memset;
    CUDA_HOST_NODE_PARAMS host;
    CUDA_CHILD_GRAPH_NODE_PARAMS graph;
    CUDA_EVENT_NODE_PARAMS eventWait;
    CUDA_EVENT_NODE_PARAMS eventRecord;
    CUDA_MEM_ALLOC_NODE_PARAMS alloc;
    CUDA_MEM_FREE_NODE_PARAMS free;
    CUDA_BATCH_MEM_OP_NODE_PARAMS memOp;
    CUDA_CONDITIONAL_NODE_PARAMS conditional;
  };
  long long reserved2;
};
static_assert(sizeof(CUgraphNodeParams) == 256);

struct CUDA_GRAPH_INSTANTIATE_PARAMS {
  uint64_t flags;
  CUstream hUploadStream;
  CUgraphNode hErrNode_out;
  CUgraphInstantiateResult result_out;
};
static_assert(sizeof(CUDA_GRAPH_INSTANTIATE_PARAMS) == 32);

struct CUgraphExecUpdateResultInfo {
  CUgraphExecUpdateResult result;
  CUgraphNode errorNode;
  CUgraphNode errorFromNode;
};
static_assert(sizeof(CUgraphExecUpdateResultInfo) == 24);

extern "C" {

// Stream capture.
ANYWARP_CUDA(cuStreamBeginCapture, CUstream);
ANYWARP_CUDA(cuStreamBeginCapture_ptsz, CUstream);
ANYWARP_CUDA(cuStreamBeginCapture_v2, CUstream, CUstreamCaptureMode);
ANYWARP_CUDA(cuStreamBeginCapture_v2_ptsz, CUstream, CUstreamCaptureMode);
ANYWARP_CUDA(cuStreamBeginCaptureToGraph, CUstream, CUgraph, const CUgraphNode*, const CUgraphEdgeData*, size_t, CUstreamCaptureMode);
ANYWARP_CUDA(cuStreamBeginCaptureToGraph_ptsz, CUstream, CUgraph, const CUgraphNode*, const CUgraphEdgeData*, size_t, CUstreamCaptureMode);
ANYWARP_CUDA(cuStreamEndCapture, CUstream, CUgraph*);
ANYWARP_CUDA(cuStreamEndCapture_ptsz, CUstream, CUgraph*);
ANYWARP_CUDA(cuStreamUpdateCaptureDependencies, CUstream, CUgraphNode*, size_t, unsigned);
ANYWARP_CUDA(cuStreamUpdateCaptureDependencies_ptsz, CUstream, CUgraphNode*, size_t, unsigned);
ANYWARP_CUDA(cuStreamUpdateCaptureDependencies_v2, CUstream, CUgraphNode*, const CUgraphEdgeData*, size_t, unsigned);
ANYWARP_CUDA(cuStreamUpdateCaptureDependencies_v2_ptsz, CUstream, CUgraphNode*, const CUgraphEdgeData*, size_t, unsigned);

// Graphs, nodes, edges.
ANYWARP_CUDA(cuGraphCreate, CUgraph*, unsigned);
ANYWARP_CUDA(cuGraphDestroy, CUgraph);
ANYWARP_CUDA(cuGraphClone, CUgraph*, CUgraph);
ANYWARP_CUDA(cuGraphNodeFindInClone, CUgraphNode*, CUgraphNode, CUgraph);
ANYWARP_CUDA(cuGraphNodeGetType, CUgraphNode, CUgraphNodeType*);
ANYWARP_CUDA(cuGraphGetNodes, CUgraph, CUgraphNode*, size_t*);
ANYWARP_CUDA(cuGraphGetRootNodes, CUgraph, CUgraphNode*, size_t*);
ANYWARP_CUDA(cuGraphGetEdges, CUgraph, CUgraphNode*, CUgraphNode*, size_t*);
ANYWARP_CUDA(cuGraphGetEdges_v2, CUgraph, CUgraphNode*, CUgraphNode*, CUgraphEdgeData*, size_t*);
ANYWARP_CUDA(cuGraphNodeGetDependencies, CUgraphNode, CUgraphNode*, size_t*);
ANYWARP_CUDA(cuGraphNodeGetDependencies_v2, CUgraphNode, CUgraphNode*, CUgraphEdgeData*, size_t*);
ANYWARP_CUDA(cuGraphNodeGetDependentNodes, CUgraphNode, CUgraphNode*, size_t*);
ANYWARP_CUDA(cuGraphNodeGetDependentNodes_v2, CUgraphNode, CUgraphNode*, CUgraphEdgeData*, size_t*);
ANYWARP_CUDA(cuGraphAddDependencies, CUgraph, const CUgraphNode*, const CUgraphNode*, size_t);
ANYWARP_CUDA(cuGraphAddDependencies_v2, CUgraph, const CUgraphNode*, const CUgraphNode*, const CUgraphEdgeData*, size_t);
ANYWARP_CUDA(cuGraphRemoveDependencies, CUgraph, const CUgraphNode*, const CUgraphNode*, size_t);
ANYWARP_CUDA(cuGraphRemoveDependencies_v2, CUgraph, const CUgraphNode*, const CUgraphNode*, const CUgraphEdgeData*, size_t);
ANYWARP_CUDA(cuGraphDestroyNode, CUgraphNode);
ANYWARP_CUDA(cuGraphAddNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUgraphNodeParams*);
ANYWARP_CUDA(cuGraphAddNode_v2, CUgraphNode*, CUgraph, const CUgraphNode*, const CUgraphEdgeData*, size_t, CUgraphNodeParams*);
ANYWARP_CUDA(cuGraphNodeSetParams, CUgraphNode, CUgraphNodeParams*);
ANYWARP_CUDA(cuGraphDebugDotPrint, CUgraph, const char*, unsigned);
ANYWARP_CUDA(cuGraphConditionalHandleCreate, CUgraphConditionalHandle*, CUgraph, CUcontext, unsigned, unsigned);

// Nodes by their type.
ANYWARP_CUDA(cuGraphAddKernelNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_KERNEL_NODE_PARAMS_v1*);
ANYWARP_CUDA(cuGraphAddKernelNode_v2, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_KERNEL_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphKernelNodeGetParams, CUgraphNode, CUDA_KERNEL_NODE_PARAMS_v1*);
ANYWARP_CUDA(cuGraphKernelNodeGetParams_v2, CUgraphNode, CUDA_KERNEL_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphKernelNodeSetParams, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS_v1*);
ANYWARP_CUDA(cuGraphKernelNodeSetParams_v2, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphKernelNodeCopyAttributes, CUgraphNode, CUgraphNode);
ANYWARP_CUDA(cuGraphKernelNodeGetAttribute, CUgraphNode, CUlaunchAttributeID, CUlaunchAttributeValue*);
ANYWARP_CUDA(cuGraphKernelNodeSetAttribute, CUgraphNode, CUlaunchAttributeID, const CUlaunchAttributeValue*);
ANYWARP_CUDA(cuGraphAddMemcpyNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_MEMCPY3D*, CUcontext);
ANYWARP_CUDA(cuGraphMemcpyNodeGetParams, CUgraphNode, CUDA_MEMCPY3D*);
ANYWARP_CUDA(cuGraphMemcpyNodeSetParams, CUgraphNode, const CUDA_MEMCPY3D*);
ANYWARP_CUDA(cuGraphAddMemsetNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_MEMSET_NODE_PARAMS_v1*, CUcontext);
ANYWARP_CUDA(cuGraphMemsetNodeGetParams, CUgraphNode, CUDA_MEMSET_NODE_PARAMS_v1*);
ANYWARP_CUDA(cuGraphMemsetNodeSetParams, CUgraphNode, const CUDA_MEMSET_NODE_PARAMS_v1*);
ANYWARP_CUDA(cuGraphAddHostNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_HOST_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphHostNodeGetParams, CUgraphNode, CUDA_HOST_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphHostNodeSetParams, CUgraphNode, const CUDA_HOST_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphAddChildGraphNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUgraph);
ANYWARP_CUDA(cuGraphChildGraphNodeGetGraph, CUgraphNode, CUgraph*);
ANYWARP_CUDA(cuGraphAddEmptyNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t);
ANYWARP_CUDA(cuGraphAddEventRecordNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUevent);
ANYWARP_CUDA(cuGraphEventRecordNodeGetEvent, CUgraphNode, CUevent*);
ANYWARP_CUDA(cuGraphEventRecordNodeSetEvent, CUgraphNode, CUevent);
ANYWARP_CUDA(cuGraphAddEventWaitNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUevent);
ANYWARP_CUDA(cuGraphEventWaitNodeGetEvent, CUgraphNode, CUevent*);
ANYWARP_CUDA(cuGraphEventWaitNodeSetEvent, CUgraphNode, CUevent);
ANYWARP_CUDA(cuGraphAddBatchMemOpNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, const CUDA_BATCH_MEM_OP_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphBatchMemOpNodeGetParams, CUgraphNode, CUDA_BATCH_MEM_OP_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphBatchMemOpNodeSetParams, CUgraphNode, const CUDA_BATCH_MEM_OP_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphAddMemAllocNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUDA_MEM_ALLOC_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphMemAllocNodeGetParams, CUgraphNode, CUDA_MEM_ALLOC_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphAddMemFreeNode, CUgraphNode*, CUgraph, const CUgraphNode*, size_t, CUdeviceptr);
ANYWARP_CUDA(cuGraphMemFreeNodeGetParams, CUgraphNode, CUdeviceptr*);
ANYWARP_CUDA(cuDeviceGraphMemTrim, CUdevice);
ANYWARP_CUDA(cuDeviceGetGraphMemAttribute, CUdevice, CUgraphMem_attribute, void*);
ANYWARP_CUDA(cuDeviceSetGraphMemAttribute, CUdevice, CUgraphMem_attribute, void*);

// Executable graphs.
ANYWARP_CUDA(cuGraphInstantiate, CUgraphExec*, CUgraph, CUgraphNode*, char*, size_t);
ANYWARP_CUDA(cuGraphInstantiate_v2, CUgraphExec*, CUgraph, CUgraphNode*, char*, size_t);
ANYWARP_CUDA(cuGraphInstantiateWithFlags, CUgraphExec*, CUgraph, unsigned long long);
ANYWARP_CUDA(cuGraphInstantiateWithParams, CUgraphExec*, CUgraph, CUDA_GRAPH_INSTANTIATE_PARAMS*);
ANYWARP_CUDA(cuGraphInstantiateWithParams_ptsz, CUgraphExec*, CUgraph, CUDA_GRAPH_INSTANTIATE_PARAMS*);
ANYWARP_CUDA(cuGraphExecGetFlags, CUgraphExec, uint64_t*);
ANYWARP_CUDA(cuGraphExecDestroy, CUgraphExec);
ANYWARP_CUDA(cuGraphUpload, CUgraphExec, CUstream);
ANYWARP_CUDA(cuGraphUpload_ptsz, CUgraphExec, CUstream);
ANYWARP_CUDA(cuGraphLaunch, CUgraphExec, CUstream);
ANYWARP_CUDA(cuGraphLaunch_ptsz, CUgraphExec, CUstream);
ANYWARP_CUDA(cuGraphExecUpdate, CUgraphExec, CUgraph, CUgraphNode*, CUgraphExecUpdateResult*);
ANYWARP_CUDA(cuGraphExecUpdate_v2, CUgraphExec, CUgraph, CUgraphExecUpdateResultInfo*);
ANYWARP_CUDA(cuGraphExecNodeSetParams, CUgraphExec, CUgraphNode, CUgraphNodeParams*);
ANYWARP_CUDA(cuGraphExecKernelNodeSetParams, CUgraphExec, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS_v1*);
ANYWARP_CUDA(cuGraphExecKernelNodeSetParams_v2, CUgraphExec, CUgraphNode, const CUDA_KERNEL_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphExecMemcpyNodeSetParams, CUgraphExec, CUgraphNode, const CUDA_MEMCPY3D*, CUcontext);
ANYWARP_CUDA(cuGraphExecMemsetNodeSetParams, CUgraphExec, CUgraphNode, const CUDA_MEMSET_NODE_PARAMS_v1*, CUcontext);
ANYWARP_CUDA(cuGraphExecHostNodeSetParams, CUgraphExec, CUgraphNode, const CUDA_HOST_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphExecChildGraphNodeSetParams, CUgraphExec, CUgraphNode, CUgraph);
ANYWARP_CUDA(cuGraphExecEventRecordNodeSetEvent, CUgraphExec, CUgraphNode, CUevent);
ANYWARP_CUDA(cuGraphExecEventWaitNodeSetEvent, CUgraphExec, CUgraphNode, CUevent);
ANYWARP_CUDA(cuGraphExecBatchMemOpNodeSetParams, CUgraphExec, CUgraphNode, const CUDA_BATCH_MEM_OP_NODE_PARAMS*);
ANYWARP_CUDA(cuGraphNodeSetEnabled, CUgraphExec, CUgraphNode, unsigned);
ANYWARP_CUDA(cuGraphNodeGetEnabled, CUgraphExec, CUgraphNode, unsigned*);

// User objects.
ANYWARP_CUDA(cuUserObjectCreate, CUuserObject*, void*, CUhostFn, unsigned, unsigned);
ANYWARP_CUDA(cuUserObjectRetain, CUuserObject, unsigned);
ANYWARP_CUDA(cuUserObjectRelease, CUuserObject, unsigned);
ANYWARP_CUDA(cuGraphRetainUserObject, CUgraph, CUuserObject, unsigned, unsigned);
ANYWARP_CUDA(cuGraphReleaseUserObject, CUgraph, CUuserObject, unsigned);

// Stream memory operations: one function under four names.
#define ANYWARP_STREAM_MEMORY_OPERATION(name, ...) \
  ANYWARP_CUDA(name, __VA_ARGS__);                 \
  ANYWARP_CUDA(name##_ptsz, __VA_ARGS__);          \
  ANYWARP_CUDA(name##_v2, __VA_ARGS__);            \
  ANYWARP_CUDA(name##_v2_ptsz, __VA_ARGS__);
ANYWARP_STREAM_MEMORY_OPERATION(cuStreamWaitValue32, CUstream, CUdeviceptr, uint32_t, unsigned)
ANYWARP_STREAM_MEMORY_OPERATION(cuStreamWaitValue64, CUstream, CUdeviceptr, uint64_t, unsigned)
ANYWARP_STREAM_MEMORY_OPERATION(cuStreamWriteValue32, CUstream, CUdeviceptr, uint32_t, unsigned)
ANYWARP_STREAM_MEMORY_OPERATION(cuStreamWriteValue64, CUstream, CUdeviceptr, uint64_t, unsigned)
ANYWARP_STREAM_MEMORY_OPERATION(cuStreamBatchMemOp, CUstream, unsigned, CUstreamBatchMemOpParams*, unsigned)

}  // extern "C"
