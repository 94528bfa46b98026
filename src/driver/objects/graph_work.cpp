// What a node does: from the parameters that programs give to what the node keeps, and back. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "driver/memory.h"
#include "driver/objects/graph.h"

namespace anywarp::driver {
namespace {

// The context that a node's work runs in, active.
CUresult enterContext(CUcontext handle, std::shared_ptr<Context>& context, Current& current) {
  context = contextOf(handle);
  if (!context) return CUDA_ERROR_INVALID_CONTEXT;
  current = {context, context->active()};
  return current.impl ? CUDA_SUCCESS : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

// The one that the function was loaded into: programs need not set `ctx` then, and do not. It counts for a CUkernel only.
CUcontext contextFor(const CUDA_KERNEL_NODE_PARAMS& params) {
  if (!params.func) return params.ctx;
  std::shared_ptr<Function> function = functions().find(params.func);
  std::shared_ptr<Instance> instance = function ? function->instance.lock() : nullptr;
  std::shared_ptr<Context> context = instance ? instance->context() : nullptr;
  return context ? context->handle : nullptr;
}

CUresult makeKernel(const CUDA_KERNEL_NODE_PARAMS& params, const Work* before, Work& out) {
  KernelWork work;
  Current current;
  if (CUresult result = enterContext(contextFor(params), work.context, current); result != CUDA_SUCCESS) return result;
  CUfunction handle = params.func ? params.func : reinterpret_cast<CUfunction>(params.kern);
  if (CUresult result = resolve(current, handle, work.ref); result != CUDA_SUCCESS) return result;
  if (before) work.attributes = std::get<KernelWork>(*before).attributes;
  LaunchArguments arguments;
  arguments.grid = {params.gridDimX, params.gridDimY, params.gridDimZ};
  arguments.block = {params.blockDimX, params.blockDimY, params.blockDimZ};
  arguments.sharedBytes = params.sharedMemBytes;
  arguments.emptyGrid = EmptyGrid::Allowed;
  arguments.params = params.extra ? nullptr : params.kernelParams;
  arguments.extra = params.extra;
  for (const CUlaunchAttribute& attribute : work.attributes) (void)readAttribute(attribute, arguments);
  ParamImage image;
  device::LaunchRequest request;
  if (CUresult result = prepareLaunch(current.device(), work.ref, arguments, image, request); result != CUDA_SUCCESS) return result;
  work.params = params;
  work.params.func = params.func ? params.func : nullptr;
  work.params.ctx = work.context->handle;
  work.params.extra = nullptr;
  work.image.assign(image.data(), image.data() + request.paramBytes);
  for (const ParamLayout::Param& param : work.ref.kernel->layout.params) work.pointers.push_back(work.image.data() + param.offset);
  work.params.kernelParams = work.pointers.data();
  out = std::move(work);
  // Moving a vector moves its memory along, so the pointers stay right.
  return CUDA_SUCCESS;
}

CUresult makeCopyWork(const CUDA_MEMCPY_NODE_PARAMS& params, Work& out) {
  CopyWork work;
  Current current;
  if (CUresult result = enterContext(params.copyCtx, work.context, current); result != CUDA_SUCCESS) return result;
  if (params.copyParams.srcLOD || params.copyParams.dstLOD) return CUDA_ERROR_INVALID_VALUE;
  work.params = params.copyParams;
  device::Copy copy;
  if (CUresult result = makeCopy(targetOf(work.params), sourceOf(work.params), work.params.WidthInBytes, work.params.Height, work.params.Depth, copy);
      result != CUDA_SUCCESS)
    return result;
  out = std::move(work);
  return CUDA_SUCCESS;
}

CUresult makeFillWork(const CUDA_MEMSET_NODE_PARAMS& params, Work& out) {
  FillWork work;
  Current current;
  if (CUresult result = enterContext(params.ctx, work.context, current); result != CUDA_SUCCESS) return result;
  work.params = params;
  work.params.ctx = work.context->handle;
  device::Fill fill;
  if (CUresult result = makeFill(params.dst, params.pitch, params.value, params.elementSize, params.width, params.height, fill); result != CUDA_SUCCESS)
    return result;
  out = std::move(work);
  return CUDA_SUCCESS;
}

CUresult makeHost(const CUDA_HOST_NODE_PARAMS& params, Work& out) {
  if (!params.fn) return CUDA_ERROR_INVALID_VALUE;
  out = HostWork{params};
  return CUDA_SUCCESS;
}

bool holdsGraph(const Graph& outer, const Graph& wanted);

bool holdsGraph(const Work& work, const Graph& wanted) {
  if (auto* child = std::get_if<ChildWork>(&work)) return holdsGraph(*child->child->graph, wanted);
  if (auto* conditional = std::get_if<ConditionalWork>(&work))
    for (const auto& body : conditional->bodies)
      if (holdsGraph(*body->graph, wanted)) return true;
  return false;
}

bool holdsGraph(const Graph& outer, const Graph& wanted) {
  if (&outer == &wanted) return true;
  for (const std::shared_ptr<GraphNode>& node : outer.nodes)
    if (holdsGraph(node->work, wanted)) return true;
  return false;
}

CUresult makeChild(const Graph& graph, const CUDA_CHILD_GRAPH_NODE_PARAMS& params, Work& out) {
  std::shared_ptr<Graph> child = graphs().find(params.graph);
  if (!child || child.get() == &graph) return CUDA_ERROR_INVALID_VALUE;
  if (params.ownership == CU_GRAPH_CHILD_GRAPH_OWNERSHIP_MOVE) {
    if (child->embedded || holdsGraph(*child, graph)) return CUDA_ERROR_INVALID_VALUE;
    out = ChildWork{std::make_shared<EmbeddedGraph>(child)};
    return CUDA_SUCCESS;
  }
  out = ChildWork{std::make_shared<EmbeddedGraph>(cloneGraph(*child))};
  return CUDA_SUCCESS;
}

CUresult makeEvent(const CUDA_EVENT_NODE_PARAMS& params, Work& out) {
  std::shared_ptr<EventObject> event = events().find(params.event);
  if (!event) return CUDA_ERROR_INVALID_VALUE;
  if (event->shared) return CUDA_ERROR_NOT_SUPPORTED;  // nodes for events of several processes
  out = EventWork{event};
  return CUDA_SUCCESS;
}

CUresult makeAllocation(CUDA_MEM_ALLOC_NODE_PARAMS& params, const Work* before, Work& out) {
  if (before) return CUDA_ERROR_NOT_SUPPORTED;  // such nodes do not change
  const CUmemPoolProps& pool = params.poolProps;
  PoolPlace place;
  if (pool.handleTypes != CU_MEM_HANDLE_TYPE_NONE || makePoolPlace(pool.allocType, pool.location, place) != CUDA_SUCCESS) return CUDA_ERROR_INVALID_VALUE;
  if (params.bytesize == 0 || (params.accessDescCount && !params.accessDescs)) return CUDA_ERROR_INVALID_VALUE;
  AllocationWork work;
  Result<std::shared_ptr<GraphMemory>> memory = makeGraphMemory(place, params.bytesize);
  if (!memory) return toResult(memory.error());
  work.memory = *memory;
  work.access.assign(params.accessDescs, params.accessDescs + params.accessDescCount);
  params.dptr = addressOf(work.memory->base);
  work.params = params;
  work.params.accessDescs = work.access.data();
  out = std::move(work);
  return CUDA_SUCCESS;
}

CUresult makeFree(const CUDA_MEM_FREE_NODE_PARAMS& params, const Work* before, Work& out) {
  if (before) return CUDA_ERROR_NOT_SUPPORTED;
  std::shared_ptr<GraphMemory> memory = graphMemoryAt(pointerOf(params.dptr));
  if (!memory) return CUDA_ERROR_INVALID_VALUE;
  out = FreeWork{memory};
  return CUDA_SUCCESS;
}

CUresult makeMemoryOperations(const CUDA_BATCH_MEM_OP_NODE_PARAMS& params, Work& out) {
  MemoryOperationWork work;
  Current current;
  if (CUresult result = enterContext(params.ctx, work.context, current); result != CUDA_SUCCESS) return result;
  if (params.count == 0 || params.count > 256 || !params.paramArray || params.flags) return CUDA_ERROR_INVALID_VALUE;
  work.operations.assign(params.paramArray, params.paramArray + params.count);
  for (const CUstreamBatchMemOpParams& operation : work.operations)
    if (CUresult result = checkMemoryOperation(operation); result != CUDA_SUCCESS) return result;
  work.flags = params.flags;
  out = std::move(work);
  return CUDA_SUCCESS;
}

CUresult makeConditional(const Graph& graph, CUDA_CONDITIONAL_NODE_PARAMS& params, const Work* before, Work& out) {
  if (before) return CUDA_ERROR_NOT_SUPPORTED;
  ConditionalWork work;
  Current current;
  if (CUresult result = enterContext(params.ctx, work.context, current); result != CUDA_SUCCESS) return result;
  work.handle = graph.conditional(params.handle);
  if (!work.handle || work.handle->used) return CUDA_ERROR_INVALID_VALUE;
  unsigned most = params.type == CU_GRAPH_COND_TYPE_IF ? 2 : params.type == CU_GRAPH_COND_TYPE_WHILE ? 1 : 4096;
  if (params.type > CU_GRAPH_COND_TYPE_SWITCH || params.size == 0 || params.size > most) return CUDA_ERROR_INVALID_VALUE;
  work.handle->used = true;
  for (unsigned i = 0; i < params.size; ++i) {
    auto body = std::make_shared<Graph>();
    body->conditionals = graph.conditionals;  // kernels in it set the same handles
    work.bodies.push_back(std::make_shared<EmbeddedGraph>(body));
    work.bodyHandles.push_back(body->handle);
  }
  work.params = params;
  work.params.ctx = work.context->handle;
  work.params.phGraph_out = work.bodyHandles.data();
  params.phGraph_out = work.bodyHandles.data();
  out = std::move(work);
  return CUDA_SUCCESS;
}

}  // namespace

CUresult makeWork(Graph& graph, CUgraphNodeParams& params, const Work* before, Work& work) {
  switch (params.type) {
    case CU_GRAPH_NODE_TYPE_KERNEL: return makeKernel(params.kernel, before, work);
    case CU_GRAPH_NODE_TYPE_MEMCPY: return makeCopyWork(params.memcpy, work);
    case CU_GRAPH_NODE_TYPE_MEMSET: return makeFillWork(params.memset, work);
    case CU_GRAPH_NODE_TYPE_HOST: return makeHost(params.host, work);
    case CU_GRAPH_NODE_TYPE_GRAPH: return makeChild(graph, params.graph, work);
    case CU_GRAPH_NODE_TYPE_EMPTY: work = EmptyWork{}; return CUDA_SUCCESS;
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT: return makeEvent(params.eventWait, work);
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD: return makeEvent(params.eventRecord, work);
    case CU_GRAPH_NODE_TYPE_MEM_ALLOC: return makeAllocation(params.alloc, before, work);
    case CU_GRAPH_NODE_TYPE_MEM_FREE: return makeFree(params.free, before, work);
    case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP: return makeMemoryOperations(params.memOp, work);
    case CU_GRAPH_NODE_TYPE_CONDITIONAL: return makeConditional(graph, params.conditional, before, work);
    case CU_GRAPH_NODE_TYPE_EXT_SEMAS_SIGNAL:
    case CU_GRAPH_NODE_TYPE_EXT_SEMAS_WAIT: return CUDA_ERROR_NOT_SUPPORTED;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult readWork(GraphNode& node, CUgraphNodeParams& params) {
  std::memset(&params, 0, sizeof(params));
  params.type = node.type;
  std::visit(
      [&](auto& work) {
        using T = std::decay_t<decltype(work)>;
        if constexpr (std::is_same_v<T, KernelWork>) params.kernel = work.params;
        else if constexpr (std::is_same_v<T, CopyWork>) params.memcpy = {0, 0, work.context->handle, work.params};
        else if constexpr (std::is_same_v<T, FillWork>) params.memset = work.params;
        else if constexpr (std::is_same_v<T, HostWork>) params.host = work.params;
        else if constexpr (std::is_same_v<T, ChildWork>) params.graph = {work.child->graph->handle, CU_GRAPH_CHILD_GRAPH_OWNERSHIP_CLONE};
        else if constexpr (std::is_same_v<T, EventWork>) params.eventWait = {work.event->handle};
        else if constexpr (std::is_same_v<T, AllocationWork>) params.alloc = work.params;
        else if constexpr (std::is_same_v<T, FreeWork>) params.free = {addressOf(work.memory->base)};
        else if constexpr (std::is_same_v<T, MemoryOperationWork>)
          params.memOp = {work.context->handle, static_cast<unsigned>(work.operations.size()), work.operations.data(), work.flags};
        else if constexpr (std::is_same_v<T, ConditionalWork>) params.conditional = work.params;
      },
      node.work);
  return CUDA_SUCCESS;
}

}  // namespace anywarp::driver
