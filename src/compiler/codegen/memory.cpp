// Loads and stores: scalar, contiguous, strided, gathered (PTX: ld, st, prefetch). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/emitter.h"

#include <llvm/IR/Intrinsics.h>

#include <bit>

#include "abi/running_lane.h"
#include "compiler/analysis/operands.h"
#include "support/options.h"

namespace anywarp::codegen {

using ptx::Mod;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

// Keeps the compiler from moving or merging accesses across; costs nothing at run time.
void FunctionEmitter::compilerFence() {
  b.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent, llvm::SyncScope::SingleThread);
}

void FunctionEmitter::emitMemory(const Inst& inst) {
  switch (inst.form) {
    case ptx::Form::Ld: case ptx::Form::Ldu: return emitLoad(inst);
    case ptx::Form::St: return emitStore(inst);
    case ptx::Form::Prefetch: case ptx::Form::PrefetchEvict: case ptx::Form::PrefetchTensormap: case ptx::Form::Prefetchu:
    case ptx::Form::Applypriority: case ptx::Form::Discard:
      return;  // hints
    case ptx::Form::Membar: case ptx::Form::MembarProxy: case ptx::Form::Fence: case ptx::Form::FenceRestrict:
    case ptx::Form::FenceMbarrierInit: case ptx::Form::FenceProxy: case ptx::Form::FenceProxyAsync: case ptx::Form::FenceProxyTensormap:
      return emitFence(inst);
    default:
      return unsupported(inst, std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name +
                                   ") is not supported yet");
  }
}

void FunctionEmitter::trapIf(Value* condition, Value* lanes, abi::TrapKind kind, const ptx::SourceLoc& loc, Value* address) {
  trapIf(condition, lanes, kind, i32(loc.line), address);
}

void FunctionEmitter::trapIf(Value* condition, Value* lanes, abi::TrapKind kind, Value* line, Value* address) {
  llvm::BasicBlock* bad = llvm::BasicBlock::Create(k_.context(), "trap", &function_);
  llvm::BasicBlock* good = llvm::BasicBlock::Create(k_.context(), "go", &function_);
  llvm::MDNode* unlikely = llvm::MDBuilder(k_.context()).createUnlikelyBranchWeights();
  b.CreateCondBr(condition, bad, good, unlikely);
  b.SetInsertPoint(bad);
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), b.getInt32Ty(), b.getInt64Ty()}, false);
  service(offsetof(abi::Services, trap), type, {ctx_, warp_, maskBits(lanes), i32(uint32_t(kind)), line, address ? address : i64(0)});
  b.CreateUnreachable();
  b.SetInsertPoint(good);
}

// What checkAlignment() has put off, before anything but plain accesses and arithmetic happens.
void FunctionEmitter::flushMisaligned() {
  if (misaligned_) trapIf(misaligned_, mask_, abi::TrapKind::Misaligned, misalignedLine_, misalignedAddress_);
  misaligned_ = misalignedLine_ = misalignedAddress_ = nullptr;
  misalignedTests_ = 0;
}

// The address of the first of `lanes`, as i64: for reports, so LLVM moves its computation to where they are made.
Value* FunctionEmitter::firstAddress(const Address& a, Value* lanes) {
  using Kind = Address::Kind;
  if (a.kind == Kind::Uniform) return b.CreatePtrToInt(pointer(a), b.getInt64Ty());
  Value* first = b.CreateZExt(b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(lanes), b.getTrue()), b.getInt64Ty());
  if (a.kind == Kind::Vector) return b.CreateExtractElement(pointers(a), first);
  // For this lane alone: what is made for all of them, and for this, would stand on the way that is always taken.
  Value* at = b.CreatePtrToInt(pointer(a), b.getInt64Ty());
  auto extend = [&](Value* v) { return a.isSigned ? b.CreateSExt(v, b.getInt64Ty()) : b.CreateZExt(v, b.getInt64Ty()); };
  if (a.kind == Kind::Indexed) return b.CreateAdd(at, b.CreateMul(extend(b.CreateExtractElement(a.index, first)), i64(uint64_t(a.scale))));
  if (!a.valid) return b.CreateAdd(at, b.CreateMul(first, i64(uint64_t(a.stride))));
  Value* low = b.CreateAdd(a.low, b.CreateMul(b.CreateTrunc(first, b.getInt32Ty()), i32(uint32_t(a.lowStride))));
  return b.CreateAdd(at, b.CreateMul(b.CreateSub(extend(low), extend(a.low)), i64(uint64_t(a.scale))));
}

