// A context: streams, memory, limits, printf buffer and fault state that live and die together. SPDX-License-Identifier: Apache-2.0
#include "device/context.h"

#include <algorithm>
#include <vector>

#include "device/memory/heap.h"
#include "device/sched/futex.h"
#include "device/sched/mutex.h"
#include "device/sched/pool.h"
#include "device/sched/printf.h"
#include "support/log.h"

namespace anywarp::device {

namespace {

std::atomic<uint64_t> lastContextId{0};
constexpr uint64_t patienceNanoseconds = 10000000000u;

void shortNap() {
  timespec nap{0, 20000};
  nanosleep(&nap, nullptr);
}

// Default streams of the calling thread, one per context it has used. Contexts are never made twice with one id.
struct ThreadStream {
  uint64_t context;
  std::weak_ptr<Stream> stream;
};
thread_local std::vector<ThreadStream>* threadStreams = nullptr;

}  // namespace

struct Context::State {
  mutable Mutex mutex;
  std::vector<std::shared_ptr<Stream>> streams ANYWARP_GUARDED_BY(mutex);  // without the legacy one
  std::atomic<uint32_t> blockingStreams{0};
  std::shared_ptr<Stream> collector ANYWARP_GUARDED_BY(mutex);     // of recordAll()
  std::shared_ptr<Event> awaited ANYWARP_GUARDED_BY(mutex);        // by every stream
  Mutex faultMutex;
  std::vector<std::unique_ptr<const Fault>> faults ANYWARP_GUARDED_BY(faultMutex);
  std::atomic<uint64_t> stackBytes{1024};
};

Context::Context(Device& device)
    : device_(device),
      id_(lastContextId.fetch_add(1) + 1),
      printf_(std::make_unique<PrintfBuffer>()),
      heap_(std::make_unique<DeviceHeap>(device.ordinal(), this)),
      legacy_(std::make_shared<Stream>(*this, StreamKind::Legacy, 0)),
      state_(std::make_unique<State>()) {}

Context::~Context() {
  endWork();
  flushPrintf();
  Memory::instance().releaseAll(this);
}

// Work that was submitted gets a while to end (programs reset the device instead of waiting); what has not ended then is stopped.
void Context::endWork() {
  uint64_t begin = monotonicNanoseconds();
  while (!idle() && monotonicNanoseconds() - begin < patienceNanoseconds) shortNap();
  if (!idle()) {
    Fault stopped;
    stopped.kind = FaultKind::Trap;
    stopped.message = "the context is destroyed while a kernel runs: it is stopped";
    setFault(std::move(stopped));
    Pool::instance().stop(*this);
  }
  for (auto& stream : streams()) stream->drain();
  legacy_->drain();
}

Result<void*> Context::allocate(size_t bytes, MemoryKind kind, uint32_t flags, size_t alignment) {
  return Memory::instance().allocate(
      {.bytes = bytes, .alignment = alignment, .kind = kind, .device = device_.ordinal(), .owner = this, .flags = flags});
}

uint64_t Context::limit(Limit limit) const {
  if (limit == Limit::PrintfBytes) return printf_->limit();
  if (limit == Limit::HeapBytes) return heap_->limit();
  return state_->stackBytes.load(std::memory_order_relaxed);
}

Status Context::setLimit(Limit limit, uint64_t bytes) {
  constexpr uint64_t mostStack = 512 << 10, leastPrintf = 1024;
  switch (limit) {
    case Limit::StackBytes:
      if (bytes > mostStack) return Error{ErrorKind::Invalid, "stack size " + std::to_string(bytes) + ", at most " + std::to_string(mostStack)};
      state_->stackBytes.store((bytes + 15) / 16 * 16, std::memory_order_relaxed);
      return {};
    case Limit::PrintfBytes:
      if (printf_->used()) return Error{ErrorKind::Invalid, "the printf buffer cannot be resized: a kernel has used it"};
      printf_->setLimit(std::max(bytes, leastPrintf));
      return {};
    case Limit::HeapBytes:
      if (heap_->used()) return Error{ErrorKind::Invalid, "the device heap cannot be resized: a kernel has used it"};
      heap_->setLimit(bytes);
      return {};
  }
  return Error{ErrorKind::Invalid, "unknown limit"};
}

Stream& Context::perThreadStream() {
  if (!threadStreams) threadStreams = new std::vector<ThreadStream>;
  for (const ThreadStream& s : *threadStreams) {
    if (s.context == id_) return *s.stream.lock();
  }
  std::erase_if(*threadStreams, [](const ThreadStream& s) { return s.stream.expired(); });
  auto stream = createStream(StreamKind::Blocking);
  // The context keeps it: threads come and go, the handle means "the caller's own".
  Lock lock(state_->mutex);
  threadStreams->push_back({id_, stream});
  threadStreamOwners_.push_back(stream);
  return *stream;
}

std::shared_ptr<Stream> Context::createStream(StreamKind kind, int priority) {
  auto stream = std::make_shared<Stream>(*this, kind, priority);
  std::shared_ptr<Event> awaited;
  {
    Lock lock(state_->mutex);
    // Streams that nobody else holds and that have nothing left to do.
    std::erase_if(state_->streams, [&](const std::shared_ptr<Stream>& s) {
      bool gone = s.use_count() == 1 && s->idleAlone();
      if (gone && s->kind() == StreamKind::Blocking) state_->blockingStreams.fetch_sub(1, std::memory_order_relaxed);
      return gone;
    });
    state_->streams.push_back(stream);
    if (kind == StreamKind::Blocking) state_->blockingStreams.fetch_add(1, std::memory_order_relaxed);
    if (state_->awaited && state_->awaited->complete()) state_->awaited = nullptr;
    awaited = state_->awaited;
  }
  if (awaited) stream->wait(awaited);
  return stream;
}

std::vector<std::shared_ptr<Stream>> Context::streams() const {
  Lock lock(state_->mutex);
  return state_->streams;
}

bool Context::hasBlockingStreams() const { return state_->blockingStreams.load(std::memory_order_relaxed) != 0; }

void Context::recordAll(const std::shared_ptr<Event>& event) {
  std::shared_ptr<Stream> collector;
  {
    Lock lock(state_->mutex);
    collector = state_->collector;
  }
  if (!collector) {
    auto fresh = createStream(StreamKind::NonBlocking);
    Lock lock(state_->mutex);
    if (!state_->collector) state_->collector = fresh;
    collector = state_->collector;
  }
  auto follow = [&](Stream& stream) {
    auto reached = std::make_shared<Event>(EventTiming::Off);
    stream.record(reached);
    collector->wait(reached);
  };
  follow(*legacy_);
  for (auto& stream : streams()) follow(*stream);
  collector->record(event);
}

void Context::waitAll(const std::shared_ptr<Event>& event) {
  legacy_->wait(event);
  for (auto& stream : streams()) stream->wait(event);
  Lock lock(state_->mutex);
  state_->awaited = event;
}

void Context::synchronize() {
  legacy_->waitAlone();
  for (auto& stream : streams()) stream->waitAlone();
  flushPrintf();
}

bool Context::idle() {
  if (!legacy_->idleAlone()) return false;
  auto all = streams();
  return std::all_of(all.begin(), all.end(), [](const auto& s) { return s->idleAlone(); });
}

void Context::setFault(Fault fault) {
  log::error("{}", fault.message);
  auto kept = std::make_unique<const Fault>(std::move(fault));
  const Fault* none = nullptr;
  fault_.compare_exchange_strong(none, kept.get(), std::memory_order_acq_rel);
  Lock lock(state_->faultMutex);
  state_->faults.push_back(std::move(kept));
}

void Context::flushPrintf() { printf_->flush(); }

}  // namespace anywarp::device
