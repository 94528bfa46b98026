// Threads whose crash does not end the process: what runs the compiler. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <cstdint>

namespace anywarp::crash {

struct Crash {
  uintptr_t codeBegin = 0, codeEnd = 0;  // set before run(): the code where others may stop the thread, by a queued SIGTRAP; else it goes on
  int signal = 0;  // SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT
  uintptr_t address = 0;
  uintptr_t pc = 0;
};

// Does `work` on this thread, which should have a stack of its own. False where a signal that the thread caused itself ended it: no
// destructor has run, what it held is leaked, a lock that it held stays locked. Not nested.
bool run(void (*work)(void*), void* argument, Crash* crash);
using RunFn = decltype(&run);

// Where the thread was when a signal came, from the third argument of its handler.
uintptr_t programCounter(void* context);

// For signal handlers: does not return where the thread is inside run() and has caused the signal itself.
void leaveIfGuarded(int signal, const siginfo_t& info, void* context);

// Who handles SIGSEGV, SIGBUS, SIGFPE and SIGILL in this process, and calls leaveIfGuarded(). Called by run() each time; nobody: run()
// installs handlers of its own, once.
void setInstaller(void (*install)());

}  // namespace anywarp::crash
