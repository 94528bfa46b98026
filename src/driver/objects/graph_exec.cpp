// Instantiation: from a graph to the device's program, with every launch prepared. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "driver/memory.h"
#include "driver/objects/graph.h"

namespace anywarp::driver {
namespace {

using device::GraphProgram;
using device::GraphTask;

// Tasks of a graph under way. A node is one task, or several from `first` to `last`.
class Builder {
 public:
  explicit Builder(GraphExec& exec) : exec_(exec) {}

  CUresult add(const Graph& graph);
  std::shared_ptr<GraphProgram> finish(std::shared_ptr<device::GraphTurns> turns);
  CUgraphNode failed = nullptr;

 private:
  struct Span {
    size_t first, last;
  };
  struct Draft {
    GraphNode* node = nullptr;  // whose work it does, if it is that node's only task
    const CUstreamBatchMemOpParams* operation = nullptr;
    std::shared_ptr<Context> context;
    std::vector<size_t> dependencies;
    std::vector<std::shared_ptr<GraphProgram>> bodies;
  };

  CUresult addNode(GraphNode& node, Span& span);
  CUresult addConditional(GraphNode& node, const ConditionalWork& work, Span& span);
  size_t draft() {
    drafts_.emplace_back();
    return drafts_.size() - 1;
  }

