// Driver API: Graph Management, graphs and their edges. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/graph_call.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

bool isValid(const CUgraphEdgeData& data) {
  return data.type <= 1 && std::all_of(std::begin(data.reserved), std::end(data.reserved), [](unsigned char c) { return c == 0; });
}

// Lists are asked for in two calls: without an array for their length, then with it. What is left of the array becomes null.
template <class Item, class Put, class Clear>
CUresult giveList(const std::vector<Item>& items, bool wanted, size_t* count, Put put, Clear clear) {
  if (!count) return CUDA_ERROR_INVALID_VALUE;
  if (wanted) {
    for (size_t i = 0; i < *count; ++i) i < items.size() ? put(i, items[i]) : clear(i);
    *count = std::min(*count, items.size());
  } else {
    *count = items.size();
  }
  return CUDA_SUCCESS;
}

CUresult giveNodes(const std::vector<GraphEdge>& nodes, CUgraphNode* out, CUgraphEdgeData* data, size_t* count) {
  if (!out && data) return CUDA_ERROR_INVALID_VALUE;
  return giveList(
      nodes, out != nullptr, count,
      [&](size_t i, const GraphEdge& edge) {
        out[i] = edge.node->handle;
        if (data) data[i] = edge.data;
      },
      [&](size_t i) { out[i] = nullptr; });
}

// The old functions have no room for edge data: an edge with some is an error there.
bool hasData(const std::vector<GraphEdge>& edges) {
  return std::any_of(edges.begin(), edges.end(), [](const GraphEdge& e) { return e.data.from_port || e.data.to_port || e.data.type; });
}

struct Edge {
  GraphNode *from, *to;
  CUgraphEdgeData data;
};

CUresult giveEdges(const char* name, CUgraph handle, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data, size_t* count) {
  return withGraph(name, handle, [&](Graph& graph) -> CUresult {
    if ((from == nullptr) != (to == nullptr) || (data && !from)) return CUDA_ERROR_INVALID_VALUE;
    std::vector<Edge> edges;
    for (const std::shared_ptr<GraphNode>& node : graph.nodes)
      for (const GraphEdge& edge : node->dependents) edges.push_back({node.get(), edge.node, edge.data});
    return giveList(
        edges, from != nullptr, count,
        [&](size_t i, const Edge& edge) {
          from[i] = edge.from->handle;
          to[i] = edge.to->handle;
          if (data) data[i] = edge.data;
        },
        [&](size_t i) { from[i] = to[i] = nullptr; });
  });
}

CUresult changeEdges(const char* name, CUgraph handle, const CUgraphNode* from, const CUgraphNode* to, const CUgraphEdgeData* data, size_t count,
                     bool adding) {
  return withGraph(name, handle, [&](Graph& graph) -> CUresult {
    if (count && (!from || !to)) return CUDA_ERROR_INVALID_VALUE;
    std::vector<Edge> edges;
    for (size_t i = 0; i < count; ++i) {
      std::shared_ptr<GraphNode> a = graphNodes().find(from[i]), b = graphNodes().find(to[i]);
      CUgraphEdgeData edge = data ? data[i] : CUgraphEdgeData{};
      if (!a || !b || a == b || !graph.holds(*a) || !graph.holds(*b) || !isValid(edge)) return CUDA_ERROR_INVALID_VALUE;
      auto leadsToB = [&](const GraphEdge& e) { return e.node == b.get(); };
      bool exists = std::any_of(a->dependents.begin(), a->dependents.end(), leadsToB);
      if (exists == adding) return CUDA_ERROR_INVALID_VALUE;
      edges.push_back({a.get(), b.get(), edge});
    }
    for (const Edge& edge : edges) adding ? connect(*edge.from, *edge.to, edge.data) : disconnect(*edge.from, *edge.to);
    return CUDA_SUCCESS;
  });
}

}  // namespace

bool anywarp::driver::findNodes(const Graph& graph, const CUgraphNode* handles, const CUgraphEdgeData* data, size_t count,
                                std::vector<GraphEdge>& edges) {
  if (count && !handles) return false;
  for (size_t i = 0; i < count; ++i) {
    std::shared_ptr<GraphNode> node = graphNodes().find(handles[i]);
    CUgraphEdgeData edge = data ? data[i] : CUgraphEdgeData{};
    if (!node || !graph.holds(*node) || !isValid(edge)) return false;
    if (std::any_of(edges.begin(), edges.end(), [&](const GraphEdge& e) { return e.node == node.get(); })) return false;
    edges.push_back({node.get(), edge});
  }
  return true;
}

