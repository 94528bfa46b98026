// Work that nobody waits for, done by one thread in the order of the requests. SPDX-License-Identifier: Apache-2.0
#include "compiler/background.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace anywarp::compiler {

// The thread and what it may have to do. Never destroyed: the process may end while it works. A forked child leaves its parent's,
// whose thread it does not have, behind.
class Background {
 public:
  static Background& instance();

  bool enlist(BackgroundTask& task);
  void request(BackgroundTask& task);
  void withdraw(BackgroundTask& task);
  void wait(BackgroundTask& task);
  bool abandon(BackgroundTask& task);

 private:
  Background();
  static void startAnew();
  static void* threadMain(void* self);
  bool startThread();
  [[noreturn]] void serve();
  BackgroundTask* takeNext();
  void runAll();

  static std::atomic<Background*> current;

  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<BackgroundTask*> enlisted_;  // neither begun nor withdrawn
  BackgroundTask* running_ = nullptr;
  bool hasThread_ = false;
  sem_t requests_;
  std::atomic<uint64_t> lastTicket_{0};
};

std::atomic<Background*> Background::current{nullptr};

Background::Background() { sem_init(&requests_, 0, 0); }

Background& Background::instance() {
  static std::once_flag& once = *new std::once_flag;
  std::call_once(once, [] {
    current = new Background;
    pthread_atfork([] { current.load()->mutex_.lock(); }, [] { current.load()->mutex_.unlock(); }, startAnew);
  });
  return *current.load(std::memory_order_acquire);
}

// In a forked child. What ran at the fork stays undone here: only half of it may have happened.
void Background::startAnew() {
  auto* own = new Background;
  own->enlisted_ = current.load()->enlisted_;
  if (BackgroundTask* lost = current.load()->running_) lost->isOver_ = true;
  current = own;
}

bool Background::enlist(BackgroundTask& task) {
  std::lock_guard lock(mutex_);
  if (!hasThread_ && !(hasThread_ = startThread())) return false;
  enlisted_.push_back(&task);
  return true;
}

void Background::request(BackgroundTask& task) {
  uint64_t none = 0;
  if (task.ticket_.load(std::memory_order_relaxed) != none) return;
  uint64_t ticket = lastTicket_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (task.ticket_.compare_exchange_strong(none, ticket, std::memory_order_release, std::memory_order_relaxed)) sem_post(&requests_);
}

void Background::withdraw(BackgroundTask& task) {
  std::lock_guard lock(mutex_);
  if (std::erase(enlisted_, &task)) task.isOver_.store(true, std::memory_order_release);
}

void Background::wait(BackgroundTask& task) {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return running_ != &task; });
}

bool Background::abandon(BackgroundTask& task) {
  std::lock_guard lock(mutex_);
  return task.isAbandoned_ = running_ == &task;
}

bool Background::startThread() {
  // The program's handlers stay on its own threads; the signals that code causes itself cannot be blocked.
  sigset_t all, before;
  sigfillset(&all);
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  constexpr size_t stackBytes = size_t{4} << 20;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stackBytes);
  pthread_t thread;
  bool started = pthread_create(&thread, &attributes, threadMain, this) == 0;
  if (started) pthread_setname_np(thread, "anywarp-compile");
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void* Background::threadMain(void* self) { static_cast<Background*>(self)->serve(); }

void Background::serve() {
  while (true) {
    runAll();
    sem_wait(&requests_);
  }
}

void Background::runAll() {
  while (BackgroundTask* task = takeNext()) {
    task->run();
    task->isOver_.store(true, std::memory_order_release);
    bool isAbandoned;
    {
      std::lock_guard lock(mutex_);
      running_ = nullptr;
      isAbandoned = task->isAbandoned_;
      ended_.notify_all();
    }
    if (isAbandoned) delete task;
  }
}

BackgroundTask* Background::takeNext() {
  std::lock_guard lock(mutex_);
  auto next = enlisted_.end();
  uint64_t earliest = ~uint64_t{0};
  for (auto it = enlisted_.begin(); it != enlisted_.end(); ++it) {
    uint64_t ticket = (*it)->ticket_.load(std::memory_order_acquire);
    if (ticket == 0 || ticket > earliest) continue;
    earliest = ticket;
    next = it;
  }
  if (next == enlisted_.end()) return nullptr;
  running_ = *next;
  enlisted_.erase(next);
  return running_;
}

bool BackgroundTask::enlist() { return Background::instance().enlist(*this); }
void BackgroundTask::request() { Background::instance().request(*this); }
void BackgroundTask::withdraw() { Background::instance().withdraw(*this); }
bool BackgroundTask::abandon() { return Background::instance().abandon(*this); }
void BackgroundTask::wait() { Background::instance().wait(*this); }

}  // namespace anywarp::compiler
