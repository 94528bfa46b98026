// Values that go through a block's shared memory, where its code is one function. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/forward.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "compiler/ir_marks.h"

namespace anywarp::jit {
namespace {

using llvm::BasicBlock;
using llvm::Instruction;
using llvm::Type;
using llvm::Value;

// So many stores later what was stored is in the cache, and a load that takes from two of them costs no more than a shuffle.
constexpr uint32_t recentStores = 64;
constexpr size_t mostKnown = 8192;

// An access of the shared window.
struct Access {
  Instruction* instruction = nullptr;
  Value* pointer = nullptr;
  Type* type = nullptr;        // of what is read or written
  Value* stored = nullptr;     // nullptr: a load
  Value* mask = nullptr;       // nullptr: all lanes
  Value* otherwise = nullptr;  // masked loads: what other lanes get
  bool plain = true;           // neither volatile nor atomic
  bool apart = false;          // lanes have addresses of their own
};

std::optional<Access> accessOf(Instruction& i) {
  if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&i))
    return Access{.instruction = &i, .pointer = load->getPointerOperand(), .type = load->getType(), .plain = load->isSimple()};
  if (auto* store = llvm::dyn_cast<llvm::StoreInst>(&i))
    return Access{.instruction = &i, .pointer = store->getPointerOperand(), .type = store->getValueOperand()->getType(),
                  .stored = store->getValueOperand(), .plain = store->isSimple()};
  auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&i);
  if (!call) return std::nullopt;
  if (call->getIntrinsicID() == llvm::Intrinsic::masked_load)
    return Access{.instruction = &i, .pointer = call->getArgOperand(0), .type = call->getType(), .mask = call->getArgOperand(2),
                  .otherwise = call->getArgOperand(3)};
  if (call->getIntrinsicID() == llvm::Intrinsic::masked_store)
    return Access{.instruction = &i, .pointer = call->getArgOperand(1), .type = call->getArgOperand(0)->getType(),
                  .stored = call->getArgOperand(0), .mask = call->getArgOperand(3)};
  if (call->getIntrinsicID() == llvm::Intrinsic::masked_gather)
    return Access{.instruction = &i, .pointer = call->getArgOperand(0), .type = call->getType(), .mask = call->getArgOperand(2),
                  .otherwise = call->getArgOperand(3), .apart = true};
  if (call->getIntrinsicID() == llvm::Intrinsic::masked_scatter)
    return Access{.instruction = &i, .pointer = call->getArgOperand(1), .type = call->getArgOperand(0)->getType(),
                  .stored = call->getArgOperand(0), .mask = call->getArgOperand(3), .apart = true};
  return std::nullopt;
}

unsigned lanesOf(Type* type) {
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector ? vector->getNumElements() : 1;
}

// Is lane `i` of a mask on, as far as that is known?
std::optional<bool> laneOf(Value* mask, unsigned i) {
  if (!mask) return true;
  auto* constant = llvm::dyn_cast<llvm::Constant>(mask);
  Value* lane = constant ? constant->getAggregateElement(i) : nullptr;
  auto* known = llvm::dyn_cast_or_null<llvm::ConstantInt>(lane);
  if (!known) return std::nullopt;
  return known->isOne();
}

// What a word of the window holds: a 32-bit piece of `value`.
struct Word {
  Value* value;
  unsigned piece;
  uint32_t time;  // by the count of stores
};
using Known = std::map<int64_t, Word>;  // by offset in words

class Forwarding {
 public:
  // `size`: of the variables in the window that are known to be there.
  Forwarding(llvm::Function& function, Value& window, int64_t size)
      : function_(function), layout_(function.getParent()->getDataLayout()), window_(window), size_(size) {}

  bool run() {
    if (escapes()) return false;
    llvm::ReversePostOrderTraversal<llvm::Function*> order(&function_);
    for (BasicBlock* block : order) runBlock(*block);
    removeStores();
    return changed_;
  }

