// Signals that compiled code causes: caught on worker threads, passed on everywhere else. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::device {

// Takes SIGSEGV, SIGBUS, SIGFPE and SIGILL over, once. What was there before gets every signal that is not ours.
void installFaultHandlers();

// Takes them again when the program has installed handlers of its own since; looks at most every few milliseconds. `now`:
// monotonicNanoseconds().
void refreshFaultHandlers(uint64_t now);

// Makes the thread look whether its grid has stopped. Does nothing to a thread that is in no kernel, or has ended.
void sendInterrupt(int thread);

}  // namespace anywarp::device
