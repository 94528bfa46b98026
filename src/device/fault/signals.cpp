// Signals that compiled code causes: caught on worker threads, passed on everywhere else. SPDX-License-Identifier: Apache-2.0
#include "device/fault/signals.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "device/fault/record.h"
#include "device/memory/replacement.h"
#include "device/sched/futex.h"
#include "device/sched/mutex.h"
#include "device/sched/worker.h"
#include "support/crash_guard.h"

namespace anywarp::device {

namespace {

constexpr int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr size_t count = sizeof caught / sizeof caught[0];

// Two generations, so that a handler that runs while the entry is replaced reads a whole one.
struct Previous {
  struct sigaction actions[2];
  std::atomic<uint32_t> current{0};
};
Previous previous[count];
std::atomic<uint64_t> lastLook{0};
__attribute__((tls_model("initial-exec"))) thread_local volatile sig_atomic_t passingOn = 0;

size_t slotOf(int signal) {
  size_t slot = 0;
  while (slot + 1 < count && caught[slot] != signal) ++slot;
  return slot;
}

FaultKind kindOf(int signal, const siginfo_t& info) {
  if (signal == SIGBUS) return info.si_code == BUS_ADRALN ? FaultKind::MisalignedAddress : FaultKind::IllegalAddress;
  if (signal == SIGSEGV) return FaultKind::IllegalAddress;
  return FaultKind::IllegalInstruction;
}

[[noreturn]] void endBlock(Worker& worker, int signal, const siginfo_t& info, void* context) {
  FaultRecord record;
  record.kind = kindOf(signal, info);
  record.pc = crash::programCounter(context);
  // A general protection fault (an address that no pointer can be) carries no address.
  bool hasAddress = signal == SIGBUS || (signal == SIGSEGV && info.si_code != SI_KERNEL);
  auto address = reinterpret_cast<uintptr_t>(info.si_addr);
  Worker::Range guard = worker.stackGuard();
  if (hasAddress && address >= guard.begin && address < guard.end) {
    record.kind = FaultKind::StackOverflow;
  } else if (hasAddress) {
    record.hasAddress = true;
    record.address = address;
  }
  worker.leave(record);
}

void restoreDefault(int signal) {
  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
}

// As if our handler were not there. On return the instruction runs again, so a default action needs no more than restoring it.
void passOn(int signal, siginfo_t* info, void* context) {
  Previous& before = previous[slotOf(signal)];
  const struct sigaction& action = before.actions[before.current.load(std::memory_order_acquire)];
  bool sent = info->si_code <= 0;
  if (passingOn || action.sa_handler == SIG_DFL || (action.sa_handler == SIG_IGN && !sent)) {
    restoreDefault(signal);
    if (sent) raise(signal);
    return;
  }
  if (action.sa_handler == SIG_IGN) return;
  passingOn = 1;
  if (action.sa_flags & SA_SIGINFO) {
    action.sa_sigaction(signal, info, context);
  } else {
    action.sa_handler(signal);
  }
  passingOn = 0;
}

// What our own interruptions carry, so that they are told from signals that the program sends.
char interruptMark;

bool isInterrupt(const siginfo_t& info) { return info.si_code == SI_QUEUE && info.si_value.sival_ptr == &interruptMark; }

void handle(int signal, siginfo_t* info, void* context) {
  if (signal == SIGSEGV && info->si_code == SEGV_ACCERR && waitForReplacement(reinterpret_cast<uintptr_t>(info->si_addr), crash::programCounter(context))) return;
  crash::leaveIfGuarded(signal, *info, context);
  Worker* worker = Worker::current();
  bool inKernel = worker && worker->inKernel();
  if (!isInterrupt(*info)) {
    bool sent = info->si_code <= 0;
    if (!inKernel || sent) return passOn(signal, info, context);
    endBlock(*worker, signal, *info, context);
  }
  if (!inKernel) return;
  Grid* grid = worker->runningGrid();
  if (grid && grid->stop.load(std::memory_order_acquire)) worker->leave(FaultRecord{});
}

bool isOurs(const struct sigaction& action) { return (action.sa_flags & SA_SIGINFO) && action.sa_sigaction == handle; }

void install(int signal) {
  struct sigaction now;
  if (sigaction(signal, nullptr, &now) != 0 || isOurs(now)) return;
  Previous& before = previous[slotOf(signal)];
  uint32_t other = 1 - before.current.load(std::memory_order_relaxed);
  before.actions[other] = now;
  before.current.store(other, std::memory_order_release);
  struct sigaction ours;
  std::memset(&ours, 0, sizeof ours);
  // No masking: the handler leaves by siglongjmp, which then has no mask to restore.
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ours.sa_sigaction = handle;
  sigemptyset(&ours.sa_mask);
  sigaction(signal, &ours, nullptr);
}

void installAll() {
  static Mutex& mutex = *new Mutex;
  Lock lock(mutex);
  for (int signal : caught) install(signal);
}

}  // namespace

void installFaultHandlers() {
  installAll();
  lastLook.store(monotonicNanoseconds(), std::memory_order_relaxed);
}

void refreshFaultHandlers(uint64_t now) {
  constexpr uint64_t often = 5000000;
  uint64_t last = lastLook.load(std::memory_order_relaxed);
  if (now - last < often || !lastLook.compare_exchange_strong(last, now, std::memory_order_relaxed)) return;
  installAll();
}

void sendInterrupt(int thread) {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = SIGSEGV;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = &interruptMark;
  syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, SIGSEGV, &info);
}

}  // namespace anywarp::device