 private:
  // Does its address go where we do not see it?
  bool escapes() {
    llvm::SmallVector<Value*, 32> work{&window_};
    while (!work.empty()) {
      Value* at = work.pop_back_val();
      for (llvm::Use& use : at->uses()) {
        auto* user = llvm::cast<Instruction>(use.getUser());
        if (llvm::isa<llvm::GetElementPtrInst>(user)) {
          work.push_back(user);
          continue;
        }
        auto access = accessOf(*user);
        if (!access || access->pointer != at || access->stored == at) return true;
      }
    }
    return false;
  }

  // Where in the window the lanes of an access lie, in bytes; unknown: somewhere in it. Nothing: it goes elsewhere.
  struct Place {
    bool known = false;
    int64_t offset = 0;                 // of lane 0
    llvm::SmallVector<int64_t, 0> lanes;  // where they lie apart
    int64_t at(unsigned lane, unsigned bytes) const { return lanes.empty() ? offset + int64_t(lane) * bytes : lanes[lane]; }
  };
  std::optional<Place> placeOf(const Access& access) const {
    if (access.apart) {
      auto* pointers = llvm::dyn_cast<llvm::GetElementPtrInst>(access.pointer);
      if (!pointers || pointers->getPointerOperandType()->isVectorTy()) return std::nullopt;
      auto place = placeOf(pointers->getPointerOperand());
      if (!place || !place->known) return place;
      auto* offsets = llvm::dyn_cast<llvm::Constant>(pointers->getOperand(1));
      if (!offsets || pointers->getNumIndices() != 1 || !offsets->getType()->isVectorTy()) return Place{};
      const int64_t scale = int64_t(layout_.getTypeAllocSize(pointers->getSourceElementType()));
      for (unsigned lane = 0; lane < lanesOf(access.type); ++lane) {
        auto on = laneOf(access.mask, lane);
        auto* offset = llvm::dyn_cast_or_null<llvm::ConstantInt>(offsets->getAggregateElement(lane));
        if (!offset && (!on || *on)) return Place{};
        place->lanes.push_back(offset ? place->offset + offset->getSExtValue() * scale : 0);
      }
      return place;
    }
    return placeOf(access.pointer);
  }
  std::optional<Place> placeOf(Value* pointer) const {
    llvm::APInt offset(64, 0);
    const Value* base = pointer->stripAndAccumulateConstantOffsets(layout_, offset, true);
    if (base == &window_) return Place{true, offset.getSExtValue(), {}};
    if (llvm::getUnderlyingObject(base, 0) == &window_) return Place{};
    return std::nullopt;
  }

  void runBlock(BasicBlock& block) {
    Known known;
    if (auto at = atStart_.find(&block); at != atStart_.end()) {
      known = std::move(at->second);
      atStart_.erase(at);
    }
    if (llvm::isa<llvm::UnreachableInst>(block.getTerminator())) return;  // ends the launch
    for (Instruction& i : llvm::make_early_inc_range(block)) {
      if (!i.mayReadOrWriteMemory()) continue;
      auto access = accessOf(i);
      if (!access) {
        if (!llvm::isa<llvm::CallInst>(i) || llvm::isa<llvm::IntrinsicInst>(i)) continue;  // nothing else knows the window
        known.clear();
        readsAnywhere_ = true;
        continue;
      }
      auto place = placeOf(*access);
      if (!place) continue;
      if (access->stored) write(*access, *place, known);
      else read(*access, *place, known);
    }
    handOn(block, std::move(known));
  }

  // Only to a call that does not return, by itself or by way of a block that such calls share.
  static bool endsLaunch(const BasicBlock& block) {
    const BasicBlock* below = block.getSingleSuccessor();
    return llvm::isa<llvm::UnreachableInst>((below ? below : &block)->getTerminator());
  }

  // Blocks that are entered from this one alone begin with what it knows.
  void handOn(BasicBlock& block, Known known) {
    llvm::SmallVector<BasicBlock*, 2> next;
    for (BasicBlock* below : llvm::successors(&block))
      if (below->getUniquePredecessor() && !endsLaunch(*below)) next.push_back(below);
    for (size_t i = 0; i + 1 < next.size(); ++i) atStart_[next[i]] = known;
    if (!next.empty()) atStart_[next.back()] = std::move(known);
  }

