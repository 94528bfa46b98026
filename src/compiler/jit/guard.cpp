// Keeps LLVM's fatal errors and stack use away from the host process. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <link.h>
#include <llvm/Support/ErrorHandling.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

#include "compiler/jit/emit.h"
#include "support/debug_options.h"

namespace anywarp::jit {
namespace {

// LLVM recurses over expression and control-flow graphs; unused pages of the stack cost nothing.
constexpr size_t stackSizes[] = {size_t(512) << 20, size_t(64) << 20, size_t(8) << 20};

struct Guard {
  const std::function<void()>* work = nullptr;
  jmp_buf exit;
  char message[512] = "";
  bool failed = false;
  crash::Crash crash;
  bool stopped = false;
};

thread_local Guard* current = nullptr;
std::atomic<crash::RunFn> protector{nullptr};

void fatalError(void*, const char* reason, bool) {
  Guard* guard = current;
  if (!guard) return;  // LLVM then prints the reason and exits, as it would without us
  guard->message[std::string_view(reason).copy(guard->message, sizeof guard->message - 1)] = 0;
  guard->failed = true;
  longjmp(guard->exit, 1);
}

void installHandlers() {
  static std::once_flag& once = *new std::once_flag;
  std::call_once(once, [] {
    llvm::install_fatal_error_handler(fatalError);
    llvm::install_bad_alloc_error_handler(fatalError);
  });
}

void work(void* argument) {
  Guard& guard = *static_cast<Guard*>(argument);
  if (setjmp(guard.exit) == 0) (*guard.work)();
}

// Addresses relative to this library are what tools want to know.
void describeCrash(Guard& guard) {
  Dl_info info;
  bool known = dladdr(reinterpret_cast<const void*>(guard.crash.pc), &info) && info.dli_fname;
  const char* file = known ? std::strrchr(info.dli_fname, '/') : nullptr;
  std::snprintf(guard.message, sizeof guard.message, "signal %d at %s+0x%zx, address 0x%zx", guard.crash.signal,
                file ? file + 1 : "?", size_t(guard.crash.pc - (known ? reinterpret_cast<uintptr_t>(info.dli_fbase) : 0)),
                size_t(guard.crash.address));
  guard.failed = true;
}

// The text of this library.
int findText(dl_phdr_info* info, size_t, void* found) {
  auto& crash = *static_cast<crash::Crash*>(found);
  auto here = reinterpret_cast<uintptr_t>(&findText);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& part = info->dlpi_phdr[i];
    uintptr_t begin = info->dlpi_addr + part.p_vaddr, end = begin + part.p_memsz;
    if (part.p_type != PT_LOAD || here < begin || here >= end) continue;
    crash.codeBegin = begin, crash.codeEnd = end;
    return 1;
  }
  return 0;
}

// Waits for the thread; where it takes longer than anything that ends, stops it.
void join(pthread_t thread, Guard& guard) {
  const bool isTest = options::debugCompileCrash() == "spin";
  const time_t limit = isTest ? 1 : 120;  // seconds of processor time
  clockid_t clock;
  bool mayStop = protector.load(std::memory_order_relaxed) && pthread_getcpuclockid(thread, &clock) == 0;
  auto joins = [&](long nanoseconds) {
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += nanoseconds;
    until.tv_sec += until.tv_nsec / 1000000000, until.tv_nsec %= 1000000000;
    return pthread_timedjoin_np(thread, nullptr, &until) == 0;
  };
  timespec used{};
  while (mayStop && clock_gettime(clock, &used) == 0) {  // an error: it has ended by itself
    const bool isLate = used.tv_sec >= limit;
    if (isLate) {
      guard.stopped = true;
      pthread_sigqueue(thread, SIGTRAP, {});
    }
    if (joins(isLate ? 5000000 : 500000000)) return;
  }
  pthread_join(thread, nullptr);
}

Status outcome(Guard& guard) {
  if (!guard.failed) return {};
  if (guard.stopped) std::strcpy(guard.message, "it takes too long");
  return Error{ErrorKind::Invalid, std::string("internal error of the code generator: ") + guard.message};
}

void* run(void* argument) {
  Guard& guard = *static_cast<Guard*>(argument);
  current = &guard;
  crash::RunFn protect = protector.load(std::memory_order_relaxed);
  if (!protect) work(&guard);
  else if (!protect(work, &guard, &guard.crash)) describeCrash(guard);
  current = nullptr;
  return nullptr;
}

bool startThread(pthread_t& thread, Guard& guard) {
  sigset_t all, before;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited: the program's handlers stay on its own threads
  bool started = false;
  for (size_t size : stackSizes) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size);
    started = pthread_create(&thread, &attributes, run, &guard) == 0;
    pthread_attr_destroy(&attributes);
    if (started) break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace

void protectWith(crash::RunFn run) { protector = run; }

Status guarded(const std::function<void()>& work) {
  if (current) {
    work();
    return {};
  }
  installHandlers();
  Guard guard;
  guard.work = &work;
  dl_iterate_phdr(findText, &guard.crash);
  pthread_t thread;
  if (!startThread(thread, guard)) return Error{ErrorKind::System, "cannot start a thread to compile on"};
  join(thread, guard);
  return outcome(guard);
}

Status guardedTogether(std::span<const std::function<void()>> works) {
  installHandlers();
  std::vector<Guard> guards(works.size());
  std::vector<pthread_t> threads(works.size());
  std::vector<bool> started(works.size());
  for (size_t i = 0; i < works.size(); ++i) {
    guards[i].work = &works[i];
    dl_iterate_phdr(findText, &guards[i].crash);
    started[i] = startThread(threads[i], guards[i]);
  }
  for (size_t i = 0; i < works.size(); ++i) {
    if (started[i]) join(threads[i], guards[i]);
    else if (Status done = guarded(works[i]); !done) return done;
  }
  for (Guard& guard : guards) {
    Status done = outcome(guard);
    if (done) continue;
    if (current) fatalError(nullptr, guard.message, false);
    return done;
  }
  return {};
}

}  // namespace anywarp::jit
