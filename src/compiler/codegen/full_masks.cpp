// Code for all lanes beside code for some: hosts whose memory accesses take no masks. SPDX-License-Identifier: Apache-2.0
//
// Where the host has no AVX-512, a masked access costs a vector of wide integers for its mask, or a branch for each lane. Lanes that
// access every second to fourth element need no gather where all are there. Most masks are full. So what accesses memory is generated
// twice, and one test of the mask chooses.
#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"
#include "compiler/ir_marks.h"
#include "support/options.h"

namespace anywarp::codegen {
namespace {

// Doubling a block of thousands of instructions would cost more time in the compiler than it saves elsewhere.
constexpr uint32_t longestCopy = 400;

// Rows of lanes on lines: where all lanes are there, each begins with a lane that is known.
bool isInRows(const Inst& inst, const analysis::Shapes& shapes) {
  const bool load = inst.form == ptx::Form::Ld || inst.form == ptx::Form::Ldu;
  if ((!load && inst.form != ptx::Form::St) || inst.space() == ptx::Space::Local || options::isPassOff("full-rows")) return false;
  return shapes.registers[inst.operands[load ? 1 : 0].reg].run != 0;
}

}  // namespace

void branchToFastWay(llvm::IRBuilder<>& b, Value* condition, llvm::BasicBlock* fast, llvm::BasicBlock* always, Holds holds) {
  llvm::BranchInst* branch = b.CreateCondBr(condition, fast, always, llvm::MDBuilder(b.getContext()).createLikelyBranchWeights());
  branch->setMetadata(holds == Holds::Mostly ? mostlyMark : holds == Holds::NearlyAlways ? nearlyAlwaysMark : alwaysMark, llvm::MDNode::get(b.getContext(), {}));
}

bool FunctionEmitter::masksCost() const { return !k_.host.avx512f && !k_.options.debugInfo && !options::isPassOff("full-masks"); }

// Whether its lanes access different places.
bool FunctionEmitter::isMaskedAccess(const Inst& inst) const {
  if (inst.pseudo != analysis::Pseudo::None || inst.form == ptx::Form::Unknown) return false;
  ptx::Need needs = ptx::formInfo(inst.form).needs;
  if (needs == ptx::Need::Async) return true;
  bool load = inst.form == ptx::Form::Ld || inst.form == ptx::Form::Ldu;
  if (!load && inst.form != ptx::Form::St) return false;
  const ptx::Operand& at = inst.operands[load ? 1 : 0];
  if (inst.space() == ptx::Space::Local) return true;
  return at.reg != ptx::noReg && !a_.shapes.registers[at.reg].isUniform();
}

bool FunctionEmitter::wantsFullCopy(const analysis::Block& block) {
  if (llvm::isa<llvm::Constant>(mask_) || mayBeEmpty_ || isOneLane(current_) || block.last - block.first > longestCopy) return false;
  for (uint32_t i = block.first; i < block.last; ++i) {
    const Inst& inst = flat_.instructions[i];
    if (inst.guard == ptx::noReg && (masksCost() ? isMaskedAccess(inst) : isSpacedAccess(inst) || (isMaskedAccess(inst) && (isInRows(inst, a_.shapes) || isRowAccess(inst, block))))) return true;
  }
  return false;
}

// Whether it has several accesses that lie on lines unless a sum of 32 bits wraps: one test for all of them, with gathers beside.
bool FunctionEmitter::wantsLineCopy(const analysis::Block& block) const {
  if (!masksCost() || mayBeEmpty_ || isOneLane(current_) || atOnce() || block.last - block.first > longestCopy || options::isPassOff("fast-ways")) return false;
  unsigned accesses = 0;
  for (uint32_t i = block.first; i < block.last; ++i) {
    const Inst& inst = flat_.instructions[i];
    if (inst.guard != ptx::noReg || !isMaskedAccess(inst) || ptx::formInfo(inst.form).needs == ptx::Need::Async) continue;
    const ptx::Operand& at = inst.operands[inst.form == ptx::Form::St ? 0 : 1];
    if (at.reg != ptx::noReg && a_.shapes.registers[at.reg].kind == Shape::Kind::Extended) ++accesses;
  }
  return accesses > 1;
}

void FunctionEmitter::emitBody(const analysis::Block& block) {
  uint32_t last = block.last;
  if (block.terminator == analysis::Terminator::Suspend) --last;  // the barrier itself: at the end
  rowParts_.clear();
  findStoreRows(block);
  for (uint32_t i = block.first; i < last && !k_.failed; ++i) emitInstruction(flat_.instructions[i]);
  flushMisaligned();
}

// The instructions of a block; what its terminator reads is joined behind them.
void FunctionEmitter::emitBodies(BlockId x) {
  const analysis::Block& block = flat_.blocks[x];
  auto body = [&] {
    enter(x);
    emitBody(block);
  };
  const bool full = wantsFullCopy(block), lines = wantsLineCopy(block);
  if (!full && !lines) return emitBody(block);
  std::vector<ptx::RegId> joined;
  if (block.condition != ptx::noReg) joined.push_back(block.condition);
  if (block.terminator == analysis::Terminator::Suspend)
    analysis::forEachUse(flat_.instructions[block.last - 1], flat_.registers, [&](ptx::RegId& r) { joined.push_back(r); });
  std::erase_if(joined, [&](ptx::RegId r) { return !slot(r).direct; });
  auto onLines = [&] {
    if (!lines) return body();
    // A constant would be gone before tests can join it.
    emitTwoWays(b.CreateIsNotNull(ctx_), Holds::Always, body, [&] {
      offLines_ = true;
      body();
      offLines_ = false;
    }, joined);
  };
  if (!full) return onLines();
  Value* mask = mask_;
  emitTwoWays(allLanesAreThere(), Holds::Mostly, [&] {
    mask_ = allLanes();
    body();
    mask_ = mask;
  }, onLines, joined);
}

Value* FunctionEmitter::allLanesAreThere() {
  return b.CreateICmpEQ(b.CreateBitCast(mask_, b.getIntNTy(width_)), llvm::Constant::getAllOnesValue(b.getIntNTy(width_)));
}

// `fast` where `condition` holds, `always` elsewhere; what they leave in `joined` is joined behind them.
void FunctionEmitter::emitTwoWays(Value* condition, Holds holds, llvm::function_ref<void()> fast, llvm::function_ref<void()> always,
                                  llvm::ArrayRef<ptx::RegId> joined) {
  auto block = [&](const char* name) { return llvm::BasicBlock::Create(k_.context(), name, &function_); };
  llvm::BasicBlock *all = block("full"), *some = block("some"), *done = block("both");
  branchToFastWay(b, condition, all, some, holds);
  struct Values {
    Value *value, *low;
  };
  llvm::SmallVector<Values, 4> left;
  b.SetInsertPoint(all);
  fast();
  all = b.GetInsertBlock();
  for (ptx::RegId r : joined) left.push_back({slot(r).value, slot(r).low});
  b.CreateBr(done);
  b.SetInsertPoint(some);
  always();
  some = b.GetInsertBlock();
  b.CreateBr(done);
  b.SetInsertPoint(done);
  auto join = [&](Value* x, Value* y) -> Value* {
    if (x == y) return x;
    llvm::PHINode* phi = b.CreatePHI(x->getType(), 2);
    phi->addIncoming(x, all);
    phi->addIncoming(y, some);
    return phi;
  };
  for (size_t i = 0; i < joined.size(); ++i) {
    Slot& s = slot(joined[i]);
    s.value = join(left[i].value, s.value);
    if (s.low) s.low = join(left[i].low, s.low);
  }
}

// Runs `body` twice, for all lanes and for those of the mask.
void FunctionEmitter::emitForBothMasks(llvm::function_ref<void(bool full)> body) {
  if (llvm::isa<llvm::Constant>(mask_)) return body(false);
  Value* mask = mask_;
  emitTwoWays(allLanesAreThere(), Holds::Mostly, [&] {
    mask_ = allLanes();
    body(true);
    mask_ = mask;
  }, [&] { body(false); }, {});
}

// Neighbouring lanes, where the host has no masks for them or a vector of wide integers is to be made for one.
Value* FunctionEmitter::loadSome(llvm::Type* vector, Value* p, Value* mask) {
  llvm::Type* element = vector->getScalarType();
  unsigned size = element->getIntegerBitWidth() / 8;
  unsigned lanes = llvm::cast<llvm::FixedVectorType>(vector)->getNumElements();
  auto loadMasked = [&] { return ofProgram(b.CreateMaskedLoad(vector, p, llvm::Align(size), mask, llvm::PoisonValue::get(vector))); };
  constexpr uint64_t page = 4096;
  if (size >= 4 && (mayBeEmpty_ || options::isPassOff("some-lanes") || uint64_t(lanes) * size > page / 4)) return loadMasked();
  auto* bitsType = b.getIntNTy(lanes);
  llvm::BasicBlock* whole = llvm::BasicBlock::Create(k_.context(), "page", &function_);
  llvm::BasicBlock* apart = llvm::BasicBlock::Create(k_.context(), "pages", &function_);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "loaded", &function_);
  // What lies on the page of an active lane can be read.
  p = readable(p);
  Value* at = b.CreateAnd(b.CreatePtrToInt(p, b.getInt64Ty()), i64(page - 1));
  Value* within = b.CreateICmpULE(at, i64(page - uint64_t(lanes) * size));
  Value* any = lanes % width_ == 0 ? anyLane(mask_) : b.CreateICmpNE(b.CreateBitCast(mask, bitsType), llvm::Constant::getNullValue(bitsType));
  branchToFastWay(b, mayBeEmpty_ ? within : b.CreateAnd(within, any), whole, apart, Holds::Mostly);
  b.SetInsertPoint(whole);
  Value* fast = ofProgram(b.CreateAlignedLoad(vector, p, llvm::Align(size)));
  b.CreateBr(done);
  llvm::BasicBlock* fastEnd = b.GetInsertBlock();
  b.SetInsertPoint(apart);
  Value* slow;
  if (lanes != width_ || size >= 4) {
    slow = loadMasked();
  } else {
    slow = perLane(mask, {iota(32)}, element, [&](llvm::ArrayRef<Value*> lane) -> Value* {
      return ofProgram(b.CreateAlignedLoad(element, b.CreateGEP(element, p, lane[0]), llvm::Align(size)));
    });
  }
  apart = b.GetInsertBlock();
  b.CreateBr(done);
  b.SetInsertPoint(done);
  llvm::PHINode* phi = b.CreatePHI(vector, 2);
  phi->addIncoming(fast, fastEnd);
  phi->addIncoming(slow, apart);
  return phi;
}

