// Value ranges of vector arithmetic, and what follows from them. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/narrow.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/EquivalenceClasses.h>
#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Transforms/Utils/Local.h>

#include <algorithm>
#include <array>

namespace anywarp::jit {
namespace {

using llvm::Instruction;
using llvm::Value;

// Bounds of a value as a signed number.
struct Range {
  int64_t low, high;
  bool fits(Range in) const { return low >= in.low && high <= in.high; }
  bool isNatural() const { return low >= 0; }
};

constexpr Range halfword{INT16_MIN, INT16_MAX}, byte{0, UINT8_MAX};

Range rangeOfBits(unsigned bits) { return {-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1}; }
Range naturalOfBits(unsigned bits) { return {0, (int64_t(1) << bits) - 1}; }
Range hull(Range a, Range b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

unsigned bitsOf(const Value* v) { return v->getType()->getScalarSizeInBits(); }
bool isIntVector(const Value* v) { return v->getType()->isVectorTy() && v->getType()->isIntOrIntVectorTy(); }

const llvm::ConstantInt* splatConstant(Value* v) {
  return llvm::dyn_cast_or_null<llvm::ConstantInt>(llvm::isa<llvm::Constant>(v) ? llvm::getSplatValue(v) : nullptr);
}

class Ranges {
 public:
  // Of integers of at most 32 bits, scalars and vectors alike.
  Range of(Value* v, unsigned depth = 0) {
    auto found = known_.find(v);
    if (found != known_.end()) return found->second;
    Range all = rangeOfBits(bitsOf(v));
    constexpr unsigned deepest = 24;
    if (depth >= deepest) return all;
    Range r = compute(v, depth + 1);
    if (!r.fits(all)) r = all;  // it may wrap
    return known_[v] = r;
  }

 private:
  Range compute(Value* v, unsigned depth) {
    Range all = rangeOfBits(bitsOf(v));
    if (auto* c = llvm::dyn_cast<llvm::Constant>(v)) return ofConstant(*c, all);
    if (v->getType()->isVectorTy())
      if (Value* scalar = llvm::getSplatValue(v)) return of(scalar, depth);
    auto* inst = llvm::dyn_cast<Instruction>(v);
    if (!inst) return all;
    if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(inst)) return ofIntrinsic(*call, all, depth);
    auto operand = [&](unsigned i) { return of(inst->getOperand(i), depth); };
    switch (inst->getOpcode()) {
      case Instruction::ZExt: {
        unsigned from = bitsOf(inst->getOperand(0));
        if (from > 16) return all;
        Range r = from == 1 ? Range{0, 1} : operand(0);
        return r.isNatural() ? r : naturalOfBits(from);
      }
      case Instruction::SExt: {
        unsigned from = bitsOf(inst->getOperand(0));
        return from == 1 ? Range{-1, 0} : from > 16 ? all : operand(0);
      }
      case Instruction::Add: {
        Range a = operand(0), c = operand(1);
        return {a.low + c.low, a.high + c.high};
      }
      case Instruction::Sub: {
        Range a = operand(0), c = operand(1);
        return {a.low - c.high, a.high - c.low};
      }
      case Instruction::Mul: return product(operand(0), operand(1));
      case Instruction::Shl: {
        auto* by = splatConstant(inst->getOperand(1));
        return by && by->getZExtValue() < 16 ? product(operand(0), {1 << by->getZExtValue(), 1 << by->getZExtValue()}) : all;
      }
      case Instruction::AShr: case Instruction::LShr: {
        auto* by = splatConstant(inst->getOperand(1));
        if (!by || by->getZExtValue() >= bitsOf(v)) return all;
        Range a = operand(0);
        unsigned n = unsigned(by->getZExtValue());
        if (inst->getOpcode() == Instruction::AShr || a.isNatural()) return {a.low >> n, a.high >> n};
        return n ? naturalOfBits(bitsOf(v) - n) : all;
      }
      case Instruction::And: {
        Range a = operand(0), c = operand(1);
        if (a.isNatural() && c.isNatural()) return {0, std::min(a.high, c.high)};
        return a.isNatural() ? Range{0, a.high} : c.isNatural() ? Range{0, c.high} : all;
      }
      case Instruction::Or: case Instruction::Xor: {
        Range a = operand(0), c = operand(1);
        if (!a.isNatural() || !c.isNatural()) return all;
        return {0, int64_t(llvm::NextPowerOf2(uint64_t(std::max(a.high, c.high)))) - 1};
      }
      case Instruction::Select: return hull(operand(1), operand(2));
      default: return all;
    }
  }

  static Range product(Range a, Range c) {
    std::array<int64_t, 4> all{a.low * c.low, a.low * c.high, a.high * c.low, a.high * c.high};
    auto [least, most] = std::minmax_element(all.begin(), all.end());
    return {*least, *most};
  }

  static Range ofConstant(const llvm::Constant& c, Range all) {
    auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(c.getType());
    Range r{INT64_MAX, INT64_MIN};
    for (unsigned i = 0; i < (vector ? vector->getNumElements() : 1); ++i) {
      auto* lane = llvm::dyn_cast_or_null<llvm::ConstantInt>(vector ? c.getAggregateElement(i) : &c);
      if (!lane) return all;
      r = hull(r, {lane->getSExtValue(), lane->getSExtValue()});
    }
    return r;
  }

  Range ofIntrinsic(llvm::IntrinsicInst& call, Range all, unsigned depth) {
    auto operand = [&](unsigned i) { return of(call.getArgOperand(i), depth); };
    switch (call.getIntrinsicID()) {
      case llvm::Intrinsic::abs: {
        Range a = operand(0);
        return {a.low > 0 ? a.low : a.high < 0 ? -a.high : 0, std::max(-a.low, a.high)};
      }
      case llvm::Intrinsic::smin: {
        Range a = operand(0), c = operand(1);
        return {std::min(a.low, c.low), std::min(a.high, c.high)};
      }
      case llvm::Intrinsic::smax: {
        Range a = operand(0), c = operand(1);
        return {std::max(a.low, c.low), std::max(a.high, c.high)};
      }
      case llvm::Intrinsic::umin: {
        Range a = operand(0), c = operand(1);
        if (a.isNatural() && c.isNatural()) return {std::min(a.low, c.low), std::min(a.high, c.high)};
        return a.isNatural() ? Range{0, a.high} : c.isNatural() ? Range{0, c.high} : all;
      }
      case llvm::Intrinsic::umax: {
        Range a = operand(0), c = operand(1);
        return a.isNatural() && c.isNatural() ? Range{std::max(a.low, c.low), std::max(a.high, c.high)} : all;
      }
      default: return all;
    }
  }

  llvm::DenseMap<Value*, Range> known_;
};

class Narrower {
 public:
  explicit Narrower(llvm::Function& function) : function_(function) {}

