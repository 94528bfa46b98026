// Driver API: Stream Management, capture. SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "driver/graph_call.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

template <class Body>
CUresult withStreamOfGraphs(const char* name, CUstream handle, Body&& body) {
  return callInContext(name, [&](Current& current) -> CUresult {
    std::lock_guard lock(graphMutex());
    StreamRef stream = enterStream(current, handle);
    return stream ? body(current, stream) : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult begin(const char* name, CUstream handle, CUstreamCaptureMode mode) {
  return withStreamOfGraphs(name, handle, [&](Current& current, StreamRef& stream) { return beginCapture(current, stream, mode, nullptr, {}); });
}

struct Info {
  CUstreamCaptureStatus* status;
  uint64_t* id;
  CUgraph* graph;
  const CUgraphNode** dependencies;
  const CUgraphEdgeData** edges;
  size_t* count;
};

// The lists that it points to stay until the stream's next call.
CUresult getInfo(const char* name, CUstream handle, const Info& info) {
  return withStreamOfGraphs(name, handle, [&](Current&, StreamRef& stream) -> CUresult {
    if (!info.status) return CUDA_ERROR_INVALID_VALUE;
    if (stream.implicit) return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    Capture* capture = stream.capture.get();
    *info.status = !capture ? CU_STREAM_CAPTURE_STATUS_NONE : capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    if (*info.status != CU_STREAM_CAPTURE_STATUS_ACTIVE) return CUDA_SUCCESS;
    Capture::Member& member = capture->members[stream.stream];
    member.handles.clear();
    member.edges.clear();
    for (const GraphEdge& edge : member.dependencies) {
      member.handles.push_back(edge.node->handle);
      member.edges.push_back(edge.data);
    }
    if (info.id) *info.id = capture->id;
    if (info.graph) *info.graph = capture->graph->handle;
    if (info.dependencies) *info.dependencies = member.handles.data();
    if (info.edges) *info.edges = member.edges.data();
    if (info.count) *info.count = member.handles.size();
    return CUDA_SUCCESS;
  });
}

CUresult updateDependencies(const char* name, CUstream handle, CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count, unsigned flags) {
  return withStreamOfGraphs(name, handle, [&](Current&, StreamRef& stream) -> CUresult {
    if (flags > CU_STREAM_SET_CAPTURE_DEPENDENCIES) return CUDA_ERROR_INVALID_VALUE;
    if (!stream.capture || stream.implicit) return CUDA_ERROR_ILLEGAL_STATE;
    std::vector<GraphEdge> edges;
    if (!findNodes(*stream.capture->graph, nodes, data, count, edges)) return CUDA_ERROR_INVALID_VALUE;
    std::vector<GraphEdge>& dependencies = stream.capture->members[stream.stream].dependencies;
    if (flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES) dependencies.clear();
    for (const GraphEdge& edge : edges) {
      std::erase_if(dependencies, [&](const GraphEdge& known) { return known.node == edge.node; });
      dependencies.push_back(edge);
    }
    return CUDA_SUCCESS;
  });
}

}  // namespace

CUresult cuStreamBeginCapture(CUstream stream) { return begin(__func__, stream, CU_STREAM_CAPTURE_MODE_GLOBAL); }
CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) { return begin(__func__, stream, mode); }

CUresult cuStreamBeginCaptureToGraph(CUstream handle, CUgraph graphHandle, const CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count,
                                     CUstreamCaptureMode mode) {
  return withStreamOfGraphs(__func__, handle, [&](Current& current, StreamRef& stream) -> CUresult {
    std::shared_ptr<Graph> graph = graphs().find(graphHandle);
    std::vector<GraphEdge> edges;
    if (!graph || !findNodes(*graph, nodes, data, count, edges)) return CUDA_ERROR_INVALID_VALUE;
    return beginCapture(current, stream, mode, graph, std::move(edges));
  });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  return withStreamOfGraphs(__func__, handle, [&](Current&, StreamRef& stream) {
    return endCapture(stream, graph);  // null: the program has the graph, or does not want it
  });
}

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status) {
  return getInfo(__func__, stream, {status, nullptr, nullptr, nullptr, nullptr, nullptr});
}
CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus* status, uint64_t* id) {
  return getInfo(__func__, stream, {status, id, nullptr, nullptr, nullptr, nullptr});
}
CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph, const CUgraphNode** nodes, size_t* count) {
  return getInfo(__func__, stream, {status, id, graph, nodes, nullptr, count});
}
CUresult cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph, const CUgraphNode** nodes,
                                   const CUgraphEdgeData** edges, size_t* count) {
  return getInfo(__func__, stream, {status, id, graph, nodes, edges, count});
}

CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode* nodes, size_t count, unsigned flags) {
  return updateDependencies(__func__, stream, nodes, nullptr, count, flags);
}
CUresult cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode* nodes, const CUgraphEdgeData* data, size_t count, unsigned flags) {
  return updateDependencies(__func__, stream, nodes, data, count, flags);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return call(__func__, [&]() -> CUresult {
    if (!mode || *mode > CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    std::swap(threadCaptureMode(), *mode);
    return CUDA_SUCCESS;
  });
}
