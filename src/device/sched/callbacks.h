// Threads for what may block: the program's host functions, and conditions that are asked again and again. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp::device {

struct Deferred;

// Runs job.run(&job) on one of a few threads that hold no lock; never blocks.
void runOnCallbackThread(Deferred& job);
// Asks job.ready(&job) every few microseconds until it is true, then runs job.run(&job). `ready` must be quick.
void pollUntilReady(Deferred& job);

// Embedded by the owner, who keeps it until `run` has been called.
struct Deferred {
  void (*run)(Deferred*) = nullptr;
  bool (*ready)(Deferred*) = nullptr;
  Deferred* next = nullptr;
};

}  // namespace anywarp::device
