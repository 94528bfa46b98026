// Byte permutation (PTX: Data Movement and Conversion Instructions: prmt). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/lanes.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/codegen/x86/host_ops.h"
#include "compiler/ptx/ast.h"
#include "support/options.h"

namespace anywarp::codegen {

using ptx::Instruction;
using ptx::Mod;

namespace {

// The byte selectors that the modes stand for, by the low two bits of c.
struct PermuteMode {
  Mod mod;
  uint16_t selectors[4];
};
constexpr PermuteMode permuteModes[] = {
    {Mod::F4e, {0x3210, 0x4321, 0x5432, 0x6543}},  // forward, 4 bytes
    {Mod::B4e, {0x5670, 0x6701, 0x7012, 0x0123}},  // backward, 4 bytes
    {Mod::Rc8, {0x0000, 0x1111, 0x2222, 0x3333}},  // replicate a byte
    {Mod::Ecl, {0x3210, 0x3211, 0x3222, 0x3333}},  // edge clamp left
    {Mod::Ecr, {0x0000, 0x1110, 0x2210, 0x3210}},  // edge clamp right
    {Mod::Rc16, {0x1010, 0x3232, 0x1010, 0x3232}}, // replicate 16 bits
};

const PermuteMode* modeOf(const Instruction& inst) {
  for (const PermuteMode& mode : permuteModes) {
    if (inst.has(mode.mod)) return &mode;
  }
  return nullptr;
}

Value* selectorsOf(PureEmitter& e, const PermuteMode& mode, Value* c) {
  Value* index = e.b.CreateAnd(c, intConst(c, 3));
  Value* result = intConst(c, mode.selectors[0]);
  for (unsigned i = 1; i < 4; ++i) {
    result = e.b.CreateSelect(e.b.CreateICmpEQ(index, intConst(c, i)), intConst(c, mode.selectors[i]), result);
  }
  return result;
}

// One shuffle of the bytes of all lanes; where a selector's bit 3 is set, the byte's sign instead of the byte.
Value* permuteKnown(PureEmitter& e, Value* a, Value* b, uint32_t selectors) {
  Value *aBytes = unpack(e, a, 8), *bBytes = unpack(e, b, 8);
  unsigned count = laneCount(aBytes);
  llvm::SmallVector<int, 128> mask;
  llvm::SmallVector<llvm::Constant*, 128> replicate;
  bool any = false;
  for (unsigned i = 0; i < count; ++i) {
    unsigned selector = selectors >> (4 * (i % 4)) & 15, lane = i / 4 * 4;
    mask.push_back(int((selector & 4 ? count : 0) + lane + (selector & 3)));
    replicate.push_back(e.b.getInt1(selector & 8));
    any |= selector & 8;
  }
  Value* bytes = e.b.CreateShuffleVector(aBytes, bBytes, mask);
  if (any) bytes = e.b.CreateSelect(llvm::ConstantVector::get(replicate), e.b.CreateAShr(bytes, 7), bytes);
  return pack(e, bytes, 32);
}

// The same with selectors of each lane's own: its four nibbles become bytes, which choose among the bytes of a and of b. nullptr where
// the host cannot choose bytes.
Value* permuteBytes(PureEmitter& e, Value* a, Value* b, Value* selectors) {
  llvm::IRBuilder<>& i = e.b;
  if (!e.host.x86 || !a->getType()->isVectorTy() || options::isPassOff("byte-shuffles")) return nullptr;
  Value* x = i.CreateAnd(selectors, intConst(selectors, 0xffff));
  x = i.CreateAnd(i.CreateOr(x, i.CreateShl(x, 8)), intConst(x, 0x00ff00ff));
  x = i.CreateAnd(i.CreateOr(x, i.CreateShl(x, 4)), intConst(x, 0x0f0f0f0f));
  Value *choice = unpack(e, x, 8), *aBytes = unpack(e, a, 8), *bBytes = unpack(e, b, 8);
  llvm::SmallVector<llvm::Constant*, 128> firstOfLane;
  for (unsigned k = 0; k < laneCount(choice); ++k) firstOfLane.push_back(i.getInt8(k / 4 % 4 * 4));
  Value* index = i.CreateOr(i.CreateAnd(choice, intConst(choice, 3)), llvm::ConstantVector::get(firstOfLane));
  Value* fromA = x86::shuffleBytes(e, aBytes, index);
  if (!fromA) return nullptr;
  auto chosen = [&](unsigned bit) { return i.CreateICmpNE(i.CreateAnd(choice, intConst(choice, bit)), intConst(choice, 0)); };
  Value* bytes = i.CreateSelect(chosen(4), x86::shuffleBytes(e, bBytes, index), fromA);
  return pack(e, i.CreateSelect(chosen(8), i.CreateAShr(bytes, 7), bytes), 32);
}

Value* permuteByLane(PureEmitter& e, Value* a, Value* b, Value* selectors) {
  llvm::IRBuilder<>& i = e.b;
  Value* both = joinHalves(e, a, b);
  Value* result = nullptr;
  for (unsigned k = 0; k < 4; ++k) {
    Value* selector = k ? i.CreateLShr(selectors, 4 * k) : selectors;
    Value* shift = i.CreateShl(zext(e, i.CreateAnd(selector, intConst(selector, 7)), 64), 3);
    Value* byte = i.CreateAnd(trunc(e, i.CreateLShr(both, shift), 32), intConst(a, 0xff));
    Value* sign = i.CreateMul(i.CreateLShr(byte, 7), intConst(a, 0xff));
    Value* wantsSign = i.CreateICmpNE(i.CreateAnd(selector, intConst(selector, 8)), intConst(selector, 0));
    byte = i.CreateSelect(wantsSign, sign, byte);
    if (k) byte = i.CreateShl(byte, 8 * k);
    result = result ? i.CreateOr(result, byte) : byte;
  }
  return result;
}

}  // namespace

Values prmt(PureEmitter& e, const Instruction& inst, Args args) {
  Value* selectors = args[2];
  if (auto* mode = modeOf(inst)) selectors = selectorsOf(e, *mode, selectors);
  if (auto* known = knownInt(selectors)) {
    return {permuteKnown(e, args[0], args[1], uint32_t(known->getZExtValue()))};
  }
  if (Value* bytes = permuteBytes(e, args[0], args[1], selectors)) return {bytes};
  return {permuteByLane(e, args[0], args[1], selectors)};
}

}  // namespace anywarp::codegen
