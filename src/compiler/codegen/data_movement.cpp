// Moves, addresses and conversions between state spaces (PTX: Data Movement and Conversion Instructions).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using Kind = Shape::Kind;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

// The address of a variable within its space (kernel parameters: offset in the parameter image), plus the operand's offset.
Value* FunctionEmitter::symbolAddress(const Operand& o, Space& space) {
  auto tableEntry = [&](uint64_t index) { return field(symbols_, index * 8, b.getInt64Ty(), "symbol"); };
  Value* address = i64(0);
  switch (o.symbol.kind) {
    case ptx::SymbolKind::ModuleVariable: {
      const ptx::Variable& v = k_.ptx.variables[o.symbol.index];
      space = v.space;
      address = space == Space::Shared ? i64(k_.program.shared.moduleVariables[o.symbol.index]) : tableEntry(o.symbol.index);
      break;
    }
    case ptx::SymbolKind::FunctionVariable: {
      const analysis::Storage& s = flat_.storage[o.symbol.index];
      space = s.space;
      address = i64(s.offset);
      if (space == Space::Local && lspBase_) address = b.CreateAdd(lspBase_, address);
      break;
    }
    case ptx::SymbolKind::Parameter:
      space = Space::Param;
      address = i64(o.symbol.index < k_.params.offsets.size() ? k_.params.offsets[o.symbol.index] : 0);
      break;
    case ptx::SymbolKind::Function:
      space = Space::Generic;
      address = tableEntry(k_.ptx.variables.size() + o.symbol.index);
      break;
    default: space = Space::Generic; break;
  }
  return o.offset ? b.CreateAdd(address, i64(uint64_t(o.offset))) : address;
}

void FunctionEmitter::emitMove(const Inst& inst) {
  const Operand& to = inst.operands[0];
  const Operand& from = inst.operands[1];
  Type type = inst.type();
  auto scalarFor = [&](const Operand& d, const Operand& s) {
    return shapeOf(s).isUniform() || (d.isReg() && a_.shapes.registers[d.reg].isScalarBased());
  };
  switch (inst.form) {
    case Form::MovPack: {
      unsigned elementBits = ptx::bits(type) / unsigned(from.elements.size());
      bool scalar = shapeOf(from).isUniform();
      Value* packed = nullptr;
      for (size_t i = 0; i < from.elements.size(); ++i) {
        Value* e = read(from.elements[i], ptx::bitsType(elementBits), !scalar);
        llvm::Type* wide = scalar ? laneType(type) : vectorOf(laneType(type));
        e = b.CreateZExt(e, wide);
        if (i) e = b.CreateShl(e, llvm::ConstantInt::get(wide, i * elementBits));
        packed = packed ? b.CreateOr(packed, e) : e;
      }
      return write(to, type, packed);
    }
    case Form::MovUnpack: {
      unsigned elementBits = ptx::bits(type) / unsigned(to.elements.size());
      bool scalar = shapeOf(from).isUniform();
      Value* v = read(from, type, !scalar);
      llvm::Type* narrow = scalar ? b.getIntNTy(elementBits) : vectorOf(b.getIntNTy(elementBits));
      for (size_t i = 0; i < to.elements.size(); ++i) {
        Value* e = i ? b.CreateLShr(v, llvm::ConstantInt::get(v->getType(), i * elementBits)) : v;
        write(to.elements[i], ptx::bitsType(elementBits), b.CreateTrunc(e, narrow));
      }
      return;
    }
    case Form::MovVector: {  // all are read before any is written
      llvm::SmallVector<Value*, 8> values;
      const size_t count = std::min(to.elements.size(), from.elements.size());
      for (size_t i = 0; i < count; ++i) values.push_back(read(from.elements[i], type, !scalarFor(to.elements[i], from.elements[i])));
      for (size_t i = 0; i < count; ++i) write(to.elements[i], type, values[i]);
      return;
    }
    default: break;
  }
  if (to.isReg()) {
    const Shape& shape = a_.shapes.registers[to.reg];
    if (shape.kind == Kind::Extended || shape.kind == Kind::ExtendedVarying) {
      if (!emitExtended(inst, shape)) k_.fail(ErrorKind::Unsupported, inst.loc, "internal: move of an extended value");
      return;
    }
  }
  write(to, type, read(from, type, !scalarFor(to, from)));
}

