// Barriers that are objects in shared memory (PTX: mbarrier). One host thread runs a block, so plain reads and writes are atomic;
// waiting is a loop of the program's around test_wait or try_wait, which suspensions.cpp sees. SPDX-License-Identifier: Apache-2.0
#include "abi/mbarrier.h"
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

namespace {

constexpr uint64_t countMask = abi::mbarrierCountMask, transactionMask = abi::mbarrierTransactionMask, mark = abi::mbarrierMark, phase = abi::mbarrierPhase;
constexpr unsigned expectedShift = abi::mbarrierExpectedShift, transactionShift = abi::mbarrierTransactionShift,
                   transactionBits = abi::mbarrierTransactionBits, phaseShift = abi::mbarrierPhaseShift;

unsigned addressSlot(const Inst& inst) { return ptx::slotRole(inst, 0) == ptx::SlotRole::Address ? 0 : 1; }

}  // namespace

void FunctionEmitter::emitMbarrier(const Inst& inst) {
  if (inst.form == Form::MbarrierPendingCount) {
    bool vector = !shapeOf(inst.operands[1]).isUniform();
    Value* state = read(inst.operands[1], Type::B64, vector);
    Value* count = b.CreateAnd(state, llvm::ConstantInt::get(state->getType(), countMask));
    return write(inst.operands[0], Type::U32, b.CreateTrunc(count, vector ? vectorOf(b.getInt32Ty()) : b.getInt32Ty()));
  }
  Address a = address(inst, inst.operands[addressSlot(inst)], inst.space());
  checkAlignment(inst, a, 8);
  compilerFence();
  switch (inst.form) {
    case Form::MbarrierInit: emitMbarrierInit(inst, a); break;
    case Form::MbarrierInval: storeMbarrier(inst, a, i64(0)); break;
    case Form::MbarrierTestWait: case Form::MbarrierTestWaitParity: case Form::MbarrierTryWait: case Form::MbarrierTryWaitParity:
      emitMbarrierTest(inst, a);
      break;
    case Form::CpAsyncMbarrierArrive:
      // The copies before it are done already. Without .noinc one more arrival was expected for it: nothing changes.
      if (inst.has(Mod::Noinc)) emitMbarrierUpdate(inst, a);
      break;
    default: emitMbarrierUpdate(inst, a); break;
  }
  compilerFence();
}

void FunctionEmitter::storeMbarrier(const Inst& inst, const Address& a, Value* word) {
  if (a.kind == Address::Kind::Uniform && !word->getType()->isVectorTy()) {
    ofProgram(b.CreateAlignedStore(word, pointer(a), llvm::Align(8)));
    return;
  }
  storeLanes(inst, a, b.getInt64Ty(), {lanesOf(word)});
}

void FunctionEmitter::emitMbarrierInit(const Inst& inst, const Address& a) {
  bool vector = !shapeOf(inst.operands[1]).isUniform();
  Value* count = read(inst.operands[1], Type::U32, vector);
  Value* wrong = b.CreateICmpUGE(b.CreateSub(count, llvm::ConstantInt::get(count->getType(), 1)), llvm::ConstantInt::get(count->getType(), countMask));
  Value* bad = vector ? anyLane(logicalAnd(mask_, wrong)) : wrong;
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(bad); !known || !known->isZero()) trapIf(bad, mask_, abi::TrapKind::InvalidUse, inst.loc);
  Value* wide = b.CreateZExt(count, vector ? vectorOf(b.getInt64Ty()) : b.getInt64Ty());
  Value* twice = b.CreateOr(wide, b.CreateShl(wide, llvm::ConstantInt::get(wide->getType(), expectedShift)));
  storeMbarrier(inst, a, b.CreateOr(twice, llvm::ConstantInt::get(wide->getType(), mark)));
}

