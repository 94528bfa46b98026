// Life of graphs and of what they hold. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/graph.h"

#include <algorithm>

#include "device/memory/memory.h"

namespace anywarp::driver {
namespace {

struct GraphMemories {
  std::mutex mutex;
  std::unordered_map<const void*, std::weak_ptr<GraphMemory>> all;
  std::unordered_map<const void*, std::shared_ptr<GraphMemory>> live;
};

GraphMemories& graphMemories() {
  static GraphMemories& memories = *new GraphMemories;
  return memories;
}

}  // namespace

std::recursive_mutex& graphMutex() {
  static std::recursive_mutex& mutex = *new std::recursive_mutex;
  return mutex;
}

GraphTable& graphs() {
  static GraphTable& table = *new GraphTable;
  return table;
}
GraphNodeTable& graphNodes() {
  static GraphNodeTable& table = *new GraphNodeTable;
  return table;
}
GraphExecTable& graphExecs() {
  static GraphExecTable& table = *new GraphExecTable;
  return table;
}
UserObjectTable& userObjects() {
  static UserObjectTable& table = *new UserObjectTable;
  return table;
}

UserObject::~UserObject() { destroy(pointer); }

GraphMemoryCounts& graphMemoryCounts(CUdevice device) {
  static auto& counts = *new std::vector<std::unique_ptr<GraphMemoryCounts>>;
  std::lock_guard lock(graphMemories().mutex);
  while (counts.size() <= static_cast<size_t>(device)) counts.push_back(std::make_unique<GraphMemoryCounts>());
  return *counts[static_cast<size_t>(device)];
}

namespace {

void grow(std::atomic<uint64_t>& count, std::atomic<uint64_t>& high, uint64_t bytes) {
  uint64_t now = count.fetch_add(bytes) + bytes;
  uint64_t most = high.load();
  while (most < now && !high.compare_exchange_weak(most, now)) {
  }
}

}  // namespace

GraphMemory::~GraphMemory() {
  graphMemoryCounts(device).reserved -= bytes;
  std::lock_guard lock(graphMemories().mutex);
  graphMemories().all.erase(base);
  (void)device::Memory::instance().release(base);
}

std::shared_ptr<GraphMemory> graphMemoryAt(const void* base) {
  std::lock_guard lock(graphMemories().mutex);
  auto found = graphMemories().all.find(base);
  return found == graphMemories().all.end() ? nullptr : found->second.lock();
}

Result<std::shared_ptr<GraphMemory>> makeGraphMemory(const PoolPlace& place, size_t bytes) {
  CUdevice device = place.location.type == CU_MEM_LOCATION_TYPE_DEVICE ? place.location.id : 0;
  device::MemoryKind kind = place.kind();
  uint32_t flags = kind == device::MemoryKind::Managed ? uint32_t{CU_MEM_ATTACH_GLOBAL} : 0;
  Result<void*> base = device::Memory::instance().allocate({.bytes = bytes, .kind = kind, .device = visibleDevice(device)->device->ordinal(), .flags = flags});
  if (!base) return base.error();
  auto memory = std::make_shared<GraphMemory>();
  memory->base = *base;
  memory->bytes = bytes;
  memory->device = device;
  GraphMemoryCounts& counts = graphMemoryCounts(device);
  grow(counts.reserved, counts.reservedHigh, bytes);
  std::lock_guard lock(graphMemories().mutex);
  graphMemories().all[*base] = memory;
  return memory;
}

void setLive(const std::shared_ptr<GraphMemory>& memory, bool live) {
  std::shared_ptr<GraphMemory> dropped;  // outlives the lock
  GraphMemoryCounts& counts = graphMemoryCounts(memory->device);
  if (memory->live.exchange(live) == live) return;
  if (live) grow(counts.used, counts.usedHigh, memory->bytes);
  else counts.used -= memory->bytes;
  std::lock_guard lock(graphMemories().mutex);
  if (live) graphMemories().live[memory->base] = memory;
  else if (auto found = graphMemories().live.find(memory->base); found != graphMemories().live.end()) {
    dropped = std::move(found->second);
    graphMemories().live.erase(found);
  }
}

EmbeddedGraph::EmbeddedGraph(std::shared_ptr<Graph> inner) : graph(std::move(inner)) {
  graph->embedded = true;
  if (!graph->handle) graphs().add(graph);
}

EmbeddedGraph::~EmbeddedGraph() { graphs().take(graph->handle); }

Graph::~Graph() {
  for (const std::shared_ptr<GraphNode>& node : nodes) {
    graphNodes().take(node->handle);
    node->graph = nullptr;
  }
}

GraphNode& Graph::add(CUgraphNodeType type, Work work) {
  auto node = std::make_shared<GraphNode>();
  node->graph = this;
  node->type = type;
  node->work = std::move(work);
  graphNodes().add(node);
  nodes.push_back(node);
  return *node;
}

void Graph::remove(GraphNode& node) {
  while (!node.dependencies.empty()) disconnect(*node.dependencies.back().node, node);
  while (!node.dependents.empty()) disconnect(node, *node.dependents.back().node);
  std::shared_ptr<GraphNode> kept = graphNodes().take(node.handle);
  std::erase_if(nodes, [&](const std::shared_ptr<GraphNode>& n) { return n.get() == &node; });
  node.graph = nullptr;
}

std::shared_ptr<ConditionalHandle> Graph::conditional(CUgraphConditionalHandle wanted) const {
  auto found = conditionals.find(wanted);
  return found == conditionals.end() ? nullptr : found->second;
}

bool connect(GraphNode& from, GraphNode& to, const CUgraphEdgeData& data) {
  for (const GraphEdge& edge : to.dependencies)
    if (edge.node == &from) return false;
  from.dependents.push_back({&to, data});
  to.dependencies.push_back({&from, data});
  return true;
}

bool disconnect(GraphNode& from, GraphNode& to) {
  size_t erased = std::erase_if(to.dependencies, [&](const GraphEdge& edge) { return edge.node == &from; });
  std::erase_if(from.dependents, [&](const GraphEdge& edge) { return edge.node == &to; });
  return erased != 0;
}

namespace {

std::shared_ptr<EmbeddedGraph> cloneEmbedded(const std::shared_ptr<EmbeddedGraph>& graph) {
  return std::make_shared<EmbeddedGraph>(cloneGraph(*graph->graph));
}

// Pointers inside a payload lead to the payload's own copies.
void ownPointers(Work& work) {
  if (auto* kernel = std::get_if<KernelWork>(&work)) {
    const ParamLayout& layout = kernel->ref.kernel->layout;
    kernel->pointers.clear();
    for (const ParamLayout::Param& param : layout.params) kernel->pointers.push_back(kernel->image.data() + param.offset);
    kernel->params.kernelParams = kernel->pointers.data();
    kernel->params.extra = nullptr;
  } else if (auto* allocation = std::get_if<AllocationWork>(&work)) {
    allocation->params.accessDescs = allocation->access.data();
  } else if (auto* child = std::get_if<ChildWork>(&work)) {
    child->child = cloneEmbedded(child->child);
  } else if (auto* conditional = std::get_if<ConditionalWork>(&work)) {
    conditional->bodyHandles.clear();
    for (auto& body : conditional->bodies) {
      body = cloneEmbedded(body);
      conditional->bodyHandles.push_back(body->graph->handle);
    }
    conditional->params.phGraph_out = conditional->bodyHandles.data();
  }
}

}  // namespace

std::shared_ptr<Graph> cloneGraph(const Graph& graph) {
  auto clone = std::make_shared<Graph>();
  clone->conditionals = graph.conditionals;
  clone->userObjects = graph.userObjects;
  std::unordered_map<const GraphNode*, GraphNode*> copies;
  for (const std::shared_ptr<GraphNode>& node : graph.nodes) {
    GraphNode& copy = clone->add(node->type, node->work);
    ownPointers(copy.work);
    copy.clonedFrom = node->handle;
    copies[node.get()] = &copy;
  }
  for (const std::shared_ptr<GraphNode>& node : graph.nodes)
    for (const GraphEdge& edge : node->dependencies) connect(*copies[edge.node], *copies[node.get()], edge.data);
  return clone;
}

std::shared_ptr<Context> contextOf(CUcontext handle) { return handle ? contexts().find(handle) : currentContext(); }

}  // namespace anywarp::driver