  GraphExec& exec_;
  std::vector<Draft> drafts_;
};

CUresult enterContext(GraphExec& exec, const std::shared_ptr<Context>& context, Current& current) {
  current = {context, context->active()};
  if (!current.impl) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  if (std::find(exec.contexts.begin(), exec.contexts.end(), current.impl) == exec.contexts.end()) exec.contexts.push_back(current.impl);
  return CUDA_SUCCESS;
}

LaunchArguments argumentsOf(KernelWork& work, void** extra) {
  LaunchArguments arguments;
  arguments.grid = {work.params.gridDimX, work.params.gridDimY, work.params.gridDimZ};
  arguments.block = {work.params.blockDimX, work.params.blockDimY, work.params.blockDimZ};
  arguments.sharedBytes = work.params.sharedMemBytes;
  arguments.extra = extra;
  arguments.emptyGrid = EmptyGrid::Allowed;
  for (const CUlaunchAttribute& attribute : work.attributes) (void)readAttribute(attribute, arguments);
  return arguments;
}

CUresult fillKernel(GraphExec& exec, KernelWork& work, GraphTask& task) {
  Current current;
  if (CUresult result = enterContext(exec, work.context, current); result != CUDA_SUCCESS) return result;
  size_t bytes = work.image.size();
  void* extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, work.image.data(), CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
  ParamImage image;
  device::LaunchRequest request;
  if (CUresult result = prepareLaunch(current.device(), work.ref, argumentsOf(work, extra), image, request); result != CUDA_SUCCESS) return result;
  task.kind = GraphTask::Kind::Kernel;
  task.context = current.impl.get();
  task.setLaunch(request);
  for (const CUlaunchAttribute& attribute : work.attributes)
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_PRIORITY && exec.flags & CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY) task.priority = attribute.value.priority;
  return CUDA_SUCCESS;
}

CUresult fillCopy(GraphExec& exec, const CopyWork& work, GraphTask& task) {
  Current current;
  if (CUresult result = enterContext(exec, work.context, current); result != CUDA_SUCCESS) return result;
  task.kind = GraphTask::Kind::Copy;
  task.context = current.impl.get();
  const CUDA_MEMCPY3D& c = work.params;
  return makeCopy(targetOf(c), sourceOf(c), c.WidthInBytes, c.Height, c.Depth, task.copy);
}

CUresult fillFill(GraphExec& exec, const FillWork& work, GraphTask& task) {
  Current current;
  if (CUresult result = enterContext(exec, work.context, current); result != CUDA_SUCCESS) return result;
  task.kind = GraphTask::Kind::Fill;
  task.context = current.impl.get();
  const CUDA_MEMSET_NODE_PARAMS& p = work.params;
  return makeFill(p.dst, p.pitch, p.value, p.elementSize, p.width, p.height, task.fill);
}

CUresult fillEvent(GraphExec& exec, const EventWork& work, CUgraphNodeType type, GraphTask& task) {
  task.kind = type == CU_GRAPH_NODE_TYPE_EVENT_RECORD ? GraphTask::Kind::Record : GraphTask::Kind::Wait;
  task.event = work.event->event;
  task.context = work.event->impl.get();
  if (std::find(exec.contexts.begin(), exec.contexts.end(), work.event->impl) == exec.contexts.end()) exec.contexts.push_back(work.event->impl);
  return CUDA_SUCCESS;
}

// The work of a node that is one task.
CUresult fillTask(GraphExec& exec, GraphNode& node, GraphTask& task) {
  if (auto* kernel = std::get_if<KernelWork>(&node.work)) return fillKernel(exec, *kernel, task);
  if (auto* copy = std::get_if<CopyWork>(&node.work)) return fillCopy(exec, *copy, task);
  if (auto* fill = std::get_if<FillWork>(&node.work)) return fillFill(exec, *fill, task);
  if (auto* event = std::get_if<EventWork>(&node.work)) return fillEvent(exec, *event, node.type, task);
  if (auto* host = std::get_if<HostWork>(&node.work)) {
    task.kind = GraphTask::Kind::Host;
    task.function = [params = host->params] {
      inCallback() = true;
      params.fn(params.userData);
      inCallback() = false;
    };
  }
  return CUDA_SUCCESS;  // allocations have happened, frees are bookkeeping: tasks that only keep order
}

CUresult Builder::add(const Graph& graph) {
  std::unordered_map<const GraphNode*, Span> spans;
  for (const std::shared_ptr<GraphNode>& node : graph.nodes) {
    Span span{};
    if (CUresult result = addNode(*node, span); result != CUDA_SUCCESS) {
      if (!failed) failed = node->clonedFrom;
      return result;
    }
    spans[node.get()] = span;
  }
  for (const std::shared_ptr<GraphNode>& node : graph.nodes)
    for (const GraphEdge& edge : node->dependencies) drafts_[spans[node.get()].first].dependencies.push_back(spans[edge.node].last);
  return CUDA_SUCCESS;
}

CUresult Builder::addNode(GraphNode& node, Span& span) {
  if (auto* child = std::get_if<ChildWork>(&node.work)) {
    span.first = draft();
    size_t begin = drafts_.size();
    if (CUresult result = add(*child->child->graph); result != CUDA_SUCCESS) return result;
    size_t end = drafts_.size();
    span.last = draft();
    for (size_t i = begin; i < end; ++i) {
      if (drafts_[i].dependencies.empty()) drafts_[i].dependencies.push_back(span.first);
      drafts_[span.last].dependencies.push_back(i);
    }
    drafts_[span.last].dependencies.push_back(span.first);
    return CUDA_SUCCESS;
  }
  if (auto* operations = std::get_if<MemoryOperationWork>(&node.work)) {
    for (size_t i = 0; i < operations->operations.size(); ++i) {
      span.last = draft();
      if (i) drafts_.back().dependencies.push_back(span.last - 1);
      else span.first = span.last;
      drafts_.back().operation = &operations->operations[i];
      drafts_.back().context = operations->context;
    }
    return CUDA_SUCCESS;
  }
  if (auto* conditional = std::get_if<ConditionalWork>(&node.work)) return addConditional(node, *conditional, span);
  if (auto* allocation = std::get_if<AllocationWork>(&node.work)) exec_.allocated.push_back(allocation->memory);
  if (auto* release = std::get_if<FreeWork>(&node.work)) exec_.freed.push_back(release->memory);
  span.first = span.last = draft();
  drafts_.back().node = &node;
  return CUDA_SUCCESS;
}

CUresult Builder::addConditional(GraphNode& node, const ConditionalWork& work, Span& span) {
  std::vector<std::shared_ptr<GraphProgram>> bodies;
  for (const std::shared_ptr<EmbeddedGraph>& body : work.bodies) {
    Builder inner(exec_);
    CUresult result = inner.add(*body->graph);
    std::shared_ptr<GraphProgram> program = result == CUDA_SUCCESS ? inner.finish(std::make_shared<device::GraphTurns>()) : nullptr;
    if (!program) {
      failed = inner.failed;
      return result == CUDA_SUCCESS ? CUDA_ERROR_INVALID_VALUE : result;
    }
    bodies.push_back(std::move(program));
  }
  span.first = span.last = draft();
  drafts_.back().node = &node;
  drafts_.back().bodies = std::move(bodies);
  return CUDA_SUCCESS;
}

bool hasCycle(GraphProgram& program) {
  std::vector<uint32_t> left(program.size());
  std::vector<size_t> ready;
  for (size_t i = 0; i < program.size(); ++i)
    if ((left[i] = program.task(i).dependencies) == 0) ready.push_back(i);
  size_t seen = 0;
  while (!ready.empty()) {
    size_t i = ready.back();
    ready.pop_back();
    ++seen;
    for (uint32_t dependent : program.task(i).dependents)
      if (--left[dependent] == 0) ready.push_back(dependent);
  }
  return seen != program.size();
}

std::shared_ptr<GraphProgram> Builder::finish(std::shared_ptr<device::GraphTurns> turns) {
  auto program = std::make_shared<GraphProgram>(drafts_.size(), std::move(turns));
  for (size_t i = 0; i < drafts_.size(); ++i) {
    Draft& draft = drafts_[i];
    std::sort(draft.dependencies.begin(), draft.dependencies.end());
    draft.dependencies.erase(std::unique(draft.dependencies.begin(), draft.dependencies.end()), draft.dependencies.end());
    GraphTask& task = program->task(i);
    task.dependencies = static_cast<uint32_t>(draft.dependencies.size());
    for (size_t before : draft.dependencies) program->task(before).dependents.push_back(static_cast<uint32_t>(i));
    Current current;
    if (draft.operation) {
      if (enterContext(exec_, draft.context, current) != CUDA_SUCCESS) return nullptr;
      task.context = current.impl.get();
      task.kind = isWait(*draft.operation) ? GraphTask::Kind::Condition : GraphTask::Kind::Call;
      if (isWait(*draft.operation)) task.condition = waitCondition(*draft.operation);
      else task.function = writeAction(*draft.operation);
    } else if (draft.node) {
      exec_.places[draft.node] = {program.get(), i, draft.bodies.empty()};
      if (auto found = exec_.disabled.find(draft.node); found != exec_.disabled.end()) task.enabled = !found->second;
      if (auto* conditional = std::get_if<ConditionalWork>(&draft.node->work)) {
        if (enterContext(exec_, conditional->context, current) != CUDA_SUCCESS) return nullptr;
        task.context = current.impl.get();
        task.kind = GraphTask::Kind::Branch;
        task.branch = static_cast<device::BranchKind>(conditional->params.type);
        task.value = conditional->handle->value;
        task.bodies = std::move(draft.bodies);
      } else if (fillTask(exec_, *draft.node, task) != CUDA_SUCCESS) {
        failed = draft.node->clonedFrom;
        return nullptr;
      }
    }
  }
  if (hasCycle(*program)) return nullptr;
  program->seal();
  return program;
}

void mapNodes(GraphExec& exec, const Graph& original, const Graph& copy) {
  for (size_t i = 0; i < copy.nodes.size(); ++i) {
    exec.nodes[original.nodes[i]->handle] = copy.nodes[i].get();
    if (auto* child = std::get_if<ChildWork>(&original.nodes[i]->work))
      mapNodes(exec, *child->child->graph, *std::get<ChildWork>(copy.nodes[i]->work).child->graph);
    if (auto* conditional = std::get_if<ConditionalWork>(&original.nodes[i]->work))
      for (size_t b = 0; b < conditional->bodies.size(); ++b)
        mapNodes(exec, *conditional->bodies[b]->graph, *std::get<ConditionalWork>(copy.nodes[i]->work).bodies[b]->graph);
  }
}

bool contains(const std::vector<std::shared_ptr<GraphMemory>>& list, const std::shared_ptr<GraphMemory>& memory) {
  return std::find(list.begin(), list.end(), memory) != list.end();
}

}  // namespace

