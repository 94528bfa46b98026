// PTX instructions as operations on rows: prebuilt ones by name, all others here. SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "compiler/analysis/operands.h"
#include "compiler/quick/builder.h"
#include "compiler/quick/keys/keys.h"

namespace anywarp::quick {

using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

namespace {

// What an atomic operation works on.
std::optional<Lane> laneOf(Type type) {
  switch (type) {
    case Type::B16: case Type::F16: case Type::BF16: return Lane::U16;
    case Type::B32: case Type::U32: case Type::F16x2: case Type::BF16x2: return Lane::U32;
    case Type::S32: return Lane::S32;
    case Type::B64: case Type::U64: return Lane::U64;
    case Type::S64: return Lane::S64;
    case Type::F32: return Lane::F32;
    case Type::F64: return Lane::F64;
    default: return std::nullopt;
  }
}

// The instruction that makes the new value of an atomic one on halves.
std::string combinationKey(const analysis::Inst& inst) {
  const bool bf16 = ptx::elementType(inst.type()) == Type::BF16;
  ptx::Instruction pure;
  pure.form = inst.has(Mod::Min) ? Form::MinHalf : inst.has(Mod::Max) ? Form::MaxHalf : bf16 ? Form::AddBf16 : Form::AddHalf;
  pure.types = {inst.type()};
  if (inst.has(Mod::Add)) pure.mods.push(Mod::Rn);
  pure.operands.resize(3);
  for (Operand& operand : pure.operands) operand.kind = Operand::Kind::Register;
  return handlerKey(pure);
}

}  // namespace

void Builder::emitInst(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None) return emitPiece(inst);
  switch (inst.form) {
    case Form::Unknown: refuse(inst); return;
    case Form::Mov: case Form::MovPack: case Form::MovUnpack: case Form::MovVector: return emitMove(inst);
    case Form::Cvta: case Form::CvtaTo: case Form::Isspacep: return emitAddressConversion(inst);
    case Form::CreatepolicyRange: case Form::CreatepolicyFractional: case Form::CreatepolicyCvt: {
      Destination d = destination(inst.operands[0], Type::B64);
      Op& op = add(ops_.copy(8));
      op.operands[0] = d.row;
      op.operands[1] = constantRow(0, 8);
      return finish(d);
    }
    case Form::Bra: case Form::BrxIdx: case Form::Ret: case Form::Exit: return;
    default: break;
  }
  switch (ptx::formInfo(inst.form).needs) {
    case ptx::Need::None: return emitPure(inst);
    case ptx::Need::Memory: return emitMemory(inst);
    case ptx::Need::Atomic: return emitAtomic(inst);
    case ptx::Need::Warp: return emitWarp(inst);
    case ptx::Need::Async: return emitAsync(inst);
    case ptx::Need::Matrix: return emitMatrix(inst);
    case ptx::Need::Texture: return emitTexture(inst);
    case ptx::Need::Surface: return emitSurface(inst);
    case ptx::Need::Special: return emitSpecialInst(inst);
    case ptx::Need::Call: return emitCall(inst);
    case ptx::Need::Barrier: {
      if (inst.form != Form::BarArrive && inst.form != Form::BarrierArrive) break;
      int32_t number = source(inst.operands[0], Type::U32), threads = source(inst.operands[1], Type::U32);
      Op& op = add(ops_.service(Service::BarrierArrive));
      op.operands[0] = number;
      op.operands[1] = threads;
      return;
    }
    default: break;
  }
  refuse(inst);
}

