// How a graph runs: every task that ends starts those that waited for it. SPDX-License-Identifier: Apache-2.0
#include "device/stream/graph.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "device/context.h"
#include "device/memory/parts.h"
#include "device/sched/children.h"
#include "device/sched/futex.h"
#include "device/sched/grid_setup.h"
#include "device/sched/pool.h"

namespace anywarp::device {

namespace {

constexpr uint32_t stepStarting = 0, stepStarted = 1, stepEnded = 2;

GraphTask& taskOf(void* argument) { return *static_cast<GraphTask*>(argument); }

}  // namespace

void GraphTask::AlignedFree::operator()(uint8_t* p) const { std::free(p); }

void GraphTask::setLaunch(const LaunchRequest& request) {
  launch = request;
  size_t bytes = std::max<size_t>((request.paramBytes + 63) / 64 * 64, 64);
  params.reset(static_cast<uint8_t*>(std::aligned_alloc(64, bytes)));
  if (request.paramBytes) std::memcpy(params.get(), request.params, request.paramBytes);
  launch.params = params.get();
}

// Tasks that are ready and not begun yet: a list, so that chains of tasks that end at once need no stack.
class GraphProgram::Ready {
 public:
  void push(GraphTask& task) {
    task.following = first_;
    first_ = &task;
  }
  GraphTask* pop() {
    GraphTask* task = first_;
    if (task) first_ = task->following;
    return task;
  }
  // The last task of the run has ended: the caller tells, when it has left this program.
  bool runEnded = false;

 private:
  GraphTask* first_ = nullptr;
};

GraphProgram::GraphProgram(size_t tasks, std::shared_ptr<GraphTurns> turns)
    : count_(tasks), tasks_(new GraphTask[tasks]), turns_(std::move(turns)) {}
GraphProgram::~GraphProgram() = default;

void GraphProgram::seal() {
  roots_.clear();
  for (size_t i = 0; i < count_; ++i) {
    seal(i);
    if (tasks_[i].dependencies == 0) roots_.push_back(static_cast<uint32_t>(i));
  }
}

void GraphProgram::seal(size_t index) {
  GraphTask& task = tasks_[index];
  task.program = this;
  Grid& grid = task.grid;
  grid.kernel = nullptr;
  grid.body = nullptr;
  grid.bodyTouchesUserMemory = false;
  grid.argument = &task;
  grid.context = task.context;
  grid.residency = Residency::Independent;
  grid.priority = task.priority;
  grid.chunk = 1;
  grid.total = 1;
  grid.launcher = nullptr;
  grid.completed = [](Grid* g) {
    runDescendants(*g, [](Grid* parent) {
      GraphTask& self = taskOf(parent->argument);
      self.program->ended(self);
    });
  };
  switch (task.kind) {
    case GraphTask::Kind::Kernel: prepareGrid(grid, task.launch, task.workspace); break;
    case GraphTask::Kind::Copy:
      grid.total = partsOf(task.copy);
      grid.bodyTouchesUserMemory = true;
      grid.body = [](void* argument, uint64_t part) { transferPart(taskOf(argument).copy, part, taskOf(argument).grid.total); };
      break;
    case GraphTask::Kind::Fill:
      grid.total = partsOf(task.fill);
      grid.bodyTouchesUserMemory = true;
      grid.body = [](void* argument, uint64_t part) { transferPart(taskOf(argument).fill, part, taskOf(argument).grid.total); };
      break;
    case GraphTask::Kind::Call: grid.body = [](void* argument, uint64_t) { taskOf(argument).function(); }; break;
    default: break;
  }
}

void GraphProgram::start(void (*ended)(void*), void* argument, const void* owner) {
  ended_ = ended;
  argument_ = argument;
  owner_ = owner;
  for (auto& [value, start] : defaults_) value->store(start, std::memory_order_relaxed);
  for (size_t i = 0; i < count_; ++i) tasks_[i].left.store(tasks_[i].dependencies, std::memory_order_relaxed);
  left_.store(count_, std::memory_order_release);
  if (count_ == 0) return ended(argument);
  Ready ready;
  for (size_t i = roots_.size(); i > 0; --i) ready.push(tasks_[roots_[i - 1]]);
  work(ready);
}

// From its submission on, waits for an event mean the record that the run will make. A branch's body records when it gets there.
void GraphProgram::submitRecords() {
  for (size_t i = 0; i < count_; ++i) {
    if (tasks_[i].kind != GraphTask::Kind::Record) continue;
    uint64_t record = tasks_[i].event->submitRecord();
    Lock lock(recordsMutex_);
    tasks_[i].records.push_back(record);
  }
}

void GraphProgram::reachRecord(GraphTask& task) {
  uint64_t record = 0;
  {
    Lock lock(recordsMutex_);
    if (!task.records.empty()) {
      record = task.records.front();
      task.records.pop_front();
    }
  }
  task.event->reach(record ? record : task.event->submitRecord());
}

void GraphProgram::work(Ready& ready) {
  while (GraphTask* task = ready.pop()) begin(*task, ready);
  if (ready.runEnded) ended_(argument_);
}

// A task that ended later than its begin().
void GraphProgram::ended(GraphTask& task) {
  Ready ready;
  finish(task, ready);
  work(ready);
}

void GraphProgram::finish(GraphTask& task, Ready& ready) {
  for (uint32_t dependent : task.dependents)
    if (tasks_[dependent].left.fetch_sub(1, std::memory_order_acq_rel) == 1) ready.push(tasks_[dependent]);
  if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) ready.runEnded = true;
}

