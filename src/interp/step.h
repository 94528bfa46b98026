// One instruction of one thread: what the functions named in instructions.def work on. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/ptx/instructions.h"
#include "interp/machine.h"

namespace anywarp::interp {

using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

// Reads operands, writes results, faults, waits. Slots are numbered as in the row's operand column.
class Step {
 public:
  Step(Grid& grid, Thread& thread) : grid(grid), thread(thread), inst(thread.instruction()) {}

  Grid& grid;
  Thread& thread;
  const ptx::Instruction& inst;

  Block& block() { return *thread.block; }
  bool has(Mod mod) const { return inst.has(mod); }
  Type type(size_t i = 0) const { return inst.type(i); }
  size_t slots() const { return inst.operands.size(); }
  const Operand& operand(size_t slot) const;  // Kind::None beyond the last
  bool present(size_t slot) const { return !operand(slot).isNone(); }

  // Source operands: the bits of the value as `type`; wider registers are cut, upper bits are zero.
  uint64_t bits(size_t slot, Type type) const { return bits(operand(slot), type); }
  uint64_t bits(const Operand& operand, Type type) const;
  Value wide(const Operand& operand, Type type) const;  // as bits(), and all of a b128
  int64_t integer(size_t slot, Type type) const;        // extended by the sign that `type` has
  double number(size_t slot, Type type) const;          // any floating type but packed ones
  bool predicate(size_t slot) const;

  // Destinations. `_` and absent ones take nothing. Bits beyond `type` are filled by its signedness.
  void set(size_t slot, Type type, uint64_t bits) { set(operand(slot), type, bits); }
  void set(const Operand& operand, Type type, uint64_t bits);
  void setWide(const Operand& operand, Value value);
  void setPredicate(size_t slot, bool value);

  // Memory. A null pointer means that the thread has faulted.
  uint8_t* memory(Space space, uint64_t address, uint64_t size, bool write);
  uint64_t address(const Operand& operand) const;  // in the operand's own space
  Space spaceOf(const Operand& operand, Space named) const;
  uint64_t genericAddress(Space space, uint64_t address);
  uint64_t symbolAddress(const ptx::SymbolRef& symbol) const;
  Space symbolSpace(const ptx::SymbolRef& symbol) const;
  uint64_t load(const uint8_t* place, unsigned bytes) const;
  void store(uint8_t* place, unsigned bytes, uint64_t bits) const;

  // Control.
  void jump(uint32_t label);
  void wait() { thread.state = ThreadState::Waiting; }
  bool waited() const { return thread.state == ThreadState::Waiting; }
  void stay() { advance_ = false; }  // the program counter is already where it should be
  void exit();
  void fault(FaultKind kind, std::string what);
  void unsupported(std::string what) { fault(FaultKind::Unsupported, std::move(what)); }
  bool advances() const { return advance_; }

 private:
  bool advance_ = true;
};

using Function = void (*)(Step&);

// The function of a row of instructions.def; planned rows have one that faults.
Function functionOf(ptx::Form form);

// The instruction's opcode with its modifiers and types.
std::string describe(const ptx::Instruction& inst);

// Ends a function as `ret` does.
void returnFromCall(Thread& thread);

// Of cp.async.bulk: operand 2 bytes from the place of operand 1 to that of operand 0; false when the thread has faulted.
bool copyBulk(Step& step, ptx::Space to, ptx::Space from);

uint64_t specialRegister(Step& step, ptx::SpecialReg reg);

inline uint64_t lowBits(uint64_t bits, unsigned count) {
  return count >= 64 ? bits : bits & ((uint64_t{1} << count) - 1);
}
inline int64_t signExtend(uint64_t bits, unsigned count) {
  return count >= 64 ? static_cast<int64_t>(bits) : static_cast<int64_t>(bits << (64 - count)) >> (64 - count);
}
std::string hex(uint64_t value);

}  // namespace anywarp::interp
