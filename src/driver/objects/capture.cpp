// Stream capture. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/capture.h"

#include <algorithm>

namespace anywarp::driver {

std::atomic<uint32_t> capturingStreams{0};

namespace {

std::atomic<uint64_t> lastCaptureId{0};

// The capture of each capturing stream.
std::unordered_map<const device::Stream*, std::shared_ptr<Capture>>& captures() {
  static auto& captures = *new std::unordered_map<const device::Stream*, std::shared_ptr<Capture>>;
  return captures;
}

using Member = Capture::Member;

Member makeMember(const Current& current, const StreamRef& stream) {
  Member member;
  member.object = stream.object;
  member.impl = current.impl.get();
  member.blocking = stream->kind() == device::StreamKind::Blocking;
  return member;
}

void enlist(const std::shared_ptr<Capture>& capture, const device::Stream& stream, Member member) {
  capture->members[&stream] = std::move(member);
  captures()[&stream] = capture;
  capturingStreams.store(static_cast<uint32_t>(captures().size()), std::memory_order_relaxed);
}

void end(const std::shared_ptr<Capture>& capture) {
  std::erase_if(captures(), [&](const auto& entry) { return entry.second == capture; });
  capturingStreams.store(static_cast<uint32_t>(captures().size()), std::memory_order_relaxed);
}

CUresult spoil(Capture& capture, CUresult error) {
  capture.invalidated = true;
  return error;
}

void addDependency(std::vector<GraphEdge>& dependencies, const GraphEdge& edge) {
  auto same = [&](const GraphEdge& other) { return other.node == edge.node; };
  if (std::none_of(dependencies.begin(), dependencies.end(), same)) dependencies.push_back(edge);
}

// A fork that has not come back: a last node that the origin does not depend on.
bool isUnjoined(const Capture& capture, const Member& origin) {
  auto isLoose = [&](const GraphEdge& edge) {
    auto same = [&](const GraphEdge& other) { return other.node == edge.node; };
    return edge.node->dependents.empty() && std::none_of(origin.dependencies.begin(), origin.dependencies.end(), same);
  };
  for (const auto& [stream, member] : capture.members)
    if (std::any_of(member.dependencies.begin(), member.dependencies.end(), isLoose)) return true;
  return std::any_of(capture.orphans.begin(), capture.orphans.end(), isLoose);
}

}  // namespace

void findCapture(const Current& current, StreamRef& stream) {
  std::lock_guard lock(graphMutex());
  auto found = captures().find(stream.stream);
  if (found != captures().end()) {
    stream.capture = found->second;
    return;
  }
  if (stream->kind() != device::StreamKind::Legacy) return;
  for (auto& [other, capture] : captures()) {
    const Member& member = capture->members[other];
    if (member.impl != current.impl.get() || !member.blocking) continue;
    stream.capture = capture;
    stream.implicit = true;
    return;
  }
}

CUstreamCaptureMode& threadCaptureMode() {
  static thread_local CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  return mode;
}

CUresult checkUnsafeCall() {
  if (!capturingStreams.load(std::memory_order_relaxed) || threadCaptureMode() == CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_SUCCESS;
  std::lock_guard lock(graphMutex());
  for (auto& [stream, capture] : captures()) {
    if (capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED) continue;
    bool own = capture->thread == &threadCaptureMode();
    bool both = capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL && threadCaptureMode() == CU_STREAM_CAPTURE_MODE_GLOBAL;
    if (own || both) return spoil(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  return CUDA_SUCCESS;
}

CUresult checkContextCapture(const Current& current) {
  if (!capturingStreams.load(std::memory_order_relaxed)) return CUDA_SUCCESS;
  std::lock_guard lock(graphMutex());
  for (auto& [stream, capture] : captures())
    if (capture->members[stream].impl == current.impl.get()) return spoil(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  return CUDA_SUCCESS;
}

bool isCapturing(const Graph& graph) {
  for (auto& [stream, capture] : captures())
    if (capture->graph.get() == &graph) return true;
  return false;
}

void forgetStream(const device::Stream& stream) {
  if (!capturingStreams.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(graphMutex());
  auto found = captures().find(&stream);
  if (found == captures().end()) return;
  std::shared_ptr<Capture> capture = found->second;
  if (capture->origin == &stream) return end(capture);
  // What it captured stays, and has to be joined by the origin.
  std::vector<GraphEdge>& last = capture->members[&stream].dependencies;
  capture->orphans.insert(capture->orphans.end(), last.begin(), last.end());
  captures().erase(found);
  capture->members.erase(&stream);
  capturingStreams.store(static_cast<uint32_t>(captures().size()), std::memory_order_relaxed);
}

void forgetCaptures(const device::Context& impl) {
  if (!capturingStreams.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(graphMutex());
  std::vector<std::shared_ptr<Capture>> dead;
  for (auto& [stream, capture] : captures())
    if (capture->members[stream].impl == &impl) dead.push_back(capture);
  for (const std::shared_ptr<Capture>& capture : dead) end(capture);
}

CUresult refuseCapture(const StreamRef& stream) {
  std::lock_guard lock(graphMutex());
  return spoil(*stream.capture, stream.implicit ? CUDA_ERROR_STREAM_CAPTURE_IMPLICIT : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
}

CUresult beginCapture(Current& current, const StreamRef& stream, CUstreamCaptureMode mode, const std::shared_ptr<Graph>& into,
                      std::vector<GraphEdge> dependencies) {
  std::lock_guard lock(graphMutex());
  if (mode > CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
  if (stream->kind() == device::StreamKind::Legacy) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (captures().contains(stream.stream)) return CUDA_ERROR_ILLEGAL_STATE;
  auto capture = std::make_shared<Capture>();
  capture->id = ++lastCaptureId;
  capture->graph = into ? into : std::make_shared<Graph>();
  capture->intoExisting = into != nullptr;
  if (!into) graphs().add(capture->graph);
  capture->mode = mode;
  capture->thread = &threadCaptureMode();
  capture->origin = stream.stream;
  Member member = makeMember(current, stream);
  member.dependencies = std::move(dependencies);
  enlist(capture, *stream.stream, std::move(member));
  return CUDA_SUCCESS;
}

CUresult endCapture(const StreamRef& stream, CUgraph* graph) {
  std::lock_guard lock(graphMutex());
  std::shared_ptr<Capture> capture = stream.capture;
  if (!capture || stream.implicit) return CUDA_ERROR_ILLEGAL_STATE;
  if (capture->origin != stream.stream) return spoil(*capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != &threadCaptureMode())
    return spoil(*capture, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  CUresult result = CUDA_SUCCESS;
  if (capture->invalidated) result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  else if (isUnjoined(*capture, capture->members[stream.stream])) result = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  end(capture);
  if (graph) *graph = result == CUDA_SUCCESS ? capture->graph->handle : nullptr;
  if ((result != CUDA_SUCCESS || !graph) && !capture->intoExisting) graphs().take(capture->graph->handle);
  return result;
}

CUresult captureWork(const StreamRef& stream, CUgraphNodeType type, Work work, GraphNode** made) {
  std::lock_guard lock(graphMutex());
  Capture& capture = *stream.capture;
  if (stream.implicit) return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  if (capture.invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  GraphNode& node = capture.graph->add(type, std::move(work));
  Member& member = capture.members[stream.stream];
  for (const GraphEdge& edge : member.dependencies) connect(*edge.node, node, edge.data);
  member.dependencies = {{&node, {}}};
  if (made) *made = &node;
  return CUDA_SUCCESS;
}

namespace {

// Makes the node that `params` describe, in the current context.
CUresult captureParams(const StreamRef& stream, CUgraphNodeParams& params, GraphNode** node = nullptr) {
  std::lock_guard lock(graphMutex());
  if (stream.implicit) return spoil(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  if (stream.capture->invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  Work work;
  CUresult result = makeWork(*stream.capture->graph, params, nullptr, work);
  return result == CUDA_SUCCESS ? captureWork(stream, params.type, std::move(work), node) : result;
}

CUgraphNodeParams paramsOf(CUgraphNodeType type) {
  CUgraphNodeParams params;
  __builtin_memset(&params, 0, sizeof(params));
  params.type = type;
  return params;
}

void keepAttribute(KernelWork& work, CUlaunchAttributeID id, const CUlaunchAttributeValue& value) {
  CUlaunchAttribute attribute;
  __builtin_memset(&attribute, 0, sizeof(attribute));
  attribute.id = id;
  attribute.value = value;
  work.attributes.push_back(attribute);
}

}  // namespace

CUresult captureLaunch(Current& current, const StreamRef& stream, const KernelRef& ref, const LaunchArguments& arguments) {
  if (stream.implicit) return refuseCapture(stream);
  ParamImage image;
  device::LaunchRequest request;
  if (CUresult result = prepareLaunch(current.device(), ref, arguments, image, request); result != CUDA_SUCCESS) return result;
  KernelWork work;
  work.ref = ref;
  work.context = current.context;
  CUDA_KERNEL_NODE_PARAMS& p = work.params;
  p.func = ref.function ? ref.function->handle : nullptr;
  p.kern = ref.function ? nullptr : ref.kernel->handle;
  p.gridDimX = arguments.grid.x, p.gridDimY = arguments.grid.y, p.gridDimZ = arguments.grid.z;
  p.blockDimX = arguments.block.x, p.blockDimY = arguments.block.y, p.blockDimZ = arguments.block.z;
  p.sharedMemBytes = arguments.sharedBytes;
  p.ctx = current.context->handle;
  work.image.assign(image.data(), image.data() + request.paramBytes);
  for (const ParamLayout::Param& param : ref.kernel->layout.params) work.pointers.push_back(work.image.data() + param.offset);
  p.kernelParams = work.pointers.data();
  CUlaunchAttributeValue value;
  __builtin_memset(&value, 0, sizeof(value));
  if (arguments.cooperative) {
    value.cooperative = 1;
    keepAttribute(work, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, value);
  }
  if (arguments.cluster.x) {
    value.clusterDim = {arguments.cluster.x, arguments.cluster.y, arguments.cluster.z};
    keepAttribute(work, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, value);
  }
  value.priority = stream->priority();
  keepAttribute(work, CU_LAUNCH_ATTRIBUTE_PRIORITY, value);
  if (CUresult result = captureWork(stream, CU_GRAPH_NODE_TYPE_KERNEL, std::move(work)); result != CUDA_SUCCESS) return result;
  for (CUevent handle : arguments.recordAfter) {
    if (!handle) continue;
    std::shared_ptr<EventObject> event = events().find(handle);
    if (!event || event->impl != current.impl) return CUDA_ERROR_INVALID_HANDLE;
    if (CUresult result = captureRecord(stream, event, 0); result != CUDA_SUCCESS) return result;
  }
  return CUDA_SUCCESS;
}

CUresult captureCopy(Current& current, const StreamRef& stream, const device::Copy& copy) {
  CopyWork work;
  work.context = current.context;
  CUDA_MEMCPY3D& p = work.params;
  p.srcMemoryType = p.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
  p.srcDevice = addressOf(copy.source);
  p.dstDevice = addressOf(copy.target);
  p.srcPitch = copy.sourceRowPitch;
  p.dstPitch = copy.targetRowPitch;
  p.srcHeight = copy.sourceRowPitch ? copy.sourceSlicePitch / copy.sourceRowPitch : 0;
  p.dstHeight = copy.targetRowPitch ? copy.targetSlicePitch / copy.targetRowPitch : 0;
  p.WidthInBytes = copy.width;
  p.Height = copy.height;
  p.Depth = copy.depth;
  return captureWork(stream, CU_GRAPH_NODE_TYPE_MEMCPY, std::move(work));
}

CUresult captureFill(Current& current, const StreamRef& stream, const device::Fill& fill) {
  FillWork work;
  work.context = current.context;
  work.params.dst = addressOf(fill.target);
  work.params.pitch = fill.rowPitch;
  work.params.value = static_cast<unsigned>(fill.value);
  work.params.elementSize = fill.elementBytes;
  work.params.width = fill.width;
  work.params.height = fill.height;
  work.params.ctx = current.context->handle;
  return captureWork(stream, CU_GRAPH_NODE_TYPE_MEMSET, std::move(work));
}

CUresult captureRecord(const StreamRef& stream, const std::shared_ptr<EventObject>& event, unsigned flags) {
  if (event->shared && flags & CU_EVENT_RECORD_EXTERNAL) return refuseCapture(stream);
  std::lock_guard lock(graphMutex());
  Capture& capture = *stream.capture;
  if (stream.implicit) return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  if (capture.invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (flags & CU_EVENT_RECORD_EXTERNAL) return captureWork(stream, CU_GRAPH_NODE_TYPE_EVENT_RECORD, EventWork{event});
  event->captured = std::make_shared<CapturedPoint>(CapturedPoint{stream.capture, capture.members[stream.stream].dependencies});
  event->isCaptured = true;
  return CUDA_SUCCESS;
}

CUresult captureWait(Current& current, const StreamRef& stream, const std::shared_ptr<EventObject>& event, unsigned flags) {
  if (event->shared && flags & CU_EVENT_WAIT_EXTERNAL) return refuseCapture(stream);
  std::lock_guard lock(graphMutex());
  if (stream.implicit) return spoil(*stream.capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  if (stream.capture && flags & CU_EVENT_WAIT_EXTERNAL) return captureWork(stream, CU_GRAPH_NODE_TYPE_WAIT_EVENT, EventWork{event});
  std::shared_ptr<Capture> source = event->captured ? event->captured->capture.lock() : nullptr;
  if (!stream.capture) {
    if (!source) return CUDA_ERROR_CAPTURED_EVENT;
    if (source->invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    if (stream->kind() == device::StreamKind::Legacy) return spoil(*source, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    Member member = makeMember(current, stream);
    member.dependencies = event->captured->dependencies;
    enlist(source, *stream.stream, std::move(member));
    return CUDA_SUCCESS;
  }
  Capture& capture = *stream.capture;
  if (capture.invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (!event->isCaptured) return (event->shared ? event->shared->recorded() != 0 : event->event->recorded()) ? spoil(capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION) : CUDA_SUCCESS;
  if (source != stream.capture) {
    if (source) source->invalidated = true;
    return spoil(capture, CUDA_ERROR_STREAM_CAPTURE_MERGE);
  }
  for (const GraphEdge& edge : event->captured->dependencies) addDependency(capture.members[stream.stream].dependencies, edge);
  return CUDA_SUCCESS;
}

CUresult captureAllocation(const StreamRef& stream, const PoolPlace& place, size_t bytes, CUdeviceptr* pointer) {
  CUgraphNodeParams params = paramsOf(CU_GRAPH_NODE_TYPE_MEM_ALLOC);
  params.alloc.poolProps.allocType = place.type;
  params.alloc.poolProps.location = place.location;
  params.alloc.bytesize = bytes;
  CUresult result = captureParams(stream, params);
  if (result == CUDA_SUCCESS) *pointer = params.alloc.dptr;
  return result;
}

CUresult captureFree(const StreamRef& stream, CUdeviceptr pointer) {
  CUgraphNodeParams params = paramsOf(CU_GRAPH_NODE_TYPE_MEM_FREE);
  params.free.dptr = pointer;
  return captureParams(stream, params);
}

}  // namespace anywarp::driver
