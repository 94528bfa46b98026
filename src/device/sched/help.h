// A thread that waits for a stream runs the stream's short grids itself: nobody has to be woken, no core to be changed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include "device/sched/pool.h"
#include "device/sched/worker.h"

namespace anywarp::device {

// The calling thread as a worker, while one of these exists.
class HelpingThread {
 public:
  explicit HelpingThread(Worker& worker);
  ~HelpingThread();
  HelpingThread(const HelpingThread&) = delete;
  HelpingThread& operator=(const HelpingThread&) = delete;

 private:
  Worker& worker_;
  sigset_t signals_;
  bool restoreSignals_ = false;
  int cancelState_ = 0;
  unsigned rounding_ = 0;  // the host's floating-point control
};

// Runs blocks of grids of `owner` until done() holds or there is nothing (left) to help with. Not on workers.
template <class Done>
void helpUntil(const void* owner, Done&& done) {
  Pool& pool = Pool::instance();
  if (done() || Worker::current()) return;
  Pool::Help help = pool.tryHelp(owner, nullptr);
  if (!help.worker) return;
  {
    HelpingThread thread(*help.worker);
    while (help.grid) {
      help.worker->assist(*help.grid);
      help.grid = done() ? nullptr : pool.tryHelp(owner, help.worker).grid;
    }
  }
  pool.giveBack(*help.worker);
}

}  // namespace anywarp::device
