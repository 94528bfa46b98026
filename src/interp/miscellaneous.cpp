// Trap, sleep and other signals to the machine (PTX: Miscellaneous Instructions). SPDX-License-Identifier: Apache-2.0
#include "interp/step.h"

namespace anywarp::interp {

void trap(Step& step) { step.fault(FaultKind::Trap, "trap"); }
void brkpt(Step& step) { step.fault(FaultKind::Trap, "breakpoint"); }
void pmevent(Step&) {}
void setmaxnreg(Step&) {}

// Grids of a stream run one after the other: what a grid depends on has ended.
void griddepcontrol(Step&) {}

// A sleeper lets the others run: it waits for one turn.
void nanosleep(Step& step) {
  if (step.thread.polls == 0) step.wait();
}

}  // namespace anywarp::interp