// Accesses must be aligned to their size (PTX: Addresses as Operands). `later`: the host does not mind, so one test at the end of
// the block will do for many of them.
void FunctionEmitter::checkAlignment(const Inst& inst, const Address& a, unsigned bytes, bool later) {
  if (k_.options.debugInfo) {  // each lane in turn, so that a fault knows its thread
    Value* running = b.CreateConstGEP1_64(b.getInt8Ty(), ctx_, offsetof(abi::BlockContext, runningWarp));
    llvm::SmallVector<llvm::Constant*, 32> numbers;
    for (unsigned lane = 0; lane < width_; ++lane) numbers.push_back(b.getInt32(lane));
    perLane(mask_, {pointers(a), llvm::ConstantVector::get(numbers)}, nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
      Value* misaligned = b.CreateICmpNE(b.CreateAnd(lane[0], i64(bytes - 1)), i64(0));
      if (bytes > 1) trapIf(misaligned, maskFromBits(b.CreateShl(i32(1), lane[1])), abi::TrapKind::Misaligned, inst.loc, lane[0]);
      Value* number = b.CreateOr(b.CreateShl(lane[1], i32(abi::runningLaneShift)), i32(abi::runningLaneMark));
      b.CreateStore(b.CreateOr(number, warp_), running, true);
      Value* first = b.CreateIntToPtr(lane[0], b.getPtrTy());
      b.CreateLoad(b.getInt8Ty(), first, true);
      if (bytes > 1) b.CreateLoad(b.getInt8Ty(), b.CreateConstGEP1_64(b.getInt8Ty(), first, bytes - 1), true);
      return nullptr;
    });
    b.CreateStore(warp_, running, true);
    return;
  }
  if (bytes < 2) return;
  uint64_t low = bytes - 1;
  bool strides = a.kind == Address::Kind::Uniform || (a.kind == Address::Kind::Strided && a.stride % int64_t(bytes) == 0) ||
                 (a.kind == Address::Kind::Indexed && a.scale % int64_t(bytes) == 0);
  Value *bad = nullptr, *lanes = mask_;
  if (strides) {
    if ((uint64_t(1) << a.alignLog2) >= bytes && (uint64_t(a.offset) & low) == 0) return;
    // The windows are aligned: what is relative to them decides. Offsets that change nothing are left out, so that accesses side by side
    // share one test.
    Value* at = (uint64_t(a.offset) & low) ? b.CreateAdd(a.base, i64(uint64_t(a.offset))) : a.base;
    bad = b.CreateICmpNE(b.CreateAnd(at, i64(low)), i64(0));
  } else if (a.kind == Address::Kind::Indexed) {
    // Low bits are linear: no need to form the addresses.
    Value* narrow = a.index;
    unsigned n = narrow->getType()->getScalarSizeInBits();
    Value* at = a.window ? b.CreateAdd(a.base, i64(uint64_t(a.offset))) : b.CreatePtrToInt(pointer(a), b.getInt64Ty());
    Value* base = b.CreateTrunc(at, b.getIntNTy(n));
    Value* sum = b.CreateAdd(splat(base), a.scale == 1 ? narrow : b.CreateMul(narrow, llvm::ConstantInt::get(narrow->getType(), uint64_t(a.scale))));
    Value* misaligned = b.CreateICmpNE(b.CreateAnd(sum, llvm::ConstantInt::get(sum->getType(), low)), llvm::Constant::getNullValue(sum->getType()));
    bad = anyLane(lanes = logicalAnd(mask_, misaligned));
  } else {
    Value* p = pointers(a);
    Value* misaligned = b.CreateICmpNE(b.CreateAnd(p, splat(i64(low))), llvm::Constant::getNullValue(p->getType()));
    bad = anyLane(lanes = logicalAnd(mask_, misaligned));
  }
  if (mayBeEmpty_ && strides) bad = b.CreateAnd(bad, anyLane(mask_));
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(bad); known && known->isZero()) return;
  // More addresses than these would cost registers up to the end of the block.
  constexpr unsigned mostAddresses = 3;
  Value *line = i32(inst.loc.line), *at = later && misalignedTests_++ >= mostAddresses ? i64(0) : firstAddress(a, lanes);
  if (!later) return trapIf(bad, mask_, abi::TrapKind::Misaligned, line, at);
  misalignedAddress_ = misaligned_ ? b.CreateSelect(misaligned_, misalignedAddress_, at) : at;
  misalignedLine_ = misaligned_ ? b.CreateSelect(misaligned_, misalignedLine_, line) : line;
  misaligned_ = misaligned_ ? b.CreateOr(misaligned_, bad) : bad;
}

