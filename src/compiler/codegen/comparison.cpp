// Comparison and selection (PTX: Comparison and Selection Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/compare.h"
#include "compiler/codegen/half_lanes.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/codegen/rounding.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

using llvm::CmpInst;
using ptx::Instruction;
using ptx::Mod;
using ptx::Type;

namespace {

struct Comparison {
  Mod mod;
  CmpInst::Predicate isSigned, isUnsigned, floating;
};

constexpr Comparison comparisons[] = {
    {Mod::Eq, CmpInst::ICMP_EQ, CmpInst::ICMP_EQ, CmpInst::FCMP_OEQ},
    {Mod::Ne, CmpInst::ICMP_NE, CmpInst::ICMP_NE, CmpInst::FCMP_ONE},
    {Mod::Lt, CmpInst::ICMP_SLT, CmpInst::ICMP_ULT, CmpInst::FCMP_OLT},
    {Mod::Le, CmpInst::ICMP_SLE, CmpInst::ICMP_ULE, CmpInst::FCMP_OLE},
    {Mod::Gt, CmpInst::ICMP_SGT, CmpInst::ICMP_UGT, CmpInst::FCMP_OGT},
    {Mod::Ge, CmpInst::ICMP_SGE, CmpInst::ICMP_UGE, CmpInst::FCMP_OGE},
    {Mod::Lo, CmpInst::ICMP_ULT, CmpInst::ICMP_ULT, CmpInst::FCMP_OLT},
    {Mod::Ls, CmpInst::ICMP_ULE, CmpInst::ICMP_ULE, CmpInst::FCMP_OLE},
    {Mod::Hi, CmpInst::ICMP_UGT, CmpInst::ICMP_UGT, CmpInst::FCMP_OGT},
    {Mod::Hs, CmpInst::ICMP_UGE, CmpInst::ICMP_UGE, CmpInst::FCMP_OGE},
    {Mod::Equ, CmpInst::ICMP_EQ, CmpInst::ICMP_EQ, CmpInst::FCMP_UEQ},
    {Mod::Neu, CmpInst::ICMP_NE, CmpInst::ICMP_NE, CmpInst::FCMP_UNE},
    {Mod::Ltu, CmpInst::ICMP_SLT, CmpInst::ICMP_ULT, CmpInst::FCMP_ULT},
    {Mod::Leu, CmpInst::ICMP_SLE, CmpInst::ICMP_ULE, CmpInst::FCMP_ULE},
    {Mod::Gtu, CmpInst::ICMP_SGT, CmpInst::ICMP_UGT, CmpInst::FCMP_UGT},
    {Mod::Geu, CmpInst::ICMP_SGE, CmpInst::ICMP_UGE, CmpInst::FCMP_UGE},
    {Mod::Num, CmpInst::ICMP_EQ, CmpInst::ICMP_EQ, CmpInst::FCMP_ORD},
    {Mod::Nan, CmpInst::ICMP_EQ, CmpInst::ICMP_EQ, CmpInst::FCMP_UNO},
};

const Comparison& comparisonOf(const Instruction& inst) {
  Mod wanted = inst.mods.first(ptx::ModGroup::Compare);
  for (const Comparison& c : comparisons) {
    if (c.mod == wanted) return c;
  }
  return comparisons[0];
}

}  // namespace

Value* compareInt(PureEmitter& e, const Instruction& inst, Type type, Value* a, Value* b) {
  const Comparison& c = comparisonOf(inst);
  return e.b.CreateICmp(ptx::isSigned(type) ? c.isSigned : c.isUnsigned, a, b);
}