void Builder::emitPure(const Inst& inst) {
  bool lookup = inst.form == Form::Lop3 && inst.operands[4].kind == Operand::Kind::Integer;
  // The second predicate of a plain comparison is the inverse of the first.
  bool compares = inst.form == Form::SetpInt || inst.form == Form::SetpFloat || (inst.form == Form::SetpHalf && !ptx::isPacked(inst.type()));
  if (compares && !inst.operands[1].isNone() && inst.operands[4].isNone()) {
    Inst first = inst;
    first.operands[1] = {};
    emitPure(first);
    if (!inst.operands[1].isReg()) return;
    if (!inst.operands[0].isReg() || inst.guard != ptx::noReg) {
      refuse(inst);
      return;
    }
    Op& op = add(ops_.notPredicate);
    op.operands[0] = registerRow(inst.operands[1].reg);
    op.operands[1] = registerRow(inst.operands[0].reg);
    return;
  }
  OpFn fn = lookup ? ops_.lookup3 : findHandler(level_, handlerKey(inst));
  if (!fn) {
    refuse("no prebuilt code for " + handlerKey(inst));
    return;
  }
  int32_t operands[Op::maxOperands];
  unsigned count = 0;
  Destination results[2];
  unsigned resultCount = 0;
  for (unsigned slot = 0; slot < inst.operands.size() && why_.empty(); ++slot) {
    const Operand& o = inst.operands[slot];
    if (o.isNone() || (lookup && slot == 4)) continue;
    Type type = ptx::slotType(inst, slot);
    if (count == Op::maxOperands - 2 || o.kind == Operand::Kind::Vector) {
      refuse(inst);
      return;
    }
    if (ptx::slotRole(inst, slot) == ptx::SlotRole::Dest) {
      if (resultCount == 2) {
        refuse(inst);
        return;
      }
      results[resultCount] = destination(o, type);
      operands[count++] = results[resultCount++].row;
    } else {
      operands[count++] = source(o, type);
    }
  }
  if (readsCarry(inst)) operands[count++] = inst.carryIn == ptx::noReg ? constantRow(0, 0) : registerRow(inst.carryIn);
  if (writesCarry(inst)) operands[count++] = inst.carryOut == ptx::noReg ? temporary(0) : registerRow(inst.carryOut);
  Op& op = add(fn);
  std::copy_n(operands, count, op.operands);
  if (lookup) op.immediate = inst.operands[4].bits;
  for (unsigned i = 0; i < resultCount; ++i) finish(results[i]);
}

void Builder::emitMove(const Inst& inst) {
  const Operand &to = inst.operands[0], &from = inst.operands[1];
  Type type = inst.type();
  if (ptx::bits(type) > 64) {
    refuse("values of more than 64 bits");
    return;
  }
  auto move = [&](const Operand& d, const Operand& s) {
    if (!d.isReg()) return;
    int32_t row = source(s, type);
    Destination target = destination(d, type);
    Op& op = add(type == Type::Pred ? ops_.copyPredicate : ops_.copy(bytesOf(type)));
    op.operands[0] = target.row;
    op.operands[1] = row;
    finish(target);
  };
  switch (inst.form) {
    case Form::MovPack: {
      unsigned count = unsigned(from.elements.size()), part = bytesOf(type) / std::max(count, 1u);
      if (count < 2 || count > 8 || part == 0) break;
      int32_t parts[8];
      for (unsigned i = 0; i < count; ++i) parts[i] = source(from.elements[i], ptx::bitsType(part * 8));
      Destination d = destination(to, type);
      Op& op = add(ops_.pack(bytesOf(type), part));
      op.operands[0] = d.row;
      std::copy_n(parts, count, op.operands + 1);
      return finish(d);
    }
    case Form::MovUnpack: {
      unsigned count = unsigned(to.elements.size()), part = bytesOf(type) / std::max(count, 1u);
      if (count < 2 || count > 8 || part == 0) break;
      int32_t row = source(from, type);
      Destination parts[8];
      for (unsigned i = 0; i < count; ++i) parts[i] = destination(to.elements[i], ptx::bitsType(part * 8));
      Op& op = add(ops_.unpack(part, bytesOf(type)));
      op.operands[0] = row;
      op.count = uint8_t(count);
      for (unsigned i = 0; i < count; ++i)
        if (to.elements[i].isReg()) op.operands[1 + i] = parts[i].row;
      for (unsigned i = 0; i < count; ++i) finish(parts[i]);
      return;
    }
    case Form::MovVector:
      return emitVectorMove(to, from, type);
    default: return move(to, from);
  }
  refuse(inst);
}

