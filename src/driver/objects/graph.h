// Graphs, their nodes, executable graphs, user objects. SPDX-License-Identifier: Apache-2.0
// Graphs are not meant for several threads at once; one mutex for all of them keeps hostile use from doing harm.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "abi/cuda_graph.h"
#include "device/stream/graph.h"
#include "driver/execution.h"
#include "driver/objects/context.h"
#include "driver/objects/handles.h"
#include "driver/objects/memory_pool.h"

namespace anywarp::driver {

struct Graph;
struct GraphNode;

// Held while graphs, nodes or captures are looked at.
std::recursive_mutex& graphMutex();

// Destroyed with its last reference, on the thread that lets go of it.
struct UserObject {
  ~UserObject();
  CUuserObject handle = nullptr;
  void* pointer = nullptr;
  CUhostFn destroy = nullptr;
  uint64_t references = 0;  // the program's; those of graphs are shared pointers
};

// The memory of an allocation node, of its clones and executable graphs: at one address from the making of the node on.
struct GraphMemory {
  ~GraphMemory();
  void* base = nullptr;
  size_t bytes = 0;
  CUdevice device = 0;
  std::atomic<bool> live{false};  // allocated by a launch and not yet freed, in the order of submission
};
// The memory that begins at `base`; null where there is none.
std::shared_ptr<GraphMemory> graphMemoryAt(const void* base);
Result<std::shared_ptr<GraphMemory>> makeGraphMemory(const PoolPlace& place, size_t bytes);
// Live memory is kept until the program frees it, whatever becomes of its graph.
void setLive(const std::shared_ptr<GraphMemory>& memory, bool live);

// What cuDeviceGetGraphMemAttribute tells.
struct GraphMemoryCounts {
  std::atomic<uint64_t> used{0}, usedHigh{0}, reserved{0}, reservedHigh{0};
};
GraphMemoryCounts& graphMemoryCounts(CUdevice device);

struct ConditionalHandle {
  std::shared_ptr<std::atomic<uint32_t>> value = std::make_shared<std::atomic<uint32_t>>(0);
  uint32_t start = 0;
  bool assignStart = false;
  bool used = false;
};

// A graph inside another's node: the program may look at it and change it, but not destroy it.
struct EmbeddedGraph {
  explicit EmbeddedGraph(std::shared_ptr<Graph> graph);
  ~EmbeddedGraph();
  std::shared_ptr<Graph> graph;
};

struct KernelWork {
  KernelRef ref;
  std::shared_ptr<Context> context;
  CUDA_KERNEL_NODE_PARAMS params{};      // its pointers lead to the two below
  std::vector<uint8_t> image;
  std::vector<void*> pointers;
  std::vector<CUlaunchAttribute> attributes;
};
struct CopyWork {
  std::shared_ptr<Context> context;
  CUDA_MEMCPY3D params{};
};
struct FillWork {
  std::shared_ptr<Context> context;
  CUDA_MEMSET_NODE_PARAMS params{};
};
struct HostWork {
  CUDA_HOST_NODE_PARAMS params{};
};
struct ChildWork {
  std::shared_ptr<EmbeddedGraph> child;
};
struct EmptyWork {};
struct EventWork {  // a record or a wait
  std::shared_ptr<EventObject> event;
};
struct AllocationWork {
  CUDA_MEM_ALLOC_NODE_PARAMS params{};
  std::vector<CUmemAccessDesc> access;
  std::shared_ptr<GraphMemory> memory;
};
struct FreeWork {
  std::shared_ptr<GraphMemory> memory;
};
struct MemoryOperationWork {
  std::shared_ptr<Context> context;
  std::vector<CUstreamBatchMemOpParams> operations;
  unsigned flags = 0;
};
struct ConditionalWork {
  std::shared_ptr<Context> context;
  CUDA_CONDITIONAL_NODE_PARAMS params{};
  std::shared_ptr<ConditionalHandle> handle;
  std::vector<std::shared_ptr<EmbeddedGraph>> bodies;
  std::vector<CUgraph> bodyHandles;
};
using Work = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, ChildWork, EventWork, AllocationWork, FreeWork, MemoryOperationWork,
                          ConditionalWork>;

struct GraphEdge {
  GraphNode* node;
  CUgraphEdgeData data;
};

struct GraphNode {
  CUgraphNode handle = nullptr;
  Graph* graph = nullptr;
  CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
  Work work;
  std::vector<GraphEdge> dependencies, dependents;
  CUgraphNode clonedFrom = nullptr;
};

struct Graph {
  ~Graph();
  CUgraph handle = nullptr;
  bool embedded = false;
  std::vector<std::shared_ptr<GraphNode>> nodes;  // in the order of their making
  std::unordered_map<CUgraphConditionalHandle, std::shared_ptr<ConditionalHandle>> conditionals;
  std::unordered_map<UserObject*, std::vector<std::shared_ptr<UserObject>>> userObjects;

