// Integer arithmetic (PTX: Integer Arithmetic Instructions). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "interp/element.h"

namespace anywarp::interp {
namespace {

using Wide = __int128;

// The value of `bits` as the type says, wide enough for any product.
Wide valueOf(Type type, uint64_t bits) {
  return ptx::isSigned(type) ? Wide{signExtend(bits, ptx::bits(type))} : Wide{bits};
}
Wide wide(const Step& step, size_t slot, Type type) { return valueOf(type, step.bits(slot, type)); }

Wide smallest(unsigned bits, bool isSigned) { return isSigned ? -(Wide{1} << (bits - 1)) : Wide{0}; }
Wide largest(unsigned bits, bool isSigned) { return isSigned ? (Wide{1} << (bits - 1)) - 1 : (Wide{1} << bits) - 1; }

Wide saturate(Type type, Wide value) {
  return std::clamp(value, smallest(ptx::bits(type), ptx::isSigned(type)), largest(ptx::bits(type), ptx::isSigned(type)));
}

uint64_t narrow(Wide value) { return static_cast<uint64_t>(value); }

// The part of the product that .lo, .hi or .wide names.
Wide productPart(const Step& step, Type type, Wide product) {
  return step.has(Mod::Hi) ? product >> ptx::bits(type) : product;
}

Type productType(const Step& step) { return step.has(Mod::Wide) ? ptx::widened(step.type()) : step.type(); }

Wide product24(Step& step) {
  auto factor = [&](size_t slot) {
    uint64_t bits = lowBits(step.bits(slot, step.type()), 24);
    return ptx::isSigned(step.type()) ? Wide{signExtend(bits, 24)} : Wide{bits};
  };
  Wide product = factor(1) * factor(2);
  return step.has(Mod::Hi) ? product >> 16 : product;
}

// Type of one element of a possibly packed integer.
Type element(Type type) { return ptx::isPacked(type) ? ptx::elementType(type) : type; }

template <class Choose>
void chooseInt(Step& step, Choose choose) {
  Type one = element(step.type());
  bool relu = step.has(Mod::Relu);
  eachElement2(step, step.type(), 1, 2, [&](uint64_t a, uint64_t b) {
    Wide chosen = choose(valueOf(one, a), valueOf(one, b));
    return narrow(relu ? std::max<Wide>(chosen, 0) : chosen);
  });
}

// Products of `count` parts of a and b, whose widths are given, added to c.
void dotProduct(Step& step, unsigned count, unsigned aWidth, unsigned bFirst) {
  Type a = step.type(0), b = step.type(1);
  bool anySigned = ptx::isSigned(a) || ptx::isSigned(b);
  Type dot = anySigned ? Type::S32 : Type::U32;
  auto part = [](Type type, uint64_t bits, unsigned index, unsigned width) {
    uint64_t field = lowBits(bits >> (index * width), width);
    return ptx::isSigned(type) ? Wide{signExtend(field, width)} : Wide{field};
  };
  Wide sum = wide(step, 3, dot);
  for (unsigned i = 0; i < count; i++)
    sum += part(a, step.bits(1, a), i, aWidth) * part(b, step.bits(2, b), bFirst + i, 8);
  step.set(0, dot, narrow(sum));
}

}  // namespace

void addInt(Step& step) {
  Type one = element(step.type());
  bool sat = step.has(Mod::Sat);
  eachElement2(step, step.type(), 1, 2, [&](uint64_t a, uint64_t b) {
    Wide sum = valueOf(one, a) + valueOf(one, b);
    return narrow(sat ? saturate(one, sum) : sum);
  });
}

void subInt(Step& step) {
  Type type = step.type();
  Wide difference = wide(step, 1, type) - wide(step, 2, type);
  step.set(0, type, narrow(step.has(Mod::Sat) ? saturate(type, difference) : difference));
}

void mulInt(Step& step) {
  Type type = step.type();
  step.set(0, productType(step), narrow(productPart(step, type, wide(step, 1, type) * wide(step, 2, type))));
}

void madInt(Step& step) {
  Type type = step.type(), result = productType(step);
  Wide sum = productPart(step, type, wide(step, 1, type) * wide(step, 2, type)) + wide(step, 3, result);
  step.set(0, result, narrow(step.has(Mod::Sat) ? saturate(type, sum) : sum));
}

void mul24(Step& step) { step.set(0, step.type(), narrow(product24(step))); }

void mad24(Step& step) {
  Type type = step.type();
  Wide sum = product24(step) + wide(step, 3, type);
  step.set(0, type, narrow(step.has(Mod::Sat) ? saturate(type, sum) : sum));
}

void sadInt(Step& step) {
  Type type = step.type();
  Wide a = wide(step, 1, type), b = wide(step, 2, type);
  step.set(0, type, narrow(wide(step, 3, type) + (a < b ? b - a : a - b)));
}

// Division by zero gives a machine's own value: all ones, and the dividend as remainder.
void divInt(Step& step) {
  Type type = step.type();
  Wide a = wide(step, 1, type), b = wide(step, 2, type);
  step.set(0, type, b == 0 ? ~uint64_t{0} : narrow(a / b));
}

void remInt(Step& step) {
  Type type = step.type();
  Wide a = wide(step, 1, type), b = wide(step, 2, type);
  step.set(0, type, narrow(b == 0 ? a : a % b));
}

void absInt(Step& step) {
  Wide a = wide(step, 1, step.type());
  step.set(0, step.type(), narrow(a < 0 ? -a : a));
}

void negInt(Step& step) { step.set(0, step.type(), narrow(-wide(step, 1, step.type()))); }

void minInt(Step& step) {
  chooseInt(step, [](Wide a, Wide b) { return std::min(a, b); });
}

void maxInt(Step& step) {
  chooseInt(step, [](Wide a, Wide b) { return std::max(a, b); });
}

void popc(Step& step) { step.set(0, Type::U32, std::popcount(step.bits(1, step.type()))); }

void clz(Step& step) {
  unsigned width = ptx::bits(step.type());
  step.set(0, Type::U32, std::countl_zero(step.bits(1, step.type())) - (64 - width));
}

void bfind(Step& step) {
  Type type = step.type();
  unsigned width = ptx::bits(type);
  uint64_t a = step.bits(1, type);
  if (ptx::isSigned(type) && signExtend(a, width) < 0) a = lowBits(~a, width);
  uint32_t position = a == 0 ? ~0u : 63 - std::countl_zero(a);
  if (step.has(Mod::Shiftamt) && a != 0) position = width - 1 - position;
  step.set(0, Type::U32, position);
}

void fns(Step& step) {
  uint32_t mask = static_cast<uint32_t>(step.bits(1, Type::B32));
  int64_t position = step.integer(2, Type::U32);
  int64_t offset = step.integer(3, Type::S32);
  auto isSet = [&](int64_t bit) { return bit >= 0 && bit < 32 && (mask >> bit & 1); };
  uint32_t found = ~0u;
  if (offset == 0) {
    if (isSet(position)) found = static_cast<uint32_t>(position);
  } else {
    int64_t left = offset > 0 ? offset : -offset;
    for (; position >= 0 && position < 32; position += offset > 0 ? 1 : -1) {
      if (!isSet(position) || --left > 0) continue;
      found = static_cast<uint32_t>(position);
      break;
    }
  }
  step.set(0, Type::B32, found);
}

void brev(Step& step) {
  unsigned width = ptx::bits(step.type());
  uint64_t a = step.bits(1, step.type()), reversed = 0;
  for (unsigned i = 0; i < width; i++) reversed |= (a >> i & 1) << (width - 1 - i);
  step.set(0, step.type(), reversed);
}

// A position or length: modulo 256, but all 32 bits count where the field is in 64 bits, as on the hardware.
static uint64_t fieldBound(Step& step, unsigned slot) { return step.bits(slot, Type::U32) & (ptx::bits(step.type()) == 64 ? 0xffffffff : 0xff); }

void bfe(Step& step) {
  Type type = step.type();
  uint64_t width = ptx::bits(type), last = width - 1;
  uint64_t a = step.bits(1, type), result = 0;
  uint64_t position = fieldBound(step, 2), length = fieldBound(step, 3);
  uint64_t sign = 0;
  if (ptx::isSigned(type) && length > 0) sign = a >> std::min(position + length - 1, last) & 1;
  for (unsigned i = 0; i < width; i++) {
    bool inside = i < length && position + i <= last;
    result |= (inside ? a >> (position + i) & 1 : sign) << i;
  }
  step.set(0, type, result);
}

void bfi(Step& step) {
  unsigned width = ptx::bits(step.type());
  uint64_t a = step.bits(1, step.type()), result = step.bits(2, step.type());
  uint64_t position = fieldBound(step, 3), length = fieldBound(step, 4);
  for (uint64_t i = 0; i < length && position + i < width; i++) {
    uint64_t bit = uint64_t{1} << (position + i);
    result = (result & ~bit) | (i < width && (a >> i & 1) ? bit : 0);
  }
  step.set(0, step.type(), result);
}

void bmsk(Step& step) {
  uint64_t start = step.bits(1, Type::U32), length = step.bits(2, Type::U32);
  if (step.has(Mod::Wrap)) start &= 31, length &= 31;
  uint64_t mask = 0;
  for (uint64_t i = 0; i < 32; i++)
    if (i >= start && i - start < length) mask |= uint64_t{1} << i;
  step.set(0, Type::B32, mask);
}

void szext(Step& step) {
  Type type = step.type();
  uint64_t width = step.bits(2, Type::U32);
  if (step.has(Mod::Wrap)) width &= 31;
  uint64_t a = step.bits(1, type);
  if (width == 0) return step.set(0, type, 0);
  unsigned kept = static_cast<unsigned>(std::min<uint64_t>(width, 32));
  step.set(0, type, ptx::isSigned(type) ? static_cast<uint64_t>(signExtend(lowBits(a, kept), kept)) : lowBits(a, kept));
}

void dp4a(Step& step) { dotProduct(step, 4, 8, 0); }
void dp2a(Step& step) { dotProduct(step, 2, 16, step.has(Mod::Hi) ? 2 : 0); }

}  // namespace anywarp::interp
