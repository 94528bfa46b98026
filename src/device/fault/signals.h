// Signals that compiled code causes: caught on worker threads, passed on everywhere else. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp::device {

// Takes SIGSEGV, SIGBUS, SIGFPE and SIGILL over, once. What was there before gets every signal that is not ours.
void installFaultHandlers();

// Takes them again when the program has installed handlers of its own since; looks at most every few milliseconds.
void refreshFaultHandlers();

}  // namespace anywarp::device