  unsigned bytesOf(Type* type) const { return unsigned(layout_.getTypeStoreSize(type).getFixedValue()); }
  // 32-bit pieces of one element; 0: it is no such type.
  unsigned piecesOf(Type* type) const {
    unsigned bits = type->getScalarType()->isPointerTy() ? 0 : type->getScalarSizeInBits();
    return bits == 32 ? 1 : bits == 64 ? 2 : 0;
  }

  unsigned elementBytes(Type* type) const { return bytesOf(type->getScalarType()); }

  // The bytes that an access touches, lane by lane where its lanes lie apart.
  template <class Take>
  void forEachRange(const Access& access, const Place& place, Take take) const {
    if (!access.apart) return take(place.offset, place.offset + bytesOf(access.type));
    for (unsigned lane = 0; lane < lanesOf(access.type); ++lane) {
      auto on = laneOf(access.mask, lane);
      if (!on || *on) take(place.lanes[lane], place.lanes[lane] + elementBytes(access.type));
    }
  }

  void write(const Access& access, const Place& place, Known& known) {
    ++time_;
    if (!place.known) return known.clear();
    if (access.plain && !access.apart) stores_.push_back({access.instruction, place.offset, place.offset + bytesOf(access.type)});
    const unsigned pieces = piecesOf(access.type), element = elementBytes(access.type);
    const bool forget = !pieces || !access.plain || known.size() > mostKnown;
    for (unsigned lane = 0; lane < lanesOf(access.type); ++lane) {
      auto on = laneOf(access.mask, lane);
      if (on && !*on) continue;
      const int64_t begin = place.at(lane, element);
      if (forget || begin % 4) {
        known.erase(known.lower_bound(begin >> 2), known.lower_bound((begin + element + 3) >> 2));
        continue;
      }
      for (unsigned p = 0; p < pieces; ++p) {
        if (on) known[(begin >> 2) + p] = {access.stored, lane * pieces + p, time_};
        else known.erase((begin >> 2) + p);
      }
    }
  }

  void read(const Access& access, const Place& place, const Known& known) {
    if (!place.known) {
      readsAnywhere_ = true;
      return;
    }
    Value* value = access.plain ? valueOf(access, place, known) : nullptr;
    if (!value) value = contiguous(access, place);
    if (!value) {
      forEachRange(access, place, [&](int64_t begin, int64_t end) { reads_.push_back({begin, end}); });
      return;
    }
    access.instruction->replaceAllUsesWith(value);
    access.instruction->eraseFromParent();
    changed_ = true;
  }

  // A gather whose active lanes lie side by side after all.
  Value* contiguous(const Access& access, const Place& place) {
    if (!access.apart) return nullptr;
    const unsigned element = elementBytes(access.type);
    std::optional<int64_t> first;
    for (unsigned lane = 0; lane < lanesOf(access.type); ++lane) {
      auto on = laneOf(access.mask, lane);
      if (on && !*on) continue;
      const int64_t begin = place.lanes[lane] - int64_t(lane) * element;
      if (first && *first != begin) return nullptr;
      first = begin;
    }
    if (!first) return nullptr;
    llvm::IRBuilder<> b(access.instruction);
    Value* pointer = b.CreateConstGEP1_64(b.getInt8Ty(), &window_, uint64_t(*first));
    reads_.push_back({*first, *first + bytesOf(access.type)});
    return b.CreateMaskedLoad(access.type, pointer, llvm::Align(element), access.mask, access.otherwise);
  }

  Value* valueOf(const Access& access, const Place& place, const Known& known) {
    const unsigned pieces = piecesOf(access.type), lanes = lanesOf(access.type), element = elementBytes(access.type);
    if (!pieces) return nullptr;
    const bool dontCare = access.otherwise && llvm::isa<llvm::UndefValue>(access.otherwise);
    llvm::SmallVector<Value*, 2> sources;
    llvm::SmallVector<int, 64> pick;
    bool recent = false, needsSelect = false;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      auto on = laneOf(access.mask, lane);
      needsSelect |= access.mask && !dontCare && !(on && *on);
      const int64_t begin = place.at(lane, element);
      if (begin % 4 && !(on && !*on)) return nullptr;
      for (unsigned p = 0; p < pieces; ++p) {
        if (on && !*on) {
          pick.push_back(-1);
          continue;
        }
        auto at = known.find((begin >> 2) + p);
        if (at == known.end()) return nullptr;
        const Word& w = at->second;
        auto* source = std::find(sources.begin(), sources.end(), w.value);
        if (source == sources.end()) {
          if (sources.size() == 2 || (!sources.empty() && widthOf(sources[0]) != widthOf(w.value))) return nullptr;
          sources.push_back(w.value);
          source = sources.end() - 1;
        }
        recent |= time_ - w.time < recentStores;
        pick.push_back(int((source - sources.begin()) * widthOf(w.value) + w.piece));
      }
    }
    if (sources.empty()) return nullptr;
    const unsigned width = widthOf(sources[0]);
    bool same = sources.size() == 1 && width == pick.size();
    for (unsigned i = 0; same && i < width; ++i) same = pick[i] < 0 || pick[i] == int(i);
    if (!same && (!recent || lanes == 1 || width == 1)) return nullptr;

