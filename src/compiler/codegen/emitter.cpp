// Registers and operands as scalars and warp vectors; dispatch of instructions. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"

#include <llvm/IR/Intrinsics.h>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/affine_compare.h"
#include "compiler/codegen/dispatch.h"
#include "compiler/codegen/matrix_tiles.h"
#include "support/options.h"

namespace anywarp::codegen {

using Kind = Shape::Kind;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

void KernelState::fail(ErrorKind kind, const ptx::SourceLoc& loc, const std::string& message) {
  if (failed) return;
  failed = true;
  error = {kind, ptx.name + ":" + std::to_string(loc.line) + ":" + std::to_string(loc.column) + ": " + message};
}

FunctionEmitter::FunctionEmitter(KernelState& kernel, Analyzed& analyzed, llvm::Function& function)
    : k_(kernel),
      a_(analyzed),
      flat_(*analyzed.flat),
      function_(function),
      b(kernel.context()),
      pure_(b, kernel.width, kernel.host,
            [this](const ptx::Instruction& inst, std::string_view why) {
              k_.fail(ErrorKind::Unsupported, inst.loc, std::string(ptx::formInfo(inst.form).mnemonic) + ": " + std::string(why));
            }),
      width_(kernel.width) {
  pure_.callsApproximations = kernel.callsApproximations;
  slots_.resize(flat_.registers.size());
  modified_.assign(flat_.registers.size(), 0);
}

void FunctionEmitter::unsupported(const Inst& inst, const std::string& why) {
  k_.fail(ErrorKind::Unsupported, inst.loc, why);
  auto poison = [&](const Operand& o, auto& self) -> void {
    if (o.isReg()) {
      llvm::Type* t = laneType(flat_.registers[o.reg].type);
      const Shape& s = a_.shapes.registers[o.reg];
      writeRegister(o.reg, llvm::PoisonValue::get(s.isScalarBased() ? t : vectorOf(t)));
    }
    for (const Operand& e : o.elements) self(e, self);
  };
  if (inst.form == ptx::Form::Unknown) return;
  for (unsigned i = 0; i < inst.operands.size(); ++i)
    if (ptx::slotRole(inst, i) == ptx::SlotRole::Dest) poison(inst.operands[i], poison);
}

// --- types and constants -----------------------------------------------------------------------------------------------------

llvm::Type* FunctionEmitter::laneType(Type type) {
  switch (type) {
    case Type::Pred: return b.getInt1Ty();
    case Type::F32: return b.getFloatTy();
    case Type::F64: return b.getDoubleTy();
    default: return b.getIntNTy(std::max(1u, ptx::bits(type)));
  }
}

llvm::Type* FunctionEmitter::vectorOf(llvm::Type* element) { return llvm::FixedVectorType::get(element, width_); }
Value* FunctionEmitter::splat(Value* v) { return b.CreateVectorSplat(width_, v); }
Value* FunctionEmitter::noLanes() { return llvm::Constant::getNullValue(vectorOf(b.getInt1Ty())); }
Value* FunctionEmitter::allLanes() { return llvm::Constant::getAllOnesValue(vectorOf(b.getInt1Ty())); }

Value* FunctionEmitter::iota(unsigned bits) {
  llvm::SmallVector<llvm::Constant*, 32> lanes;
  for (unsigned i = 0; i < width_; ++i) lanes.push_back(llvm::ConstantInt::get(b.getIntNTy(bits), i));
  return llvm::ConstantVector::get(lanes);
}

Value* FunctionEmitter::affineLanes(Value* base, int64_t stride) {
  unsigned bits = base->getType()->getIntegerBitWidth();
  llvm::SmallVector<llvm::Constant*, 32> lanes;
  for (unsigned i = 0; i < width_; ++i)
    lanes.push_back(llvm::ConstantInt::get(b.getContext(), llvm::APInt(64, uint64_t(stride) * i).zextOrTrunc(bits)));
  return b.CreateAdd(splat(base), llvm::ConstantVector::get(lanes));
}

// Unlike `and`, does not let a poison lane of `b` through where `a` is false.
Value* FunctionEmitter::logicalAnd(Value* a, Value* c) {
  return b.CreateSelect(a, c, llvm::Constant::getNullValue(a->getType()));
}

Value* FunctionEmitter::maskBits(Value* mask) {
  Value* bits = b.CreateBitCast(mask, b.getIntNTy(width_));
  return width_ < 32 ? b.CreateZExt(bits, b.getInt32Ty()) : bits;
}

Value* FunctionEmitter::maskFromBits(Value* bits) {
  if (width_ < 32) bits = b.CreateTrunc(bits, b.getIntNTy(width_));
  return b.CreateBitCast(bits, vectorOf(b.getInt1Ty()));
}

Value* FunctionEmitter::anyLane(Value* mask) {
  return b.CreateICmpNE(b.CreateBitCast(mask, b.getIntNTy(width_)), llvm::ConstantInt::get(b.getIntNTy(width_), 0));
}

Value* FunctionEmitter::field(Value* structure, size_t offset, llvm::Type* type, const char* name, bool invariant) {
  Value* at = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), structure, offset);
  llvm::LoadInst* load = b.CreateLoad(type, at, name);
  if (invariant) load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(k_.context(), {}));
  return load;
}