  GraphNode& add(CUgraphNodeType type, Work work);
  void remove(GraphNode& node);
  bool holds(const GraphNode& node) const { return node.graph == this; }
  // Where a conditional handle of this graph or, for bodies, of one around it is found.
  std::shared_ptr<ConditionalHandle> conditional(CUgraphConditionalHandle handle) const;
};
std::shared_ptr<Graph> cloneGraph(const Graph& graph);

// False when that edge is there already.
bool connect(GraphNode& from, GraphNode& to, const CUgraphEdgeData& data);
bool disconnect(GraphNode& from, GraphNode& to);

// Checks parameters and makes what a node keeps of them; `params` receives outputs (allocation, bodies). `before`: what an existing
// node has.
CUresult makeWork(Graph& graph, CUgraphNodeParams& params, const Work* before, Work& work);
CUresult readWork(GraphNode& node, CUgraphNodeParams& params);
// Of what was given by an old function or is null: the current context.
std::shared_ptr<Context> contextOf(CUcontext handle);

// An instantiated graph.
struct GraphExec {
  struct Place {
    device::GraphProgram* program;
    size_t task;
    bool single;  // the node is this task alone
  };

  ~GraphExec();
  CUgraphExec handle = nullptr;
  std::mutex mutex;
  uint64_t flags = 0;
  std::shared_ptr<Graph> graph;                               // a copy of its own
  std::unordered_map<CUgraphNode, GraphNode*> nodes;          // of the original, embedded ones too, to those of the copy
  std::unordered_map<const GraphNode*, Place> places;
  std::unordered_map<const GraphNode*, bool> disabled;
  std::vector<std::shared_ptr<GraphMemory>> allocated, freed; // by its nodes
  std::vector<std::shared_ptr<device::Context>> contexts;     // that its work runs in
  std::shared_ptr<device::GraphTurns> turns = std::make_shared<device::GraphTurns>();
  std::shared_ptr<device::GraphProgram> program;

  // Makes the program from the copy. On failure `failed` is the node at fault.
  CUresult build(CUgraphNode* failed);
  // After the work of one node has changed.
  CUresult refresh(GraphNode& node);
  CUresult launch(Current& current, const StreamRef& stream);
};
CUresult instantiate(const Graph& graph, uint64_t flags, std::shared_ptr<GraphExec>& exec, CUgraphNode* failed);

using GraphTable = HandleTable<Graph, CUgraph, HandleKind::Graph>;
using GraphNodeTable = HandleTable<GraphNode, CUgraphNode, HandleKind::GraphNode>;
using GraphExecTable = HandleTable<GraphExec, CUgraphExec, HandleKind::GraphExec>;
using UserObjectTable = HandleTable<UserObject, CUuserObject, HandleKind::UserObject>;
GraphTable& graphs();
GraphNodeTable& graphNodes();
GraphExecTable& graphExecs();
UserObjectTable& userObjects();

// Stream memory operations: whether it is one, when a wait is over, and what a write does.
CUresult checkMemoryOperation(const CUstreamBatchMemOpParams& operation);
bool isWait(const CUstreamBatchMemOpParams& operation);
std::function<bool()> waitCondition(const CUstreamBatchMemOpParams& operation);
std::function<void()> writeAction(const CUstreamBatchMemOpParams& operation);

}  // namespace anywarp::driver
