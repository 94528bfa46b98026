// Special registers, clocks, sleep and traps (PTX: Special Registers, Miscellaneous Instructions). SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using R = ptx::SpecialReg;

// Linear index in the block of the warp's first thread.
Value* FunctionEmitter::threadIndex() { return b.CreateMul(warp_, i32(width_)); }

// Where the system's own shared memory begins: behind the kernel's (abi::reservedSharedOffset).
Value* FunctionEmitter::reservedShared() {
  Value* total = field(launch_, offsetof(abi::LaunchInfo, totalSharedBytes), b.getInt32Ty(), "shared.size");
  return b.CreateAnd(b.CreateAdd(total, i32(127)), i32(~127u));
}

Value* FunctionEmitter::special(R reg, bool vector) {
  uint32_t bx = k_.launch.block.x, by = k_.launch.block.y, bz = k_.launch.block.z;
  Shape shape = analysis::specialShape(reg, k_.launch);
  auto launchField = [&](size_t offset) { return field(launch_, offset, b.getInt32Ty(), "launch"); };
  auto blockField = [&](size_t offset) { return field(ctx_, offset, b.getInt32Ty(), "block"); };
  // Lane 0's value of a scalar-based index, all lanes' of a varying one.
  auto index = [&](auto&& of) -> Value* {
    if (shape.isScalarBased()) {
      Value* v = of(threadIndex());
      if (!vector) return v;
      return shape.kind == Shape::Kind::Affine ? affineLanes(v, shape.stride) : splat(v);
    }
    Value* v = of(affineLanes(threadIndex(), 1));
    return vector ? v : b.CreateExtractElement(v, uint64_t(0));
  };
  auto constant = [&](Value* like, uint64_t v) { return llvm::ConstantInt::get(like->getType(), v); };
  Value* v = nullptr;
  switch (reg) {
    case R::TidX: return index([&](Value* t) { return by == 1 && bz == 1 ? t : b.CreateURem(t, constant(t, bx)); });
    case R::TidY: return index([&](Value* t) {
      Value* q = b.CreateUDiv(t, constant(t, bx));
      return bz == 1 ? q : b.CreateURem(q, constant(t, by));
    });
    case R::TidZ: return index([&](Value* t) { return b.CreateUDiv(t, constant(t, uint64_t(bx) * by)); });
    case R::NtidX: v = i32(bx); break;
    case R::NtidY: v = i32(by); break;
    case R::NtidZ: v = i32(bz); break;
    case R::Laneid: return index([&](Value* t) { return b.CreateAnd(t, constant(t, 31)); });
    case R::Warpid: v = b.CreateLShr(threadIndex(), i32(5)); break;
    case R::Nwarpid: v = i32((bx * by * bz + 31) / 32); break;
    case R::CtaidX: v = blockField(offsetof(abi::BlockContext, ctaid)); break;
    case R::CtaidY: v = blockField(offsetof(abi::BlockContext, ctaid) + 4); break;
    case R::CtaidZ: v = blockField(offsetof(abi::BlockContext, ctaid) + 8); break;
    case R::NctaidX: v = launchField(offsetof(abi::LaunchInfo, grid)); break;
    case R::NctaidY: v = launchField(offsetof(abi::LaunchInfo, grid) + 4); break;
    case R::NctaidZ: v = launchField(offsetof(abi::LaunchInfo, grid) + 8); break;
    case R::Smid: v = blockField(offsetof(abi::BlockContext, smid)); break;
    case R::Nsmid: v = launchField(offsetof(abi::LaunchInfo, smCount)); break;
    case R::Gridid: v = field(launch_, offsetof(abi::LaunchInfo, gridId), b.getInt64Ty(), "grid.id"); break;
    case R::DynamicSmemSize: v = launchField(offsetof(abi::LaunchInfo, dynamicSharedBytes)); break;
    case R::ReservedSmemOffsetBegin: case R::ReservedSmemOffset0: case R::ReservedSmemOffset1: v = reservedShared(); break;
    case R::ReservedSmemOffsetEnd: v = b.CreateAdd(reservedShared(), i32(abi::reservedSharedBytes)); break;
    case R::ReservedSmemOffsetCap: v = i32(abi::reservedSharedBytes); break;
    case R::TotalSmemSize: case R::AggrSmemSize: v = launchField(offsetof(abi::LaunchInfo, totalSharedBytes)); break;
    case R::Envreg0: case R::Envreg1: case R::Envreg2: case R::Envreg3:
      v = launchField(offsetof(abi::LaunchInfo, envreg) + 4 * (size_t(reg) - size_t(R::Envreg0)));
      break;
    case R::LanemaskEq: case R::LanemaskLe: case R::LanemaskLt: case R::LanemaskGe: case R::LanemaskGt: {
      Value* lane = b.CreateAnd(affineLanes(threadIndex(), 1), splat(i32(31)));
      Value* bit = b.CreateShl(splat(i32(1)), lane);
      Value* below = b.CreateSub(bit, splat(i32(1)));
      switch (reg) {
        case R::LanemaskEq: v = bit; break;
        case R::LanemaskLt: v = below; break;
        case R::LanemaskLe: v = b.CreateOr(below, bit); break;
        case R::LanemaskGe: v = b.CreateNot(below); break;
        default: v = b.CreateNot(b.CreateOr(below, bit)); break;
      }
      return vector ? v : b.CreateExtractElement(v, uint64_t(0));
    }
    case R::Clock: case R::Clock64: case R::ClockHi: {
      auto* type = llvm::FunctionType::get(b.getInt64Ty(), {b.getPtrTy()}, false);
      Value* t = service(offsetof(abi::Services, clock64), type, {ctx_});
      v = reg == R::Clock64 ? t : b.CreateTrunc(reg == R::ClockHi ? b.CreateLShr(t, i64(32)) : t, b.getInt32Ty());
      break;
    }
    case R::Globaltimer: case R::GlobaltimerLo: case R::GlobaltimerHi: {
      auto* type = llvm::FunctionType::get(b.getInt64Ty(), {b.getPtrTy()}, false);
      Value* t = service(offsetof(abi::Services, globaltimer), type, {ctx_});
      v = reg == R::Globaltimer ? t : b.CreateTrunc(reg == R::GlobaltimerHi ? b.CreateLShr(t, i64(32)) : t, b.getInt32Ty());
      break;
    }
    case R::IsExplicitCluster: v = b.getFalse(); break;
    case R::ClusterCtaidX: v = blockField(offsetof(abi::BlockContext, clusterCtaid)); break;
    case R::ClusterCtaidY: v = blockField(offsetof(abi::BlockContext, clusterCtaid) + 4); break;
    case R::ClusterCtaidZ: v = blockField(offsetof(abi::BlockContext, clusterCtaid) + 8); break;
    case R::ClusterCtarank: v = blockField(offsetof(abi::BlockContext, clusterRank)); break;
    case R::ClusterNctaidX: v = launchField(offsetof(abi::LaunchInfo, cluster)); break;
    case R::ClusterNctaidY: v = launchField(offsetof(abi::LaunchInfo, cluster) + 4); break;
    case R::ClusterNctaidZ: v = launchField(offsetof(abi::LaunchInfo, cluster) + 8); break;
    case R::ClusterNctarank: {
      Value* xy = b.CreateMul(launchField(offsetof(abi::LaunchInfo, cluster)), launchField(offsetof(abi::LaunchInfo, cluster) + 4));
      v = b.CreateMul(xy, launchField(offsetof(abi::LaunchInfo, cluster) + 8));
      break;
    }
    case R::ClusteridX: case R::ClusteridY: case R::ClusteridZ: {
      size_t d = 4 * (size_t(reg) - size_t(R::ClusteridX));
      v = b.CreateUDiv(blockField(offsetof(abi::BlockContext, ctaid) + d), launchField(offsetof(abi::LaunchInfo, cluster) + d));
      break;
    }
    case R::NclusteridX: case R::NclusteridY: case R::NclusteridZ: {
      size_t d = 4 * (size_t(reg) - size_t(R::NclusteridX));
      v = b.CreateUDiv(launchField(offsetof(abi::LaunchInfo, grid) + d), launchField(offsetof(abi::LaunchInfo, cluster) + d));
      break;
    }
    default: v = i32(0); break;  // performance counters, driver-defined registers: unspecified values
  }
  return vector ? splat(v) : v;
}