llvm::AllocaInst* FunctionEmitter::stackSlot(llvm::Type* type, const char* name) {
  llvm::IRBuilder<> at(entry_, entry_->begin());
  return at.CreateAlloca(type, nullptr, name);
}

Value* FunctionEmitter::service(size_t offset, llvm::FunctionType* type, llvm::ArrayRef<Value*> args) {
  Value* callee = field(services_, offset, b.getPtrTy(), "service");
  return b.CreateCall(type, callee, args);
}

// --- registers ---------------------------------------------------------------------------------------------------------------

FunctionEmitter::Slot& FunctionEmitter::slot(ptx::RegId r) {
  Slot& s = slots_[r];
  if (s.value) return s;
  const Shape& shape = a_.shapes.registers[r];
  llvm::Type* lane = laneType(flat_.registers[r].type);
  switch (shape.kind) {
    case Kind::Extended: s.type = b.getInt64Ty(), s.lowType = b.getInt32Ty(); break;
    case Kind::ExtendedVarying: s.type = b.getInt64Ty(), s.lowType = vectorOf(b.getInt32Ty()); break;
    case Kind::Varying: s.type = vectorOf(lane); break;
    default: s.type = lane; break;
  }
  if (region_ && !a_.tiles.empty() && a_.tiles[r].home != ~0u) {
    s.value = tileHome(a_.tiles[r].home);
    s.tilePart = a_.tiles[r].part;
    return s;
  }
  if (a_.local[r]) {
    s.direct = true;
    s.value = llvm::UndefValue::get(s.type);
    if (s.lowType) s.low = llvm::UndefValue::get(s.lowType);
    return s;
  }
  llvm::BasicBlock* begin = slotInit_ ? slotInit_ : initBlock_;
  llvm::IRBuilder<> init(begin, begin->begin());
  if (k_.free && region_ && k_.frame[r].offset != ~0u) {
    s.inFrame = true;
    s.value = init.CreateConstInBoundsGEP1_64(b.getInt8Ty(), frame_, k_.frame[r].offset, flat_.registers[r].name);
    if (s.lowType) s.low = init.CreateConstInBoundsGEP1_64(b.getInt8Ty(), frame_, k_.frame[r].offset + 64);
    return s;
  }
  llvm::IRBuilder<> at(entry_, entry_->begin());
  s.value = at.CreateAlloca(s.type, nullptr, flat_.registers[r].name);
  if (s.lowType) s.low = at.CreateAlloca(s.lowType);
  // Nothing may flow from one warp to the next; what a program reads before it writes it is zero.
  bool zero = a_.webs.webs[r].maybeUndefined || a_.webs.webs[r].defs == 0;
  auto first = [&](llvm::Type* t) { return zero ? llvm::Constant::getNullValue(t) : llvm::UndefValue::get(t); };
  init.CreateStore(first(s.type), s.value);
  if (s.low) init.CreateStore(first(s.lowType), s.low);
  return s;
}

Value* FunctionEmitter::tileHome(uint32_t home) {
  homes_.resize(a_.tileHomes);
  if (homes_[home]) return homes_[home];
  Value* first = frame_;
  uint64_t offset = uint64_t(home) * tileHomeBytes;
  if (k_.tilesOffset != ~0u) {
    offset += k_.tilesOffset;
  } else {
    if (!tiles_) {
      tiles_ = stackSlot(llvm::ArrayType::get(b.getInt8Ty(), uint64_t(a_.tileHomes) * tileHomeBytes), "tiles");
      tiles_->setAlignment(llvm::Align(64));
    }
    first = tiles_;
  }
  llvm::IRBuilder<> init(initBlock_, initBlock_->begin());
  return homes_[home] = init.CreateConstInBoundsGEP1_64(b.getInt8Ty(), first, offset, "tile");
}

Value* FunctionEmitter::loadTile(const Slot& s) { return b.CreateBitCast(getTilePart(b, s.value, unsigned(s.tilePart)), s.type); }

