// One walk finds the vectors that are words, a second one rewrites their uses. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/mask_words.h"

#include <optional>

#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/ValueHandle.h>

namespace anywarp::jit {
namespace {

using llvm::FixedVectorType;
using llvm::Instruction;
using llvm::IRBuilder;
using llvm::Value;

// Lanes of a mask: these bits of a word.
struct MaskWord {
  llvm::WeakTrackingVH bits;  // the word may be the user of another mask and be replaced
  unsigned first, count;

  unsigned width() const { return bits->getType()->getIntegerBitWidth(); }
  bool isWhole() const { return first == 0 && count == width(); }
};

// The number of lanes of a mask; 0: no mask.
unsigned lanesOfMask(const llvm::Type* type) {
  auto* vector = llvm::dyn_cast<FixedVectorType>(type);
  return vector && vector->getElementType()->isIntegerTy(1) ? vector->getNumElements() : 0;
}

bool isWordWidth(unsigned bits) { return bits >= 8 && bits <= 128 && llvm::isPowerOf2_32(bits); }

// Bits of each lane of a vector; 0: no vector, or of other types.
unsigned laneBits(llvm::Type* type) {
  if (!llvm::isa<FixedVectorType>(type)) return 0;
  const unsigned bits = type->getScalarType()->isPointerTy() ? 64 : type->getScalarSizeInBits();
  return bits >= 8 && bits <= 64 && llvm::isPowerOf2_32(bits) ? bits : 0;
}

class Spreader {
 public:
  Spreader(llvm::Function& function, bool masksAccesses) : function_(function), masksAccesses_(masksAccesses) {}

  void run() {
    for (llvm::BasicBlock* block : llvm::ReversePostOrderTraversal<llvm::Function*>(&function_))
      for (Instruction& inst : *block)
        if (std::optional<MaskWord> word = wordOf(inst)) words_.insert({&inst, *word});
    for (auto& [mask, word] : words_) rewriteUses(*mask, word);
    for (auto& [mask, word] : llvm::reverse(words_)) mask->eraseFromParent();
  }

 private:
  const MaskWord* find(Value* mask) const {
    auto* inst = llvm::dyn_cast<Instruction>(mask);
    auto it = inst ? words_.find(inst) : words_.end();
    return it == words_.end() ? nullptr : &it->second;
  }

  // A whole word, or a constant of as many bits.
  Value* wholeWord(Value* mask) const {
    if (const MaskWord* word = find(mask)) return word->isWhole() ? static_cast<Value*>(word->bits) : nullptr;
    auto* constant = llvm::dyn_cast<llvm::Constant>(mask);
    if (!constant) return nullptr;
    const unsigned count = lanesOfMask(constant->getType());
    llvm::APInt bits(count, 0);
    for (unsigned i = 0; i < count; ++i) {
      auto* lane = llvm::dyn_cast_or_null<llvm::ConstantInt>(constant->getAggregateElement(i));
      if (!lane) return nullptr;
      bits.setBitVal(i, lane->isOne());
    }
    return llvm::ConstantInt::get(function_.getContext(), bits);
  }

  std::optional<MaskWord> wordOf(Instruction& inst) const {
    const unsigned lanes = lanesOfMask(inst.getType());
    if (!lanes) return std::nullopt;
    IRBuilder<> b(&inst);
    auto whole = [&](Value* bits) { return MaskWord{bits, 0, lanes}; };
    if (auto* cast = llvm::dyn_cast<llvm::BitCastInst>(&inst)) {
      Value* bits = cast->getOperand(0);
      if (bits->getType()->isIntegerTy() && isWordWidth(lanes)) return whole(bits);
    } else if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&inst)) {
      if (load->isSimple() && isWordWidth(lanes)) {
        llvm::LoadInst* bits = b.CreateAlignedLoad(b.getIntNTy(lanes), load->getPointerOperand(), load->getAlign());
        bits->setAAMetadata(load->getAAMetadata());
        return whole(bits);
      }
    } else if (auto* freeze = llvm::dyn_cast<llvm::FreezeInst>(&inst)) {
      if (const MaskWord* word = find(freeze->getOperand(0))) return MaskWord{b.CreateFreeze(word->bits), word->first, word->count};
    } else if (inst.isBitwiseLogicOp()) {
      Value *left = wholeWord(inst.getOperand(0)), *right = wholeWord(inst.getOperand(1));
      if (left && right) return whole(b.CreateBinOp(llvm::Instruction::BinaryOps(inst.getOpcode()), left, right));
    } else if (auto* select = llvm::dyn_cast<llvm::SelectInst>(&inst)) {
      Value *yes = wholeWord(select->getTrueValue()), *no = wholeWord(select->getFalseValue());
      if (yes && no && !select->getCondition()->getType()->isVectorTy()) return whole(b.CreateSelect(select->getCondition(), yes, no));
    } else if (auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(&inst)) {
      if (const MaskWord* word = find(shuffle->getOperand(0))) return part(*word, shuffle->getShuffleMask());
    }
    return std::nullopt;
  }

  // Lanes side by side.
  static std::optional<MaskWord> part(const MaskWord& word, llvm::ArrayRef<int> picked) {
    for (unsigned i = 0; i < picked.size(); ++i)
      if (picked[i] != picked[0] + int(i) || picked[i] < 0 || unsigned(picked[i]) >= word.count) return std::nullopt;
    return MaskWord{word.bits, word.first + unsigned(picked[0]), unsigned(picked.size())};
  }