// Operands: pointer, size, alignment, the area; a thread's bytes in use come in and go out.
void FunctionEmitter::emitAlloca(const Inst& inst) {
  ptx::Space space;
  uint64_t align = inst.operands[2].isNone() ? 8 : std::max<uint64_t>(inst.operands[2].bits, 1);
  Value* size = read(inst.operands[1], inst.type(), true);
  if (size->getType() != vectorOf(b.getInt64Ty())) size = b.CreateZExt(size, vectorOf(b.getInt64Ty()));
  Value* top = readRegister(inst.carryIn, true);
  Value* start = b.CreateAnd(b.CreateAdd(top, splat(i64(align - 1))), splat(i64(~(align - 1))));
  Value* room = b.CreateSub(splat(i64(analysis::allocaBytes)), start);
  trapIf(anyLane(logicalAnd(mask_, b.CreateICmpSLT(room, b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, size, splat(i64(analysis::allocaBytes + 1)))))), mask_, abi::TrapKind::StackOverflow, inst.loc);
  writeRegister(inst.carryOut, b.CreateAdd(start, size));
  write(inst.operands[0], ptx::Type::B64, b.CreateAdd(start, splat(symbolAddress(inst.operands[3], space))));
}

void FunctionEmitter::emitSpecial(const Inst& inst) {
  switch (inst.form) {
    case ptx::Form::Trap: case ptx::Form::Brkpt: {
      auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), b.getInt64Ty()}, false);
      if (inst.form == ptx::Form::Brkpt) return;  // no debugger is attached: goes on
      service(offsetof(abi::Services, trap), type, {ctx_, warp_, maskBits(mask_), i32(uint32_t(abi::TrapKind::Trap)), i32(inst.loc.line), i64(0)});
      return;
    }
    case ptx::Form::Nanosleep: {
      auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty()}, false);
      Value* t = read(inst.operands[0], ptx::Type::U32, !shapeOf(inst.operands[0]).isUniform());
      if (t->getType()->isVectorTy()) t = b.CreateExtractElement(t, b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(mask_), b.getTrue()));
      service(offsetof(abi::Services, nanosleep), type, {ctx_, t});
      return;
    }
    case ptx::Form::Alloca: return emitAlloca(inst);
    case ptx::Form::Stacksave: return write(inst.operands[0], ptx::Type::B64, readRegister(inst.carryIn, true));
    case ptx::Form::Stackrestore: return writeRegister(inst.carryOut, read(inst.operands[0], ptx::Type::B64, true));
    case ptx::Form::Pmevent: return;  // performance monitor events go nowhere
    case ptx::Form::Setmaxnreg: return;  // the host's registers are not shared out
    case ptx::Form::GriddepcontrolLaunch: case ptx::Form::GriddepcontrolWait: return;  // grids of a stream run one after the other
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name + ") is not supported yet");
  }
}

}  // namespace anywarp::codegen