// All elements are read before any is written.
void Builder::emitVectorMove(const Operand& to, const Operand& from, Type type) {
  const size_t count = std::min(to.elements.size(), from.elements.size());
  std::vector<int32_t> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back(source(from.elements[i], type));
    for (size_t j = 0; j < i; ++j)
      if (from.elements[i].isReg() && to.elements[j].isReg() && to.elements[j].reg == from.elements[i].reg) {
        const int32_t kept = temporary(bytesOf(type));
        copyRow(kept, rows[i], bytesOf(type));
        rows[i] = kept;
        break;
      }
  }
  for (size_t i = 0; i < count; ++i) {
    if (!to.elements[i].isReg()) continue;
    Destination target = destination(to.elements[i], type);
    copyRow(target.row, rows[i], bytesOf(type));
    finish(target);
  }
}

// Bits of a function parameter's register.
void Builder::emitPiece(const Inst& inst) {
  const Operand &to = inst.operands[0], &from = inst.operands[1];
  Type type = inst.type();
  bool load = inst.pseudo == analysis::Pseudo::PieceLoad;
  const Operand& piece = load ? from : to;
  if (!piece.isReg() || type == Type::Pred || ptx::bits(type) > 64) {
    refuse("an unusual piece of a parameter");
    return;
  }
  Type whole = ptx::bitsType(ptx::bits(flat_.registers[piece.reg].type));
  if (whole == Type::None || ptx::bits(whole) > 64) {
    refuse("values of more than 64 bits");
    return;
  }
  if (load) {
    int32_t row = source(from, whole);
    Destination d = destination(to, type);
    Op& op = add(ops_.pieceLoad(bytesOf(type), bytesOf(whole)));
    op.operands[0] = d.row;
    op.operands[1] = row;
    op.immediate = inst.shift;
    return finish(d);
  }
  int32_t row = source(from, type);
  Op& op = add(ops_.pieceStore(bytesOf(whole), bytesOf(type)));
  op.operands[0] = registerRow(to.reg);
  op.operands[1] = row;
  op.immediate = inst.shift;
}

void Builder::emitAddressConversion(const Inst& inst) {
  const Operand &to = inst.operands[0], &from = inst.operands[1];
  bool shared = inst.has(Mod::Shared) || inst.has(Mod::SharedCta) || inst.has(Mod::SharedCluster);
  bool local = inst.has(Mod::Local), param = inst.has(Mod::Param) || inst.has(Mod::ParamEntry);
  Base base = shared ? Base::Shared : local ? Base::Local : Base::Param;
  int32_t row = source(from, Type::B64);
  if (inst.form == Form::Isspacep) {
    const int32_t result = temporary(0);
    int32_t before = Op::noOperand;
    auto orIn = [&](Base where, uint64_t size, uint32_t variable) {
      Op& op = add(ops_.isSpace);
      op.operands[0] = result;
      op.operands[1] = row;
      op.operands[2] = std::exchange(before, result);
      op.which = uint8_t(where);
      op.immediate = size;
      op.symbol = variable;
    };
    constexpr uint32_t none = ~0u;
    // Constant memory is among the variables; global memory is what is nothing else.
    const bool constants = inst.has(Mod::Const), global = !shared && !local && !param && !constants;
    if (shared || local || param) orIn(base, params_.size, none);
    if (global)
      for (Base window : {Base::Shared, Base::Local, Base::Param}) orIn(window, params_.size, none);
    for (uint32_t v = 0; (constants || global) && v < module_.variables.size(); ++v)
      if (module_.variables[v].space == Space::Const && module_.variables[v].size != 0) orIn(Base::Variable, module_.variables[v].size, v);
    Destination d = destination(to, Type::Pred);
    Op& op = add(global ? ops_.notPredicate : ops_.copyPredicate);
    op.operands[0] = d.row;
    op.operands[1] = before == Op::noOperand ? constantRow(0, 0) : result;
    return finish(d);
  }
  Destination d = destination(to, Type::B64);
  Op& op = add(shared || local || param ? ops_.addBase : ops_.copy(8));
  op.operands[0] = d.row;
  op.operands[1] = row;
  op.which = uint8_t(base);
  op.subtracts = inst.form == Form::CvtaTo;
  finish(d);
}