  void run() {
    llvm::SmallVector<Instruction*, 64> arithmetic;
    llvm::SmallVector<llvm::ICmpInst*, 16> comparisons;
    for (llvm::BasicBlock* block : llvm::ReversePostOrderTraversal<llvm::Function*>(&function_))
      for (Instruction& inst : *block) {
        if (auto* compare = llvm::dyn_cast<llvm::ICmpInst>(&inst); compare && isIntVector(compare->getOperand(0))) comparisons.push_back(compare);
        else if (isIntVector(&inst) && bitsOf(&inst) == 32 && computesNarrow(inst)) arithmetic.push_back(&inst);
      }
    narrowArithmetic(arithmetic);
    for (llvm::ICmpInst* compare : comparisons) compareBytes(*compare);
    llvm::RecursivelyDeleteTriviallyDeadInstructionsPermissive(dead_);
  }

 private:
  // Whether the low halves of its operands give the low half of its result, and both say all.
  bool computesNarrow(Instruction& inst) {
    if (!ranges_.of(&inst).fits(halfword)) return false;
    unsigned first = 0, last = 2;
    switch (inst.getOpcode()) {
      case Instruction::Add: case Instruction::Sub: case Instruction::Mul: case Instruction::And: case Instruction::Or:
      case Instruction::Xor: break;
      case Instruction::Shl: case Instruction::AShr: case Instruction::LShr: {
        auto* by = splatConstant(inst.getOperand(1));
        if (!by || by->getZExtValue() >= 16) return false;
        if (inst.getOpcode() == Instruction::LShr && !ranges_.of(inst.getOperand(0)).isNatural()) return false;
        break;
      }
      case Instruction::Select: first = 1, last = 3; break;
      case Instruction::Call: {
        auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&inst);
        if (!call) return false;
        switch (call->getIntrinsicID()) {
          case llvm::Intrinsic::abs: last = 1; break;
          case llvm::Intrinsic::smin: case llvm::Intrinsic::smax: case llvm::Intrinsic::umin: case llvm::Intrinsic::umax: break;
          default: return false;
        }
        break;
      }
      default: return false;
    }
    for (unsigned i = first; i < last; ++i)
      if (!ranges_.of(inst.getOperand(i)).fits(halfword)) return false;
    return true;
  }

