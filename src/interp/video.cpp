// Video instructions, scalar and SIMD (PTX: Video Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string_view>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

using std::string_view;

int64_t saturate(int64_t value, unsigned bits, bool isSigned) {
  int64_t low = isSigned ? -(int64_t{1} << (bits - 1)) : 0;
  int64_t high = isSigned ? (int64_t{1} << (bits - 1)) - 1 : (int64_t{1} << bits) - 1;
  return std::clamp(value, low, high);
}

bool compare(Mod op, int64_t a, int64_t b) {
  switch (op) {
    case Mod::Eq: return a == b;
    case Mod::Ne: return a != b;
    case Mod::Lt: return a < b;
    case Mod::Le: return a <= b;
    case Mod::Gt: return a > b;
    default: return a >= b;
  }
}

// The mnemonic without its `v` and its count of lanes.
string_view operation(const Step& step) {
  string_view name = ptx::formInfo(step.inst.form).mnemonic;
  name.remove_prefix(1);
  if (name.back() == '2' || name.back() == '4') name.remove_suffix(1);
  return name;
}

int64_t apply(const Step& step, string_view op, int64_t a, int64_t b) {
  if (op == "add") return a + b;
  if (op == "sub") return a - b;
  if (op == "absdiff") return a < b ? b - a : a - b;
  if (op == "min") return std::min(a, b);
  if (op == "max") return std::max(a, b);
  if (op == "avrg") return (a + b + (a + b >= 0 ? 1 : 0)) >> 1;
  return compare(step.inst.mods.first(ptx::ModGroup::Compare), a, b) ? 1 : 0;  // set
}

// A source or the part of it that its selector names.
int64_t scalarSource(const Step& step, size_t slot, Type type) {
  unsigned bytes = step.operand(slot).selectBytes();
  if (bytes == 0) return step.integer(slot, type);
  uint64_t part = lowBits(step.bits(slot, Type::B32) >> (8 * bytes * step.operand(slot).selectIndex(0)), 8 * bytes);
  return ptx::isSigned(type) ? signExtend(part, 8 * bytes) : static_cast<int64_t>(part);
}

int64_t shifted(const Step& step, string_view op, int64_t a) {
  uint64_t amount = static_cast<uint64_t>(scalarSource(step, 2, Type::U32));
  amount = step.has(Mod::Wrap) ? amount & 31 : std::min<uint64_t>(amount, 32);
  if (op == "shr") return a >> amount;
  __int128 product = static_cast<__int128>(a) * (__int128{1} << amount);
  return static_cast<int64_t>(step.has(Mod::Sat) ? std::clamp<__int128>(product, INT64_MIN, INT64_MAX) : product);
}

int64_t field(Type type, uint64_t bits, unsigned index, unsigned width) {
  uint64_t part = lowBits(bits >> (index * width), width);
  return ptx::isSigned(type) ? signExtend(part, width) : static_cast<int64_t>(part);
}

// Second operation of the scalar forms, on the result and c.
int64_t merged(const Step& step, Type type, int64_t value) {
  if (!step.present(3)) return value;
  int64_t c = step.integer(3, type);
  int64_t v = ptx::isSigned(type) ? signExtend(lowBits(static_cast<uint64_t>(value), 32), 32) : static_cast<int64_t>(lowBits(static_cast<uint64_t>(value), 32));
  if (step.has(Mod::Add)) return v + c;
  if (step.has(Mod::Min)) return std::min(v, c);
  if (step.has(Mod::Max)) return std::max(v, c);
  return v;
}

