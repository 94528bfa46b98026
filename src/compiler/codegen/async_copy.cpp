// Asynchronous copies from global to shared memory, done at once (PTX: cp.async). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

void FunctionEmitter::emitAsync(const Inst& inst) {
  switch (inst.form) {
    case Form::CpAsync: return emitAsyncCopy(inst);
    case Form::CpAsyncCommitGroup: case Form::CpAsyncWaitGroup: case Form::CpAsyncWaitAll: return compilerFence();
    case Form::MbarrierInit: case Form::MbarrierInval: case Form::MbarrierExpectTx: case Form::MbarrierCompleteTx: case Form::MbarrierArrive:
    case Form::MbarrierArriveDrop: case Form::MbarrierTestWait: case Form::MbarrierTestWaitParity: case Form::MbarrierTryWait:
    case Form::MbarrierTryWaitParity: case Form::MbarrierPendingCount: case Form::CpAsyncMbarrierArrive:
      return emitMbarrier(inst);
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name + ") is not supported yet");
  }
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
