// Atomic operations and fences (PTX: atom, red, fence, membar; Memory Consistency Model). SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/dispatch.h"
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using llvm::AtomicOrdering;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

AtomicOrdering orderingOf(const Inst& inst) {
  if (inst.has(Mod::AcqRel)) return AtomicOrdering::AcquireRelease;
  if (inst.has(Mod::Acquire)) return AtomicOrdering::Acquire;
  if (inst.has(Mod::Release)) return AtomicOrdering::Release;
  return AtomicOrdering::Monotonic;
}

// The pure instruction that combines the old value with the operand where LLVM has no atomic of its own.
Form pureForm(const Inst& inst, Type type) {
  bool bf16 = type == Type::BF16 || type == Type::BF16x2;
  if (inst.has(Mod::Add)) return bf16 ? Form::AddBf16 : Form::AddHalf;
  if (inst.has(Mod::Min)) return Form::MinHalf;
  return Form::MaxHalf;
}

}  // namespace

void FunctionEmitter::emitFence(const Inst& inst) {
  bool block = inst.has(Mod::Cta);  // a block runs on one host thread
  if (block) return compilerFence();
  bool weaker = inst.has(Mod::AcqRel) || inst.has(Mod::Acquire) || inst.has(Mod::Release);
  b.CreateFence(weaker ? AtomicOrdering::AcquireRelease : AtomicOrdering::SequentiallyConsistent);
}

