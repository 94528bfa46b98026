// Asynchronous copies between global and shared memory, done at once (PTX: cp.async, cp.async.bulk). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

constexpr unsigned bulkUnit = 16;

}  // namespace

void FunctionEmitter::emitAsync(const Inst& inst) {
  switch (inst.form) {
    case Form::CpAsync: return emitAsyncCopy(inst);
    case Form::CpAsyncBulkLoad: case Form::CpAsyncBulkStore: return emitBulkCopy(inst);
    case Form::CpAsyncBulkPrefetch: return;
    case Form::CpAsyncCommitGroup: case Form::CpAsyncWaitGroup: case Form::CpAsyncWaitAll:
    case Form::CpAsyncBulkCommitGroup: case Form::CpAsyncBulkWaitGroup: return compilerFence();
    case Form::MbarrierInit: case Form::MbarrierInval: case Form::MbarrierExpectTx: case Form::MbarrierCompleteTx: case Form::MbarrierArrive:
    case Form::MbarrierArriveDrop: case Form::MbarrierTestWait: case Form::MbarrierTestWaitParity: case Form::MbarrierTryWait:
    case Form::MbarrierTryWaitParity: case Form::MbarrierPendingCount: case Form::CpAsyncMbarrierArrive:
      return emitMbarrier(inst);
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name + ") is not supported yet");
  }
}

// Any number of 16 bytes, for which one thread asks as a rule. Who waits for the mbarrier of a load finds them arrived.
void FunctionEmitter::emitBulkCopy(const Inst& inst) {
  const bool load = inst.form == Form::CpAsyncBulkLoad;
  for (Mod mod : {Mod::MulticastCluster, Mod::IgnoreOob, Mod::CpMask})
    if (inst.has(mod)) return unsupported(inst, "cp.async.bulk to several blocks, or of some bytes only, is not supported yet");
  Address to = address(inst, inst.operands[0], load ? Space::Shared : Space::Global);
  Address from = address(inst, inst.operands[1], load && inst.has(Mod::Global) ? Space::Global : Space::Shared);
  checkAlignment(inst, to, bulkUnit);
  checkAlignment(inst, from, bulkUnit);
  Value* bytes = b.CreateZExt(read(inst.operands[2], Type::U32, true), vectorOf(b.getInt64Ty()));
  compilerFence();
  perLane(mask_, {pointers(to), pointers(from), bytes}, nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
    trapIf(b.CreateICmpNE(b.CreateAnd(lane[2], i64(bulkUnit - 1)), i64(0)), mask_, abi::TrapKind::InvalidUse, inst.loc);
    llvm::BasicBlock* before = b.GetInsertBlock();
    llvm::BasicBlock* loop = llvm::BasicBlock::Create(k_.context(), "bulk.loop", &function_);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "bulk.done", &function_);
    b.CreateCondBr(b.CreateICmpEQ(lane[2], i64(0)), done, loop);
    b.SetInsertPoint(loop);
    llvm::PHINode* at = b.CreatePHI(b.getInt64Ty(), 2);
    auto place = [&](Value* base) { return b.CreateIntToPtr(b.CreateAdd(base, at), b.getPtrTy()); };
    Value* unit = ofProgram(b.CreateAlignedLoad(llvm::FixedVectorType::get(b.getInt32Ty(), bulkUnit / 4), place(lane[1]), llvm::Align(bulkUnit)));
    ofProgram(b.CreateAlignedStore(unit, place(lane[0]), llvm::Align(bulkUnit)));
    Value* next = b.CreateAdd(at, i64(bulkUnit));
    at->addIncoming(i64(0), before);
    at->addIncoming(next, loop);
    b.CreateCondBr(b.CreateICmpULT(next, lane[2]), loop, done);
    b.SetInsertPoint(done);
    return nullptr;
  });
  if (load) {
    Address barrier = address(inst, inst.operands[3], Space::Shared);
    checkAlignment(inst, barrier, 8);
    emitMbarrierUpdate(inst, barrier);
  }
  compilerFence();
}

void FunctionEmitter::emitAsyncCopy(const Inst& inst) {
  const Operand& size = inst.operands[2];
  if (!size.isImmediate() || (size.bits != 4 && size.bits != 8 && size.bits != 16))
    return unsupported(inst, "cp.async copies 4, 8 or 16 bytes");
  unsigned words = unsigned(size.bits / 4);
  Address to = address(inst, inst.operands[0], Space::Shared);
  Address from = address(inst, inst.operands[1], Space::Global);
  checkAlignment(inst, to, unsigned(size.bits));
  checkAlignment(inst, from, unsigned(size.bits));
  const Operand& limit = inst.operands[3];
  llvm::SmallVector<Value*, 8> values;
  if (limit.isNone()) {
    values = loadLanes(inst, from, b.getInt32Ty(), words);
  } else {
    // Bytes past the given size, or all of them where the predicate says so, are zero and not read.
    bool predicate = limit.isReg() && flat_.registers[limit.reg].type == Type::Pred;
    Value* bytes = predicate ? b.CreateSelect(read(limit, Type::Pred, true), splat(i32(0)), splat(i32(uint32_t(size.bits))))
                             : read(limit, Type::U32, true);
    for (unsigned i = 0; i < words; ++i) {
      Value* wanted = b.CreateICmpUGT(bytes, splat(i32(4 * i)));
      Value* before = mask_;
      mask_ = logicalAnd(before, wanted);
      Value* word = gather(shifted(from, 4 * i), b.getInt32Ty());
      mask_ = before;
      Value* left = b.CreateSub(bytes, splat(i32(4 * i)));
      Value* some = b.CreateSub(b.CreateShl(splat(i32(1)), b.CreateAnd(b.CreateMul(left, splat(i32(8))), splat(i32(31)))), splat(i32(1)));
      Value* keep = b.CreateSelect(b.CreateICmpUGE(left, splat(i32(4))), splat(i32(~0u)), some);
      values.push_back(b.CreateSelect(wanted, b.CreateAnd(word, keep), splat(i32(0))));
    }
  }
  storeLanes(inst, to, b.getInt32Ty(), values);
}

}  // namespace anywarp::codegen