// Negation is a complement and one more; .po has the one in any case, and no complement.
void multiplyAdd(Step& step) {
  Type aType = step.type(1), bType = step.type(2);
  bool minusProduct = step.operand(1).negated != step.operand(2).negated, minusC = step.operand(3).negated;
  bool isSigned = ptx::isSigned(aType) || ptx::isSigned(bType) || minusProduct || minusC;
  __int128 product = __int128{scalarSource(step, 1, aType)} * scalarSource(step, 2, bType);
  __int128 c = step.integer(3, isSigned ? Type::S32 : Type::U32);
  bool po = step.has(Mod::Po);
  if (minusProduct && !po) product = ~product;
  else if (minusC && !po) c = ~c;
  __int128 value = product + c + (po || minusProduct || minusC ? 1 : 0);
  value >>= step.has(Mod::Shr7) ? 7 : step.has(Mod::Shr15) ? 15 : 0;
  __int128 low = isSigned ? INT32_MIN : 0, high = isSigned ? INT32_MAX : UINT32_MAX;
  step.set(0, Type::B32, static_cast<uint64_t>(step.has(Mod::Sat) ? std::clamp(value, low, high) : value));
}

// A part of the destination gets the result, the rest comes from c; for a whole one c takes part in a second operation.
void writeScalar(Step& step, Type type, int64_t value) {
  unsigned bits = 8 * step.operand(0).selectBytes();
  if (bits == 0) return step.set(0, type, static_cast<uint64_t>(merged(step, type, value)));
  unsigned shift = bits * step.operand(0).selectIndex(0);
  uint64_t mask = lowBits(~uint64_t{0}, bits) << shift;
  uint64_t c = step.present(3) ? step.bits(3, Type::B32) : 0;
  step.set(0, Type::B32, (c & ~mask) | (static_cast<uint64_t>(value) << shift & mask));
}

}  // namespace

void videoScalar(Step& step) {
  string_view op = operation(step);
  if (op == "mad") return multiplyAdd(step);
  bool isSet = op == "set";
  Type type = isSet ? Type::U32 : step.type(0);
  Type aType = step.type(isSet ? 0 : 1), bType = step.type(isSet ? 1 : 2);
  int64_t a = scalarSource(step, 1, aType);
  int64_t value = op == "shl" || op == "shr" ? shifted(step, op, a) : apply(step, op, a, scalarSource(step, 2, bType));
  unsigned width = step.operand(0).selectBytes() ? 8 * step.operand(0).selectBytes() : 32;
  if (step.has(Mod::Sat)) value = saturate(value, width, ptx::isSigned(type));
  writeScalar(step, type, value);
}

namespace {

// Element i of a SIMD source: the selector picks from the elements of a and then b; without one, the source's own.
int64_t simdSource(const Step& step, size_t slot, unsigned i, unsigned count, Type type) {
  const Operand& operand = step.operand(slot);
  unsigned index = operand.select ? operand.selectIndex(i) : i + (slot == 2 ? count : 0);
  return field(type, step.bits(index < count ? 1 : 2, Type::B32), index % count, 32 / count);
}

bool isWritten(const Operand& destination, unsigned element) {
  bool written = destination.select == 0;
  for (unsigned i = 0; i < destination.selectCount(); i++) written |= destination.selectIndex(i) == element;
  return written;
}

}  // namespace

void videoSimd(Step& step) {
  string_view name = ptx::formInfo(step.inst.form).mnemonic, op = operation(step);
  unsigned count = name.back() == '2' ? 2 : 4, width = 32 / count;
  bool isSet = op == "set";
  Type type = isSet ? Type::U32 : step.type(0);
  Type aType = step.type(isSet ? 0 : 1), bType = step.type(isSet ? 1 : 2);
  uint64_t lanes = step.bits(3, Type::B32);
  int64_t sum = step.integer(3, type);
  for (unsigned i = 0; i < count; i++) {
    if (!isWritten(step.operand(0), i)) continue;
    int64_t value = apply(step, op, simdSource(step, 1, i, count, aType), simdSource(step, 2, i, count, bType));
    if (step.has(Mod::Sat)) value = saturate(value, width, ptx::isSigned(type));
    uint64_t element = lowBits(static_cast<uint64_t>(value), width);
    sum += ptx::isSigned(type) ? signExtend(element, width) : static_cast<int64_t>(element);
    lanes = (lanes & ~(lowBits(~uint64_t{0}, width) << (i * width))) | element << (i * width);
  }
  step.set(0, type, step.has(Mod::Add) ? static_cast<uint64_t>(sum) : lanes);
}

}  // namespace anywarp::interp
