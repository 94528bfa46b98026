// A context: the streams, memory, limits, printf buffer and fault state that live and die together. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/device.h"
#include "device/fault/fault.h"
#include "device/memory/memory.h"
#include "device/stream/stream.h"

namespace anywarp::device {

class DeviceHeap;
class PrintfBuffer;

enum class Limit : uint8_t { StackBytes, PrintfBytes, HeapBytes };

class Context {
 public:
  explicit Context(Device& device);
  // Waits for the work that was submitted, stops kernels that still run after ten seconds, frees the memory.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Device& device() const { return device_; }
  uint64_t id() const { return id_; }

  // Memory of this context; freed with it.
  Result<void*> allocate(size_t bytes, MemoryKind kind = MemoryKind::Device, uint32_t flags = 0, size_t alignment = 512);

  uint64_t limit(Limit limit) const;
  // Invalid for PrintfBytes and HeapBytes once a kernel has used them.
  Status setLimit(Limit limit, uint64_t bytes);

  Stream& legacyStream() { return *legacy_; }
  // The calling thread's own default stream, made on first use.
  Stream& perThreadStream();
  std::shared_ptr<Stream> createStream(StreamKind kind, int priority = 0);

  // `event` is recorded when all that is in any stream now has ended; or nothing submitted from now on, to any stream, starts before
  // the event's latest record.
  void recordAll(const std::shared_ptr<Event>& event);
  void waitAll(const std::shared_ptr<Event>& event);

  // Waits for everything submitted to every stream, then flushes printf.
  void synchronize();
  // True when no stream has work.
  bool idle();

  // Null while healthy. The first fault stays; the pointer stays valid as long as the context.
  const Fault* fault() const { return fault_.load(std::memory_order_acquire); }
  // Records a fault, unless there is one.
  void setFault(Fault fault);

  // Writes what kernels have printed to stdout. Call at the points where CUDA flushes (launch, synchronise, blocking copy, module
  // load and unload, before stream callbacks); costs one atomic load when there is nothing.
  void flushPrintf();

  PrintfBuffer& printfBuffer() { return *printf_; }
  DeviceHeap& heap() { return *heap_; }

 private:
  friend class Stream;
  struct State;

  void endWork();
  std::vector<std::shared_ptr<Stream>> streams() const;  // without the legacy one
  bool hasBlockingStreams() const;

  Device& device_;
  const uint64_t id_;
  std::atomic<const Fault*> fault_{nullptr};
  std::unique_ptr<PrintfBuffer> printf_;
  std::unique_ptr<DeviceHeap> heap_;
  std::shared_ptr<Stream> legacy_;
  std::vector<std::shared_ptr<Stream>> threadStreamOwners_;  // under the state's mutex
  std::unique_ptr<State> state_;
};

}  // namespace anywarp::device