// The address of a memory instruction: operands[0], space, symbol and immediate of `op`.
bool Builder::address(const Inst& inst, const Operand& o, Space space, Op& op) {
  op.immediate = uint64_t(o.offset);
  op.operands[0] = Op::noOperand;
  op.addressBytes = 0;
  if (o.hasSymbol) {
    switch (o.symbol.kind) {
      case ptx::SymbolKind::ModuleVariable:
        space = module_.variables[o.symbol.index].space;
        if (space == Space::Shared) op.immediate += program_.shared.moduleVariables[o.symbol.index];
        else op.symbol = o.symbol.index;
        break;
      case ptx::SymbolKind::FunctionVariable:
        space = flat_.storage[o.symbol.index].space;
        op.immediate += flat_.storage[o.symbol.index].offset;
        break;
      case ptx::SymbolKind::Parameter:
        space = Space::Param;
        op.immediate += o.symbol.index < params_.offsets.size() ? params_.offsets[o.symbol.index] : 0;
        break;
      default: return refuse(inst);
    }
  } else if (o.reg != ptx::noReg) {
    unsigned bytes = bytesOf(flat_.registers[o.reg].type);
    if (bytes != 4 && bytes != 8) return refuse(inst);
    op.operands[0] = registerRow(o.reg);
    op.addressBytes = uint8_t(bytes);
  }
  switch (space) {
    case Space::Shared: op.space = AddressSpace::Shared; break;
    case Space::Local: op.space = AddressSpace::Local; break;
    case Space::Param: op.space = AddressSpace::Param; break;
    default: op.space = AddressSpace::Flat; break;
  }
  return true;
}

Op& Builder::addAccess(OpFn fn, const Op& where) {
  Op& op = add(fn);
  op.operands[0] = where.operands[0];
  op.immediate = where.immediate;
  op.symbol = where.symbol;
  op.space = where.space;
  op.addressBytes = where.addressBytes;
  return op;
}

void Builder::emitMemory(const Inst& inst) {
  switch (inst.form) {
    case Form::Ld: case Form::Ldu: return emitLoad(inst);
    case Form::St: return emitStore(inst);
    case Form::Prefetch: case Form::PrefetchEvict: case Form::PrefetchTensormap: case Form::Prefetchu: case Form::Applypriority:
    case Form::Discard:
      return;  // hints
    case Form::Membar: case Form::MembarProxy: case Form::Fence: case Form::FenceRestrict: case Form::FenceMbarrierInit:
    case Form::FenceProxy: case Form::FenceProxyAsync: case Form::FenceProxyTensormap: {
      bool weaker = inst.has(Mod::AcqRel) || inst.has(Mod::Acquire) || inst.has(Mod::Release);
      add(ops_.fence).immediate = inst.has(Mod::Cta) ? 0 : weaker ? 1 : 2;
      return;
    }
    default: refuse(inst); return;
  }
}