// Words of neighbouring lanes, `count` of each. A masked store of a vector takes a dozen cycles on some hosts without AVX-512 (a quarter of
// that where it is of 128 bits), and each lane is a branch where there is none at all: only what has some of its lanes is stored so.
void FunctionEmitter::storeSome(Value* value, Value* p, unsigned count) {
  auto* type = llvm::cast<llvm::FixedVectorType>(value->getType());
  llvm::Type* element = type->getElementType();
  const unsigned size = element->getIntegerBitWidth() / 8, total = type->getNumElements();
  constexpr unsigned mostPieces = 8;
  const unsigned elements = std::max({k_.host.vectorBits / 8 / size, total / mostPieces, count});
  auto storeMasked = [&](unsigned first, unsigned lanes) {
    Value* mask = maskOfElements(piece(mask_, first, lanes), count);
    ofProgram(b.CreateMaskedStore(piece(value, first * count, lanes * count), b.CreateConstGEP1_64(element, p, first * count), llvm::Align(size), mask));
  };
  if (elements % count || elements > total || options::isPassOff("some-lanes")) return storeMasked(0, width_);
  Value* bits = b.CreateBitCast(mask_, b.getIntNTy(width_));
  auto store = [&](auto& self, unsigned first, unsigned lanes, bool halves) -> void {
    auto block = [&](const char* name) { return llvm::BasicBlock::Create(k_.context(), name, &function_); };
    llvm::BasicBlock *all = block("piece"), *notAll = block("lanes"), *some = block("some.lanes"), *done = block("piece.done");
    Value* here = b.CreateTrunc(b.CreateLShr(bits, first), b.getIntNTy(lanes));
    b.CreateCondBr(b.CreateICmpEQ(here, llvm::Constant::getAllOnesValue(here->getType())), all, notAll);
    b.SetInsertPoint(all);
    ofProgram(b.CreateAlignedStore(piece(value, first * count, lanes * count), b.CreateConstGEP1_64(element, p, first * count), llvm::Align(size)));
    b.CreateBr(done);
    b.SetInsertPoint(notAll);
    b.CreateCondBr(b.CreateIsNotNull(here), some, done);
    b.SetInsertPoint(some);
    if (halves && lanes > 1) {
      for (unsigned half : {0u, lanes / 2}) self(self, first + half, lanes / 2, false);
    } else {
      storeMasked(first, lanes);
    }
    b.CreateBr(done);
    b.SetInsertPoint(done);
  };
  const bool halves = k_.host.vectorBits > 128;
  for (unsigned first = 0; first < width_; first += elements / count) store(store, first, elements / count, halves);
}