// Whether the mask of an instruction has just one lane.
bool FunctionEmitter::hasOneLane(const Inst& inst) const {
  return isOneLane(current_) && inst.guard == ptx::noReg && !mayBeEmpty_ && !k_.options.debugInfo;
}

// The place of the one lane that is there.
Address FunctionEmitter::ofOneLane(const Address& a) {
  using Kind = Address::Kind;
  if (a.kind == Kind::Uniform) return a;
  Address one;
  one.window = a.window;
  one.offset = a.offset;
  one.space = a.space;
  Value* lane = b.CreateZExt(b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(mask_), b.getTrue()), b.getInt64Ty());
  auto extend = [&](Value* v) {
    if (v->getType() == b.getInt64Ty()) return v;
    return a.isSigned ? b.CreateSExt(v, b.getInt64Ty()) : b.CreateZExt(v, b.getInt64Ty());
  };
  if (a.kind == Kind::Vector) {
    one.base = b.CreateExtractElement(a.lanes, lane);
  } else if (a.kind == Kind::Indexed) {
    one.base = b.CreateAdd(a.base, b.CreateMul(extend(b.CreateExtractElement(a.index, lane)), i64(uint64_t(a.scale))));
  } else if (!a.valid) {
    one.base = b.CreateAdd(a.base, b.CreateMul(lane, i64(uint64_t(a.stride))));
    one.alignLog2 = std::min(a.alignLog2, uint8_t(std::countr_zero(uint64_t(a.stride))));
  } else {
    Value* low = b.CreateAdd(a.low, b.CreateMul(b.CreateTrunc(lane, b.getInt32Ty()), i32(uint32_t(a.lowStride))));
    one.base = b.CreateAdd(a.base, b.CreateMul(b.CreateSub(extend(low), extend(a.low)), i64(uint64_t(a.scale))));
  }
  return one;
}

void FunctionEmitter::emitLoad(const Inst& inst) {
  if (isLocalByLanes(inst)) return loadLocalByLanes(inst);
  Type type = inst.type();
  const Operand& to = inst.operands[0];
  const Address lanes = address(inst, inst.operands[1], inst.space());
  const Address a = hasOneLane(inst) ? ofOneLane(lanes) : lanes;
  llvm::SmallVector<Operand, 8> elements;
  if (to.kind == Operand::Kind::Vector) elements.append(to.elements.begin(), to.elements.end());
  else elements.push_back(to);
  unsigned count = unsigned(elements.size());
  unsigned size = ptx::bits(type) / 8;
  llvm::Type* element = b.getIntNTy(size * 8);
  // Parameters of kernels are aligned by their layout.
  bool aligned = a.space == Space::Param && inst.operands[1].hasSymbol;
  const bool whole = isWhole(inst, size, count);
  if (!aligned) checkAlignment(inst, a, size * count, !whole && analysis::isWeak(inst));
  bool fenced = !analysis::isWeak(inst);
  if (fenced) compilerFence();
  bool constant = a.space == Space::Param || a.space == Space::Const || inst.has(Mod::Nc);
  if (a.kind == lanes.kind) noteReadable(inst, inst.operands[1], a, size * count);
  if (whole || a.kind != Address::Kind::Uniform) {
    auto values = whole ? loadWholes(inst, a, element, count) : loadLanes(inst, a, element, count);
    const bool uniform = a.kind == Address::Kind::Uniform;
    for (unsigned i = 0; i < count; ++i) {
      Value* v = values[i];
      llvm::Type* lane = laneType(type);
      if (lane != element) v = b.CreateBitCast(v, uniform ? lane : vectorOf(lane));
      write(elements[i], type, v);
    }
  } else {
    for (unsigned i = 0; i < count; ++i) {
      Value* p = pointer(shifted(a, int64_t(i) * size));
      if (mayBeEmpty_ && !aligned) {
        Value* always = isReadable(inst.operands[1], a, size * count);
        p = valuesEitherWay(always ? always : b.getFalse(), [&] { return LaneValues{p}; }, [&] { return LaneValues{readable(p)}; })[0];
      }
      llvm::LoadInst* load = ofProgram(b.CreateAlignedLoad(element, p, llvm::Align(aligned ? 1 : size)));
      if (constant) load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(k_.context(), {}));
      Value* v = load;
      llvm::Type* lane = laneType(type);
      if (lane != element) v = b.CreateBitCast(v, lane);
      write(elements[i], type, v);
    }
  }
  if (fenced) {
    if (inst.has(Mod::Acquire) && a.space != Space::Shared) b.CreateFence(llvm::AtomicOrdering::Acquire);
    else compilerFence();
  }
}