GraphExec::~GraphExec() {
  if (program) program->synchronize();  // its work uses contexts that only this object may hold
}

CUresult GraphExec::build(CUgraphNode* failed) {
  places.clear();
  allocated.clear();
  freed.clear();
  Builder builder(*this);
  CUresult result = builder.add(*graph);
  std::shared_ptr<GraphProgram> made = result == CUDA_SUCCESS ? builder.finish(turns) : nullptr;
  if (!made) {
    if (failed) *failed = builder.failed;
    return result == CUDA_SUCCESS ? CUDA_ERROR_INVALID_VALUE : result;
  }
  for (auto& [handle, conditional] : graph->conditionals)
    if (conditional->assignStart) made->addDefault(conditional->value, conditional->start);
  program = std::move(made);
  return CUDA_SUCCESS;
}

CUresult GraphExec::refresh(GraphNode& node) {
  auto place = places.find(&node);
  if (place == places.end() || !place->second.single || !turns->done->reached(turns->submitted)) return build(nullptr);
  GraphTask& task = place->second.program->task(place->second.task);
  if (CUresult result = fillTask(*this, node, task); result != CUDA_SUCCESS) return result;
  place->second.program->seal(place->second.task);
  return CUDA_SUCCESS;
}

CUresult GraphExec::launch(Current& current, const StreamRef& stream) {
  std::lock_guard lock(mutex);
  for (const std::shared_ptr<GraphMemory>& memory : allocated)
    if (memory->live && !(flags & CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH)) return CUDA_ERROR_INVALID_VALUE;
  for (const std::shared_ptr<GraphMemory>& memory : freed)
    if (!memory->live && !contains(allocated, memory)) return CUDA_ERROR_INVALID_VALUE;
  for (const std::shared_ptr<GraphMemory>& memory : allocated)
    if (!contains(freed, memory)) setLive(memory, true);
  for (const std::shared_ptr<GraphMemory>& memory : freed) setLive(memory, false);
  current.impl->flushPrintf();
  stream->graph(program);
  return CUDA_SUCCESS;
}

CUresult instantiate(const Graph& graph, uint64_t flags, std::shared_ptr<GraphExec>& exec, CUgraphNode* failed) {
  auto made = std::make_shared<GraphExec>();
  made->flags = flags;
  made->graph = cloneGraph(graph);
  mapNodes(*made, graph, *made->graph);
  if (CUresult result = made->build(failed); result != CUDA_SUCCESS) return result;
  exec = std::move(made);
  return CUDA_SUCCESS;
}

}  // namespace anywarp::driver
