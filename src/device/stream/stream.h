// Streams: operations that run one after the other, without the caller waiting. SPDX-License-Identifier: Apache-2.0
// Every function below returns at once; only when a stream holds `maxQueued` operations does its caller wait for room. After a
// fault of the context kernels, copies and functions marked WhenHealthy are dropped, everything else still happens in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "device/memory/transfer.h"
#include "device/sched/launch.h"
#include "device/stream/event.h"
#include "device/stream/gate.h"

namespace anywarp::device {

class Context;
class GraphProgram;
struct Operation;

enum class StreamKind : uint8_t {
  Legacy,       // the context's default stream: in order with every blocking stream
  Blocking,     // created without flags, and per-thread default streams
  NonBlocking,
};

enum class OnFault : uint8_t { WhenHealthy, Always };

// Held by shared_ptr; make them with Context::createStream(). Destroying the last pointer of a busy stream lets its work finish.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  static constexpr uint32_t maxQueued = 1024;

  Stream(Context& context, StreamKind kind, int priority);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Context& context() const { return context_; }
  StreamKind kind() const { return kind_; }
  int priority() const { return priority_; }
  uint64_t id() const { return id_; }

  void launch(const LaunchRequest& request);
  void copy(const Copy& copy);
  void fill(const Fill& fill);
  // On a worker, in stream order: short work of the driver (stream-ordered free, signals...).
  void call(std::function<void()> work, OnFault onFault = OnFault::WhenHealthy);
  // On the driver's callback thread with no lock held: the program's functions.
  void hostFunction(std::function<void()> function, OnFault onFault = OnFault::WhenHealthy);
  void record(const std::shared_ptr<Event>& event);
  void wait(const std::shared_ptr<Event>& event);
  // Operations submitted from now on start when `condition()` holds; it is asked again and again by a worker.
  void waitUntil(std::function<bool()> condition);

  // Runs it once, after its runs that were submitted before. Submit one at a time.
  void graph(const std::shared_ptr<GraphProgram>& program);

  // True when everything submitted has ended.
  bool idle() const;
  // Waits for what has been submitted so far. For the legacy stream that includes the blocking streams' work before it.
  void synchronize();

  // For the scheduler: the grid of `operation` has ended.
  void gridEnded(Operation* operation);

 private:
  friend class Context;
  friend class Gate;
  struct Queue;
  enum class Step : uint8_t { Ended, Running, Blocked };
  enum class Drop : uint8_t { StillAdvancing, Alone };

  Operation* take();
  Operation* takeGrid();
  void push(Operation* operation);
  void keepOrder();
  void waitForGate(const std::shared_ptr<Gate>& gate, uint64_t target);

  void advance();                       // something that it waited for has happened
  void run();
  Step begin(Operation& operation);
  void finished(Operation* operation);  // by whoever ended it
  void graphEnded(Operation* operation);
  void drop(Operation* operation, Drop how);

  uint64_t submitted() const;
  bool idleAlone() const;               // without regard to other streams
  void waitAlone();
  void drain();

  Context& context_;
  const StreamKind kind_;
  const int priority_;
  const uint64_t id_;
  const std::shared_ptr<Gate> done_;    // counts operations that have ended
  std::unique_ptr<Queue> queue_;
};

}  // namespace anywarp::device