void FunctionEmitter::emitAddressConversion(const Inst& inst) {
  const Operand& to = inst.operands[0];
  const Operand& from = inst.operands[1];
  Value* shared = b.CreatePtrToInt(shared_, b.getInt64Ty());
  Value* local = b.CreatePtrToInt(local_, b.getInt64Ty());
  Value* params = b.CreatePtrToInt(params_, b.getInt64Ty());
  if (inst.form == Form::Isspacep) {
    bool scalar = shapeOf(from).isUniform();
    Value* a = read(from, Type::B64, !scalar);
    auto like = [&](Value* v) { return scalar ? v : splat(v); };
    auto within = [&](Value* base, Value* size) { return b.CreateICmpULT(b.CreateSub(a, like(base)), like(size)); };
    Value* sharedSize = b.CreateZExt(b.CreateAdd(reservedShared(), i32(abi::reservedSharedBytes)), b.getInt64Ty());
    Value* inShared = within(shared, sharedSize);
    Value* inLocal = within(local, b.CreateMul(localStride_, i64(k_.threads)));
    Value* inParams = within(params, i64(k_.params.size));
    // Constant memory is among the global variables.
    auto inConstants = [&](Value* address) {
      Value* any = like(b.getFalse());
      for (size_t v = 0; v < k_.ptx.variables.size(); ++v) {
        const ptx::Variable& variable = k_.ptx.variables[v];
        if (variable.space != Space::Const || variable.size == 0) continue;
        Value* base = field(symbols_, v * 8, b.getInt64Ty(), "constant");
        any = b.CreateOr(any, b.CreateICmpULT(b.CreateSub(address, like(base)), like(i64(variable.size))));
      }
      return any;
    };
    Value* result;
    if (inst.has(Mod::Shared) || inst.has(Mod::SharedCta) || inst.has(Mod::SharedCluster)) result = inShared;
    else if (inst.has(Mod::Local)) result = inLocal;
    else if (inst.has(Mod::Param) || inst.has(Mod::ParamEntry)) result = inParams;
    else if (inst.has(Mod::Const)) result = inConstants(a);
    else result = b.CreateNot(b.CreateOr(b.CreateOr(b.CreateOr(inShared, inLocal), inParams), inConstants(a)));
    return write(to, Type::Pred, result);
  }
  if (to.isReg()) {
    const Shape& shape = a_.shapes.registers[to.reg];
    if (shape.kind == Kind::Extended || shape.kind == Kind::ExtendedVarying) {
      emitExtended(inst, shape);
      return;
    }
  }
  bool toSpace = inst.form == Form::CvtaTo;
  if (inst.has(Mod::Local)) {
    Value* windows = localWindows();
    Value* v = read(from, Type::B64, true);
    return write(to, Type::B64, toSpace ? b.CreateSub(v, windows) : b.CreateAdd(v, windows));
  }
  bool scalar = shapeOf(from).isUniform() || (to.isReg() && a_.shapes.registers[to.reg].isScalarBased());
  Value* v = read(from, Type::B64, !scalar);
  Value* window = nullptr;
  if (inst.has(Mod::Shared) || inst.has(Mod::SharedCta) || inst.has(Mod::SharedCluster)) window = shared;
  if (inst.has(Mod::Param) || inst.has(Mod::ParamEntry)) window = params;
  if (window) {
    if (!scalar) window = splat(window);
    v = toSpace ? b.CreateSub(v, window) : b.CreateAdd(v, window);
  }
  write(to, Type::B64, v);
}

Value* FunctionEmitter::localWindows() {
  Value* first = b.CreateAdd(b.CreatePtrToInt(local_, b.getInt64Ty()), b.CreateMul(b.CreateZExt(threadIndex(), b.getInt64Ty()), localStride_));
  return b.CreateAdd(splat(first), b.CreateMul(iota(64), splat(localStride_)));
}

