// Streams: the queue, and the order in which its entries run. What the entries are: submit.cpp. SPDX-License-Identifier: Apache-2.0
#include "device/stream/stream.h"

#include <sched.h>

#include "device/context.h"
#include "device/sched/futex.h"
#include "device/sched/help.h"
#include "device/sched/pool.h"
#include "device/stream/graph.h"
#include "device/stream/queue.h"

namespace anywarp::device {

namespace {
std::atomic<uint64_t> lastStreamId{0};
}

Stream::Stream(Context& context, StreamKind kind, int priority)
    : context_(context),
      kind_(kind),
      priority_(priority),
      id_(lastStreamId.fetch_add(1) + 1),
      done_(std::make_shared<Gate>()),
      queue_(std::make_unique<Queue>()) {}

Stream::~Stream() = default;

Operation* Stream::take() {
  Lock lock(queue_->mutex);
  Operation* op = queue_->unused;
  if (op) {
    queue_->unused = op->following;
  } else {
    queue_->owned.push_back(std::make_unique<Operation>());
    op = queue_->owned.back().get();
  }
  op->following = nullptr;
  op->stream = this;
  op->onFault = OnFault::WhenHealthy;
  return op;
}

void Stream::push(Operation* op) {
  uint64_t before = queue_->submitted.load(std::memory_order_relaxed);
  if (before >= maxQueued) done_->wait(before - maxQueued + 1);
  bool start = false;
  {
    Lock lock(queue_->mutex);
    op->sequence = queue_->submitted.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (!queue_->head) queue_->self = shared_from_this();
    (queue_->tail ? queue_->tail->following : queue_->head) = op;
    queue_->tail = op;
    start = !queue_->busy && !queue_->advancing;
    if (start) queue_->advancing = true;
  }
  if (start) run();
}

void Stream::advance() {
  {
    Lock lock(queue_->mutex);
    if (queue_->advancing) {
      queue_->again = true;
      return;
    }
    if (queue_->busy || !queue_->head) return;
    queue_->advancing = true;
  }
  run();
}

// Starts entries until one has to be waited for. The caller has set `advancing`; this stream may be gone afterwards.
void Stream::run() {
  while (true) {
    std::shared_ptr<Stream> last;
    Operation* op;
    {
      Lock lock(queue_->mutex);
      op = queue_->head;
      queue_->again = false;
      if (queue_->busy || !op) {
        queue_->advancing = false;
        if (!op) last = std::move(queue_->self);
        return;  // the lock goes first, `last` after it
      }
      queue_->busy = true;
    }
    Step step = begin(*op);
    if (step == Step::Running) continue;
    if (step == Step::Ended) {
      drop(op, Drop::StillAdvancing);
      continue;
    }
    Lock lock(queue_->mutex);
    queue_->busy = false;
    if (queue_->again) continue;
    queue_->advancing = false;
    return;
  }
}

// The head has ended: takes it out and tells those who wait.
void Stream::drop(Operation* op, Drop how) {
  std::shared_ptr<Gate> done = done_;
  uint64_t sequence = op->sequence;
  op->clear();
  bool go = false;
  {
    Lock lock(queue_->mutex);
    queue_->busy = false;
    queue_->head = op->following;
    if (!queue_->head) queue_->tail = nullptr;
    op->following = queue_->unused;
    queue_->unused = op;
    if (how == Drop::Alone) {
      go = !queue_->advancing;
      queue_->advancing = true;
      queue_->again = true;
    }
  }
  done->raise(sequence);
  if (go) run();
}

void Stream::finished(Operation* op) { drop(op, Drop::Alone); }

Stream::Step Stream::begin(Operation& op) {
  bool skip = op.onFault == OnFault::WhenHealthy && context_.fault();
  switch (op.kind) {
    case Operation::Kind::Record:
      op.event->timestamp_.store(monotonicNanoseconds(), std::memory_order_release);
      op.event->gate_->raise(op.target);
      return Step::Ended;
    case Operation::Kind::Wait: return op.gate->subscribe(op.target, shared_from_this()) ? Step::Blocked : Step::Ended;
    case Operation::Kind::Condition:
      if (skip || op.condition()) return Step::Ended;
      pollUntilReady(op);
      return Step::Running;
    case Operation::Kind::Host:
      if (skip) return Step::Ended;
      runOnCallbackThread(op);
      return Step::Running;
    case Operation::Kind::Graph:
      op.program->start(
          [](void* argument) {
            auto* self = static_cast<Operation*>(argument);
            self->stream->graphEnded(self);
          },
          &op, done_.get());
      return Step::Running;
    case Operation::Kind::Grid:
      if (skip) return Step::Ended;
      Pool::instance().submit(op.grid);
      return Step::Running;
  }
  return Step::Ended;
}

uint64_t Stream::submitted() const { return queue_->submitted.load(std::memory_order_acquire); }

bool Stream::idleAlone() const {
  bool idle = done_->reached(submitted());
  if (!idle) Pool::instance().hurry();
  return idle;
}

void Stream::waitAlone() {
  uint64_t target = submitted();
  helpUntil(done_.get(), [&] { return done_->reached(target); });
  done_->wait(target);
}

bool Stream::idle() const {
  if (!idleAlone()) return false;
  if (kind_ != StreamKind::Legacy || !context_.hasBlockingStreams()) return true;
  for (auto& other : context_.streams()) {
    if (other->kind_ == StreamKind::Blocking && !other->idleAlone()) return false;
  }
  return true;
}

void Stream::synchronize() {
  waitAlone();
  if (kind_ != StreamKind::Legacy || !context_.hasBlockingStreams()) return;
  for (auto& other : context_.streams()) {
    if (other->kind_ == StreamKind::Blocking) other->waitAlone();
  }
}

// Everything has ended and no thread is inside this stream any more.
void Stream::drain() {
  waitAlone();
  while (true) {
    {
      Lock lock(queue_->mutex);
      if (!queue_->advancing && !queue_->busy && !queue_->head) return;
    }
    sched_yield();
  }
}

}  // namespace anywarp::device