void FunctionEmitter::storeTile(const Slot& s, Value* v) {
  putTilePart(b, s.value, unsigned(s.tilePart), b.CreateBitCast(v, vectorOf(b.getFloatTy())));
}

llvm::MDNode* FunctionEmitter::frameScope() {
  if (!frameScope_) {
    llvm::MDBuilder build(k_.context());
    llvm::MDNode* domain = build.createAnonymousAliasScopeDomain("anywarp");
    frameScope_ = llvm::MDNode::get(k_.context(), {build.createAnonymousAliasScope(domain, "frame")});
  }
  return frameScope_;
}

Value* FunctionEmitter::laneZero(ptx::RegId r) {
  const Shape& shape = a_.shapes.registers[r];
  Slot& s = slot(r);
  Value* v = load(s);
  if (shape.kind != Kind::Extended) return v;
  Value* low = loadLow(s);
  Value* wide = shape.isSigned ? b.CreateSExt(low, b.getInt64Ty()) : b.CreateZExt(low, b.getInt64Ty());
  return b.CreateAdd(v, b.CreateMul(wide, i64(uint64_t(shape.scale))));
}

Value* FunctionEmitter::readRegister(ptx::RegId r, bool vector) {
  const Shape& shape = a_.shapes.registers[r];
  Slot& s = slot(r);
  if (!vector) return laneZero(r);
  switch (shape.kind) {
    case Kind::Affine: return affineLanes(laneZero(r), shape.stride);
    case Kind::Extended: case Kind::ExtendedVarying: {
      Value* low = loadLow(s);
      if (shape.kind == Kind::Extended) low = affineLanes(low, shape.stride);
      llvm::Type* wide = vectorOf(b.getInt64Ty());
      Value* extended = shape.isSigned ? b.CreateSExt(low, wide) : b.CreateZExt(low, wide);
      Value* base = load(s);
      return b.CreateAdd(splat(base), b.CreateMul(extended, splat(i64(uint64_t(shape.scale)))));
    }
    case Kind::Varying: return load(s);
    default: return splat(laneZero(r));
  }
}

void FunctionEmitter::enter(BlockId x) {
  current_ = x;
  if (liveAlways_.empty()) {
    liveElsewhere_.assign(flat_.registers.size(), 0);
    liveAlways_.assign(flat_.registers.size(), 0);
    // Lanes that wait in their frames, and lanes that have returned.
    if (k_.free && region_)
      for (BlockId p : k_.suspensions.resumePoints)
        for (ptx::RegId r : a_.webs.liveIn[p]) liveAlways_[r] = 1;
    for (auto& pieces : flat_.returns)
      for (const analysis::Piece& p : pieces) liveAlways_[p.reg] = 1;
  }
  if (!a_.shapes.partial[x]) return;
  ++blockSerial_;
  for (BlockId p : linear_->pending(x))
    if (p != x)
      for (ptx::RegId r : a_.webs.liveIn[p]) liveElsewhere_[r] = blockSerial_;
}

bool FunctionEmitter::keepsOthers(ptx::RegId r) const {
  if (!region_ && liveAlways_[r]) return true;  // lanes that have returned still have their results there
  return a_.shapes.partial[current_] && (liveElsewhere_[r] == blockSerial_ || liveAlways_[r]);
}

void FunctionEmitter::writeRegister(ptx::RegId r, Value* v) {
  const Shape& shape = a_.shapes.registers[r];
  Slot& s = slot(r);
  modified_[r] = 1;
  bool lanes = shape.kind == Kind::Varying;
  if (lanes) v = lanesOf(v);
  const analysis::Web& web = a_.webs.webs[r];
  bool kept = web.defs > 1 || web.maybeUndefined;
  Value* when = nullptr;
  if (lanes && keepsOthers(r)) when = mask_;
  if (guard_ && kept) {
    if (!guard_->getType()->isVectorTy()) when = when ? logicalAnd(when, splat(guard_)) : guard_;
    else if (lanes) when = logicalAnd(mask_, guard_);
  }
  if (when) v = b.CreateSelect(when, v, load(s));
  store(s, v);
  forgetReadable(r);
  if (!when && staysKnown(r) && llvm::isa<llvm::Constant>(v)) s.known = v;
}

// --- operands ----------------------------------------------------------------------------------------------------------------

