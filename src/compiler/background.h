// Work that nobody waits for, done by one thread in the order of the requests. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace anywarp::compiler {

// Something that may have to be done some day, once: enlist(), then perhaps request(). The owner withdraws it, then waits for it.
class BackgroundTask {
 public:
  BackgroundTask() = default;
  virtual ~BackgroundTask() = default;
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;

  // From now on request() has it done. False when the host refuses a thread.
  bool enlist();
  // Any thread, any number of times; also inside a kernel, which may be left by siglongjmp at any moment: takes no lock, allocates
  // nothing, and what a jump cuts short the next request of any task brings to an end.
  void request();
  // Between the first request and the end.
  bool isPending() const { return ticket_.load(std::memory_order_relaxed) != 0 && !isOver_.load(std::memory_order_acquire); }
  // It will not begin any more.
  void withdraw();
  // Returns when it is not running.
  void wait();
  // Where it runs: leaves it to the thread, which deletes it at its end. Else false.
  bool abandon();

 private:
  friend class Background;
  virtual void run() = 0;

  std::atomic<uint64_t> ticket_{0};  // the order of the requests, 0: none yet
  std::atomic<bool> isOver_{false};  // done, withdrawn, or lost in a fork
  bool isAbandoned_ = false;
};

}  // namespace anywarp::compiler
