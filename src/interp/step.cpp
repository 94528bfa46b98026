// Operands, results and memory of one instruction of one thread (PTX: Instruction Operands). SPDX-License-Identifier: Apache-2.0
#include "interp/step.h"

#include <cstdio>
#include <cstring>

#include "interp/number.h"

namespace anywarp::interp {
namespace {

const Operand absent;

Value immediate(const Operand& operand, Type type) { return {ptx::immediateBits(operand, type), 0}; }

}  // namespace

std::string hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

const Operand& Step::operand(size_t slot) const { return slot < inst.operands.size() ? inst.operands[slot] : absent; }

Value Step::wide(const Operand& operand, Type type) const {
  Step& self = const_cast<Step&>(*this);
  switch (operand.kind) {
    case Operand::Kind::Register: return thread.frame().registers[operand.reg];
    case Operand::Kind::Special: return {specialRegister(self, operand.special), 0};
    case Operand::Kind::Integer:
    case Operand::Kind::Float32:
    case Operand::Kind::Float64: return immediate(operand, type);
    case Operand::Kind::Symbol:
    case Operand::Kind::Address: return {address(operand), 0};
    default: self.fault(FaultKind::Invalid, "operand has no value"); return {};
  }
}

uint64_t Step::bits(const Operand& operand, Type type) const {
  uint64_t value = wide(operand, type).lo;
  if (operand.negated && type == Type::Pred) value = !(value & 1);
  return lowBits(value, ptx::bits(type));
}

int64_t Step::integer(size_t slot, Type type) const {
  uint64_t value = bits(slot, type);
  return ptx::isSigned(type) ? signExtend(value, ptx::bits(type)) : static_cast<int64_t>(value);
}

bool Step::predicate(size_t slot) const { return bits(slot, Type::Pred) != 0; }

void Step::set(const Operand& operand, Type type, uint64_t bits) {
  uint64_t value = lowBits(bits, ptx::bits(type));
  if (ptx::isSigned(type)) value = static_cast<uint64_t>(signExtend(value, ptx::bits(type)));
  setWide(operand, {value, 0});
}

void Step::setWide(const Operand& operand, Value value) {
  if (operand.isNone() || operand.kind == Operand::Kind::Discard) return;
  if (!operand.isReg()) return fault(FaultKind::Invalid, "destination is not a register");
  unsigned width = ptx::bits(thread.frame().code->body->registers[operand.reg].type);
  if (width <= 64) value = {lowBits(value.lo, width), 0};
  thread.frame().registers[operand.reg] = value;
}

void Step::setPredicate(size_t slot, bool value) {
  set(slot, Type::Pred, operand(slot).negated ? !value : value);
}

void Step::jump(uint32_t label) {
  thread.frame().pc = thread.frame().code->body->labels[label].instruction;
  stay();
}

void Step::exit() {
  exitThread(thread);
  stay();
}

void Step::fault(FaultKind kind, std::string what) {
  if (grid.fault) return;
  auto place = [](const Dim3& p) {
    return "(" + std::to_string(p.x) + "," + std::to_string(p.y) + "," + std::to_string(p.z) + ")";
  };
  const Frame& bottom = thread.frames.front();
  grid.fault = Fault{kind, "kernel " + bottom.code->function->name + ", block " + place(block().id) + ", thread " +
                               place(thread.tid) + ", line " + std::to_string(inst.loc.line) + ": " + std::move(what)};
}

}  // namespace anywarp::interp
