// Threads whose crash does not end the process: what runs the compiler. SPDX-License-Identifier: Apache-2.0
#include "support/crash_guard.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "support/left_frames.h"

namespace anywarp::crash {
namespace {

struct Landing {
  sigjmp_buf back;
  Crash crash;
};

__attribute__((tls_model("initial-exec"))) thread_local Landing* volatile landing = nullptr;

std::atomic<void (*)()> installer{nullptr};

// Handlers of our own. What was there before gets what is not ours.
constexpr int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr int ours[] = {SIGTRAP, SIGABRT};  // nobody else here handles these
struct sigaction before[NSIG];

bool isStop(int signal, const siginfo_t& info) { return signal == SIGTRAP && info.si_code == SI_QUEUE && info.si_pid == getpid(); }

void handle(int signal, siginfo_t* info, void* context) {
  leaveIfGuarded(signal, *info, context);
  if (isStop(signal, *info)) return;  // too early or too late
  const struct sigaction& action = before[signal];
  if (action.sa_flags & SA_SIGINFO) return action.sa_sigaction(signal, info, context);
  if (action.sa_handler == SIG_IGN) return;
  if (action.sa_handler != SIG_DFL) return action.sa_handler(signal);
  sigaction(signal, &action, nullptr);
  if (info->si_code <= 0) raise(signal);  // else the instruction runs again
}

void install(int signal) {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  action.sa_sigaction = handle;
  sigemptyset(&action.sa_mask);
  sigaction(signal, nullptr, &before[signal]);
  sigaction(signal, &action, nullptr);
}

void installHandlers() {
  static std::once_flag& once = *new std::once_flag;
  std::call_once(once, [] {
    for (int signal : ours) install(signal);
  });
  if (auto* others = installer.load(std::memory_order_acquire)) return others();
  static std::once_flag& alone = *new std::once_flag;
  std::call_once(alone, [] {
    for (int signal : faults) install(signal);
  });
}

// A handler needs a stack where the thread's own is used up.
class AlternateStack {
 public:
  AlternateStack() {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t stack;
    std::memset(&stack, 0, sizeof stack);
    stack.ss_sp = memory_ = memory;
    stack.ss_size = bytes;
    sigaltstack(&stack, &previous_);
  }
  ~AlternateStack() {
    if (!memory_) return;
    sigaltstack(&previous_, nullptr);
    munmap(memory_, bytes);
  }

 private:
  static constexpr size_t bytes = size_t(256) << 10;
  void* memory_ = nullptr;
  stack_t previous_;
};

}  // namespace

uintptr_t programCounter([[maybe_unused]] void* context) {
  [[maybe_unused]] auto* machine = static_cast<ucontext_t*>(context);
#if defined(__x86_64__)
  return static_cast<uintptr_t>(machine->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine->uc_mcontext.pc;
#else
  return 0;
#endif
}

void setInstaller(void (*install)()) { installer.store(install, std::memory_order_release); }

void leaveIfGuarded(int signal, const siginfo_t& info, void* context) {
  Landing* to = landing;
  if (!to) return;
  // abort() sends its signal itself; all others come from the processor.
  bool own = info.si_code > 0 || (signal == SIGABRT && info.si_code == SI_TKILL && info.si_pid == getpid());
  uintptr_t pc = programCounter(context);
  // Not inside the C library, which holds locks.
  bool stopped = isStop(signal, info) && pc >= to->crash.codeBegin && pc < to->crash.codeEnd;
  if (!own && !stopped) return;
  landing = nullptr;
  to->crash.signal = signal;
  to->crash.address = signal == SIGABRT ? 0 : reinterpret_cast<uintptr_t>(info.si_addr);
  to->crash.pc = pc;
  siglongjmp(to->back, 1);
}

bool run(void (*work)(void*), void* argument, Crash* crash) {
  installHandlers();
  AlternateStack stack;
  Landing here;
  here.crash = *crash;
  if (sigsetjmp(here.back, 0) != 0) {
    forgetLeftFrames();
    *crash = here.crash;
    return false;
  }
  landing = &here;
  work(argument);
  landing = nullptr;
  return true;
}

}  // namespace anywarp::crash