void FunctionEmitter::emitAtomic(const Inst& inst) {
  Type type = inst.type();
  bool red = inst.form == Form::Red || inst.form == Form::RedVector;
  bool cas = inst.form == Form::AtomCas;
  unsigned size = ptx::bits(type) / 8;
  llvm::Type* element = b.getIntNTy(size * 8);
  bool isFloat = type == Type::F32 || type == Type::F64;
  bool half = ptx::isHalf(type);
  unsigned at = red ? 0 : 1;
  Address a = address(inst, inst.operands[at], inst.space());
  bool vectorForm = inst.form == Form::AtomVector || inst.form == Form::RedVector;
  std::vector<Operand> values, results;
  if (vectorForm) {
    values = inst.operands[at + 1].elements;
    if (!red) results = inst.operands[0].elements;
  } else {
    values = {inst.operands[at + 1]};
    if (!red) results = {inst.operands[0]};
  }
  checkAlignment(inst, a, size * unsigned(values.size()));
  bool shared = a.space == Space::Shared;  // one host thread runs the block: no other touches its shared memory
  AtomicOrdering ordering = orderingOf(inst);

  auto combine = [&](Value* old, Value* v) -> Value* {
    auto asFloat = [&](Value* x) { return b.CreateBitCast(x, laneType(type)); };
    if (half) {
      ptx::Instruction pure;
      pure.form = pureForm(inst, type);
      pure.types = {type};
      if (inst.has(Mod::Add)) pure.mods.push(Mod::Rn);
      pure.loc = inst.loc;
      Values r = pureFunction(pure.form)(pure_, pure, {old, v});
      return r.empty() ? old : r[0];
    }
    if (isFloat && inst.has(Mod::Add)) return b.CreateBitCast(b.CreateFAdd(asFloat(old), asFloat(v)), element);
    if (inst.has(Mod::Add)) return b.CreateAdd(old, v);
    if (inst.has(Mod::Exch)) return v;
    if (inst.has(Mod::And)) return b.CreateAnd(old, v);
    if (inst.has(Mod::Or)) return b.CreateOr(old, v);
    if (inst.has(Mod::Xor)) return b.CreateXor(old, v);
    bool isSigned = ptx::isSigned(type);
    if (inst.has(Mod::Min)) return b.CreateBinaryIntrinsic(isSigned ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, old, v);
    if (inst.has(Mod::Max)) return b.CreateBinaryIntrinsic(isSigned ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, old, v);
    Value* one = llvm::ConstantInt::get(element, 1);
    Value* zero = llvm::ConstantInt::get(element, 0);
    if (inst.has(Mod::Inc)) return b.CreateSelect(b.CreateICmpUGE(old, v), zero, b.CreateAdd(old, one));
    Value* wraps = b.CreateOr(b.CreateICmpEQ(old, zero), b.CreateICmpUGT(old, v));
    return b.CreateSelect(wraps, v, b.CreateSub(old, one));  // dec
  };
  auto rmwOp = [&]() -> llvm::AtomicRMWInst::BinOp {
    using Op = llvm::AtomicRMWInst;
    if (half) return Op::BAD_BINOP;
    if (inst.has(Mod::Add)) return isFloat ? Op::FAdd : Op::Add;
    if (inst.has(Mod::Exch)) return Op::Xchg;
    if (inst.has(Mod::And)) return Op::And;
    if (inst.has(Mod::Or)) return Op::Or;
    if (inst.has(Mod::Xor)) return Op::Xor;
    if (inst.has(Mod::Min)) return ptx::isSigned(type) ? Op::Min : Op::UMin;
    if (inst.has(Mod::Max)) return ptx::isSigned(type) ? Op::Max : Op::UMax;
    if (inst.has(Mod::Inc)) return Op::UIncWrap;
    if (inst.has(Mod::Dec)) return Op::UDecWrap;
    return Op::BAD_BINOP;
  };
  // One thread's operation on host address p; returns the old value.
  auto one = [&](Value* address64, Value* v, Value* compare) -> Value* {
    Value* p = b.CreateIntToPtr(address64, b.getPtrTy());
    if (shared) {
      Value* old = b.CreateAlignedLoad(element, p, llvm::Align(size));
      Value* fresh = cas ? b.CreateSelect(b.CreateICmpEQ(old, compare), v, old) : combine(old, v);
      b.CreateAlignedStore(fresh, p, llvm::Align(size));
      return old;
    }
    if (cas) {
      AtomicOrdering failure = llvm::AtomicCmpXchgInst::getStrongestFailureOrdering(ordering);
      Value* pair = b.CreateAtomicCmpXchg(p, compare, v, llvm::Align(size), ordering, failure);
      return b.CreateExtractValue(pair, 0);
    }
    auto op = rmwOp();
    if (op != llvm::AtomicRMWInst::BAD_BINOP) {
      if (isFloat) v = b.CreateBitCast(v, laneType(type));
      Value* old = b.CreateAtomicRMW(op, p, v, llvm::Align(size), ordering);
      return isFloat ? b.CreateBitCast(old, element) : old;
    }
    // No host operation: compare and swap until it holds.
    Value* first = b.CreateAlignedLoad(element, p, llvm::Align(size));
    llvm::cast<llvm::LoadInst>(first)->setAtomic(AtomicOrdering::Monotonic);
    llvm::BasicBlock* from = b.GetInsertBlock();
    llvm::BasicBlock* loop = llvm::BasicBlock::Create(k_.context(), "cas", &function_);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "cas.done", &function_);
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    llvm::PHINode* old = b.CreatePHI(element, 2);
    old->addIncoming(first, from);
    Value* fresh = combine(old, v);
    Value* pair = b.CreateAtomicCmpXchg(p, old, fresh, llvm::Align(size), ordering == AtomicOrdering::Monotonic ? AtomicOrdering::Monotonic : ordering,
                                        llvm::AtomicCmpXchgInst::getStrongestFailureOrdering(ordering));
    old->addIncoming(b.CreateExtractValue(pair, 0), b.GetInsertBlock());
    b.CreateCondBr(b.CreateExtractValue(pair, 1), done, loop);
    b.SetInsertPoint(done);
    return old;
  };

  compilerFence();
  for (size_t i = 0; i < values.size(); ++i) {
    Address place = shifted(a, int64_t(i) * size);
    bool wanted = !red && results[i].isReg() && (a_.uses[results[i].reg] > 0);
    auto bitsOf = [&](const Operand& o, bool vector) {
      Value* v = read(o, type, vector);
      return v->getType()->getScalarType() == element ? v : b.CreateBitCast(v, vector ? vectorOf(element) : element);
    };
    // All lanes into one place, nobody asks what was there: combine in the warp first.
    bool associative = !cas && !half && !inst.has(Mod::Exch) && !inst.has(Mod::Inc) && !inst.has(Mod::Dec) && size >= 4;
    if (!wanted && associative && place.kind == Address::Kind::Uniform) {
      Value* v = bitsOf(values[i], true);
      auto filled = [&](llvm::Constant* identity) { return b.CreateSelect(mask_, v, llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(width_), identity)); };
      auto integer = [&](const llvm::APInt& x) { return llvm::ConstantInt::get(b.getContext(), x); };
      unsigned n = size * 8;
      Value* total;
      if (isFloat) {
        Value* f = b.CreateSelect(mask_, b.CreateBitCast(v, vectorOf(laneType(type))), llvm::ConstantFP::getNegativeZero(vectorOf(laneType(type))));
        llvm::FastMathFlags flags;
        flags.setAllowReassoc();
        llvm::CallInst* sum = b.CreateFAddReduce(llvm::ConstantFP::getNegativeZero(laneType(type)), f);
        sum->setFastMathFlags(flags);
        total = b.CreateBitCast(sum, element);
      } else if (inst.has(Mod::Add)) total = b.CreateAddReduce(filled(integer(llvm::APInt(n, 0))));
      else if (inst.has(Mod::And)) total = b.CreateAndReduce(filled(integer(llvm::APInt::getAllOnes(n))));
      else if (inst.has(Mod::Or)) total = b.CreateOrReduce(filled(integer(llvm::APInt(n, 0))));
      else if (inst.has(Mod::Xor)) total = b.CreateXorReduce(filled(integer(llvm::APInt(n, 0))));
      else if (inst.has(Mod::Min)) total = ptx::isSigned(type) ? b.CreateIntMinReduce(filled(integer(llvm::APInt::getSignedMaxValue(n))), true)
                                                               : b.CreateIntMinReduce(filled(integer(llvm::APInt::getAllOnes(n))), false);
      else total = ptx::isSigned(type) ? b.CreateIntMaxReduce(filled(integer(llvm::APInt::getSignedMinValue(n))), true)
                                       : b.CreateIntMaxReduce(filled(integer(llvm::APInt(n, 0))), false);
      one(b.CreatePtrToInt(pointer(place), b.getInt64Ty()), total, nullptr);
      continue;
    }
    llvm::SmallVector<Value*, 3> args{pointers(place), bitsOf(values[i], true)};
    if (cas) {
      args[1] = bitsOf(inst.operands[at + 2], true);
      args.push_back(bitsOf(values[i], true));
    }
    Value* old = perLane(mask_, args, wanted ? element : nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
      Value* o = one(lane[0], lane[1], cas ? lane[2] : nullptr);
      return wanted ? o : nullptr;
    }, shared && !half);
    if (wanted) write(results[i], type, laneType(type) == element ? old : b.CreateBitCast(old, vectorOf(laneType(type))));
  }
  compilerFence();
}

}  // namespace anywarp::codegen
