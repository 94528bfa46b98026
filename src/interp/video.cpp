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

int64_t shifted(const Step& step, string_view op, int64_t a) {
  uint64_t amount = step.bits(2, Type::U32);
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

void multiplyAdd(Step& step) {
  Type type = step.type(0);
  __int128 value = __int128{step.integer(1, step.type(1))} * step.integer(2, step.type(2)) + step.integer(3, type) + (step.has(Mod::Po) ? 1 : 0);
  value >>= step.has(Mod::Shr7) ? 7 : step.has(Mod::Shr15) ? 15 : 0;
  int64_t narrow = static_cast<int64_t>(std::clamp<__int128>(value, INT64_MIN, INT64_MAX));
  step.set(0, type, static_cast<uint64_t>(step.has(Mod::Sat) ? saturate(narrow, 32, ptx::isSigned(type)) : static_cast<int64_t>(value)));
}

}  // namespace

void videoScalar(Step& step) {
  string_view op = operation(step);
  if (op == "mad") return multiplyAdd(step);
  bool isSet = op == "set";
  Type type = isSet ? Type::U32 : step.type(0);
  Type aType = step.type(isSet ? 0 : 1), bType = step.type(isSet ? 1 : 2);
  int64_t a = step.integer(1, aType);
  int64_t value = op == "shl" || op == "shr" ? shifted(step, op, a) : apply(step, op, a, step.integer(2, bType));
  if (step.has(Mod::Sat)) value = saturate(value, 32, ptx::isSigned(type));
  step.set(0, type, static_cast<uint64_t>(merged(step, type, value)));
}

void videoSimd(Step& step) {
  string_view name = ptx::formInfo(step.inst.form).mnemonic, op = operation(step);
  unsigned count = name.back() == '2' ? 2 : 4, width = 32 / count;
  bool isSet = op == "set";
  Type type = isSet ? Type::U32 : step.type(0);
  Type aType = step.type(isSet ? 0 : 1), bType = step.type(isSet ? 1 : 2);
  uint64_t a = step.bits(1, Type::B32), b = step.bits(2, Type::B32), lanes = 0;
  int64_t sum = step.integer(3, type);
  for (unsigned i = 0; i < count; i++) {
    int64_t value = apply(step, op, field(aType, a, i, width), field(bType, b, i, width));
    if (step.has(Mod::Sat)) value = saturate(value, width, ptx::isSigned(type));
    sum += value;
    lanes |= lowBits(static_cast<uint64_t>(value), width) << (i * width);
  }
  step.set(0, type, step.has(Mod::Add) ? static_cast<uint64_t>(sum) : lanes);
}

}  // namespace anywarp::interp
