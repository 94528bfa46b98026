// A thread that waits for a stream runs the stream's short grids itself. SPDX-License-Identifier: Apache-2.0
#include "device/sched/help.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "device/sched/worker.h"

namespace anywarp::device {

namespace {

constexpr size_t signalStackBytes = 64 << 10;

// A kernel that overflows its stack is told by a signal, which needs another one. Threads that have one keep it.
class SignalStack {
 public:
  SignalStack() {
    stack_t now{};
    if (sigaltstack(nullptr, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
    void* memory = mmap(nullptr, signalStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t ours{};
    ours.ss_sp = memory;
    ours.ss_size = signalStackBytes;
    if (sigaltstack(&ours, nullptr) == 0) memory_ = memory;
    else munmap(memory, signalStackBytes);
  }
  ~SignalStack() {
    stack_t now{};
    if (!memory_ || sigaltstack(nullptr, &now) != 0) return;
    if (now.ss_sp == memory_) {
      stack_t none{};
      none.ss_flags = SS_DISABLE;
      if (sigaltstack(&none, nullptr) != 0) return;
    }
    munmap(memory_, signalStackBytes);
  }

 private:
  void* memory_ = nullptr;
};

struct OfThread {
  SignalStack signalStack;
  int id = static_cast<int>(syscall(SYS_gettid));
};

constexpr int faultSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

// A fault whose signal is blocked would end the process. True when there was one to unblock.
bool unblockFaults(sigset_t& before) {
  sigset_t faults;
  sigemptyset(&faults);
  for (int signal : faultSignals) sigaddset(&faults, signal);
  pthread_sigmask(SIG_UNBLOCK, &faults, &before);
  return std::any_of(std::begin(faultSignals), std::end(faultSignals), [&](int signal) { return sigismember(&before, signal) == 1; });
}

// Kernels compute with the rounding and the denormals that a new thread has.
#if defined(__x86_64__)
constexpr unsigned usualRounding = 0x1f80;
unsigned floatingPointControl() { return __builtin_ia32_stmxcsr(); }
void setFloatingPointControl(unsigned value) { __builtin_ia32_ldmxcsr(value); }
#elif defined(__aarch64__)
constexpr unsigned usualRounding = 0;
unsigned floatingPointControl() { return __builtin_aarch64_get_fpcr(); }
void setFloatingPointControl(unsigned value) { __builtin_aarch64_set_fpcr(value); }
#else
constexpr unsigned usualRounding = 0;
unsigned floatingPointControl() { return 0; }
void setFloatingPointControl(unsigned) {}
#endif

}  // namespace

HelpingThread::HelpingThread(Worker& worker) : worker_(worker), rounding_(floatingPointControl()) {
  static thread_local OfThread thread;
  restoreSignals_ = unblockFaults(signals_);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelState_);
  setFloatingPointControl(usualRounding);
  worker_.adopt(thread.id);
}

HelpingThread::~HelpingThread() {
  worker_.release();
  setFloatingPointControl(rounding_);
  pthread_setcancelstate(cancelState_, nullptr);
  if (restoreSignals_) pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
}

}  // namespace anywarp::device