  // The lanes as an integer of so many bits.
  static Value* number(IRBuilder<>& b, const MaskWord& word) {
    Value* moved = word.bits;
    if (word.first) moved = b.CreateLShr(moved, word.first);
    return b.CreateTrunc(moved, b.getIntNTy(word.count));
  }

  // The lanes as a mask whose vector has lanes of these bits.
  static Value* vectorOf(IRBuilder<>& b, const MaskWord& word, unsigned lane) {
    const unsigned width = word.width();
    Value* spread;
    if (width <= lane) {
      spread = b.CreateVectorSplat(word.count, b.CreateZExt(word.bits, b.getIntNTy(lane)));
    } else {  // every word of the vector is this one; each lane takes its part of it, in place
      const unsigned parts = width / lane, words = (word.count + parts - 1) / parts;
      Value* all = b.CreateBitCast(b.CreateVectorSplat(words, word.bits), FixedVectorType::get(b.getIntNTy(lane), words * parts));
      llvm::SmallVector<int, 64> from;
      for (unsigned i = 0; i < word.count; ++i) from.push_back(int(i / parts * parts + (word.first + i) / lane));
      spread = b.CreateShuffleVector(all, from);
    }
    llvm::SmallVector<llvm::Constant*, 64> bits;
    for (unsigned i = 0; i < word.count; ++i)
      bits.push_back(llvm::ConstantInt::get(b.getContext(), llvm::APInt::getOneBitSet(lane, (word.first + i) % lane)));
    Value* own = llvm::ConstantVector::get(bits);
    return b.CreateICmpEQ(b.CreateAnd(spread, own), own);
  }

  // Lanes as wide as a use wants them; 0: it wants the word.
  unsigned laneOf(const llvm::Use& use, const MaskWord& word) const {
    Instruction* user = llvm::cast<Instruction>(use.getUser());
    const unsigned any = std::max(8u, std::min(32u, 128 / word.count));
    if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(user)) {
      llvm::Type* type = nullptr;
      switch (call->getIntrinsicID()) {
        case llvm::Intrinsic::masked_load:
        case llvm::Intrinsic::masked_gather: type = call->getType(); break;
        case llvm::Intrinsic::masked_store:
        case llvm::Intrinsic::masked_scatter: type = call->getArgOperand(0)->getType(); break;
        default: return any;
      }
      const unsigned lane = laneBits(type);
      return masksAccesses_ && lane >= 32 ? lane : 0;  // others branch on each bit
    }
    unsigned lane = 0;
    if (auto* select = llvm::dyn_cast<llvm::SelectInst>(user)) lane = use.getOperandNo() == 0 ? laneBits(select->getType()) : 0;
    else if (llvm::isa<llvm::SExtInst, llvm::ZExtInst>(user)) lane = laneBits(user->getType());
    return lane ? lane : any;
  }

  void rewriteUses(Instruction& mask, const MaskWord& word) {
    llvm::MapVector<std::pair<llvm::BasicBlock*, unsigned>, llvm::SmallVector<llvm::Use*, 4>> groups;
    for (llvm::Use& use : llvm::make_early_inc_range(mask.uses())) {
      Instruction* user = llvm::cast<Instruction>(use.getUser());
      if (find(user)) continue;
      if (takesWord(*user, use, word)) continue;
      auto* phi = llvm::dyn_cast<llvm::PHINode>(user);
      groups[{phi ? phi->getIncomingBlock(use) : user->getParent(), laneOf(use, word)}].push_back(&use);
    }
    for (auto& [where, uses] : groups) {
      Instruction* first = where.first->getTerminator();
      for (llvm::Use* use : uses) {
        auto* user = llvm::cast<Instruction>(use->getUser());
        if (!llvm::isa<llvm::PHINode>(user) && user->comesBefore(first)) first = user;
      }
      IRBuilder<> b(first);
      Value* vector = where.second ? vectorOf(b, word, where.second) : b.CreateBitCast(number(b, word), mask.getType());
      for (llvm::Use* use : uses) use->set(vector);
    }
  }

  // Users that go without a vector.
  static bool takesWord(Instruction& user, llvm::Use& use, const MaskWord& word) {
    IRBuilder<> b(&user);
    if (llvm::isa<llvm::BitCastInst>(user) && user.getType()->isIntegerTy()) {
      user.replaceAllUsesWith(number(b, word));
    } else if (auto* extract = llvm::dyn_cast<llvm::ExtractElementInst>(&user)) {
      Value* lane = b.CreateZExtOrTrunc(extract->getIndexOperand(), word.bits->getType());
      if (word.first) lane = b.CreateAdd(lane, llvm::ConstantInt::get(lane->getType(), word.first));
      user.replaceAllUsesWith(b.CreateTrunc(b.CreateLShr(word.bits, lane), b.getInt1Ty()));
    } else if (auto* store = llvm::dyn_cast<llvm::StoreInst>(&user); store && store->isSimple() && isWordWidth(word.count) && use.getOperandNo() == 0) {
      use.set(number(b, word));
      return true;
    } else {
      return false;
    }
    user.eraseFromParent();
    return true;
  }

  llvm::Function& function_;
  const bool masksAccesses_;
  llvm::MapVector<Instruction*, MaskWord> words_;
};

}  // namespace

void spreadMaskWords(llvm::Function& function, bool masksAccesses) { Spreader(function, masksAccesses).run(); }

}  // namespace anywarp::jit
