// What is done lane by lane: a loop over the lanes of a mask, or all lanes one after the other. SPDX-License-Identifier: Apache-2.0
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/Intrinsics.h>

#include <optional>

#include "compiler/codegen/emitter.h"
#include "compiler/codegen/lanes.h"
#include "support/options.h"

namespace anywarp::codegen {
namespace {

// Lanes in a row are code for each of them: where there are many such places in a function, later ones are loops.
constexpr unsigned mostUnrolledLoops = 8;

// A vector as scalar + scale * extend(lanes): what is the same for all lanes is computed once, and only the narrow rest is taken apart.
struct LaneParts {
  Value* same = nullptr;          // nullptr: 0
  Value* lanes = nullptr;         // nullptr: there are none
  llvm::Type* element = nullptr;  // of the whole
  uint64_t scale = 1;
  bool isSigned = false;

  Value* at(llvm::IRBuilder<>& b, Value* lane) const {
    if (!lanes) return same;
    Value* v = lane;
    if (v->getType() != element) v = isSigned ? b.CreateSExt(v, element) : b.CreateZExt(v, element);
    if (scale != 1) v = b.CreateMul(v, llvm::ConstantInt::get(element, scale));
    return same ? b.CreateAdd(same, v) : v;
  }
};

LaneParts partsOf(llvm::IRBuilder<>& b, Value* v) {
  using llvm::Instruction;
  LaneParts parts;
  parts.element = v->getType()->getScalarType();
  if (Value* same = llvm::getSplatValue(v)) {
    parts.same = same;
    return parts;
  }
  auto operation = [&](unsigned opcode) { return llvm::isa<Instruction>(v) && llvm::cast<Instruction>(v)->getOpcode() == opcode; };
  auto operand = [&](unsigned i) { return llvm::cast<Instruction>(v)->getOperand(i); };
  while (operation(Instruction::Add)) {
    Value *first = llvm::getSplatValue(operand(0)), *second = llvm::getSplatValue(operand(1));
    if (!first == !second) break;
    Value* more = first ? first : second;
    parts.same = parts.same ? b.CreateAdd(parts.same, more) : more;
    v = operand(first ? 1 : 0);
  }
  if (operation(Instruction::Mul) || operation(Instruction::Shl)) {
    auto* by = llvm::dyn_cast_or_null<llvm::ConstantInt>(llvm::getSplatValue(operand(1)));
    uint64_t scale = !by ? 0 : operation(Instruction::Mul) ? by->getZExtValue() : by->getZExtValue() < 4 ? uint64_t(1) << by->getZExtValue() : 0;
    if (scale == 2 || scale == 4 || scale == 8) parts.scale = scale, v = operand(0);
  }
  if (operation(Instruction::SExt) && llvm::cast<Instruction>(v)->getOperand(0)->getType()->getScalarSizeInBits() >= 8) parts.isSigned = true, v = operand(0);
  while (!parts.isSigned && operation(Instruction::ZExt) && operand(0)->getType()->getScalarSizeInBits() >= 8) v = operand(0);
  parts.lanes = v;
  return parts;
}

// The lanes of a vector as scalars, out of registers. Loads of bytes just stored as a vector wait for that store one by one, so the
// vector is taken apart by words of 64 bits; LLVM, which would take each lane for itself, is not to see that.
class WordsOfLanes {
 public:
  WordsOfLanes(llvm::IRBuilder<>& b, Value* lanes) : b_(b), type_(lanes->getType()->getScalarType()), bits_(type_->getScalarSizeInBits()) {
    unsigned count = llvm::cast<llvm::FixedVectorType>(lanes->getType())->getNumElements();
    words_ = b.CreateBitCast(lanes, llvm::FixedVectorType::get(b.getInt64Ty(), count * bits_ / 64));
  }

  static bool fit(Value* lanes) {
    auto* vector = llvm::cast<llvm::FixedVectorType>(lanes->getType());
    unsigned bits = vector->getScalarSizeInBits();
    return (bits == 8 || bits == 16 || bits == 32 || bits == 64) && vector->getNumElements() * bits % 64 == 0;
  }

  // Lanes in order, from 0 on.
  Value* at(unsigned lane) {
    unsigned bit = lane * bits_ % 64;
    if (bit == 0) word_ = b_.CreateExtractElement(words_, lane * bits_ / 64);
    if (bit == 0 && bits_ < 64) word_ = hidden(b_, word_);
    Value* v = b_.CreateTrunc(bit ? b_.CreateLShr(word_, bit) : word_, b_.getIntNTy(bits_));
    return type_->isIntegerTy() ? v : b_.CreateBitCast(v, type_);
  }