Address FunctionEmitter::address(const Inst& inst, const Operand& o, Space space) {
  Address a;
  a.space = space;
  a.offset = o.offset;
  const bool apart = !k_.localAlike;  // local memories of the lanes
  auto setWindow = [&] {
    if (a.space == Space::Local && !apart) a.window = localOfWarp();
    if (a.space == Space::Shared) a.window = shared_;
    if (a.space == Space::Param) a.window = params_;
  };
  auto setBase = [&](Value* v) {
    a.base = v;
    if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(v)) {
      a.offset += known->getSExtValue();
      a.base = i64(0);
      if (a.window) a.alignLog2 = 6;
    }
  };
  if (o.hasSymbol || o.reg == ptx::noReg) {
    Value* v = i64(0);
    if (o.hasSymbol) {
      Operand base = o;
      base.offset = 0;
      Space symbolSpace = space;
      v = symbolAddress(base, symbolSpace);
      if (symbolSpace != Space::Generic && symbolSpace != Space::None) a.space = symbolSpace;
    }
    setWindow();
    if (a.space == Space::Local && apart) {
      a.kind = Address::Kind::Vector;
      a.lanes = b.CreateAdd(localWindows(), splat(v));
      return a;
    }
    setBase(v);
    return a;
  }

  const Shape& shape = a_.shapes.registers[o.reg];
  bool narrow = ptx::bits(flat_.registers[o.reg].type) <= 32;
  auto widen = [&](Value* v) {
    if (!narrow) return v;
    llvm::Type* t = v->getType()->isVectorTy() ? vectorOf(b.getInt64Ty()) : (llvm::Type*)b.getInt64Ty();
    return space == Space::Shared ? b.CreateSExt(v, t) : b.CreateZExt(v, t);
  };
  setWindow();
  if (space == Space::Local && apart) {
    a.kind = Address::Kind::Vector;
    a.lanes = b.CreateAdd(localWindows(), lanesOf(widen(readRegister(o.reg, !shape.isUniform()))));
    return a;
  }
  if (a.window) a.alignLog2 = std::min<uint8_t>(shape.alignLog2, 6);
  if (shape.run) {
    a.run = shape.run;
    a.runStride = narrow ? int32_t(shape.stride) : shape.stride;
  }
  switch (shape.kind) {
    case Kind::Affine:
      if (narrow && space != Space::Shared) break;
      a.kind = Address::Kind::Strided;
      a.base = widen(laneZero(o.reg));
      a.stride = narrow ? int32_t(shape.stride) : shape.stride;
      return a;
    case Kind::Extended: {
      a.kind = Address::Kind::Strided;
      a.base = laneZero(o.reg);
      a.stride = shape.scale * shape.stride;
      a.low = loadLow(slot(o.reg));
      a.lowStride = shape.stride;
      a.scale = shape.scale;
      a.isSigned = shape.isSigned;
      int64_t span = shape.stride * int64_t(width_ - 1);
      if (span > INT32_MAX || span < -INT32_MAX) break;
      a.valid = spansWithoutWrap(a.low, span, shape.isSigned);
      if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(a.valid); known && known->isOne()) a.valid = nullptr;
      else if (offLines_) a.valid = b.getFalse();
      return a;
    }
    case Kind::ExtendedVarying:
      a.kind = Address::Kind::Indexed;
      a.base = load(slot(o.reg));
      a.index = loadLow(slot(o.reg));
      a.scale = shape.scale;
      a.isSigned = shape.isSigned;
      a.likely = a_.likely.empty() ? 0 : a_.likely[o.reg];
      return a;
    case Kind::Varying:
      if (narrow && space == Space::Shared) {
        a.kind = Address::Kind::Indexed;
        a.base = i64(0);
        a.index = readRegister(o.reg, true);
        a.likely = a_.likely.empty() ? 0 : a_.likely[o.reg];
        return a;
      }
      break;
    case Kind::Uniform: case Kind::Unknown: setBase(widen(laneZero(o.reg))); return a;
    default: break;
  }
  a.kind = Address::Kind::Vector;
  a.valid = nullptr;
  a.alignLog2 = 0;
  a.lanes = widen(readRegister(o.reg, true));
  if (a.window) a.lanes = b.CreateAdd(a.lanes, splat(b.CreatePtrToInt(a.window, b.getInt64Ty())));
  a.window = nullptr;
  return a;
}