void GraphProgram::begin(GraphTask& task, Ready& ready) {
  using Kind = GraphTask::Kind;
  bool skip = !task.enabled || (task.context && task.context->fault());
  switch (task.kind) {
    case Kind::Record: reachRecord(task); break;
    case Kind::Wait: {
      if (task.event->complete()) break;
      task.target = task.event->recordedCount();
      task.ready = [](Deferred* job) {
        auto& self = *static_cast<GraphTask*>(job);
        return self.context->fault() || self.event->reached(self.target);
      };
      task.run = [](Deferred* job) {
        auto& self = *static_cast<GraphTask*>(job);
        self.program->ended(self);
      };
      return pollUntilReady(task);
    }
    case Kind::Condition:
      if (skip || task.condition()) break;
      task.ready = [](Deferred* job) {
        auto& self = *static_cast<GraphTask*>(job);
        return self.context->fault() || self.condition();
      };
      task.run = [](Deferred* job) {
        auto& self = *static_cast<GraphTask*>(job);
        self.program->ended(self);
      };
      return pollUntilReady(task);
    case Kind::Host:
      if (skip) break;
      task.run = [](Deferred* job) {
        auto& self = *static_cast<GraphTask*>(job);
        self.function();
        self.program->ended(self);
      };
      return runOnCallbackThread(task);
    case Kind::Branch:
      if (!skip && !advanceBranch(task)) return;
      break;
    case Kind::Kernel:
    case Kind::Copy:
    case Kind::Fill:
    case Kind::Call:
      if (!skip && task.grid.total) return beginGrid(task);
      break;
    case Kind::Empty: break;
  }
  finish(task, ready);
}

void GraphProgram::beginGrid(GraphTask& task) {
  if (task.grid.kernel) refreshGrid(task.grid, task.workspace);
  task.grid.owner = owner_;
  Pool::instance().submit(task.grid);
}

GraphProgram* GraphProgram::chosenBody(GraphTask& task) {
  uint32_t value = task.value->load(std::memory_order_acquire);
  switch (task.branch) {
    case BranchKind::If: return value ? task.bodies[0].get() : task.bodies.size() > 1 ? task.bodies[1].get() : nullptr;
    case BranchKind::While: return value ? task.bodies[0].get() : nullptr;
    case BranchKind::Switch: return value < task.bodies.size() ? task.bodies[value].get() : nullptr;
  }
  return nullptr;
}

// Runs the body that is chosen, a while's again and again. True when that has ended already.
bool GraphProgram::advanceBranch(GraphTask& task) {
  while (!task.context->fault()) {
    GraphProgram* body = chosenBody(task);
    if (!body) return true;
    task.step.store(stepStarting, std::memory_order_relaxed);
    body->start(
        [](void* argument) {
          GraphTask& self = taskOf(argument);
          if (self.step.exchange(stepEnded, std::memory_order_acq_rel) == stepStarting) return;  // start() sees it
          if (self.branch != BranchKind::While || advanceBranch(self)) self.program->ended(self);
        },
        &task, task.program->owner_);
    if (task.step.exchange(stepStarted, std::memory_order_acq_rel) != stepEnded) return false;
    if (task.branch != BranchKind::While) return true;
  }
  return true;
}

}  // namespace anywarp::device
