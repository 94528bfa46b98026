// Graph Management: nodes whose parameters the runtime describes in its own way, kernels and copies. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"
#include "libs/cudart/copy.h"
#include "libs/cudart/registry.h"

namespace anywarp::cudart {
namespace {

using Node = CUgraphNode;

cudaError_t toDriver(const cudaKernelNodeParams& p, CUDA_KERNEL_NODE_PARAMS* out) {
  *out = {};
  if (cudaError_t error = resolveFunction(p.func, &out->func); error != cudaSuccess) return error;
  out->gridDimX = p.gridDim.x, out->gridDimY = p.gridDim.y, out->gridDimZ = p.gridDim.z;
  out->blockDimX = p.blockDim.x, out->blockDimY = p.blockDim.y, out->blockDimZ = p.blockDim.z;
  out->sharedMemBytes = p.sharedMemBytes;
  out->kernelParams = p.kernelParams;
  out->extra = p.extra;
  return cudaSuccess;
}

// Runs `use` with the driver's form of what the program gave.
template <class Use>
cudaError_t withKernel(const cudaKernelNodeParams* params, Use&& use) {
  return inContext([&]() -> cudaError_t {
    CUDA_KERNEL_NODE_PARAMS p;
    if (!params) return cudaErrorInvalidValue;
    if (cudaError_t error = toDriver(*params, &p); error != cudaSuccess) return error;
    return asError(use(&p));
  });
}

template <class Use>
cudaError_t withCopy(const cudaMemcpy3DParms* params, Use&& use) {
  return inContext([&]() -> cudaError_t {
    CUDA_MEMCPY3D copy;
    if (!params) return cudaErrorInvalidValue;
    if (cudaError_t error = describe3D(&copy, *params); error != cudaSuccess) return error;
    return asError(use(&copy));
  });
}

cudaMemcpy3DParms flat(void* target, const void* source, size_t count, cudaMemcpyKind kind) {
  cudaMemcpy3DParms p{};
  p.srcPtr = {const_cast<void*>(source), count, count, 1};
  p.dstPtr = {target, count, count, 1};
  p.extent = {count, 1, 1};
  p.kind = kind;
  return p;
}

// Runs `use` with the address of `symbol` moved by `offset`.
template <class Use>
cudaError_t withSymbol(const void* symbol, size_t count, size_t offset, Use&& use) {
  return inContext([&]() -> cudaError_t {
    CUdeviceptr address = 0;
    size_t size = 0;
    if (cudaError_t error = resolveSymbol(symbol, &address, &size); error != cudaSuccess) return error;
    if (offset > size || size - offset < count) return cudaErrorInvalidValue;
    return use(reinterpret_cast<void*>(address + offset));
  });
}

// What the generic functions take, in the driver's form and, for outputs, back.
class NodeParams {
 public:
  cudaError_t read(const cudaGraphNodeParams* given) {
    if (!given) return cudaErrorInvalidValue;
    static_assert(sizeof(*given) == sizeof(driver_));
    __builtin_memcpy(&driver_, given, sizeof(driver_));
    if (given->type == CU_GRAPH_NODE_TYPE_KERNEL) return toDriver(given->kernel, &driver_.kernel);
    if (given->type == CU_GRAPH_NODE_TYPE_MEMCPY) {
      driver_.memcpy = {};
      return describe3D(&driver_.memcpy.copyParams, given->memcpy.copyParams);
    }
    if (given->type == CU_GRAPH_NODE_TYPE_MEMSET) driver_.memset.ctx = nullptr;
    if (given->type == CU_GRAPH_NODE_TYPE_CONDITIONAL) driver_.conditional.ctx = nullptr;
    return cudaSuccess;
  }
  void giveBack(cudaGraphNodeParams* given) const {
    if (given->type == CU_GRAPH_NODE_TYPE_CONDITIONAL) given->conditional.phGraph_out = driver_.conditional.phGraph_out;
    if (given->type == CU_GRAPH_NODE_TYPE_MEM_ALLOC) __builtin_memcpy(given->reserved1, &driver_.alloc, sizeof(driver_.alloc));
  }
  CUgraphNodeParams* get() { return &driver_; }