    llvm::IRBuilder<> b(access.instruction);
    Value* result;
    if (same) {
      result = b.CreateBitCast(sources[0], access.type);
    } else {
      Type* words = llvm::FixedVectorType::get(b.getInt32Ty(), width);
      Value* first = b.CreateBitCast(sources[0], words);
      Value* second = sources.size() > 1 ? b.CreateBitCast(sources[1], words) : llvm::PoisonValue::get(words);
      result = b.CreateBitCast(b.CreateShuffleVector(first, second, pick), access.type);
    }
    return needsSelect ? b.CreateSelect(access.mask, result, access.otherwise) : result;
  }

  unsigned widthOf(Value* value) const { return bytesOf(value->getType()) / 4; }

  // Nobody sees the window after the block. What lies outside of the kernel's own variables may be a fault, and stays.
  void removeStores() {
    if (readsAnywhere_) return;
    std::map<int64_t, int64_t> read;  // begin -> end, apart from each other
    for (auto [begin, end] : reads_) {
      auto it = read.upper_bound(begin);
      if (it != read.begin() && std::prev(it)->second >= begin) --it, begin = it->first, end = std::max(end, it->second);
      while (it != read.end() && it->first <= end) end = std::max(end, it->second), it = read.erase(it);
      read[begin] = end;
    }
    for (const Store& store : stores_) {
      if (store.begin < 0 || store.end > size_) continue;
      auto it = read.lower_bound(store.end);
      if (it != read.begin() && std::prev(it)->second > store.begin) continue;
      store.instruction->eraseFromParent();
      changed_ = true;
    }
  }

  struct Store {
    Instruction* instruction;
    int64_t begin, end;
  };
  llvm::Function& function_;
  const llvm::DataLayout& layout_;
  Value& window_;
  int64_t size_;
  uint32_t time_ = 0;
  bool changed_ = false, readsAnywhere_ = false;
  std::map<BasicBlock*, Known> atStart_;
  std::vector<Store> stores_;
  std::vector<std::pair<int64_t, int64_t>> reads_;
};

// Which warp runs is told for faults: not where there can be none before the next one runs.
bool removeMarks(llvm::Function& function) {
  bool changed = false;
  for (BasicBlock& block : function) {
    Instruction* last = nullptr;
    for (Instruction& i : llvm::make_early_inc_range(block)) {
      if (i.getMetadata(runningWarpMark)) {
        if (last) last->eraseFromParent(), changed = true;
        last = &i;
      } else if (i.mayReadOrWriteMemory()) {
        last = nullptr;
      }
    }
  }
  return changed;
}

}  // namespace

bool forwardShared(llvm::Function& function) {
  if (function.isDeclaration()) return false;
  llvm::SmallVector<Instruction*, 1> windows;
  for (BasicBlock& block : function)
    for (Instruction& i : block)
      if (llvm::isa<llvm::LoadInst>(i) && i.getMetadata(sharedWindowMark)) windows.push_back(&i);
  if (windows.size() != 1) return false;
  auto* size = llvm::mdconst::extract<llvm::ConstantInt>(windows[0]->getMetadata(sharedWindowMark)->getOperand(0));
  const bool forwarded = Forwarding(function, *windows[0], size->getSExtValue()).run();
  return removeMarks(function) || forwarded;
}

}  // namespace anywarp::jit