 private:
  llvm::IRBuilder<>& b_;
  llvm::Type* type_;
  unsigned bits_;
  Value* words_;
  Value* word_ = nullptr;
};

}  // namespace

// A loop over the lanes of `mask`; the results as a vector (lanes outside `mask` are undefined). `unrolled`: the usual case of all
// lanes in a row, for short bodies of one basic block.
Value* FunctionEmitter::perLane(Value* mask, llvm::ArrayRef<Value*> args, llvm::Type* result,
                                llvm::function_ref<Value*(llvm::ArrayRef<Value*>)> body, bool unrolled) {
  llvm::SmallVector<LaneParts, 4> parts;
  bool inWords = unrolled;
  for (Value* v : args) {
    LaneParts whole;
    whole.lanes = v;
    whole.element = v->getType()->getScalarType();
    const bool splits = whole.element->isIntegerTy() && !options::isPassOff("lane-parts");
    parts.push_back(splits ? partsOf(b, v) : whole);
    if (Value* lanes = parts.back().lanes) inWords = inWords && WordsOfLanes::fit(lanes);
  }
  llvm::AllocaInst* out = result ? stackSlot(vectorOf(result), "results") : nullptr;
  Value* bits = maskBits(mask);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "lanes.done", &function_);
  // `laneOf`: what argument i has in this lane.
  auto at = [&](Value* lane, llvm::function_ref<Value*(size_t)> laneOf) {
    llvm::SmallVector<Value*, 4> scalars;
    for (size_t i = 0; i < args.size(); ++i) scalars.push_back(parts[i].lanes ? parts[i].at(b, laneOf(i)) : parts[i].same);
    Value* r = body(scalars);
    if (out) b.CreateStore(r, b.CreateInBoundsGEP(result, out, lane));
  };
  llvm::SmallVector<llvm::AllocaInst*, 4> spilled;
  auto spillAll = [&] {
    for (LaneParts& p : parts) {
      spilled.push_back(p.lanes ? stackSlot(p.lanes->getType(), "lanes") : nullptr);
      if (p.lanes) b.CreateStore(p.lanes, spilled.back());
    }
  };
  auto atSpilled = [&](Value* lane) {
    at(lane, [&](size_t i) -> Value* {
      llvm::Type* t = parts[i].lanes->getType()->getScalarType();
      return b.CreateLoad(t, b.CreateInBoundsGEP(t, spilled[i], lane));
    });
  };
  if (unrolled) {
    inWords = inWords && unrolledLoops_++ < mostUnrolledLoops && !options::isPassOff("lanes-in-words");
    if (!inWords) spillAll();
    llvm::BasicBlock* all = llvm::BasicBlock::Create(k_.context(), "lanes.all", &function_);
    llvm::BasicBlock* some = llvm::BasicBlock::Create(k_.context(), "lanes.some", &function_);
    b.CreateCondBr(b.CreateICmpEQ(bits, i32(width_ == 32 ? ~0u : (1u << width_) - 1)), all, some);
    llvm::BasicBlock* before = b.GetInsertBlock();
    b.SetInsertPoint(all);
    if (inWords) {
      llvm::SmallVector<std::optional<WordsOfLanes>, 4> words(args.size());
      for (size_t i = 0; i < args.size(); ++i)
        if (parts[i].lanes) words[i].emplace(b, parts[i].lanes);
      for (uint32_t lane = 0; lane < width_; ++lane) at(i32(lane), [&](size_t i) { return words[i]->at(lane); });
      b.CreateBr(done);
    } else {
      llvm::PHINode* lane = b.CreatePHI(b.getInt32Ty(), 2);
      lane->addIncoming(i32(0), before);
      for (uint32_t i = 0; i < 4; ++i) atSpilled(b.CreateAdd(lane, i32(i)));
      Value* next = b.CreateAdd(lane, i32(4));
      lane->addIncoming(next, b.GetInsertBlock());
      b.CreateCondBr(b.CreateICmpULT(next, i32(width_)), all, done);
    }
    b.SetInsertPoint(some);
  }
  if (spilled.empty()) spillAll();
  llvm::BasicBlock* from = b.GetInsertBlock();
  llvm::BasicBlock* loop = llvm::BasicBlock::Create(k_.context(), "lane", &function_);
  b.CreateCondBr(b.CreateICmpNE(bits, i32(0)), loop, done);
  b.SetInsertPoint(loop);
  llvm::PHINode* rest = b.CreatePHI(b.getInt32Ty(), 2);
  rest->addIncoming(bits, from);
  Value* lane = b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, rest, b.getTrue());
  atSpilled(lane);
  Value* next = b.CreateAnd(rest, b.CreateSub(rest, i32(1)));
  rest->addIncoming(next, b.GetInsertBlock());
  b.CreateCondBr(b.CreateICmpNE(next, i32(0)), loop, done);
  b.SetInsertPoint(done);
  return out ? b.CreateLoad(vectorOf(result), out) : nullptr;
}

}  // namespace anywarp::codegen