 private:
  CUgraphNodeParams driver_;
};

[[maybe_unused]] cudaError_t addNode(Node* node, CUgraph graph, const Node* dependencies, const CUgraphEdgeData* data, size_t count,
                                     cudaGraphNodeParams* given) {
  return inContext([&]() -> cudaError_t {
    NodeParams params;
    if (cudaError_t error = params.read(given); error != cudaSuccess) return error;
    cudaError_t error = asError(driver().cuGraphAddNode_v2(node, graph, dependencies, data, count, params.get()));
    if (error == cudaSuccess) params.giveBack(given);
    return error;
  });
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaGraphAddKernelNode(Node* node, CUgraph graph, const Node* dependencies, size_t count, const cudaKernelNodeParams* params) {
  return withKernel(params, [&](const CUDA_KERNEL_NODE_PARAMS* p) { return driver().cuGraphAddKernelNode_v2(node, graph, dependencies, count, p); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphKernelNodeSetParams(Node node, const cudaKernelNodeParams* params) {
  return withKernel(params, [&](const CUDA_KERNEL_NODE_PARAMS* p) { return driver().cuGraphKernelNodeSetParams_v2(node, p); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphExecKernelNodeSetParams(CUgraphExec exec, Node node, const cudaKernelNodeParams* params) {
  return withKernel(params, [&](const CUDA_KERNEL_NODE_PARAMS* p) { return driver().cuGraphExecKernelNodeSetParams_v2(exec, node, p); });
}

// `func` comes back as the kernel's handle, not as the host function that was given: calls that take the one take the other as well.
ANYWARP_RUNTIME cudaError_t cudaGraphKernelNodeGetParams(Node node, cudaKernelNodeParams* params) {
  return inContext([&] { return driver().cuGraphKernelNodeGetParams(node, reinterpret_cast<CUDA_KERNEL_NODE_PARAMS_v1*>(params)); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphAddMemcpyNode(Node* node, CUgraph graph, const Node* dependencies, size_t count, const cudaMemcpy3DParms* params) {
  return withCopy(params, [&](const CUDA_MEMCPY3D* c) { return driver().cuGraphAddMemcpyNode(node, graph, dependencies, count, c, nullptr); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphMemcpyNodeSetParams(Node node, const cudaMemcpy3DParms* params) {
  return withCopy(params, [&](const CUDA_MEMCPY3D* c) { return driver().cuGraphMemcpyNodeSetParams(node, c); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphExecMemcpyNodeSetParams(CUgraphExec exec, Node node, const cudaMemcpy3DParms* params) {
  return withCopy(params, [&](const CUDA_MEMCPY3D* c) { return driver().cuGraphExecMemcpyNodeSetParams(exec, node, c, nullptr); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphMemcpyNodeGetParams(Node node, cudaMemcpy3DParms* params) {
  return inContext([&]() -> cudaError_t {
    CUDA_MEMCPY3D copy;
    if (!params) return cudaErrorInvalidValue;
    if (CUresult result = driver().cuGraphMemcpyNodeGetParams(node, &copy); result != CUDA_SUCCESS) return asError(result);
    return describe3D(params, copy);
  });
}

ANYWARP_RUNTIME cudaError_t cudaGraphAddMemcpyNode1D(Node* node, CUgraph graph, const Node* dependencies, size_t count, void* target, const void* source,
                                                     size_t bytes, cudaMemcpyKind kind) {
  cudaMemcpy3DParms params = flat(target, source, bytes, kind);
  return cudaGraphAddMemcpyNode(node, graph, dependencies, count, &params);
}

ANYWARP_RUNTIME cudaError_t cudaGraphMemcpyNodeSetParams1D(Node node, void* target, const void* source, size_t bytes, cudaMemcpyKind kind) {
  cudaMemcpy3DParms params = flat(target, source, bytes, kind);
  return cudaGraphMemcpyNodeSetParams(node, &params);
}

ANYWARP_RUNTIME cudaError_t cudaGraphExecMemcpyNodeSetParams1D(CUgraphExec exec, Node node, void* target, const void* source, size_t bytes,
                                                               cudaMemcpyKind kind) {
  cudaMemcpy3DParms params = flat(target, source, bytes, kind);
  return cudaGraphExecMemcpyNodeSetParams(exec, node, &params);
}

ANYWARP_RUNTIME cudaError_t cudaGraphAddMemcpyNodeToSymbol(Node* node, CUgraph graph, const Node* dependencies, size_t count, const void* symbol,
                                                           const void* source, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return withSymbol(symbol, bytes, offset, [&](void* address) {
    return cudaGraphAddMemcpyNode1D(node, graph, dependencies, count, address, source, bytes, kind);
  });
}

ANYWARP_RUNTIME cudaError_t cudaGraphAddMemcpyNodeFromSymbol(Node* node, CUgraph graph, const Node* dependencies, size_t count, void* target,
                                                             const void* symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  return withSymbol(symbol, bytes, offset, [&](void* address) {
    return cudaGraphAddMemcpyNode1D(node, graph, dependencies, count, target, address, bytes, kind);
  });
}

ANYWARP_RUNTIME cudaError_t cudaGraphMemcpyNodeSetParamsToSymbol(Node node, const void* symbol, const void* source, size_t bytes, size_t offset,
                                                                 cudaMemcpyKind kind) {
  return withSymbol(symbol, bytes, offset, [&](void* address) { return cudaGraphMemcpyNodeSetParams1D(node, address, source, bytes, kind); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphMemcpyNodeSetParamsFromSymbol(Node node, void* target, const void* symbol, size_t bytes, size_t offset,
                                                                   cudaMemcpyKind kind) {
  return withSymbol(symbol, bytes, offset, [&](void* address) { return cudaGraphMemcpyNodeSetParams1D(node, target, address, bytes, kind); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphExecMemcpyNodeSetParamsToSymbol(CUgraphExec exec, Node node, const void* symbol, const void* source, size_t bytes,
                                                                     size_t offset, cudaMemcpyKind kind) {
  return withSymbol(symbol, bytes, offset, [&](void* address) { return cudaGraphExecMemcpyNodeSetParams1D(exec, node, address, source, bytes, kind); });
}

ANYWARP_RUNTIME cudaError_t cudaGraphExecMemcpyNodeSetParamsFromSymbol(CUgraphExec exec, Node node, void* target, const void* symbol, size_t bytes,
                                                                       size_t offset, cudaMemcpyKind kind) {
  return withSymbol(symbol, bytes, offset, [&](void* address) { return cudaGraphExecMemcpyNodeSetParams1D(exec, node, target, address, bytes, kind); });
}

#if ANYWARP_CUDART_MAJOR >= 13
ANYWARP_RUNTIME cudaError_t cudaGraphAddNode(Node* node, CUgraph graph, const Node* dependencies, const CUgraphEdgeData* data, size_t count,
                                             cudaGraphNodeParams* params) {
  return addNode(node, graph, dependencies, data, count, params);
}
#elif ANYWARP_CUDART_MAJOR == 12
ANYWARP_RUNTIME cudaError_t cudaGraphAddNode(Node* node, CUgraph graph, const Node* dependencies, size_t count, cudaGraphNodeParams* params) {
  return addNode(node, graph, dependencies, nullptr, count, params);
}
ANYWARP_RUNTIME cudaError_t cudaGraphAddNode_v2(Node* node, CUgraph graph, const Node* dependencies, const CUgraphEdgeData* data, size_t count,
                                                cudaGraphNodeParams* params) {
  return addNode(node, graph, dependencies, data, count, params);
}
#endif

#if ANYWARP_CUDART_MAJOR >= 12
ANYWARP_RUNTIME cudaError_t cudaGraphNodeSetParams(Node node, cudaGraphNodeParams* given) {
  return inContext([&]() -> cudaError_t {
    NodeParams params;
    if (cudaError_t error = params.read(given); error != cudaSuccess) return error;
    return asError(driver().cuGraphNodeSetParams(node, params.get()));
  });
}

ANYWARP_RUNTIME cudaError_t cudaGraphExecNodeSetParams(CUgraphExec exec, Node node, cudaGraphNodeParams* given) {
  return inContext([&]() -> cudaError_t {
    NodeParams params;
    if (cudaError_t error = params.read(given); error != cudaSuccess) return error;
    return asError(driver().cuGraphExecNodeSetParams(exec, node, params.get()));
  });
}
#endif

}  // namespace anywarp::cudart