void Builder::emitLoad(const Inst& inst) {
  Type type = inst.type();
  const Operand& to = inst.operands[0];
  const bool vector = to.kind == Operand::Kind::Vector;
  const size_t count = vector ? to.elements.size() : 1;
  if (ptx::bits(type) > 64 || count > 8) {
    refuse("values of more than 64 bits");
    return;
  }
  Destination parts[8];
  for (size_t i = 0; i < count; ++i) parts[i] = destination(vector ? to.elements[i] : to, type);
  Op where;
  if (!address(inst, inst.operands[1], where)) return;
  const unsigned bytes = bytesOf(type);
  // Parameters are the same for all lanes, and there.
  const bool isParameter = where.space == AddressSpace::Param && where.addressBytes == 0 && inst.operands[1].hasSymbol;
  if (isParameter) {
    for (size_t i = 0; i < count; ++i) {
      Op& op = add(ops_.splatField(bytes));
      op.operands[0] = parts[i].row;
      op.which = uint8_t(Source::Params);
      op.immediate = where.immediate + i * bytes;
    }
  } else {
    Op& op = addAccess(ops_.load(bytes), where);
    op.count = uint8_t(count);
    op.fences = inst.has(Mod::Acquire) ? 2 : 0;
    for (size_t i = 0; i < count; ++i) op.operands[1 + i] = parts[i].row;
  }
  for (size_t i = 0; i < count; ++i) finish(parts[i]);
}

void Builder::emitStore(const Inst& inst) {
  Type type = inst.type();
  const Operand& from = inst.operands[1];
  const bool vector = from.kind == Operand::Kind::Vector;
  const size_t count = vector ? from.elements.size() : 1;
  if (ptx::bits(type) > 64 || count > 8) {
    refuse("values of more than 64 bits");
    return;
  }
  int32_t parts[8];
  for (size_t i = 0; i < count; ++i) parts[i] = source(vector ? from.elements[i] : from, type);
  Op where;
  if (!address(inst, inst.operands[0], where)) return;
  Op& op = addAccess(ops_.store(bytesOf(type)), where);
  op.count = uint8_t(count);
  op.fences = inst.has(Mod::Release) ? 1 : 0;
  for (size_t i = 0; i < count; ++i) op.operands[1 + i] = parts[i];
}

void Builder::emitAtomic(const Inst& inst) {
  const bool red = inst.form == Form::Red || inst.form == Form::RedVector;
  const bool vector = inst.form == Form::RedVector || inst.form == Form::AtomVector;
  const unsigned at = red ? 0 : 1;
  if (!red && !vector && inst.form != Form::Atom && inst.form != Form::AtomCas) {
    refuse(inst);
    return;
  }
  Op where;
  if (!address(inst, inst.operands[at], where)) return;
  const size_t count = vector ? inst.operands[at + 1].elements.size() : 1;
  where.count = uint8_t(count);  // the first element's access tests the alignment of all
  for (size_t i = 0; i < count && why_.empty(); ++i) {
    emitAtomicElement(inst, vector ? inst.operands[at + 1].elements[i] : inst.operands[at + 1],
                      red ? nullptr : vector ? &inst.operands[0].elements[i] : &inst.operands[0], where);
    where.immediate += bytesOf(inst.type());
    where.count = 1;
  }
}

