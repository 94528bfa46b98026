// Streams: what can be submitted, and the implicit order between default and blocking streams. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "device/context.h"
#include "device/memory/parts.h"
#include "device/sched/services.h"
#include "device/stream/queue.h"
#include "device/stream/stream.h"

namespace anywarp::device {

namespace {

constexpr uint64_t chunksPerWorker = 16;
constexpr uint64_t largestChunk = 256;

std::atomic<uint64_t> lastGridId{0};

uint64_t volume(const abi::Dim3& d) { return uint64_t{d.x} * d.y * d.z; }

// Blocks that may wait for each other are taken one by one, so that none sits in a chunk behind one that waits for it.
uint32_t chunkFor(const Grid& grid) {
  bool alone = grid.kernel->usesSpin || grid.residency == Residency::WholeGrid;
  if (alone) return 1;
  return static_cast<uint32_t>(std::clamp<uint64_t>(grid.total / (workerCount() * chunksPerWorker), 1, largestChunk));
}

Operation& operationOf(void* argument) { return *static_cast<Operation*>(argument); }
void gridCompleted(Grid* grid) {
  Operation& op = operationOf(grid->argument);
  op.stream->gridEnded(&op);
}

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
  grid.argument = op;
  grid.context = &context_;
  grid.residency = Residency::Independent;
  grid.priority = priority_;
  grid.chunk = 1;
  grid.total = 1;
  grid.completed = gridCompleted;
  return op;
}

void Stream::launch(const LaunchRequest& request) {
  Operation* op = takeGrid();
  Grid& grid = op->grid;
  const abi::CompiledKernel& kernel = *request.kernel;
  op->keepAlive = request.keepAlive;
  grid.kernel = request.kernel;
  grid.residency = request.residency;
  grid.total = volume(request.grid);
  grid.chunk = chunkFor(grid);
  abi::LaunchInfo& info = grid.info;
  info = abi::LaunchInfo{};
  info.params = op->keepParams(request.params, request.paramBytes);
  info.symbols = request.symbols;
  info.services = &services();
  info.owner = &grid;
  info.grid = request.grid;
  info.block = request.block;
  info.cluster = request.cluster;
  info.dynamicSharedBytes = request.dynamicSharedBytes;
  info.totalSharedBytes = kernel.staticSharedBytes + request.dynamicSharedBytes;
  info.smCount = static_cast<uint32_t>(context_.device().profile().smCount());
  info.gridId = lastGridId.fetch_add(1, std::memory_order_relaxed) + 1;
  if (request.residency == Residency::WholeGrid) {
    std::fill(std::begin(op->workspace), std::end(op->workspace), 0u);
    op->workspace[0] = sizeof op->workspace;
    auto address = reinterpret_cast<uint64_t>(op->workspace);
    info.envreg[1] = static_cast<uint32_t>(address >> 32);
    info.envreg[2] = static_cast<uint32_t>(address);
  }
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
