// Stream capture: work that is submitted to a capturing stream becomes nodes of a graph (Driver API: Stream Management, Graphs).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "driver/execution.h"
#include "driver/memory.h"
#include "driver/objects/context.h"
#include "driver/objects/graph.h"
#include "driver/objects/memory_pool.h"

namespace anywarp::driver {

// One capture: the stream it began in and those that joined it through events. Under graphMutex().
class Capture : public std::enable_shared_from_this<Capture> {
 public:
  uint64_t id = 0;
  std::shared_ptr<Graph> graph;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  const void* thread = nullptr;             // that began it: the address of its capture mode
  const device::Stream* origin = nullptr;
  bool invalidated = false;
  bool intoExisting = false;

  struct Member {
    std::shared_ptr<StreamObject> object;   // null for a thread's default stream
    const device::Context* impl = nullptr;
    bool blocking = false;
    std::vector<GraphEdge> dependencies;    // of what comes next
    std::vector<CUgraphNode> handles;       // what cuStreamGetCaptureInfo showed
    std::vector<CUgraphEdgeData> edges;
  };
  std::unordered_map<const device::Stream*, Member> members;
  std::vector<GraphEdge> orphans;           // the last nodes of members that were destroyed
};

// What an event recorded while capturing stands for.
struct CapturedPoint {
  std::weak_ptr<Capture> capture;
  std::vector<GraphEdge> dependencies;
};

CUresult beginCapture(Current& current, const StreamRef& stream, CUstreamCaptureMode mode, const std::shared_ptr<Graph>& into,
                      std::vector<GraphEdge> dependencies);
CUresult endCapture(const StreamRef& stream, CUgraph* graph);

// For calls that cannot be captured: the error that they return, which spoils the capture.
CUresult refuseCapture(const StreamRef& stream);

// The forms that captured calls take. `stream.capture` is set.
CUresult captureWork(const StreamRef& stream, CUgraphNodeType type, Work work, GraphNode** node = nullptr);
CUresult captureLaunch(Current& current, const StreamRef& stream, const KernelRef& ref, const LaunchArguments& arguments);
CUresult captureCopy(Current& current, const StreamRef& stream, const device::Copy& copy);
CUresult captureFill(Current& current, const StreamRef& stream, const device::Fill& fill);
CUresult captureRecord(const StreamRef& stream, const std::shared_ptr<EventObject>& event, unsigned flags);
// The stream may not be capturing yet: an event that was captured pulls it into its capture.
CUresult captureWait(Current& current, const StreamRef& stream, const std::shared_ptr<EventObject>& event, unsigned flags);
CUresult captureAllocation(const StreamRef& stream, const PoolPlace& place, size_t bytes, CUdeviceptr* pointer);
CUresult captureFree(const StreamRef& stream, CUdeviceptr pointer);

// Calls that would wait for, or free under, work being captured (cuMemAlloc, cuCtxSynchronize...): the error, or success.
CUresult checkUnsafeCall();
CUresult checkContextCapture(const Current& current);
CUstreamCaptureMode& threadCaptureMode();

// Whether streams capture into it: then it may be looked at and added to only.
bool isCapturing(const Graph& graph);

// A stream is destroyed: a capture that it began ends.
void forgetStream(const device::Stream& stream);

// A context ends: so do the captures of its streams.
void forgetCaptures(const device::Context& impl);
// Fills in what a stream captures into, if it does.
void findCapture(const Current& current, StreamRef& stream);

// How many streams capture; when none does, nobody looks further.
extern std::atomic<uint32_t> capturingStreams;

}  // namespace anywarp::driver