FunctionEmitter::LaneValues FunctionEmitter::loadLanes(const Inst& inst, const Address& a, llvm::Type* element, unsigned count) {
  if (LaneValues row = loadRow(inst, a, element); !row.empty()) return row;
  unsigned size = element->getIntegerBitWidth() / 8;
  Address near = nearlyStrided(a, uint64_t(size) * count);
  bool contiguous = near.kind == Address::Kind::Strided && near.stride == int64_t(size) * count && size <= 8;
  auto gatherAll = [&] {
    LaneValues values;
    for (unsigned i = 0; i < count; ++i) values.push_back(gather(shifted(a, int64_t(i) * size), element));
    return values;
  };
  auto loadMasked = [&] {
    llvm::Type* wide = llvm::FixedVectorType::get(element, width_ * count);
    Value* wideMask = maskOfElements(mask_, count);
    Value* p = pointer(near);
    bool some = masksCost() && !llvm::isa<llvm::Constant>(wideMask);
    Value* all = some ? loadSome(wide, p, wideMask)
                      : ofProgram(b.CreateMaskedLoad(wide, p, llvm::Align(size), wideMask, llvm::PoisonValue::get(wide)));
    if (count == 1) return LaneValues{all};
    LaneValues values;
    for (unsigned i = 0; i < count; ++i) {
      llvm::SmallVector<int, 32> pick;
      for (unsigned l = 0; l < width_; ++l) pick.push_back(int(l * count + i));
      values.push_back(b.CreateShuffleVector(all, pick));
    }
    return values;
  };
  auto loadWide = [&]() -> LaneValues {
    if (Value* always = count == 1 ? isReadable(inst.operands[1], near, size) : nullptr)
      return valuesEitherWay(always, [&] { return LaneValues{ofProgram(b.CreateAlignedLoad(vectorOf(element), pointer(near), llvm::Align(size)))}; }, loadMasked);
    return loadMasked();
  };
  if (contiguous) return valuesEitherWay(near.valid, loadWide, gatherAll, near.valid == a.valid ? Holds::NearlyAlways : Holds::Mostly);
  if (int64_t apart = spacing(a, size, count))
    return valuesEitherWay(a.valid, [&] { return loadSpaced(a, element, count, apart); }, gatherAll, Holds::NearlyAlways);
  if (LaneRuns runs = laneRuns(a, size * count); runs.lanes && size <= 8)
    return valuesEitherWay(runs.valid, [&] { return loadRuns(runs, element, count); }, gatherAll, Holds::NearlyAlways);
  return gatherAll();
}