void Builder::emitAtomicElement(const Inst& inst, const Operand& operand, const Operand* to, const Op& where) {
  const Type type = inst.type();
  const bool cas = inst.form == Form::AtomCas, half = ptx::isHalf(type);
  Atomic operation;
  if (half) operation = Atomic::Prebuilt;
  else if (cas) operation = Atomic::CompareAndSwap;
  else if (inst.has(Mod::Add)) operation = Atomic::Add;
  else if (inst.has(Mod::Exch)) operation = Atomic::Exchange;
  else if (inst.has(Mod::And)) operation = Atomic::And;
  else if (inst.has(Mod::Or)) operation = Atomic::Or;
  else if (inst.has(Mod::Xor)) operation = Atomic::Xor;
  else if (inst.has(Mod::Min)) operation = Atomic::Min;
  else if (inst.has(Mod::Max)) operation = Atomic::Max;
  else if (inst.has(Mod::Inc)) operation = Atomic::Increment;
  else if (inst.has(Mod::Dec)) operation = Atomic::Decrement;
  else {
    refuse(inst);
    return;
  }
  const std::optional<Lane> lane = laneOf(type);
  const OpFn fn = lane ? ops_.atomic(operation, *lane) : nullptr;
  const OpFn combine = half ? findHandler(level_, combinationKey(inst)) : nullptr;
  if (!fn || (half && !combine)) {
    refuse(inst);
    return;
  }
  const int32_t value = source(operand, type);
  const int32_t fresh = cas ? source(inst.operands[3], type) : half ? temporary(bytesOf(type)) : Op::noOperand;
  const int32_t old = half ? temporary(bytesOf(type)) : Op::noOperand;
  Destination d;
  if (to && to->isReg()) d = destination(*to, type);
  Op& op = addAccess(fn, where);
  op.count = where.count;
  op.operands[1] = d.row;
  op.operands[2] = value;
  op.operands[3] = fresh;
  if (half) {  // it is what the operation in front of it calls
    Op& sum = add(combine);
    sum.operands[0] = fresh;
    sum.operands[1] = old;
    sum.operands[2] = value;
  }
  finish(d);
}

void Builder::emitWarp(const Inst& inst) {
  auto resultOf = [&](unsigned slot, Type type) {
    return inst.operands[slot].isReg() ? destination(inst.operands[slot], type) : Destination{};
  };
  // The operation with its operands in order, and the lanes that it is for.
  auto emit = [&](OpFn fn, std::initializer_list<int32_t> operands, int32_t members) {
    Op& op = add(fn);
    std::copy(operands.begin(), operands.end(), op.operands);
    op.members = members;
    if (members != Op::noOperand) op.kind = OpKind::Converge;
  };
  switch (inst.form) {
    case Form::Shfl: case Form::ShflSync: {
      bool sync = inst.form == Form::ShflSync;
      int32_t a = source(inst.operands[2], Type::B32), b = source(inst.operands[3], Type::U32), c = source(inst.operands[4], Type::U32);
      int32_t members = sync ? source(inst.operands[5], Type::B32) : Op::noOperand;
      Destination d = resultOf(0, Type::B32), p = resultOf(1, Type::Pred);
      Shuffle mode = inst.has(Mod::Up) ? Shuffle::Up : inst.has(Mod::Down) ? Shuffle::Down : inst.has(Mod::Bfly) ? Shuffle::Butterfly : Shuffle::Index;
      emit(ops_.shuffle(mode), {d.row, p.row, a, b, c}, members);
      return finish(d);
    }
    case Form::Vote: case Form::VoteBallot: case Form::VoteSync: case Form::VoteSyncBallot: {
      bool sync = inst.form == Form::VoteSync || inst.form == Form::VoteSyncBallot, ballot = inst.has(Mod::Ballot);
      int32_t p = source(inst.operands[1], Type::Pred);
      int32_t members = sync ? source(inst.operands[2], Type::B32) : Op::noOperand;
      Destination d = destination(inst.operands[0], ballot ? Type::B32 : Type::Pred);
      Vote mode = ballot ? Vote::Ballot : inst.has(Mod::Any) ? Vote::Any : inst.has(Mod::All) ? Vote::All : Vote::Uniform;
      emit(ops_.vote(mode), {d.row, p, members}, members);
      return finish(d);
    }
    case Form::MatchAny: case Form::MatchAll: {
      bool all = inst.form == Form::MatchAll;
      unsigned at = all ? 2 : 1, bytes = bytesOf(inst.type());
      int32_t v = source(inst.operands[at], ptx::bitsType(bytes * 8)), members = source(inst.operands[at + 1], Type::B32);
      Destination d = destination(inst.operands[0], Type::B32);
      if (!all) {
        emit(ops_.match(false, bytes), {d.row, v, members}, members);
        return finish(d);
      }
      Destination p = resultOf(1, Type::Pred);
      emit(ops_.match(true, bytes), {d.row, p.row, v, members}, members);
      return finish(d);
    }
    case Form::ReduxInt: case Form::ReduxBits: {
      Type type = inst.type();
      int32_t v = source(inst.operands[1], type), members = source(inst.operands[2], Type::B32);
      Destination d = destination(inst.operands[0], type);
      bool isSigned = ptx::isSigned(type);
      Reduction operation = inst.has(Mod::Add)   ? Reduction::Add
                            : inst.has(Mod::And) ? Reduction::And
                            : inst.has(Mod::Or)  ? Reduction::Or
                            : inst.has(Mod::Xor) ? Reduction::Xor
                            : inst.has(Mod::Min) ? (isSigned ? Reduction::MinSigned : Reduction::MinUnsigned)
                                                 : (isSigned ? Reduction::MaxSigned : Reduction::MaxUnsigned);
      emit(ops_.reduce(operation), {d.row, v, members}, members);
      return finish(d);
    }
    case Form::Activemask: {
      Destination d = destination(inst.operands[0], Type::B32);
      emit(ops_.activeMask, {d.row}, Op::noOperand);
      return finish(d);
    }
    case Form::BarWarpSync: return emit(ops_.nothing, {}, source(inst.operands[0], Type::B32));
    case Form::ElectSync: {
      int32_t members = source(inst.operands[2], Type::B32);
      Destination d = resultOf(0, Type::B32), p = resultOf(1, Type::Pred);
      emit(ops_.elect, {d.row, p.row, members}, members);
      return finish(d);
    }
    default: refuse(inst); return;
  }
}

