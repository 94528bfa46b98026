// Warp-wide exchange: shfl, vote, match, redux, elect, activemask (PTX: Parallel Synchronization and Communication Instructions).
// SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

namespace {

using analysis::Inst;
using llvm::Value;

// As integers in the order of the numbers. NaNs stay outside, unless one of them is to be the result.
Value* reduceFloat(llvm::IRBuilder<>& b, const Inst& inst, Value* v, Value* group) {
  constexpr uint32_t magnitude = 0x7fffffff, canonicalNan = 0x7fffffff;
  auto ordered = [&](Value* bits) {
    llvm::Type* type = bits->getType();
    return b.CreateXor(bits, b.CreateAnd(b.CreateAShr(bits, 31), llvm::ConstantInt::get(type, magnitude)));
  };
  if (inst.has(Mod::Abs)) v = b.CreateAnd(v, llvm::ConstantInt::get(v->getType(), magnitude));
  Value* number = b.CreateBitCast(v, llvm::VectorType::get(b.getFloatTy(), llvm::cast<llvm::VectorType>(v->getType())));
  Value* isNan = b.CreateFCmpUNO(number, number);
  Value* numbers = b.CreateAnd(group, b.CreateNot(isNan));
  const bool least = inst.has(Mod::Min);
  Value* keys = b.CreateSelect(numbers, ordered(v), llvm::ConstantInt::get(v->getType(), least ? 0x7fffffffu : 0x80000000u));
  Value* result = ordered(least ? b.CreateIntMinReduce(keys, true) : b.CreateIntMaxReduce(keys, true));
  Value* isNone = inst.has(Mod::PropagateNan) ? b.CreateOrReduce(b.CreateAnd(group, isNan)) : b.CreateNot(b.CreateOrReduce(numbers));
  return b.CreateSelect(isNone, b.getInt32(canonicalNan), result);
}

}  // namespace

void FunctionEmitter::emitWarp(const Inst& inst) {
  switch (inst.form) {
    case Form::Shfl: case Form::ShflSync: return emitShuffle(inst);
    case Form::Vote: case Form::VoteBallot: case Form::VoteSync: case Form::VoteSyncBallot: return emitVote(inst);
    case Form::MatchAny: case Form::MatchAll: return emitMatch(inst);
    case Form::ReduxInt: case Form::ReduxBits: case Form::ReduxFloat: return emitRedux(inst);
    case Form::Activemask: return write(inst.operands[0], Type::B32, maskBits(mask_));
    case Form::BarWarpSync: return compilerFence();
    case Form::ElectSync: {
      Value* members = b.CreateAnd(maskOperand(inst.operands[2], true), splat(maskBits(mask_)));
      Value* leader = b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, members, b.getFalse());
      write(inst.operands[0], Type::B32, leader);
      write(inst.operands[1], Type::Pred, b.CreateICmpEQ(leader, iota(32)));
      return;
    }
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name + ") is not supported yet");
  }
}

// Lane i of the result is lane index[i] (0..width-1) of v, 32-bit lanes.
Value* FunctionEmitter::permute(Value* v, Value* index) {
  if (auto* constant = llvm::dyn_cast<llvm::Constant>(index)) {
    llvm::SmallVector<int, 32> pick;
    for (unsigned i = 0; i < width_; ++i) {
      auto* lane = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant->getAggregateElement(i));
      pick.push_back(lane ? int(lane->getZExtValue()) : -1);
    }
    return b.CreateShuffleVector(v, pick);
  }
  if (k_.host.avx512f && width_ == 32) {
    llvm::SmallVector<int, 16> lowHalf, highHalf, all;
    for (int i = 0; i < 16; ++i) lowHalf.push_back(i), highHalf.push_back(i + 16);
    for (int i = 0; i < 32; ++i) all.push_back(i);
    Value* low = b.CreateShuffleVector(v, lowHalf);
    Value* high = b.CreateShuffleVector(v, highHalf);
    auto half = [&](llvm::ArrayRef<int> which) {
      return b.CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpermi2var_d_512, {}, {low, b.CreateShuffleVector(index, which), high});
    };
    return b.CreateShuffleVector(half(lowHalf), half(highHalf), all);
  }
  llvm::AllocaInst* spilled = stackSlot(v->getType(), "permute");
  b.CreateStore(v, spilled);
  Value* result = llvm::PoisonValue::get(v->getType());
  for (unsigned i = 0; i < width_; ++i) {
    Value* lane = b.CreateExtractElement(index, uint64_t(i));
    result = b.CreateInsertElement(result, b.CreateLoad(b.getInt32Ty(), b.CreateInBoundsGEP(b.getInt32Ty(), spilled, lane)), uint64_t(i));
  }
  return result;
}

