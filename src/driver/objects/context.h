// Contexts, the current one of each thread, and what belongs to a context: streams, events, instances of libraries.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "abi/cuda_types.h"
#include "device/context.h"
#include "device/stream/shared_event.h"
#include "driver/objects/handles.h"
#include "driver/objects/stream_attributes.h"
#include "driver/process.h"

namespace anywarp::driver {

class Library;
class Instance;

// What a CUcontext stands for. A primary one exists for the life of the process and is active between retain and release or reset;
// an explicit one is active until it is destroyed.
class Context : public std::enable_shared_from_this<Context> {
 public:
  enum class Ownership : uint8_t { Primary, Explicit };

  Context(VisibleDevice& device, Ownership ownership, unsigned flags) : device(device), ownership(ownership), flags(flags) {}

  static std::shared_ptr<Context> makePrimary(VisibleDevice& device);
  static std::shared_ptr<Context> makeExplicit(VisibleDevice& device, unsigned flags);

  // nullptr while not active.
  std::shared_ptr<device::Context> active() const;

  CUresult retain();                 // primary
  CUresult release();                // primary
  // For a green context: works in that primary context, with its code and memory.
  static std::shared_ptr<Context> makeGreen(const std::shared_ptr<Context>& primary, int smCount);
  void reset();                      // destroys everything in it; an explicit context stays inactive for good

  // The instance of `library` in this context, made when there is none. Fails when the context is not active.
  Result<std::shared_ptr<Instance>> instanceOf(const std::shared_ptr<Library>& library);
  // Waits for its kernels and drops the instance, if there is one.
  void forget(const Library& library);
  bool owns(const Instance& instance);

  // Multiprocessors that its kernels may count on.
  int smCount() const { return smCount_ ? smCount_ : device.profile().smCount(); }

  CUcontext handle = nullptr;
  VisibleDevice& device;
  const Ownership ownership;
  std::atomic<unsigned> attachments{1};  // cuCtxAttach, cuCtxDetach
  CUgreenCtx green = nullptr;            // that it was made from
  std::atomic<unsigned> flags;
  // Limits of launches from kernels: kept and told. Here such launches need no memory of their own.
  std::atomic<size_t> syncDepth{2}, pendingLaunches{2048};
  std::atomic<CUfunc_cache> cacheConfig{CU_FUNC_CACHE_PREFER_NONE};
  std::atomic<CUsharedconfig> sharedConfig{CU_SHARED_MEM_CONFIG_DEFAULT_BANK_SIZE};
  StreamAttributes legacyAttributes, perThreadAttributes;  // of its default streams

 private:
  void activate();
  void deactivate();

  int smCount_ = 0;                  // 0: all
  std::shared_ptr<Context> primary_; // of a green one
  mutable std::mutex mutex_;         // active_, references_
  std::shared_ptr<device::Context> active_;
  unsigned references_ = 0;
  std::mutex instancesMutex_;
  std::unordered_map<const Library*, std::shared_ptr<Instance>> instances_;
};

// The context that a call works in, kept alive for its duration.
struct Current {
  std::shared_ptr<Context> context;
  std::shared_ptr<device::Context> impl;

  VisibleDevice& device() const { return context->device; }
  // The sticky error that the context's first fault stands for.
  CUresult fault() const;
};

struct StreamObject {
  CUstream handle = nullptr;
  CUgreenCtx green = nullptr;                 // that it was made in
  std::shared_ptr<device::Context> impl;      // outlives `stream`
  std::shared_ptr<device::Stream> stream;
  std::weak_ptr<Context> context;
  unsigned flags = 0;
  StreamAttributes attributes;
};

class Capture;
struct CapturedPoint;

struct EventObject {
  CUevent handle = nullptr;
  std::shared_ptr<device::Context> impl;
  std::shared_ptr<device::Event> event;
  std::shared_ptr<device::SharedEvent> shared;  // of an event for several processes: it alone counts
  std::weak_ptr<Context> context;
  unsigned flags = 0;
  std::shared_ptr<CapturedPoint> captured;    // where it was recorded last, if that stream captured; under graphMutex()
  std::atomic<bool> isCaptured{false};
};

// In stream order, events of one process and of several alike.
void recordOn(device::Stream& stream, const EventObject& event);
void waitOn(device::Stream& stream, const EventObject& event);

using ContextTable = HandleTable<Context, CUcontext, HandleKind::Context>;
using StreamTable = HandleTable<StreamObject, CUstream, HandleKind::Stream>;
using EventTable = HandleTable<EventObject, CUevent, HandleKind::Event>;
ContextTable& contexts();
StreamTable& streams();
EventTable& events();

// The stack of current contexts of the calling thread, topmost last.
std::vector<std::shared_ptr<Context>>& currentStack();
std::shared_ptr<Context> currentContext();

// True while the calling thread runs a program's stream callback, where most calls are not permitted.
bool& inCallback();

// A stream as a call means it: 0 and CU_STREAM_LEGACY, CU_STREAM_PER_THREAD, or one that the program made.
struct StreamRef {
  device::Stream* stream = nullptr;           // nullptr: no such stream in the current context
  std::shared_ptr<StreamObject> object;       // keeps it; null for default streams
  std::shared_ptr<Capture> capture = nullptr; // what the stream captures into
  bool implicit = false;                      // it does not capture itself, but streams that it waits for do
  device::Stream* operator->() const { return stream; }
  explicit operator bool() const { return stream; }
};
StreamRef streamOf(const Current& current, CUstream handle);
// The same of any context: the call goes on in the stream's own. Only launches of kernels want one of the current context.
StreamRef enterStream(Current& current, CUstream handle);

}  // namespace anywarp::driver