// A 32-bit value does not wrap between the first lane, where it is `low`, and the last, where it is `span` more.
Value* FunctionEmitter::spansWithoutWrap(Value* low, int64_t span, bool isSigned) {
  if (isSigned) return span >= 0 ? b.CreateICmpSLE(low, i32(uint32_t(INT32_MAX - span))) : b.CreateICmpSGE(low, i32(uint32_t(INT32_MIN - span)));
  return span >= 0 ? b.CreateICmpULE(low, i32(uint32_t(UINT32_MAX - span))) : b.CreateICmpUGE(low, i32(uint32_t(-span)));
}

// Where indices mostly lie `bytes` apart: an address that strides by as much, valid when all lanes do. Others as they are.
Address FunctionEmitter::nearlyStrided(const Address& a, uint64_t bytes) {
  if (a.kind != Address::Kind::Indexed || a.likely == 0 || a.scale * a.likely != int64_t(bytes) || !a.index->getType()->getScalarType()->isIntegerTy(32))
    return a;
  int64_t span = a.likely * int64_t(width_ - 1);
  if (span > INT32_MAX || span < -INT32_MAX) return a;
  Value* first = b.CreateExtractElement(a.index, uint64_t(0));
  Value* off = anyLane(logicalAnd(mask_, b.CreateICmpNE(a.index, affineLanes(first, a.likely))));
  Address s = a;
  s.kind = Address::Kind::Strided;
  s.valid = b.CreateAnd(b.CreateNot(off), spansWithoutWrap(first, span, a.isSigned));
  Value* wide = a.isSigned ? b.CreateSExt(first, b.getInt64Ty()) : b.CreateZExt(first, b.getInt64Ty());
  s.base = b.CreateAdd(a.base, b.CreateMul(wide, i64(uint64_t(a.scale))));
  s.stride = int64_t(bytes);
  s.alignLog2 = 0;
  return s;
}

Address FunctionEmitter::shifted(Address a, int64_t bytes) {
  a.offset += bytes;
  return a;
}

Value* FunctionEmitter::pointer(const Address& a) {
  Value* p;
  auto* known = llvm::dyn_cast<llvm::ConstantInt>(a.base);
  if (!a.window) p = b.CreateIntToPtr(a.base, b.getPtrTy());
  else p = known && known->isZero() ? a.window : b.CreateGEP(b.getInt8Ty(), a.window, a.base);
  return a.offset ? b.CreateGEP(b.getInt8Ty(), p, i64(uint64_t(a.offset))) : p;
}

Value* FunctionEmitter::pointers(const Address& a) {
  llvm::Type* wide = vectorOf(b.getInt64Ty());
  auto extend = [&](Value* v) {
    if (v->getType() == wide) return v;
    return a.isSigned ? b.CreateSExt(v, wide) : b.CreateZExt(v, wide);
  };
  if (a.kind == Address::Kind::Vector) return a.offset ? b.CreateAdd(a.lanes, splat(i64(uint64_t(a.offset)))) : a.lanes;
  Value* base = b.CreatePtrToInt(pointer(a), b.getInt64Ty());
  switch (a.kind) {
    case Address::Kind::Strided: {
      if (!a.valid) return affineLanes(base, a.stride);
      // Exact also where the 32-bit part wraps: take lane 0's part off, put every lane's own on.
      Value* low0 = a.isSigned ? b.CreateSExt(a.low, b.getInt64Ty()) : b.CreateZExt(a.low, b.getInt64Ty());
      Value* rest = b.CreateSub(base, b.CreateMul(low0, i64(uint64_t(a.scale))));
      Value* lows = extend(affineLanes(a.low, a.lowStride));
      return b.CreateAdd(splat(rest), b.CreateMul(lows, splat(i64(uint64_t(a.scale)))));
    }
    case Address::Kind::Indexed: return b.CreateAdd(splat(base), b.CreateMul(extend(a.index), splat(i64(uint64_t(a.scale)))));
    default: return splat(base);
  }
}

}  // namespace anywarp::codegen