Shape FunctionEmitter::shapeOf(const Operand& o) {
  switch (o.kind) {
    case Operand::Kind::Register: return a_.shapes.registers[o.reg];
    case Operand::Kind::Special: return analysis::specialShape(o.special, k_.launch);
    case Operand::Kind::Vector: {
      for (const Operand& e : o.elements)
        if (!shapeOf(e).isUniform()) return Shape::varying();
      return Shape::uniform();
    }
    default: return Shape::uniform();
  }
}

Value* FunctionEmitter::immediate(const Operand& o, Type type) {
  uint64_t bits = ptx::immediateBits(o, type);
  unsigned n = std::max(1u, ptx::bits(type));
  Value* v = llvm::ConstantInt::get(b.getContext(), llvm::APInt(64, bits).zextOrTrunc(n));
  llvm::Type* t = laneType(type);
  return t->isIntegerTy() ? v : b.CreateBitCast(v, t);
}

Value* FunctionEmitter::adapt(Value* v, Type, Type to) {
  llvm::Type* target = laneType(to);
  llvm::Type* have = v->getType()->getScalarType();
  if (have == target) return v;
  auto like = [&](llvm::Type* t) { return v->getType()->isVectorTy() ? vectorOf(t) : t; };
  unsigned n = have->getScalarSizeInBits(), m = target->getScalarSizeInBits();
  if (!have->isIntegerTy()) v = b.CreateBitCast(v, like(b.getIntNTy(n)));
  if (n > m) v = b.CreateTrunc(v, like(b.getIntNTy(m)));
  if (n < m) v = ptx::isSigned(to) ? b.CreateSExt(v, like(b.getIntNTy(m))) : b.CreateZExt(v, like(b.getIntNTy(m)));
  return target->isIntegerTy() ? v : b.CreateBitCast(v, like(target));
}

Value* FunctionEmitter::shown(ptx::RegId r, Value* v) {
  return showsBits_ && a_.nans[r] != NanKind::None ? canonicalNan(pure_, v, a_.nans[r]) : v;
}

Value* FunctionEmitter::read(const Operand& o, Type type, bool vector) {
  Value* v = nullptr;
  switch (o.kind) {
    case Operand::Kind::Register: {
      v = shown(o.reg, readRegister(o.reg, vector));
      Type from = flat_.registers[o.reg].type;
      if (type == Type::None) type = from;
      v = adapt(v, from, type);
      break;
    }
    case Operand::Kind::Integer: case Operand::Kind::Float32: case Operand::Kind::Float64: v = immediate(o, type); break;
    case Operand::Kind::Special: {
      v = special(o.special, vector);
      v = adapt(v, Type::None, type == Type::None ? Type::U32 : type);
      break;
    }
    case Operand::Kind::Symbol: {
      ptx::Space space;
      v = adapt(symbolAddress(o, space), Type::B64, type);
      break;
    }
    default: v = llvm::Constant::getNullValue(laneType(type)); break;
  }
  if (o.negated && type == Type::Pred) v = b.CreateNot(v);
  return vector ? lanesOf(v) : v;
}

Value* FunctionEmitter::readLaneZero(const Operand& o, Type type) { return read(o, type, false); }

void FunctionEmitter::write(const Operand& o, Type type, Value* v) {
  if (!o.isReg()) return;
  Type reg = flat_.registers[o.reg].type;
  llvm::Type* target = laneType(reg);
  llvm::Type* have = v->getType()->getScalarType();
  if (have != target) {
    auto like = [&](llvm::Type* t) { return v->getType()->isVectorTy() ? vectorOf(t) : t; };
    unsigned n = have->getScalarSizeInBits(), m = target->getScalarSizeInBits();
    if (!have->isIntegerTy()) v = b.CreateBitCast(v, like(b.getIntNTy(n)));
    if (n > m) v = b.CreateTrunc(v, like(b.getIntNTy(m)));
    if (n < m) v = ptx::isSigned(type) ? b.CreateSExt(v, like(b.getIntNTy(m))) : b.CreateZExt(v, like(b.getIntNTy(m)));
    if (!target->isIntegerTy()) v = b.CreateBitCast(v, like(target));
  }
  writeRegister(o.reg, v);
}

Value* FunctionEmitter::warpIndex32() { return warp_; }

// --- instructions ------------------------------------------------------------------------------------------------------------

