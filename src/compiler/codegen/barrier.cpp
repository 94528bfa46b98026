// Barriers of a block (PTX: bar, barrier). Waiting itself is region.cpp's. SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

// A barrier's number, or a thread count: the same for all lanes that arrive together.
Value* FunctionEmitter::barrierNumber(const Operand& o) {
  bool uniform = shapeOf(o).isUniform();
  Value* v = read(o, Type::U32, !uniform);
  if (!uniform) v = b.CreateExtractElement(v, b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(mask_), b.getTrue()));
  return b.CreateAnd(v, i32(abi::maxBarriers - 1));
}

namespace {

struct Operands {
  const Operand *barrier, *threads = nullptr, *predicate = nullptr;
};

Operands operandsOf(const Inst& inst) {
  bool reduces = ptx::slotRole(inst, 0) == ptx::SlotRole::Dest;
  Operands o{&inst.operands[reduces ? 1 : 0]};
  size_t threads = reduces ? 2 : 1;
  if (inst.operands.size() > threads && !inst.operands[threads].isNone()) o.threads = &inst.operands[threads];
  if (reduces) o.predicate = &inst.operands[3];
  return o;
}

uint32_t reductionOf(const Inst& inst) {
  if (ptx::slotRole(inst, 0) != ptx::SlotRole::Dest) return 0;
  return inst.has(Mod::Popc) ? 1 : inst.has(Mod::And) ? 2 : 3;
}

}  // namespace

// Tells the scheduler what the active lanes wait for.
void FunctionEmitter::describeBarrier(const Inst& inst) {
  Operands o = operandsOf(inst);
  uint32_t reduction = reductionOf(inst);
  Value* id = barrierNumber(*o.barrier);
  Value* threads = i32(0);
  if (o.threads) {
    bool uniform = shapeOf(*o.threads).isUniform();
    threads = read(*o.threads, Type::U32, !uniform);
    if (!uniform) threads = b.CreateExtractElement(threads, b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(mask_), b.getTrue()));
  }
  Value* predicate = i32(0);
  if (o.predicate) predicate = maskBits(logicalAnd(mask_, read(*o.predicate, Type::Pred, true)));
  if (k_.free) {
    auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(),
                                                         b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty()}, false);
    service(offsetof(abi::Services, barrierArrive), type, {ctx_, warp_, maskBits(mask_), id, threads, i32(1), i32(reduction), predicate});
    return;
  }
  bool plain = o.barrier->kind == Operand::Kind::Integer && o.barrier->bits == 0 && !o.threads && !reduction;
  if (plain) return;  // RegionInfo::plainBarrier of the region behind it says it all
  auto store = [&](size_t offset, Value* v) { b.CreateStore(v, b.CreateConstGEP1_64(b.getInt8Ty(), state_, offset)); };
  store(offsetof(abi::WarpState, suspend), i32(uint32_t(abi::Suspend::Barrier)));
  store(offsetof(abi::WarpState, barrier), id);
  store(offsetof(abi::WarpState, barrierThreads), threads);
  store(offsetof(abi::WarpState, reduction), i32(reduction));
  store(offsetof(abi::WarpState, predicate), predicate);
}

// bar.arrive: does not wait.
void FunctionEmitter::emitBarrierArrive(const Inst& inst) {
  if (inst.form != Form::BarArrive && inst.form != Form::BarrierArrive)
    return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " is not supported here");
  Value* id = barrierNumber(inst.operands[0]);
  bool uniform = shapeOf(inst.operands[1]).isUniform();
  Value* threads = read(inst.operands[1], Type::U32, !uniform);
  if (!uniform) threads = b.CreateExtractElement(threads, b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(mask_), b.getTrue()));
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(),
                                                       b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty()}, false);
  service(offsetof(abi::Services, barrierArrive), type, {ctx_, warp_, maskBits(mask_), id, threads, i32(0), i32(0), i32(0)});
}

}  // namespace anywarp::codegen