void FunctionEmitter::emitShuffle(const Inst& inst) {
  const Operand& to = inst.operands[0];
  const Operand& predicate = inst.operands[1];
  int64_t whole = 0;
  if (inst.operands[4].kind == Operand::Kind::Integer) whole = int64_t(inst.operands[4].bits);
  bool uniformLane = inst.has(Mod::Idx) && whole == 31 && shapeOf(inst.operands[3]).isUniform();
  if (uniformLane) {
    // Everyone reads one lane.
    Value* lane = b.CreateAnd(read(inst.operands[3], Type::U32, false), i32(31));
    Value* v = shapeOf(inst.operands[2]).isUniform() ? read(inst.operands[2], Type::B32, false)
                                                     : b.CreateExtractElement(read(inst.operands[2], Type::B32, true), lane);
    write(to, Type::B32, v);
    if (predicate.isReg()) write(predicate, Type::Pred, b.getTrue());
    return;
  }
  Value* v = read(inst.operands[2], Type::B32, true);
  Value* bval = b.CreateAnd(read(inst.operands[3], Type::U32, true), splat(i32(31)));
  Value* c = read(inst.operands[4], Type::U32, true);
  Value* lane = iota(32);
  Value* segment = b.CreateAnd(b.CreateLShr(c, splat(i32(8))), splat(i32(31)));
  Value* clampTo = b.CreateAnd(c, splat(i32(31)));
  Value* minLane = b.CreateAnd(lane, segment);
  Value* maxLane = b.CreateOr(minLane, b.CreateAnd(clampTo, b.CreateNot(segment)));
  Value *source, *inRange;
  if (inst.has(Mod::Up)) {
    source = b.CreateSub(lane, bval);
    inRange = b.CreateICmpSGE(source, maxLane);
  } else {
    if (inst.has(Mod::Down)) source = b.CreateAdd(lane, bval);
    else if (inst.has(Mod::Bfly)) source = b.CreateXor(lane, bval);
    else source = b.CreateOr(minLane, b.CreateAnd(bval, b.CreateNot(segment)));
    inRange = b.CreateICmpSLE(source, maxLane);
  }
  source = b.CreateSelect(inRange, source, lane);
  write(to, Type::B32, permute(v, b.CreateAnd(source, splat(i32(31)))));
  if (predicate.isReg()) write(predicate, Type::Pred, inRange);
}

// A member mask: scalar where it is uniform and `vector` is false.
Value* FunctionEmitter::maskOperand(const Operand& o, bool vector) { return read(o, Type::B32, vector); }

void FunctionEmitter::emitVote(const Inst& inst) {
  const Operand& to = inst.operands[0];
  const Operand& source = inst.operands[1];
  bool sync = inst.form == Form::VoteSync || inst.form == Form::VoteSyncBallot;
  bool perLaneMembers = sync && !shapeOf(inst.operands[2]).isUniform();
  Value* active = maskBits(mask_);
  Value* p = shapeOf(source).isUniform() ? b.CreateSelect(read(source, Type::Pred, false), active, i32(0))
                                         : maskBits(logicalAnd(mask_, read(source, Type::Pred, true)));
  Value* members = sync ? maskOperand(inst.operands[2], perLaneMembers) : i32(~0u);
  auto like = [&](Value* v) { return perLaneMembers ? splat(v) : v; };
  Value* yes = b.CreateAnd(like(p), members);
  Value* all = b.CreateAnd(like(active), members);
  Value* none = llvm::Constant::getNullValue(yes->getType());
  if (inst.has(Mod::Ballot)) return write(to, Type::B32, yes);
  Value* any = b.CreateICmpNE(yes, none);
  Value* every = b.CreateICmpEQ(yes, all);
  Value* result = inst.has(Mod::Any) ? any : inst.has(Mod::All) ? every : b.CreateOr(every, b.CreateNot(any));
  write(to, Type::Pred, result);
}