void FunctionEmitter::emitInstruction(const Inst& inst) {
  if (k_.failed) return;
  if (subprogram_) b.SetCurrentDebugLocation(llvm::DILocation::get(k_.context(), inst.loc.line, 0, subprogram_));
  if (inst.pseudo == analysis::Pseudo::None && inst.form == ptx::Form::Unknown)
    return k_.fail(ErrorKind::Unsupported, inst.loc, "unknown instruction '" + inst.text + "'");
  if (atOnce()) noteLaneResults(const_cast<Inst&>(inst));
  if (inst.guard == ptx::noReg) return emitGuarded(inst);

  Operand g;
  g.kind = Operand::Kind::Register;
  g.reg = inst.guard;
  g.negated = inst.guardNegated;
  bool uniform = shapeOf(g).isUniform();
  bool pure = inst.pseudo != analysis::Pseudo::None || ptx::formInfo(inst.form).needs == ptx::Need::None;
  if (pure) {
    guard_ = read(g, Type::Pred, !uniform);
    emitGuarded(inst);
    guard_ = nullptr;
    return;
  }
  // Effects happen only where the guard holds: a branch around them, under fewer lanes.
  if (ptx::formInfo(inst.form).needs != ptx::Need::Memory) flushMisaligned();
  llvm::BasicBlock* doIt = llvm::BasicBlock::Create(k_.context(), "guarded", &function_);
  llvm::BasicBlock* after = llvm::BasicBlock::Create(k_.context(), "after", &function_);
  Value* before = mask_;
  Value* condition = read(g, Type::Pred, !uniform);
  Value* inner = uniform ? mask_ : logicalAnd(mask_, condition);
  b.CreateCondBr(uniform ? b.CreateFreeze(condition) : anyLane(inner), doIt, after);
  b.SetInsertPoint(doIt);
  mask_ = inner;
  guard_ = uniform ? nullptr : inner;
  Value *misaligned = std::exchange(misaligned_, nullptr), *line = misalignedLine_, *at = misalignedAddress_;
  unsigned tests = std::exchange(misalignedTests_, 0);
  if (!uniform && masksCost() && isMaskedAccess(inst)) {
    emitForBothMasks([&](bool full) {
      guard_ = full ? allLanes() : inner;
      emitGuarded(inst);
      flushMisaligned();
    });
  } else {
    emitGuarded(inst);
    flushMisaligned();
  }
  misaligned_ = misaligned, misalignedLine_ = line, misalignedAddress_ = at, misalignedTests_ = tests;
  guard_ = nullptr;
  b.CreateBr(after);
  b.SetInsertPoint(after);
  mask_ = before;
}

void FunctionEmitter::emitGuarded(const Inst& inst) {
  bool copies = analysis::isCall(inst) ? false : copiesBits(inst) && a_.nans[inst.operands[0].reg] != NanKind::None;
  showsBits_ = !copies && !readsNumbers(inst);
  emitUnguarded(inst);
  showsBits_ = true;
}

void FunctionEmitter::emitUnguarded(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None) return emitPiece(inst);
  switch (inst.form) {
    case ptx::Form::Mov: case ptx::Form::MovPack: case ptx::Form::MovUnpack: case ptx::Form::MovVector: return emitMove(inst);
    case ptx::Form::Cvta: case ptx::Form::CvtaTo: case ptx::Form::Isspacep: return emitAddressConversion(inst);
    case ptx::Form::CreatepolicyRange: case ptx::Form::CreatepolicyFractional: case ptx::Form::CreatepolicyCvt:
      return write(inst.operands[0], Type::B64, i64(0));  // cache policies have no effect here
    case ptx::Form::Bra: case ptx::Form::BrxIdx: case ptx::Form::Ret: case ptx::Form::Exit: return;
    default: break;
  }
  ptx::Need needs = ptx::formInfo(inst.form).needs;
  if (needs != ptx::Need::None && needs != ptx::Need::Memory) flushMisaligned();
  switch (needs) {
    case ptx::Need::None: return emitPure(inst);
    case ptx::Need::Memory: return emitMemory(inst);
    case ptx::Need::Atomic: return emitAtomic(inst);
    case ptx::Need::Warp: return emitWarp(inst);
    case ptx::Need::Matrix: return emitMatrix(inst);
    case ptx::Need::Barrier: return emitBarrierArrive(inst);
    case ptx::Need::Call: return emitCall(inst);
    case ptx::Need::Special: return emitSpecial(inst);
    case ptx::Need::Async: return emitAsync(inst);
    case ptx::Need::Texture: return emitTexture(inst);
    case ptx::Need::Surface: return emitSurface(inst);
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name +
                                   ") is not supported yet");
  }
}

