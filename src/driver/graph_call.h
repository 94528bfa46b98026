// How entry points about graphs run: under the mutex of graphs, with handles looked up. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "driver/entry.h"
#include "driver/objects/capture.h"
#include "driver/objects/graph.h"

namespace anywarp::driver {

template <class Body>
CUresult graphCall(const char* name, Body&& body) {
  return call(name, [&]() -> CUresult {
    if (inCallback()) return CUDA_ERROR_NOT_PERMITTED;
    std::lock_guard lock(graphMutex());
    return body();
  });
}

// Body: CUresult(Graph&).
template <class Body>
CUresult withGraph(const char* name, CUgraph handle, Body&& body) {
  return graphCall(name, [&]() -> CUresult {
    std::shared_ptr<Graph> graph = graphs().find(handle);
    return graph ? body(*graph) : CUDA_ERROR_INVALID_VALUE;
  });
}

// Body: CUresult(GraphNode&).
template <class Body>
CUresult withNode(const char* name, CUgraphNode handle, Body&& body) {
  return graphCall(name, [&]() -> CUresult {
    std::shared_ptr<GraphNode> node = graphNodes().find(handle);
    return node && node->graph ? body(*node) : CUDA_ERROR_INVALID_VALUE;
  });
}

// A node of a given type.
template <class Body>
CUresult withNode(const char* name, CUgraphNode handle, CUgraphNodeType type, Body&& body) {
  return withNode(name, handle, [&](GraphNode& node) -> CUresult { return node.type == type ? body(node) : CUDA_ERROR_INVALID_VALUE; });
}

// An executable graph, and the node of its own that stands for `handle`. Body: CUresult(GraphExec&, GraphNode&).
template <class Body>
CUresult withExecNode(const char* name, CUgraphExec execHandle, CUgraphNode handle, Body&& body) {
  return graphCall(name, [&]() -> CUresult {
    std::shared_ptr<GraphExec> exec = graphExecs().find(execHandle);
    if (!exec) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(exec->mutex);
    auto found = exec->nodes.find(handle);
    return found == exec->nodes.end() ? CUDA_ERROR_INVALID_VALUE : body(*exec, *found->second);
  });
}

inline CUgraphNodeParams emptyParams(CUgraphNodeType type) {
  CUgraphNodeParams params;
  std::memset(&params, 0, sizeof(params));
  params.type = type;
  return params;
}

// Finds `count` nodes of `graph`, all different; false where one is not.
bool findNodes(const Graph& graph, const CUgraphNode* handles, const CUgraphEdgeData* data, size_t count, std::vector<GraphEdge>& edges);

CUresult addNode(const char* name, CUgraphNode* out, CUgraph graph, const CUgraphNode* dependencies, const CUgraphEdgeData* data, size_t count,
                 CUgraphNodeParams& params);
CUresult setNode(const char* name, CUgraphNode node, CUgraphNodeParams& params);
CUresult setExecNode(const char* name, CUgraphExec exec, CUgraphNode node, CUgraphNodeParams& params);

}  // namespace anywarp::driver
