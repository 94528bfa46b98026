// Streams: what can be submitted, and the implicit order between default and blocking streams. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "device/context.h"
#include "device/memory/parts.h"
#include "device/sched/children.h"
#include "device/sched/grid_setup.h"
#include "device/stream/graph.h"
#include "device/stream/queue.h"
#include "device/stream/stream.h"

namespace anywarp::device {

namespace {

Operation& operationOf(void* argument) { return *static_cast<Operation*>(argument); }

void familyEnded(Grid* grid) {
  Operation& op = operationOf(grid->argument);
  op.stream->gridEnded(&op);
}

// A grid has ended when those that it launched have.
void gridCompleted(Grid* grid) { runDescendants(*grid, familyEnded); }

}  // namespace

void Stream::gridEnded(Operation* op) { finished(op); }

void Stream::waitForGate(const std::shared_ptr<Gate>& gate, uint64_t target) {
  if (gate->reached(target)) return;
  Operation* op = take();
  op->kind = Operation::Kind::Wait;
  op->gate = gate;
  op->target = target;
  push(op);
}

// The legacy stream waits for all blocking ones, and they for it.
void Stream::keepOrder() {
  if (kind_ == StreamKind::Blocking) {
    Stream& legacy = *context_.legacy_;
    return waitForGate(legacy.done_, legacy.submitted());
  }
  if (kind_ == StreamKind::NonBlocking || !context_.hasBlockingStreams()) return;
  for (auto& other : context_.streams()) {
    if (other->kind_ == StreamKind::Blocking) waitForGate(other->done_, other->submitted());
  }
}

Operation* Stream::takeGrid() {
  keepOrder();
  Operation* op = take();
  op->kind = Operation::Kind::Grid;
  Grid& grid = op->grid;
  grid.kernel = nullptr;
  grid.body = nullptr;
  grid.bodyTouchesUserMemory = false;
  grid.launcher = nullptr;
  grid.argument = op;
  grid.context = &context_;
  grid.residency = Residency::Independent;
  grid.priority = priority_;
  grid.chunk = 1;
  grid.total = 1;
  grid.completed = gridCompleted;
  grid.owner = done_.get();
  return op;
}

void Stream::launch(const LaunchRequest& request) {
  Operation* op = takeGrid();
  op->keepAlive = request.keepAlive;
  prepareGrid(op->grid, request, op->workspace);
  op->grid.info.params = op->keepParams(request.params, request.paramBytes);
  refreshGrid(op->grid, op->workspace);
  push(op);
}

void Stream::copy(const Copy& copy) {
  Operation* op = takeGrid();
  op->copy = copy;
  op->grid.total = partsOf(copy);
  op->grid.bodyTouchesUserMemory = true;
  op->grid.body = [](void* argument, uint64_t part) {
    Operation& self = operationOf(argument);
    transferPart(self.copy, part, self.grid.total);
  };
  push(op);
}

void Stream::fill(const Fill& fill) {
  Operation* op = takeGrid();
  op->fill = fill;
  op->grid.total = partsOf(fill);
  op->grid.bodyTouchesUserMemory = true;
  op->grid.body = [](void* argument, uint64_t part) {
    Operation& self = operationOf(argument);
    transferPart(self.fill, part, self.grid.total);
  };
  push(op);
}

void Stream::graph(const std::shared_ptr<GraphProgram>& program) {
  keepOrder();
  waitForGate(program->turns_->done, program->turns_->submitted);
  Operation* op = take();
  op->kind = Operation::Kind::Graph;
  op->target = ++program->turns_->submitted;
  op->program = program;
  program->submitRecords();
  push(op);
}

void Stream::graphEnded(Operation* op) {
  std::shared_ptr<Gate> done = op->program->turns_->done;
  uint64_t target = op->target;
  finished(op);
  done->raise(target);
}

void Stream::call(std::function<void()> work, OnFault onFault) {
  Operation* op = takeGrid();
  op->onFault = onFault;
  op->function = std::move(work);
  op->grid.body = [](void* argument, uint64_t) { operationOf(argument).function(); };
  push(op);
}

void Stream::hostFunction(std::function<void()> function, OnFault onFault) {
  keepOrder();
  Operation* op = take();
  op->kind = Operation::Kind::Host;
  op->onFault = onFault;
  op->function = std::move(function);
  op->run = [](Deferred* job) {
    auto& self = *static_cast<Operation*>(job);
    self.function();
    self.stream->finished(&self);
  };
  push(op);
}

void Stream::record(const std::shared_ptr<Event>& event) {
  keepOrder();
  Operation* op = take();
  op->kind = Operation::Kind::Record;
  op->event = event;
  op->target = event->recorded_.fetch_add(1, std::memory_order_acq_rel) + 1;
  event->owner_.store(done_.get(), std::memory_order_relaxed);
  push(op);
}

void Stream::wait(const std::shared_ptr<Event>& event) {
  keepOrder();
  waitForGate(event->gate_, event->recorded_.load(std::memory_order_acquire));
}

void Stream::waitUntil(std::function<bool()> condition) {
  keepOrder();
  Operation* op = take();
  op->kind = Operation::Kind::Condition;
  op->condition = std::move(condition);
  op->ready = [](Deferred* job) {
    auto& self = *static_cast<Operation*>(job);
    return self.stream->context_.fault() || self.condition();
  };
  op->run = [](Deferred* job) {
    auto& self = *static_cast<Operation*>(job);
    self.stream->finished(&self);
  };
  push(op);
}

}  // namespace anywarp::device