  // What costs nothing to have in 16 bits.
  static bool isFreeLeaf(Value* v) {
    if (llvm::isa<llvm::Constant>(v) || llvm::getSplatValue(v)) return true;
    return llvm::isa<llvm::ZExtInst, llvm::SExtInst>(v) && bitsOf(llvm::cast<Instruction>(v)->getOperand(0)) <= 16;
  }

  bool isNarrowUser(Instruction& user, const llvm::SmallPtrSetImpl<Instruction*>& set) {
    if (set.contains(&user)) return true;
    if (llvm::isa<llvm::TruncInst>(user)) return bitsOf(&user) <= 16;
    auto* compare = llvm::dyn_cast<llvm::ICmpInst>(&user);
    return compare && ranges_.of(compare->getOperand(0)).fits(halfword) && ranges_.of(compare->getOperand(1)).fits(halfword);
  }

  // Groups of instructions that feed each other are narrowed where that saves more than the conversions around them cost.
  void narrowArithmetic(llvm::ArrayRef<Instruction*> all) {
    llvm::SmallPtrSet<Instruction*, 32> set(all.begin(), all.end());
    llvm::EquivalenceClasses<Instruction*> groups;
    for (Instruction* inst : all) {
      groups.insert(inst);
      for (Value* operand : inst->operands())
        if (auto* from = llvm::dyn_cast<Instruction>(operand); from && set.contains(from)) groups.unionSets(inst, from);
    }
    llvm::MapVector<Instruction*, int> gains;
    llvm::SmallPtrSet<Value*, 32> counted;
    for (Instruction* inst : all) {
      int& gain = gains[groups.getLeaderValue(inst)];
      gain += 1;
      constexpr int conversion = 2;
      bool widened = false;
      for (llvm::User* user : inst->users()) widened |= !isNarrowUser(*llvm::cast<Instruction>(user), set);
      if (widened) gain -= conversion;
      for (Value* operand : inst->operands()) {
        if (!isIntVector(operand) || bitsOf(operand) != 32 || isFreeLeaf(operand)) continue;
        if (auto* from = llvm::dyn_cast<Instruction>(operand); from && set.contains(from)) continue;
        if (counted.insert(operand).second) gain -= conversion;
      }
    }
    llvm::SmallVector<Instruction*, 64> chosen;
    for (Instruction* inst : all)
      if (gains[groups.getLeaderValue(inst)] > 0) chosen.push_back(inst);
    for (Instruction* inst : chosen) narrow_[inst] = rewrite(*inst);
    llvm::SmallPtrSet<Instruction*, 32> done(chosen.begin(), chosen.end());
    for (Instruction* inst : chosen) replaceUses(*inst, done);
  }

  static llvm::Type* lanesOf16(Value* v) {
    auto* vector = llvm::cast<llvm::FixedVectorType>(v->getType());
    return llvm::FixedVectorType::get(llvm::Type::getInt16Ty(v->getContext()), vector->getNumElements());
  }

  // The value in 16 bits.
  Value* narrowed(Value* v) {
    auto found = narrow_.find(v);
    if (found != narrow_.end()) return found->second;
    llvm::Type* type = lanesOf16(v);
    if (llvm::isa<llvm::Constant>(v)) return llvm::IRBuilder<>(v->getContext()).CreateTrunc(v, type);
    auto* inst = llvm::dyn_cast<Instruction>(v);
    llvm::IRBuilder<> b(v->getContext());
    if (!inst) b.SetInsertPoint(&*function_.getEntryBlock().getFirstInsertionPt());
    else if (llvm::isa<llvm::PHINode>(inst)) b.SetInsertPoint(&*inst->getParent()->getFirstInsertionPt());
    else b.SetInsertPoint(inst->getNextNode());
    Value* result;
    if (Value* scalar = llvm::getSplatValue(v)) {
      result = b.CreateVectorSplat(llvm::cast<llvm::FixedVectorType>(type)->getNumElements(), b.CreateTrunc(scalar, b.getInt16Ty()));
    } else if (llvm::isa_and_nonnull<llvm::ZExtInst>(inst) && bitsOf(inst->getOperand(0)) <= 16) {
      result = b.CreateZExt(inst->getOperand(0), type);
    } else if (llvm::isa_and_nonnull<llvm::SExtInst>(inst) && bitsOf(inst->getOperand(0)) <= 16) {
      result = b.CreateSExt(inst->getOperand(0), type);
    } else {
      result = b.CreateTrunc(v, type);
    }
    return narrow_[v] = result;
  }