// Bits of a function parameter's register.
void FunctionEmitter::emitPiece(const Inst& inst) {
  const Operand& to = inst.operands[0];
  const Operand& from = inst.operands[1];
  Type type = inst.type();
  bool load = inst.pseudo == analysis::Pseudo::PieceLoad;
  const Operand& piece = load ? from : to;
  unsigned pieceBits = piece.isReg() ? ptx::bits(flat_.registers[piece.reg].type) : ptx::bits(type);
  unsigned bits = ptx::bits(type);
  if (inst.shift == 0 && bits == pieceBits && to.isReg()) {
    const Shape& shape = a_.shapes.registers[to.reg];
    if (shape.kind == Kind::Extended || shape.kind == Kind::ExtendedVarying) {
      emitExtended(inst, shape);
      return;
    }
  }
  bool scalar = shapeOf(from).isUniform() || (to.isReg() && a_.shapes.registers[to.reg].isScalarBased());
  if (load) {
    Value* v = read(from, ptx::bitsType(pieceBits), !scalar);
    Value* shifted = inst.shift ? b.CreateLShr(v, llvm::ConstantInt::get(v->getType(), inst.shift)) : v;
    write(to, type, adapt(adapt(shifted, Type::None, ptx::bitsType(bits)), Type::None, type));
    return;
  }
  Value* v = adapt(read(from, type, !scalar), Type::None, ptx::bitsType(bits));
  if (bits < pieceBits || inst.shift) {
    bool vector = a_.shapes.registers[to.reg].kind == Kind::Varying;
    if (vector) v = lanesOf(v);
    Value* old = read(to, ptx::bitsType(pieceBits), vector);
    v = b.CreateShl(b.CreateZExt(v, old->getType()), llvm::ConstantInt::get(old->getType(), inst.shift));
    llvm::APInt field = llvm::APInt::getBitsSet(pieceBits, inst.shift, inst.shift + bits);
    v = b.CreateOr(b.CreateAnd(old, llvm::ConstantInt::get(old->getType(), ~field)), v);
    write(to, ptx::bitsType(pieceBits), v);
    return;
  }
  write(to, ptx::bitsType(bits), v);
}

namespace {

// A value made in the usual way where `usual` holds, and in another where it does not.
Value* eitherWay(llvm::IRBuilder<>& b, Value* usual, llvm::function_ref<Value*()> yes, llvm::function_ref<Value*()> no) {
  llvm::Function* function = b.GetInsertBlock()->getParent();
  auto block = [&](const char* name) { return llvm::BasicBlock::Create(b.getContext(), name, function); };
  llvm::BasicBlock *fast = block("usual"), *slow = block("unusual"), *done = block("either");
  branchToFastWay(b, usual, fast, slow, Holds::NearlyAlways);
  b.SetInsertPoint(fast);
  Value* x = yes();
  fast = b.GetInsertBlock();
  b.CreateBr(done);
  b.SetInsertPoint(slow);
  Value* y = no();
  slow = b.GetInsertBlock();
  b.CreateBr(done);
  b.SetInsertPoint(done);
  llvm::PHINode* phi = b.CreatePHI(x->getType(), 2);
  phi->addIncoming(x, fast);
  phi->addIncoming(y, slow);
  return phi;
}

}  // namespace

// One comparison of distances from lane 0 where one side is affine in the lane and the other the same for all; nullptr: not such a one.
Value* FunctionEmitter::emitAffineComparison(const Inst& inst) {
  if (inst.form != ptx::Form::SetpInt || options::isPassOff("affine-compare")) return nullptr;
  if (inst.operands.size() > 4 && !inst.operands[4].isNone()) return nullptr;
  if (!inst.operands[1].isNone() || ptx::bits(inst.type()) != 32) return nullptr;
  for (Mod own : {Mod::Lo, Mod::Ls, Mod::Hi, Mod::Hs})  // these ignore the type's sign
    if (inst.has(own)) return nullptr;
  Shape first = shapeOf(inst.operands[2]), second = shapeOf(inst.operands[3]);
  const bool affineFirst = first.kind == Kind::Affine;
  const Shape& affine = affineFirst ? first : second;
  if (affine.kind != Kind::Affine || !(affineFirst ? second : first).isUniform()) return nullptr;
  const int64_t stride = int32_t(affine.stride);
  if (!strideFitsBytes(stride, width_)) return nullptr;
  const bool isSigned = ptx::isSigned(inst.type());
  const int64_t least = isSigned ? INT32_MIN : 0, most = isSigned ? INT32_MAX : UINT32_MAX;
  const bool bounded = affine.bounded() && affine.low >= least && affine.high <= most;
  if (!bounded && !masksCost()) return nullptr;  // a test and a branch are not worth it where masks are free
  Value* base = readLaneZero(inst.operands[affineFirst ? 2 : 3], inst.type());
  Value* other = readLaneZero(inst.operands[affineFirst ? 3 : 2], inst.type());
  auto asBytes = [&] { return compareAffine(pure_, inst, inst.type(), width_, base, stride, other, affineFirst); };
  if (bounded) return asBytes();
  auto asWords = [&] {
    Value *lanes = affineLanes(base, stride), *same = splat(other);
    return affineFirst ? compareInt(pure_, inst, inst.type(), lanes, same) : compareInt(pure_, inst, inst.type(), same, lanes);
  };
  return eitherWay(b, spansWithoutWrap(base, stride * int64_t(width_ - 1), isSigned), asBytes, asWords);
}

