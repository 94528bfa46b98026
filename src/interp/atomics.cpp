// Read-modify-write on memory (PTX: Parallel Synchronization and Communication Instructions, atom and red).
// One thread runs at a time, so each is atomic by itself. SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "interp/floating.h"

namespace anywarp::interp {
namespace {

uint64_t addHalves(Type type, uint64_t a, uint64_t b) {
  Format format = formatOf(type);
  return encode(format, addToOdd(decode(format, a), decode(format, b), Rounding::NearestEven), Rounding::NearestEven);
}

uint64_t floatResult(Mod op, Type type, uint64_t a, uint64_t b) {
  if (type == Type::F64) return bitsOf(addRounded(asDouble(a), asDouble(b), Rounding::NearestEven));
  Format format = formatOf(type);
  double x = decode(format, a), y = decode(format, b);
  switch (op) {
    case Mod::Min: return encode(format, minimum(x, y, false), Rounding::NearestEven);
    case Mod::Max: return encode(format, maximum(x, y, false), Rounding::NearestEven);
    default: return addHalves(type, a, b);
  }
}

uint64_t integerResult(Mod op, Type type, uint64_t a, uint64_t b) {
  bool isSigned = ptx::isSigned(type);
  unsigned width = ptx::bits(type);
  bool less = isSigned ? signExtend(a, width) < signExtend(b, width) : a < b;
  switch (op) {
    case Mod::And: return a & b;
    case Mod::Or: return a | b;
    case Mod::Xor: return a ^ b;
    case Mod::Add: return a + b;
    case Mod::Min: return less ? a : b;
    case Mod::Max: return less ? b : a;
    case Mod::Inc: return a >= b ? 0 : a + 1;
    case Mod::Dec: return a == 0 || a > b ? b : a - 1;
    default: return b;  // exch
  }
}

uint64_t combined(Mod op, Type type, uint64_t a, uint64_t b) {
  if (ptx::isPacked(type)) {
    Type one = ptx::elementType(type);
    unsigned width = ptx::bits(one);
    return floatResult(op, one, lowBits(a, width), lowBits(b, width)) | floatResult(op, one, a >> width, b >> width) << width;
  }
  if (ptx::isFloat(type) && op != Mod::Exch) return floatResult(op, type, a, b);
  return integerResult(op, type, a, b);
}

Mod operation(const Step& step) { return step.inst.mods.first(ptx::ModGroup::Operation); }

// Every element of the operand, one for a scalar.
std::vector<const Operand*> elements(const Operand& operand) {
  std::vector<const Operand*> list;
  if (operand.kind != Operand::Kind::Vector) return {&operand};
  for (const Operand& element : operand.elements) list.push_back(&element);
  return list;
}

uint8_t* place(Step& step, const Operand& address, uint64_t bytes) {
  return step.memory(step.spaceOf(address, step.inst.space()), step.address(address), bytes, true);
}

Value loadWide(const Step& step, const uint8_t* at, unsigned bytes) {
  return {step.load(at, std::min(bytes, 8u)), bytes > 8 ? step.load(at + 8, 8) : 0};
}

void storeWide(const Step& step, uint8_t* at, unsigned bytes, Value value) {
  step.store(at, std::min(bytes, 8u), value.lo);
  if (bytes > 8) step.store(at + 8, 8, value.hi);
}

void compareAndSwap(Step& step) {
  unsigned bytes = ptx::bytes(step.type());
  uint8_t* at = place(step, step.operand(1), bytes);
  if (!at) return;
  auto cut = [&](size_t slot) {
    Value value = step.wide(step.operand(slot), step.type());
    return bytes > 8 ? value : Value{lowBits(value.lo, 8 * bytes), 0};
  };
  Value old = loadWide(step, at, bytes), expected = cut(2), desired = cut(3);
  if (old.lo == expected.lo && old.hi == expected.hi) storeWide(step, at, bytes, desired);
  if (bytes > 8) return step.setWide(step.operand(0), old);
  step.set(0, step.type(), old.lo);
}

void exchangeWide(Step& step) {
  uint8_t* at = place(step, step.operand(1), 16);
  if (!at) return;
  Value old = loadWide(step, at, 16);
  storeWide(step, at, 16, step.wide(step.operand(2), step.type()));
  step.setWide(step.operand(0), old);
}

void update(Step& step, const Operand& address, const Operand& source, const Operand* destination) {
  Type type = step.type();
  unsigned bytes = ptx::bytes(type);
  std::vector<const Operand*> sources = elements(source);
  uint8_t* at = place(step, address, bytes * sources.size());
  if (!at) return;
  std::vector<uint64_t> olds;
  for (size_t i = 0; i < sources.size(); i++) {
    uint64_t old = step.load(at + i * bytes, bytes);
    step.store(at + i * bytes, bytes, combined(operation(step), type, old, step.bits(*sources[i], type)));
    olds.push_back(old);
  }
  if (!destination) return;
  std::vector<const Operand*> destinations = elements(*destination);
  for (size_t i = 0; i < destinations.size(); i++) step.set(*destinations[i], type, olds[i]);
}

}  // namespace

void atom(Step& step) {
  if (step.has(Mod::Cas)) return compareAndSwap(step);
  if (ptx::bytes(step.type()) > 8) return exchangeWide(step);
  update(step, step.operand(1), step.operand(2), &step.operand(0));
}

void red(Step& step) { update(step, step.operand(0), step.operand(1), nullptr); }

}  // namespace anywarp::interp
