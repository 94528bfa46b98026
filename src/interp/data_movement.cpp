// Moves, loads, stores, address conversion (PTX: Data Movement and Conversion Instructions). SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

// The registers of a vector operand, or the operand itself.
size_t elementCount(const Operand& operand) { return operand.kind == Operand::Kind::Vector ? operand.elements.size() : 1; }
const Operand& element(const Operand& operand, size_t index) {
  return operand.kind == Operand::Kind::Vector ? operand.elements[index] : operand;
}

Value loadValue(const Step& step, const uint8_t* place, unsigned bytes) {
  if (bytes <= 8) return {step.load(place, bytes), 0};
  return {step.load(place, 8), step.load(place + 8, 8)};
}

uint64_t windowBase(Step& step, Space space) { return step.genericAddress(space, 0); }

Space spaceNamed(const Step& step) { return step.inst.space(); }

// Selector nibbles of prmt's named modes, for each value of the low two bits of c.
constexpr uint16_t prmtModes[6][4] = {
    {0x3210, 0x4321, 0x5432, 0x6543},  // f4e
    {0x5670, 0x6701, 0x7012, 0x0123},  // b4e
    {0x0000, 0x1111, 0x2222, 0x3333},  // rc8
    {0x3210, 0x3211, 0x3222, 0x3333},  // ecl
    {0x0000, 0x1110, 0x2210, 0x3210},  // ecr
    {0x1010, 0x3232, 0x1010, 0x3232},  // rc16
};

uint64_t prmtSelectors(const Step& step, uint64_t control, bool* generic) {
  constexpr Mod modes[] = {Mod::F4e, Mod::B4e, Mod::Rc8, Mod::Ecl, Mod::Ecr, Mod::Rc16};
  for (size_t i = 0; i < 6; i++)
    if (step.has(modes[i])) return prmtModes[i][control & 3];
  *generic = true;
  return control & 0xffff;
}

}  // namespace

void movValue(Step& step) {
  if (step.type() == Type::B128) return step.setWide(step.operand(0), step.wide(step.operand(1), Type::B128));
  step.set(0, step.type(), step.bits(1, step.type()));
}

// The first element is the least significant.
void movPack(Step& step) {
  const auto& parts = step.operand(1).elements;
  unsigned width = ptx::bits(step.type()) / static_cast<unsigned>(parts.size());
  Type partType = ptx::slotType(step.inst, 1);
  if (step.type() == Type::B128) {
    if (width == 64) return step.setWide(step.operand(0), {step.bits(parts[0], Type::B64), step.bits(parts[1], Type::B64)});
    auto word = [&](size_t i) { return step.bits(parts[i], Type::B32); };
    return step.setWide(step.operand(0), {word(1) << 32 | word(0), word(3) << 32 | word(2)});
  }
  uint64_t result = 0;
  for (size_t i = 0; i < parts.size(); i++)
    if (parts[i].kind != Operand::Kind::Discard) result |= lowBits(step.bits(parts[i], partType), width) << (i * width);
  step.set(0, step.type(), result);
}

void movUnpack(Step& step) {
  const auto& parts = step.operand(0).elements;
  unsigned width = ptx::bits(step.type()) / static_cast<unsigned>(parts.size());
  Value value = step.wide(step.operand(1), step.type());
  for (size_t i = 0; i < parts.size(); i++) {
    unsigned first = static_cast<unsigned>(i) * width;
    uint64_t bits = first >= 64 ? value.hi >> (first - 64) : value.lo >> first;
    step.setWide(parts[i], {lowBits(bits, width), 0});
  }
}

void movVector(Step& step) {
  const auto &to = step.operand(0).elements, &from = step.operand(1).elements;
  uint64_t values[8];  // all are read before any is written
  const size_t count = std::min({to.size(), from.size(), std::size(values)});
  for (size_t i = 0; i < count; i++) values[i] = step.bits(from[i], step.type());
  for (size_t i = 0; i < count; i++) step.set(to[i], step.type(), values[i]);
}

void prmt(Step& step) {
  uint64_t bytes = step.bits(2, Type::B32) << 32 | step.bits(1, Type::B32);
  bool generic = false;
  uint64_t selectors = prmtSelectors(step, step.bits(3, Type::U32), &generic);
  uint64_t result = 0;
  for (unsigned i = 0; i < 4; i++) {
    uint64_t selector = selectors >> (4 * i) & 0xf;
    uint64_t byte = bytes >> (8 * (selector & 7)) & 0xff;
    if (generic && selector & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  step.set(0, Type::B32, result);
}

void ld(Step& step) {
  const Operand& destination = step.operand(0);
  size_t count = elementCount(destination);
  unsigned bytes = ptx::bytes(step.type());
  const uint8_t* place = step.memory(step.spaceOf(step.operand(1), spaceNamed(step)), step.address(step.operand(1)), bytes * count, false);
  if (!place) return;
  std::vector<Value> values;
  for (size_t i = 0; i < count; i++) values.push_back(loadValue(step, place + i * bytes, bytes));
  for (size_t i = 0; i < count; i++) {
    if (bytes > 8) {
      step.setWide(element(destination, i), values[i]);
    } else {
      step.set(element(destination, i), step.type(), values[i].lo);
    }
  }
}

void st(Step& step) {
  const Operand& source = step.operand(1);
  size_t count = elementCount(source);
  unsigned bytes = ptx::bytes(step.type());
  uint8_t* place = step.memory(step.spaceOf(step.operand(0), spaceNamed(step)), step.address(step.operand(0)), bytes * count, true);
  if (!place) return;
  for (size_t i = 0; i < count; i++) {
    Value value = step.wide(element(source, i), step.type());
    step.store(place + i * bytes, std::min(bytes, 8u), value.lo);
    if (bytes > 8) step.store(place + i * bytes + 8, 8, value.hi);
  }
}

void cvta(Step& step) {
  uint64_t address = step.bits(1, step.type());
  bool to = step.has(Mod::To);
  step.set(0, step.type(), to ? address - windowBase(step, spaceNamed(step)) : step.genericAddress(spaceNamed(step), address));
}

// Global is what no window holds. Constants lie among the global variables, so they are told by the symbol table.
void isspacep(Step& step) {
  uint64_t address = step.bits(1, Type::U64);
  auto inside = [&](Space space, uint64_t size) { return address - windowBase(step, space) < size; };
  bool shared = inside(Space::Shared, step.block().sharedExtent());
  bool local = inside(Space::Local, step.grid.launch.localBytes);
  bool param = inside(Space::Param, step.grid.params.size()) && step.thread.frame().code->function->isEntry;
  bool constant = false;
  for (size_t i = 0; i < step.grid.module.variables.size(); i++) {
    const ptx::Variable& variable = step.grid.module.variables[i];
    constant |= variable.space == Space::Const && address - step.grid.launch.symbols[i] < variable.size;
  }
  bool result = false;
  switch (spaceNamed(step)) {
    case Space::Shared: result = shared; break;
    case Space::Local: result = local; break;
    case Space::Param: result = param; break;
    case Space::Const: result = constant; break;
    default: result = !shared && !local && !param && !constant; break;
  }
  step.setPredicate(0, result);
}

// Hints have no effect that a program can see.
void prefetch(Step&) {}
void createpolicy(Step& step) { step.set(0, Type::B64, 0); }

}  // namespace anywarp::interp