namespace {

Value* compareFloat(PureEmitter& e, const Instruction& inst, Value* a, Value* b) {
  if (inst.has(Mod::Ftz)) a = flush(e, a), b = flush(e, b);
  return e.b.CreateFCmp(comparisonOf(inst).floating, a, b);
}

// One i1 per half: twice as many as lanes for the packed types.
Value* compareHalves(PureEmitter& e, const Instruction& inst, Type type, Value* a, Value* b) {
  bool ftz = inst.has(Mod::Ftz);
  return e.b.CreateFCmp(comparisonOf(inst).floating, halvesToFloat(e, a, type, ftz), halvesToFloat(e, b, type, ftz));
}

Value* combine(PureEmitter& e, const Instruction& inst, Value* p, Value* c) {
  if (!c) return p;
  switch (inst.mods.first(ptx::ModGroup::Boolean)) {
    case Mod::And:
      return e.b.CreateAnd(p, c);
    case Mod::Or:
      return e.b.CreateOr(p, c);
    case Mod::Xor:
      return e.b.CreateXor(p, c);
    default:
      return p;
  }
}

// p|q: the comparison and its complement, each combined with c.
Values bothPredicates(PureEmitter& e, const Instruction& inst, Value* p, Value* c) {
  return {combine(e, inst, p, c), combine(e, inst, e.b.CreateNot(p), c)};
}

// All ones or 1.0.
Value* setResult(PureEmitter& e, Type type, Value* p) {
  auto choose = [&](unsigned bits, uint64_t whenTrue) {
    llvm::Type* result = shaped(p, e.b.getIntNTy(bits));
    return e.b.CreateSelect(p, llvm::ConstantInt::get(result, whenTrue), llvm::ConstantInt::get(result, 0));
  };
  switch (type) {
    case Type::F32: {
      llvm::Type* result = floatShaped(e, p);
      return e.b.CreateSelect(p, llvm::ConstantFP::get(result, 1), llvm::ConstantFP::get(result, 0));
    }
    case Type::F16:
    case Type::F16x2:
      return choose(16, 0x3c00);
    case Type::BF16:
    case Type::BF16x2:
      return choose(16, 0x3f80);
    default:
      return e.b.CreateSExt(p, shaped(p, e.b.getIntNTy(ptx::bits(type))));
  }
}

// Element `which` of each pair of i1.
Value* everySecond(PureEmitter& e, Value* v, unsigned which, bool vector) {
  if (!vector) return e.b.CreateExtractElement(v, uint64_t(which));
  llvm::SmallVector<int, 32> mask;
  for (unsigned i = which; i < laneCount(v); i += 2) mask.push_back(int(i));
  return e.b.CreateShuffleVector(v, mask);
}

// A predicate per lane for both halves of a pair.
Value* doubled(PureEmitter& e, Value* v) {
  if (!v->getType()->isVectorTy()) return e.b.CreateVectorSplat(2, v);
  llvm::SmallVector<int, 64> mask;
  for (unsigned i = 0; i < 2 * laneCount(v); ++i) mask.push_back(int(i / 2));
  return e.b.CreateShuffleVector(v, mask);
}

}  // namespace

Values setpInt(PureEmitter& e, const Instruction& inst, Args args) {
  return bothPredicates(e, inst, compareInt(e, inst, inst.type(), args[0], args[1]), args[2]);
}

Values setpFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return bothPredicates(e, inst, compareFloat(e, inst, args[0], args[1]), args[2]);
}

// f16x2: p compares the low halves, q the high ones.
Values setpHalf(PureEmitter& e, const Instruction& inst, Args args) {
  Value* p = compareHalves(e, inst, inst.type(), args[0], args[1]);
  if (!ptx::isPacked(inst.type())) return bothPredicates(e, inst, p, args[2]);
  bool vector = args[0]->getType()->isVectorTy();
  return {combine(e, inst, everySecond(e, p, 0, vector), args[2]), combine(e, inst, everySecond(e, p, 1, vector), args[2])};
}

Values setInt(PureEmitter& e, const Instruction& inst, Args args) {
  Value* p = compareInt(e, inst, inst.type(1), args[0], args[1]);
  return {setResult(e, inst.type(0), combine(e, inst, p, args[2]))};
}

Values setFloat(PureEmitter& e, const Instruction& inst, Args args) {
  return {setResult(e, inst.type(0), combine(e, inst, compareFloat(e, inst, args[0], args[1]), args[2]))};
}

Values setHalf(PureEmitter& e, const Instruction& inst, Args args) {
  Value* p = compareHalves(e, inst, inst.type(1), args[0], args[1]);
  if (!ptx::isPacked(inst.type(1))) return {setResult(e, inst.type(0), combine(e, inst, p, args[2]))};
  p = combine(e, inst, p, args[2] ? doubled(e, args[2]) : nullptr);
  // .u32 and .s32 of a pair are a mask per half.
  Type half = ptx::isFloat(inst.type(0)) ? inst.type(0) : Type::U16;
  return {pack(e, setResult(e, half, p), 32)};
}

Values selp(PureEmitter& e, const Instruction&, Args args) { return {e.b.CreateSelect(args[2], args[0], args[1])}; }

// a where c >= 0 (so -0 counts, and NaN does not).
Values slct(PureEmitter& e, const Instruction& inst, Args args) {
  Value* c = args[2];
  Value* chosen;
  if (inst.type(1) == Type::F32) {
    if (inst.has(Mod::Ftz)) c = flush(e, c);
    chosen = e.b.CreateFCmpOGE(c, floatConst(c, 0));
  } else {
    chosen = e.b.CreateICmpSGE(c, intConst(c, 0));
  }
  return {e.b.CreateSelect(chosen, args[0], args[1])};
}

}  // namespace anywarp::codegen