  Value* rewrite(Instruction& inst) {
    llvm::IRBuilder<> b(&inst);
    auto operand = [&](unsigned i) { return narrowed(inst.getOperand(i)); };
    if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&inst)) {
      Value* second = call->getIntrinsicID() == llvm::Intrinsic::abs ? b.getFalse() : operand(1);
      return b.CreateBinaryIntrinsic(call->getIntrinsicID(), operand(0), second);
    }
    if (auto* select = llvm::dyn_cast<llvm::SelectInst>(&inst)) return b.CreateSelect(select->getCondition(), operand(1), operand(2));
    return b.CreateBinOp(llvm::cast<llvm::BinaryOperator>(inst).getOpcode(), operand(0), operand(1));
  }

  void replaceUses(Instruction& inst, const llvm::SmallPtrSetImpl<Instruction*>& done) {
    Value* narrow = narrow_[&inst];
    Value* wide = nullptr;
    llvm::SmallVector<llvm::User*, 8> users(inst.users());
    for (llvm::User* u : users) {
      auto* user = llvm::cast<Instruction>(u);
      if (done.contains(user)) continue;
      llvm::IRBuilder<> b(user);
      if (llvm::isa<llvm::TruncInst>(user) && bitsOf(user) <= 16) {
        user->replaceAllUsesWith(b.CreateTrunc(narrow, user->getType()));
        dead_.push_back(user);
      } else if (auto* compare = llvm::dyn_cast<llvm::ICmpInst>(user); compare && isNarrowUser(*compare, done)) {
        if (!compare->use_empty()) compareNarrow(*compare);
      } else {
        if (!wide) wide = llvm::IRBuilder<>(llvm::cast<Instruction>(&inst)->getNextNode()).CreateSExt(narrow, inst.getType());
        user->replaceUsesOfWith(&inst, wide);
      }
    }
    dead_.push_back(&inst);
  }

  // Extending the sign keeps the order of numbers, signed or not.
  void compareNarrow(llvm::ICmpInst& compare) {
    llvm::IRBuilder<> b(&compare);
    compare.replaceAllUsesWith(b.CreateICmp(compare.getPredicate(), narrowed(compare.getOperand(0)), narrowed(compare.getOperand(1))));
    dead_.push_back(&compare);
  }

  // The byte that a lane of 16 or 32 bits was made from; nullptr: it was not.
  Value* byteOf(Value* v, llvm::IRBuilder<>& b) {
    if (!ranges_.of(v).fits(byte)) return nullptr;
    auto* type = llvm::FixedVectorType::get(b.getInt8Ty(), llvm::cast<llvm::FixedVectorType>(v->getType())->getNumElements());
    if (llvm::isa<llvm::Constant>(v)) return b.CreateTrunc(v, type);
    if (Value* scalar = llvm::getSplatValue(v)) return b.CreateVectorSplat(type->getNumElements(), b.CreateTrunc(scalar, b.getInt8Ty()));
    auto* extend = llvm::dyn_cast<llvm::ZExtInst>(v);
    return extend && bitsOf(extend->getOperand(0)) == 8 ? extend->getOperand(0) : nullptr;
  }

  void compareBytes(llvm::ICmpInst& compare) {
    if (compare.use_empty() || bitsOf(compare.getOperand(0)) > 32 || bitsOf(compare.getOperand(0)) < 16) return;
    if (!llvm::isa<llvm::ZExtInst>(compare.getOperand(0)) && !llvm::isa<llvm::ZExtInst>(compare.getOperand(1))) return;
    llvm::IRBuilder<> b(&compare);
    Value* first = byteOf(compare.getOperand(0), b);
    Value* second = first ? byteOf(compare.getOperand(1), b) : nullptr;
    if (!second) return;
    compare.replaceAllUsesWith(b.CreateICmp(compare.getUnsignedPredicate(), first, second));
    dead_.push_back(&compare);
  }

  llvm::Function& function_;
  Ranges ranges_;
  llvm::DenseMap<Value*, Value*> narrow_;
  llvm::SmallVector<llvm::WeakTrackingVH, 32> dead_;
};

}  // namespace

void narrowLanes(llvm::Function& function) { Narrower(function).run(); }

}  // namespace anywarp::jit