// Addresses as LLVM likes them for gathers: a scalar base with narrow indices where there is one.
Value* FunctionEmitter::gatherPointers(const Address& a) {
  llvm::Type* wide = vectorOf(b.getInt64Ty());
  if (Value* offsets = constantOffsets(a)) return b.CreateGEP(b.getInt8Ty(), a.window, offsets);
  if (a.kind == Address::Kind::Indexed) {
    Value* index = a.index;
    if (index->getType() != wide) index = a.isSigned ? b.CreateSExt(index, wide) : b.CreateZExt(index, wide);
    Value* base = pointer(a);
    switch (a.scale) {
      case 1: return b.CreateGEP(b.getInt8Ty(), base, index);
      case 2: return b.CreateGEP(b.getInt16Ty(), base, index);
      case 4: return b.CreateGEP(b.getInt32Ty(), base, index);
      case 8: return b.CreateGEP(b.getInt64Ty(), base, index);
      default: return b.CreateGEP(b.getInt8Ty(), base, b.CreateMul(index, splat(i64(uint64_t(a.scale)))));
    }
  }
  if (a.kind == Address::Kind::Strided && !a.valid) {
    llvm::SmallVector<llvm::Constant*, 32> offsets;
    for (unsigned i = 0; i < width_; ++i) offsets.push_back(b.getInt64(uint64_t(a.stride) * i));
    return b.CreateGEP(b.getInt8Ty(), pointer(a), llvm::ConstantVector::get(offsets));
  }
  return b.CreateIntToPtr(pointers(a), vectorOf(b.getPtrTy()));
}

Value* FunctionEmitter::gather(const Address& a, llvm::Type* element) {
  unsigned bits = element->getIntegerBitWidth();
  llvm::Type* vector = vectorOf(element);
  if (bits == 128) {  // two halves
    Value* low = gather(a, b.getInt64Ty());
    Value* high = gather(shifted(a, 8), b.getInt64Ty());
    return b.CreateOr(b.CreateZExt(low, vector), b.CreateShl(b.CreateZExt(high, vector), llvm::ConstantInt::get(vector, 64)));
  }
  if (bits < 32) {
    // The aligned word around it lies on the same page.
    Value* p = pointers(a);
    Value* aligned = b.CreateAnd(p, splat(i64(~uint64_t(3))));
    Value* word = b.CreateMaskedGather(vectorOf(b.getInt32Ty()), b.CreateIntToPtr(aligned, vectorOf(b.getPtrTy())), llvm::Align(4), mask_);
    Value* shift = b.CreateShl(b.CreateAnd(b.CreateTrunc(p, vectorOf(b.getInt32Ty())), splat(i32(3))), splat(i32(3)));
    return b.CreateTrunc(b.CreateLShr(word, shift), vector);
  }
  if (!k_.host.avx2 && !k_.host.avx512f)
    return perLane(mask_, {pointers(a)}, element, [&](llvm::ArrayRef<Value*> lane) -> Value* {
      return b.CreateAlignedLoad(element, b.CreateIntToPtr(lane[0], b.getPtrTy()), llvm::Align(1));
    });
  Value* p = gatherPointers(a);
  return ofProgram(b.CreateMaskedGather(vector, p, llvm::Align(bits / 8), mask_));
}

void FunctionEmitter::scatter(const Address& a, Value* value) {
  llvm::Type* element = value->getType()->getScalarType();
  unsigned bits = element->getIntegerBitWidth();
  if (k_.host.avx512f && (bits == 32 || bits == 64)) {
    Value* p = gatherPointers(a);
    ofProgram(b.CreateMaskedScatter(value, p, llvm::Align(bits / 8), mask_));
    return;
  }
  perLane(mask_, {pointers(a), value}, nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
    b.CreateAlignedStore(lane[1], b.CreateIntToPtr(lane[0], b.getPtrTy()), llvm::Align(1));
    return nullptr;
  }, true);
}