void FunctionEmitter::emitMatch(const Inst& inst) {
  bool all = inst.form == Form::MatchAll;
  unsigned sourceSlot = all ? 2 : 1;
  Type type = ptx::bits(inst.type()) == 64 ? Type::B64 : Type::B32;
  Value* v = read(inst.operands[sourceSlot], type, true);
  Value* members = b.CreateAnd(maskOperand(inst.operands[sourceSlot + 1], true), splat(maskBits(mask_)));
  // For each lane, the members that hold its value.
  llvm::AllocaInst* spilled = stackSlot(v->getType(), "match");
  b.CreateStore(v, spilled);
  Value* start = maskBits(mask_);
  llvm::BasicBlock* from = b.GetInsertBlock();
  llvm::BasicBlock* loop = llvm::BasicBlock::Create(k_.context(), "match", &function_);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "matched", &function_);
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  llvm::PHINode* rest = b.CreatePHI(b.getInt32Ty(), 2);
  llvm::PHINode* result = b.CreatePHI(vectorOf(b.getInt32Ty()), 2);
  rest->addIncoming(start, from);
  result->addIncoming(llvm::Constant::getNullValue(result->getType()), from);
  Value* lane = b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, rest, b.getTrue());
  llvm::Type* t = v->getType()->getScalarType();
  Value* key = b.CreateLoad(t, b.CreateInBoundsGEP(t, spilled, lane));
  Value* same = logicalAnd(mask_, b.CreateICmpEQ(v, splat(key)));
  Value* sameBits = maskBits(same);
  Value* next = b.CreateSelect(same, splat(sameBits), result);
  Value* remaining = b.CreateAnd(rest, b.CreateNot(sameBits));
  rest->addIncoming(remaining, loop);
  result->addIncoming(next, loop);
  b.CreateCondBr(b.CreateICmpNE(remaining, i32(0)), loop, done);
  b.SetInsertPoint(done);
  Value* found = b.CreateAnd(next, members);
  if (!all) return write(inst.operands[0], Type::B32, found);
  Value* everyone = b.CreateICmpEQ(found, members);
  write(inst.operands[0], Type::B32, b.CreateSelect(everyone, members, llvm::Constant::getNullValue(members->getType())));
  if (inst.operands[1].isReg()) write(inst.operands[1], Type::Pred, everyone);
}

void FunctionEmitter::emitRedux(const Inst& inst) {
  const bool isFloat = inst.form == Form::ReduxFloat;
  Type type = isFloat ? Type::B32 : inst.type();
  Value* v = read(inst.operands[1], type, true);
  llvm::Type* lanes = v->getType();
  bool isSigned = ptx::isSigned(type);
  auto reduce = [&](Value* group) -> Value* {
    if (isFloat) return reduceFloat(b, inst, v, group);
    auto filled = [&](uint32_t identity) { return b.CreateSelect(group, v, llvm::ConstantInt::get(lanes, identity)); };
    if (inst.has(Mod::Add)) return b.CreateAddReduce(filled(0));
    if (inst.has(Mod::And)) return b.CreateAndReduce(filled(~0u));
    if (inst.has(Mod::Or)) return b.CreateOrReduce(filled(0));
    if (inst.has(Mod::Xor)) return b.CreateXorReduce(filled(0));
    if (inst.has(Mod::Min)) return b.CreateIntMinReduce(filled(isSigned ? 0x7fffffffu : ~0u), isSigned);
    return b.CreateIntMaxReduce(filled(isSigned ? 0x80000000u : 0), isSigned);
  };
  if (shapeOf(inst.operands[2]).isUniform()) {
    Value* members = b.CreateAnd(maskBits(mask_), maskOperand(inst.operands[2], false));
    return write(inst.operands[0], type, reduce(maskFromBits(members)));
  }
  // Groups of lanes with member masks of their own, one after the other.
  Value* masks = maskOperand(inst.operands[2], true);
  llvm::AllocaInst* spilled = stackSlot(masks->getType(), "members");
  b.CreateStore(masks, spilled);
  Value* start = maskBits(mask_);
  llvm::BasicBlock* from = b.GetInsertBlock();
  llvm::BasicBlock* loop = llvm::BasicBlock::Create(k_.context(), "redux", &function_);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "reduced", &function_);
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  llvm::PHINode* rest = b.CreatePHI(b.getInt32Ty(), 2);
  llvm::PHINode* result = b.CreatePHI(lanes, 2);
  rest->addIncoming(start, from);
  result->addIncoming(llvm::Constant::getNullValue(lanes), from);
  Value* lane = b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, rest, b.getTrue());
  Value* members = b.CreateLoad(b.getInt32Ty(), b.CreateInBoundsGEP(b.getInt32Ty(), spilled, lane));
  Value* groupBits = b.CreateOr(b.CreateAnd(members, start), b.CreateShl(i32(1), lane));
  Value* group = maskFromBits(groupBits);
  Value* next = b.CreateSelect(group, splat(reduce(group)), result);
  Value* remaining = b.CreateAnd(rest, b.CreateNot(groupBits));
  rest->addIncoming(remaining, loop);
  result->addIncoming(next, loop);
  b.CreateCondBr(b.CreateICmpNE(remaining, i32(0)), loop, done);
  b.SetInsertPoint(done);
  write(inst.operands[0], type, next);
}

}  // namespace anywarp::codegen