void FunctionEmitter::emitPure(const Inst& inst) {
  PureFn function = pureFunction(inst.form);
  if (!function)
    return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name +
                                 ") is not supported yet");
  // Scalar where all sources are uniform, or where the result is known by its first lane.
  bool uniformSources = true, scalarResult = true;
  for (unsigned i = 0; i < inst.operands.size(); ++i) {
    const Operand& o = inst.operands[i];
    if (ptx::slotRole(inst, i) == ptx::SlotRole::Dest) {
      auto scan = [&](const Operand& d) {
        if (d.isReg()) scalarResult &= a_.shapes.registers[d.reg].isScalarBased();
      };
      scan(o);
      for (const Operand& e : o.elements) scan(e);
      if (o.isReg() && i == 0) {
        const Shape& shape = a_.shapes.registers[o.reg];
        if (shape.kind == Kind::Extended || shape.kind == Kind::ExtendedVarying) {
          if (emitExtended(inst, shape)) return;
          return k_.fail(ErrorKind::Unsupported, inst.loc, "internal: no extended form of this instruction");
        }
      }
    } else if (!o.isNone()) {
      uniformSources &= shapeOf(o).isUniform();
    }
  }
  if (inst.carryIn != ptx::noReg) uniformSources &= a_.shapes.registers[inst.carryIn].isUniform();
  bool vector = !uniformSources && !scalarResult;

  if (vector)
    if (Value* result = emitAffineComparison(inst)) return write(inst.operands[0], Type::Pred, result);

  llvm::SmallVector<Value*, 6> args;
  for (unsigned i = 0; i < inst.operands.size(); ++i) {
    if (ptx::slotRole(inst, i) == ptx::SlotRole::Dest) continue;
    const Operand& o = inst.operands[i];
    if (o.isNone()) {
      args.push_back(nullptr);
    } else if (o.kind == Operand::Kind::Vector) {
      for (const Operand& e : o.elements) args.push_back(read(e, ptx::slotType(inst, i), vector));
    } else {
      args.push_back(read(o, ptx::slotType(inst, i), vector));
    }
  }
  if (inst.carryIn != ptx::noReg) args.push_back(readRegister(inst.carryIn, vector));
  Values results = function(pure_, inst, args);
  if (results.empty()) {
    if (!k_.failed) k_.fail(ErrorKind::Unsupported, inst.loc, std::string(ptx::formInfo(inst.form).mnemonic) + " gave no result");
    return;
  }
  // Where a register has other values beside results, results are made PTX's at once.
  const bool mixed = !k_.options.hostNans && inst.operands[0].isReg() && a_.nans[inst.operands[0].reg] == NanKind::None;
  if (NanKind nan = resultNan(inst, k_.host); mixed && nan != NanKind::None) results[0] = canonicalNan(pure_, results[0], nan);
  size_t next = 0;
  for (unsigned i = 0; i < inst.operands.size(); ++i) {
    if (ptx::slotRole(inst, i) != ptx::SlotRole::Dest) continue;
    const Operand& o = inst.operands[i];
    if (o.kind == Operand::Kind::Vector) {
      for (const Operand& e : o.elements)
        if (next < results.size()) write(e, ptx::slotType(inst, i), results[next++]);
    } else if (next < results.size()) {
      write(o, ptx::slotType(inst, i), results[next++]);
    }
  }
  if (inst.carryOut != ptx::noReg) writeRegister(inst.carryOut, results.back());
}

