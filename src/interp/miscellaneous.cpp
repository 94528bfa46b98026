// Trap, sleep and other signals to the machine (PTX: Miscellaneous Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "interp/step.h"

namespace anywarp::interp {

void trap(Step& step) { step.fault(FaultKind::Trap, "trap"); }
void brkpt(Step&) {}  // no debugger is there
void pmevent(Step&) {}
void setmaxnreg(Step&) {}

// Memory behind the frame, until the function returns or the stack is restored.
void takeStack(Step& step) {
  Frame& frame = step.thread.frame();
  uint64_t align = step.present(2) ? std::max<uint64_t>(step.bits(2, Type::U32), 1) : 8;
  uint64_t size = step.bits(1, step.type()), start = (frame.end() + align - 1) / align * align;
  if (size > step.grid.launch.localBytes || start + size > step.grid.launch.localBytes)
    return step.fault(FaultKind::StackOverflow, "stack overflow in alloca");
  frame.taken += start + size - frame.end();
  step.set(0, step.type(), start);
}

void stacksave(Step& step) { step.set(0, step.type(), step.thread.frame().end()); }

void stackrestore(Step& step) {
  Frame& frame = step.thread.frame();
  uint64_t end = step.bits(0, step.type()), first = frame.end() - frame.taken;
  if (end < first || end > frame.end()) return step.fault(FaultKind::IllegalInstruction, "stackrestore of what stacksave did not give");
  frame.taken = end - first;
}

// Grids of a stream run one after the other: what a grid depends on has ended.
void griddepcontrol(Step&) {}

// A sleeper lets the others run: it waits for one turn.
void nanosleep(Step& step) {
  if (step.thread.polls == 0) step.wait();
}

}  // namespace anywarp::interp