void FunctionEmitter::storeNarrow(Value* value, Value* p, Value* mask) {
  llvm::Type* element = value->getType()->getScalarType();
  const llvm::Align align(element->getIntegerBitWidth() / 8);
  constexpr unsigned lanes = 8;
  if (width_ > lanes && !options::isPassOff("some-lanes")) {
    Value* bits = b.CreateBitCast(mask, b.getIntNTy(width_));
    Value* rest = bits;
    for (unsigned first = 0; first < width_; first += lanes) {
      llvm::BasicBlock* from = b.GetInsertBlock();
      llvm::BasicBlock* all = llvm::BasicBlock::Create(k_.context(), "piece", &function_);
      llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "piece.done", &function_);
      const llvm::APInt here = llvm::APInt::getBitsSet(width_, first, first + lanes);
      b.CreateCondBr(b.CreateICmpEQ(b.CreateAnd(bits, b.getInt(here)), b.getInt(here)), all, done);
      b.SetInsertPoint(all);
      ofProgram(b.CreateAlignedStore(piece(value, first, lanes), b.CreateConstGEP1_64(element, p, first), align));
      Value* without = b.CreateAnd(rest, b.getInt(~here));
      b.CreateBr(done);
      b.SetInsertPoint(done);
      llvm::PHINode* left = b.CreatePHI(rest->getType(), 2);
      left->addIncoming(rest, from);
      left->addIncoming(without, all);
      rest = left;
    }
    mask = b.CreateBitCast(rest, mask->getType());
  }
  perLane(mask, {value, iota(32)}, nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
    ofProgram(b.CreateAlignedStore(lane[0], b.CreateGEP(element, p, lane[1]), align));
    return nullptr;
  });
}

}  // namespace anywarp::codegen