CUresult cuGraphCreate(CUgraph* handle, unsigned flags) {
  return graphCall(__func__, [&]() -> CUresult {
    if (!handle || flags) return CUDA_ERROR_INVALID_VALUE;
    *handle = graphs().add(std::make_shared<Graph>());
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph handle) {
  return withGraph(__func__, handle, [&](Graph& graph) -> CUresult {
    if (graph.embedded || isCapturing(graph)) return CUDA_ERROR_INVALID_VALUE;
    graphs().take(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphClone(CUgraph* clone, CUgraph handle) {
  return withGraph(__func__, handle, [&](Graph& graph) -> CUresult {
    if (!clone) return CUDA_ERROR_INVALID_VALUE;
    *clone = graphs().add(cloneGraph(graph));
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeFindInClone(CUgraphNode* found, CUgraphNode original, CUgraph handle) {
  return withGraph(__func__, handle, [&](Graph& graph) -> CUresult {
    if (!found) return CUDA_ERROR_INVALID_VALUE;
    for (const std::shared_ptr<GraphNode>& node : graph.nodes) {
      if (node->clonedFrom != original) continue;
      *found = node->handle;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType* type) {
  return withNode(__func__, handle, [&](GraphNode& node) -> CUresult {
    if (!type) return CUDA_ERROR_INVALID_VALUE;
    *type = node.type;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode* nodes, size_t* count) {
  return withGraph(__func__, handle, [&](Graph& graph) -> CUresult {
    std::vector<GraphEdge> all;
    for (const std::shared_ptr<GraphNode>& node : graph.nodes) all.push_back({node.get(), {}});
    return giveNodes(all, nodes, nullptr, count);
  });
}

CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode* nodes, size_t* count) {
  return withGraph(__func__, handle, [&](Graph& graph) -> CUresult {
    std::vector<GraphEdge> roots;
    for (const std::shared_ptr<GraphNode>& node : graph.nodes)
      if (node->dependencies.empty()) roots.push_back({node.get(), {}});
    return giveNodes(roots, nodes, nullptr, count);
  });
}

CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode* from, CUgraphNode* to, size_t* count) {
  return giveEdges(__func__, graph, from, to, nullptr, count);
}
CUresult cuGraphGetEdges_v2(CUgraph graph, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data, size_t* count) {
  return giveEdges(__func__, graph, from, to, data, count);
}

CUresult cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode* nodes, size_t* count) {
  return withNode(__func__, handle, [&](GraphNode& node) -> CUresult {
    return hasData(node.dependencies) ? CUDA_ERROR_LOSSY_QUERY : giveNodes(node.dependencies, nodes, nullptr, count);
  });
}
CUresult cuGraphNodeGetDependencies_v2(CUgraphNode handle, CUgraphNode* nodes, CUgraphEdgeData* data, size_t* count) {
  return withNode(__func__, handle, [&](GraphNode& node) { return giveNodes(node.dependencies, nodes, data, count); });
}
CUresult cuGraphNodeGetDependentNodes(CUgraphNode handle, CUgraphNode* nodes, size_t* count) {
  return withNode(__func__, handle, [&](GraphNode& node) -> CUresult {
    return hasData(node.dependents) ? CUDA_ERROR_LOSSY_QUERY : giveNodes(node.dependents, nodes, nullptr, count);
  });
}
CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode handle, CUgraphNode* nodes, CUgraphEdgeData* data, size_t* count) {
  return withNode(__func__, handle, [&](GraphNode& node) { return giveNodes(node.dependents, nodes, data, count); });
}

CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
  return changeEdges(__func__, graph, from, to, nullptr, count, true);
}
CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, const CUgraphEdgeData* data, size_t count) {
  return changeEdges(__func__, graph, from, to, data, count, true);
}
CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
  return changeEdges(__func__, graph, from, to, nullptr, count, false);
}
CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, const CUgraphEdgeData* data, size_t count) {
  return changeEdges(__func__, graph, from, to, data, count, false);
}

CUresult cuGraphDestroyNode(CUgraphNode handle) {
  return withNode(__func__, handle, [&](GraphNode& node) -> CUresult {
    if (isCapturing(*node.graph)) return CUDA_ERROR_INVALID_VALUE;
    bool keepsItsGraph = node.type == CU_GRAPH_NODE_TYPE_MEM_ALLOC || node.type == CU_GRAPH_NODE_TYPE_MEM_FREE;
    if (keepsItsGraph) return CUDA_ERROR_NOT_SUPPORTED;
    node.graph->remove(node);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphConditionalHandleCreate(CUgraphConditionalHandle* handle, CUgraph graphHandle, CUcontext context, unsigned start, unsigned flags) {
  return withGraph(__func__, graphHandle, [&](Graph& graph) -> CUresult {
    if (!handle || flags & ~CU_GRAPH_COND_ASSIGN_DEFAULT) return CUDA_ERROR_INVALID_VALUE;
    if (!contextOf(context)) return CUDA_ERROR_INVALID_CONTEXT;
    auto conditional = std::make_shared<ConditionalHandle>();
    conditional->start = start;
    conditional->assignStart = flags & CU_GRAPH_COND_ASSIGN_DEFAULT;
    *handle = reinterpret_cast<uintptr_t>(conditional->value.get());  // what kernels store to
    graph.conditionals[*handle] = conditional;
    return CUDA_SUCCESS;
  });
}