void FunctionEmitter::emitStore(const Inst& inst) {
  if (isLocalByLanes(inst)) return storeLocalByLanes(inst);
  Type type = inst.type();
  const Operand& from = inst.operands[1];
  Address a = address(inst, inst.operands[0], inst.space());
  if (hasOneLane(inst)) a = ofOneLane(a);
  llvm::SmallVector<Operand, 8> elements;
  if (from.kind == Operand::Kind::Vector) elements.append(from.elements.begin(), from.elements.end());
  else elements.push_back(from);
  unsigned count = unsigned(elements.size());
  unsigned size = ptx::bits(type) / 8;
  llvm::Type* element = b.getIntNTy(size * 8);
  const bool whole = isWhole(inst, size, count);
  checkAlignment(inst, a, size * count, !whole && analysis::isWeak(inst));
  bool fenced = !analysis::isWeak(inst);
  if (fenced) {
    if (inst.has(Mod::Release) && a.space != Space::Shared) b.CreateFence(llvm::AtomicOrdering::Release);
    else compilerFence();
  }
  bool uniformValues = true;
  for (const Operand& e : elements) uniformValues &= shapeOf(e).isUniform();
  auto value = [&](const Operand& e, bool vector) {
    Value* v = read(e, type, vector);
    if (v->getType()->getScalarType() != element) v = b.CreateBitCast(v, vector ? vectorOf(element) : element);
    return v;
  };
  llvm::SmallVector<Value*, 8> values;
  if (a.kind == Address::Kind::Uniform) {
    // All lanes write the same place: one of them wins.
    Value* winner = uniformValues ? nullptr : b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, maskBits(mask_), b.getTrue());
    for (const Operand& e : elements) {
      Value* v = value(e, !uniformValues);
      values.push_back(winner ? b.CreateExtractElement(v, winner) : v);
    }
  } else {
    for (const Operand& e : elements) values.push_back(value(e, true));
  }
  if (whole) {
    storeWholes(inst, a, element, values);
  } else if (a.kind == Address::Kind::Uniform) {
    for (unsigned i = 0; i < count; ++i) ofProgram(b.CreateAlignedStore(values[i], pointer(shifted(a, int64_t(i) * size)), llvm::Align(size)));
  } else if (!storeInRow(inst, a, element, values)) {
    storeLanes(inst, a, element, values);
  }
  if (fenced) compilerFence();
}

void FunctionEmitter::storeLanes(const Inst& inst, const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values) {
  unsigned count = unsigned(values.size());
  unsigned size = element->getIntegerBitWidth() / 8;
  // Two words at a time.
  const bool pairs = size == 4 && count % 2 == 0 && !options::isPassOff("lane-rows");
  const bool wholeRows = isFull(mask_) && count > 1 && count * size == 16 && size >= 4 && !options::isPassOff("store-rows");
  auto scatterAll = [&] {
    if (wholeRows) return storeTransposed(a, element, values);
    for (unsigned i = 0; i < count; i += pairs ? 2 : 1)
      scatter(shifted(a, int64_t(i) * size), pairs ? b.CreateBitCast(laneMajor(values.slice(i, 2)), vectorOf(b.getInt64Ty())) : values[i]);
  };
  Address near = nearlyStrided(a, uint64_t(size) * count);
  bool contiguous = near.kind == Address::Kind::Strided && near.stride == int64_t(size) * count && size <= 8;
  auto storeWide = [&] {
    Address straight = near;
    straight.valid = nullptr;
    if (wholeRows) return storeTransposed(straight, element, values);
    Value *all = laneMajor(values), *wideMask = maskOfElements(mask_, count);
    if (masksCost() && !llvm::isa<llvm::Constant>(wideMask)) {
      if (size >= 4) return storeSome(all, pointer(near), count);
      if (count == 1) return storeNarrow(all, pointer(near), wideMask);
    }
    ofProgram(b.CreateMaskedStore(all, pointer(near), llvm::Align(size), wideMask));
  };
  auto either = [&](Value* valid, llvm::function_ref<void()> fast) {
    auto nothing = [](llvm::function_ref<void()> body) {
      body();
      return LaneValues{};
    };
    const Holds holds = contiguous && near.valid != a.valid ? Holds::Mostly : Holds::NearlyAlways;
    valuesEitherWay(valid, [&] { return nothing(fast); }, [&] { return nothing(scatterAll); }, holds);
  };
  if (contiguous) return either(near.valid, storeWide);
  bool mayMask = k_.host.avx512bw || (k_.host.avx2 && size >= 4);  // without branches
  if (int64_t apart = mayMask ? spacing(a, size, count) : 0) return either(a.valid, [&] { storeSpaced(a, element, values, apart); });
  if (LaneRuns runs = laneRuns(a, size * count); runs.lanes && size <= 8)
    return either(runs.valid, [&] { storeRuns(runs, element, values); });
  scatterAll();
}

}  // namespace anywarp::codegen