void Builder::emitSpecialInst(const Inst& inst) {
  switch (inst.form) {
    case Form::Trap: add(ops_.service(Service::Trap)); return;
    case Form::Brkpt: case Form::Pmevent: case Form::Setmaxnreg: case Form::GriddepcontrolLaunch: case Form::GriddepcontrolWait: return;
    case Form::Nanosleep: {
      int32_t time = source(inst.operands[0], Type::U32);
      add(ops_.service(Service::Nanosleep)).operands[0] = time;
      return;
    }
    default: refuse(inst); return;
  }
}

// What the device does for a kernel (CUDA: Formatted Output, Assertion, Dynamic Global Memory Allocation).
void Builder::emitCall(const Inst& inst) {
  const Operand& callee = inst.operands[1];
  if (callee.kind != Operand::Kind::Symbol || module_.functions[callee.symbol.index].hasBody) {
    refuse("a call that cannot be inlined");
    return;
  }
  const std::string& name = module_.functions[callee.symbol.index].name;
  const auto &results = inst.operands[0].elements, &args = inst.operands[2].elements;
  static constexpr struct {
    const char* name;
    Service which;
    size_t args;
    Type result;
  } known[] = {{"vprintf", Service::Printf, 2, Type::B32},
               {"__assertfail", Service::Assert, 5, Type::None},
               {"malloc", Service::Malloc, 1, Type::B64},
               {"free", Service::Free, 1, Type::None}};
  for (const auto& service : known) {
    if (name != service.name || args.size() != service.args || results.size() > (service.result == Type::None ? 0u : 1u)) continue;
    int32_t rows[5];
    for (size_t i = 0; i < args.size(); ++i)
      rows[i] = source(args[i], service.which == Service::Assert && i == 2 ? Type::B32 : Type::B64);
    Destination d;
    if (!results.empty() && results[0].isReg()) d = destination(results[0], service.result);
    Op& op = add(ops_.service(service.which));
    unsigned at = 0;
    if (service.result != Type::None) op.operands[at++] = d.row;
    for (size_t i = 0; i < args.size(); ++i) op.operands[at++] = rows[i];
    return finish(d);
  }
  refuse("a call of " + name);
}

}  // namespace anywarp::quick