// Has the phase that a state or a parity names come to its end?
void FunctionEmitter::emitMbarrierTest(const Inst& inst, const Address& a) {
  bool uniform = a.kind == Address::Kind::Uniform && shapeOf(inst.operands[2]).isUniform();
  bool parity = inst.form == Form::MbarrierTestWaitParity || inst.form == Form::MbarrierTryWaitParity;
  Value* word = a.kind == Address::Kind::Uniform ? (Value*)ofProgram(b.CreateAlignedLoad(b.getInt64Ty(), pointer(a), llvm::Align(8)))
                                                 : gather(a, b.getInt64Ty());
  auto like = [&](Value* v, uint64_t bits) { return llvm::ConstantInt::get(v->getType(), bits); };
  Value* unmarked = b.CreateICmpEQ(b.CreateAnd(word, like(word, mark)), like(word, 0));
  trapIf(word->getType()->isVectorTy() ? anyLane(logicalAnd(mask_, unmarked)) : unmarked, mask_, abi::TrapKind::InvalidUse, inst.loc);
  Value* named = read(inst.operands[2], parity ? Type::U32 : Type::B64, !uniform);
  if (!uniform) word = lanesOf(word);
  if (parity) named = b.CreateShl(b.CreateZExt(named, word->getType()), like(word, phaseShift));
  write(inst.operands[0], Type::Pred, b.CreateICmpSLT(b.CreateXor(word, named), like(word, 0)));
}

// Arrivals and transactions, lane by lane: each may complete the phase.
void FunctionEmitter::emitMbarrierUpdate(const Inst& inst, const Address& a) {
  const bool copied = inst.form == Form::CpAsyncBulkLoad;  // the bytes of a copy have arrived
  unsigned slot = copied ? 2 : addressSlot(inst) + 1;
  bool arrives = inst.form == Form::MbarrierArrive || inst.form == Form::MbarrierArriveDrop || inst.form == Form::CpAsyncMbarrierArrive;
  bool drops = inst.form == Form::MbarrierArriveDrop;
  bool expects = inst.has(Mod::ExpectTx);
  bool transacts = expects || copied || inst.form == Form::MbarrierCompleteTx;
  Value* amount = splat(i64(1));
  if (inst.operands.size() > slot && !inst.operands[slot].isNone())
    amount = b.CreateZExt(read(inst.operands[slot], Type::U32, true), vectorOf(b.getInt64Ty()));
  const Operand* to = slot == 2 && !copied ? &inst.operands[0] : nullptr;
  bool wanted = to && to->isReg();
  Value* states = perLane(mask_, {pointers(a), amount}, wanted ? b.getInt64Ty() : nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
    Value* p = b.CreateIntToPtr(lane[0], b.getPtrTy());
    Value* old = ofProgram(b.CreateAlignedLoad(b.getInt64Ty(), p, llvm::Align(8)));
    Value* bad = b.CreateICmpEQ(b.CreateAnd(old, i64(mark)), i64(0));
    Value* word = old;
    if (transacts) {
      Value* before = b.CreateAShr(b.CreateShl(word, i64(64 - transactionShift - transactionBits)), i64(64 - transactionBits));
      Value* after = expects ? b.CreateAdd(before, lane[1]) : b.CreateSub(before, lane[1]);
      word = b.CreateOr(b.CreateAnd(word, i64(~transactionMask)), b.CreateAnd(b.CreateShl(after, i64(transactionShift)), i64(transactionMask)));
    }
    if (arrives) {
      Value* count = expects ? (Value*)i64(1) : lane[1];
      bad = b.CreateOr(bad, b.CreateICmpUGT(count, b.CreateAnd(word, i64(countMask))));
      word = b.CreateSub(word, count);
      if (drops) word = b.CreateSub(word, b.CreateShl(count, i64(expectedShift)));
    }
    trapIf(bad, mask_, abi::TrapKind::InvalidUse, inst.loc);
    Value* complete = b.CreateICmpEQ(b.CreateAnd(word, i64(countMask | transactionMask)), i64(0));
    Value* next = b.CreateOr(b.CreateXor(word, i64(phase)), b.CreateAnd(b.CreateLShr(word, i64(expectedShift)), i64(countMask)));
    ofProgram(b.CreateAlignedStore(b.CreateSelect(complete, next, word), p, llvm::Align(8)));
    return wanted ? old : nullptr;
  });
  if (wanted) write(*to, Type::B64, states);
}

}  // namespace anywarp::codegen