// Instructions whose 64-bit result keeps its 32-bit part apart: base + scale * extend(low).
bool FunctionEmitter::emitExtended(const Inst& inst, const Shape& shape) {
  using ptx::Form;
  bool lanes = shape.kind == Kind::ExtendedVarying;
  Value* base = i64(0);
  Value* low = nullptr;
  auto isExtended = [&](const Operand& o) {
    Shape s = shapeOf(o);
    return s.kind == Kind::Extended || s.kind == Kind::ExtendedVarying;
  };
  auto parts = [&](const Operand& o) {
    Slot& s = slot(o.reg);
    base = load(s);
    low = loadLow(s);
  };
  auto extend = [&](unsigned i) {
    Operand o = inst.operands[i];
    low = read(o, ptx::isSigned(inst.type(inst.form == Form::CvtInt)) ? Type::S32 : Type::U32, lanes);
  };
  auto factor = [&](unsigned i) { return ptx::immediateBits(inst.operands[i], inst.type()); };
  if (inst.pseudo != analysis::Pseudo::None) {
    parts(inst.operands[1]);
  } else {
    switch (inst.form) {
      case Form::Mov: case Form::Cvta: case Form::CvtaTo:
        parts(inst.operands[1]);
        if (inst.form == Form::Cvta && inst.has(ptx::Mod::Shared)) base = b.CreateAdd(base, b.CreatePtrToInt(shared_, b.getInt64Ty()));
        if (inst.form == Form::CvtaTo && inst.has(ptx::Mod::Shared)) base = b.CreateSub(base, b.CreatePtrToInt(shared_, b.getInt64Ty()));
        if (inst.form == Form::Cvta && inst.has(ptx::Mod::Param)) base = b.CreateAdd(base, b.CreatePtrToInt(params_, b.getInt64Ty()));
        break;
      case Form::CvtInt:
        if (isExtended(inst.operands[1])) parts(inst.operands[1]);
        else extend(1);
        break;
      case Form::MulWide: extend(inst.operands[1].isImmediate() ? 2 : 1); break;
      case Form::MadWide:
        if (isExtended(inst.operands[3])) {  // a uniform product is added to it
          const bool isSigned = ptx::isSigned(inst.type());
          auto factorOf = [&](unsigned i) {
            return b.CreateIntCast(readLaneZero(inst.operands[i], isSigned ? Type::S32 : Type::U32), b.getInt64Ty(), isSigned);
          };
          parts(inst.operands[3]);
          base = b.CreateAdd(base, b.CreateMul(factorOf(1), factorOf(2)));
          break;
        }
        extend(inst.operands[1].isImmediate() ? 2 : 1);
        base = readLaneZero(inst.operands[3], Type::B64);
        break;
      case Form::AddInt: case Form::SubInt: {
        unsigned e = isExtended(inst.operands[1]) ? 1 : 2;
        parts(inst.operands[e]);
        Value* other = readLaneZero(inst.operands[3 - e], Type::B64);
        base = inst.form == Form::AddInt ? b.CreateAdd(base, other) : b.CreateSub(base, other);
        break;
      }
      case Form::MulInt: case Form::MadInt: {
        unsigned e = isExtended(inst.operands[1]) ? 1 : 2;
        if (!isExtended(inst.operands[e])) {  // mad: the addend is the extended one
          parts(inst.operands[3]);
          base = b.CreateAdd(base, b.CreateMul(readLaneZero(inst.operands[1], Type::B64), readLaneZero(inst.operands[2], Type::B64)));
          break;
        }
        parts(inst.operands[e]);
        base = b.CreateMul(base, readLaneZero(inst.operands[3 - e], Type::B64));
        if (inst.form == Form::MadInt) base = b.CreateAdd(base, readLaneZero(inst.operands[3], Type::B64));
        break;
      }
      case Form::Shl:
        parts(inst.operands[1]);
        base = b.CreateShl(base, i64(factor(2)));
        break;
      case Form::Selp: {
        parts(inst.operands[1]);
        Value *base1 = base, *low1 = low;
        parts(inst.operands[2]);
        Value* c = read(inst.operands[3], Type::Pred, false);
        base = b.CreateSelect(c, base1, base);
        low = b.CreateSelect(c, low1, low);
        break;
      }
      default: return false;
    }
  }
  ptx::RegId r = inst.operands[0].reg;
  Slot& s = slot(r);
  modified_[r] = 1;
  if (lanes && keepsOthers(r)) {
    low = b.CreateSelect(mask_, low, loadLow(s));
  }
  if (guard_ && (a_.webs.webs[r].defs > 1 || a_.webs.webs[r].maybeUndefined) && !guard_->getType()->isVectorTy()) {
    base = b.CreateSelect(guard_, base, load(s));
    low = b.CreateSelect(guard_, low, loadLow(s));
  }
  store(s, base);
  storeLow(s, low);
  forgetReadable(r);
  if (staysKnown(r)) {
    if (llvm::isa<llvm::Constant>(base)) s.known = base;
    if (llvm::isa<llvm::Constant>(low)) s.knownLow = low;
  }
  return true;
}

}  // namespace anywarp::codegen
