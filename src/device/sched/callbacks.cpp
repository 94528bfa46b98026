// Threads for what may block: host functions, and conditions. SPDX-License-Identifier: Apache-2.0
#include "device/sched/callbacks.h"

#include <signal.h>
#include <time.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "support/log.h"

namespace anywarp::device {

namespace {

constexpr unsigned mostThreads = 16;  // host functions that wait for each other
constexpr long pollNanoseconds = 20000;

// The program's signals stay with its own threads.
void startThread(void (*main)()) {
  sigset_t all, before;
  sigfillset(&all);
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(main).detach();
  } catch (const std::exception& e) {
    log::error("no thread for callbacks: {}", e.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

struct Jobs {
  std::mutex mutex;
  std::condition_variable arrived;
  Deferred* first = nullptr;
  Deferred* last = nullptr;
  unsigned waiting = 0;  // queued jobs
  unsigned idle = 0;     // threads without one
  unsigned threads = 0;

  void push(Deferred& job) {
    job.next = nullptr;
    (last ? last->next : first) = &job;
    last = &job;
    ++waiting;
  }
  Deferred& pop() {
    Deferred& job = *first;
    first = job.next;
    if (!first) last = nullptr;
    --waiting;
    return job;
  }
};

Jobs& callbacks() {
  static Jobs& jobs = *new Jobs;
  return jobs;
}

Jobs& polls() {
  static Jobs& jobs = *new Jobs;
  return jobs;
}

void callbackMain() {
  Jobs& jobs = callbacks();
  std::unique_lock lock(jobs.mutex);
  while (true) {
    ++jobs.idle;
    jobs.arrived.wait(lock, [&] { return jobs.waiting != 0; });
    --jobs.idle;
    Deferred& job = jobs.pop();
    lock.unlock();
    job.run(&job);
    lock.lock();
  }
}

// Jobs that are not ready go back to the end; between rounds the thread sleeps.
void pollMain() {
  Jobs& jobs = polls();
  std::unique_lock lock(jobs.mutex);
  while (true) {
    jobs.arrived.wait(lock, [&] { return jobs.waiting != 0; });
    for (unsigned left = jobs.waiting; left > 0; --left) {
      Deferred& job = jobs.pop();
      lock.unlock();
      bool ready = job.ready(&job);
      if (ready) job.run(&job);
      lock.lock();
      if (!ready) jobs.push(job);
    }
    lock.unlock();
    timespec nap{0, pollNanoseconds};
    nanosleep(&nap, nullptr);
    lock.lock();
  }
}

}  // namespace

void runOnCallbackThread(Deferred& job) {
  Jobs& jobs = callbacks();
  bool another = false;
  {
    std::lock_guard lock(jobs.mutex);
    jobs.push(job);
    if (jobs.waiting > jobs.idle && jobs.threads < mostThreads) {
      ++jobs.threads;
      another = true;
    }
  }
  jobs.arrived.notify_one();
  if (another) startThread(callbackMain);
}

void pollUntilReady(Deferred& job) {
  Jobs& jobs = polls();
  bool first = false;
  {
    std::lock_guard lock(jobs.mutex);
    jobs.push(job);
    first = jobs.threads++ == 0;
  }
  jobs.arrived.notify_one();
  if (first) startThread(pollMain);
}

}  // namespace anywarp::device
