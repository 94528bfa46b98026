// Loads and stores whose lanes lie in a pattern: every second to eighth element, lanes backwards, rows shorter than a warp.
// SPDX-License-Identifier: Apache-2.0
//
// Whole vectors and shuffles in place of gathers and scatters. What lies between the lanes is read (it is on their pages), never
// written.
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/emitter.h"
#include "compiler/codegen/x86/host_ops.h"
#include "support/options.h"

namespace anywarp::codegen {
namespace {

constexpr int64_t backwards = -1;

unsigned lanesOfVector(Value* v) { return llvm::cast<llvm::FixedVectorType>(v->getType())->getNumElements(); }

bool spacesWell(const HostTarget& host, int64_t stride, unsigned size, unsigned count) {
  const int64_t widestSpacing = host.avx512f && size >= 4 ? 8 : 4;
  if (size > 8 || stride % int64_t(size)) return false;
  int64_t spacing = stride / int64_t(size);
  return (spacing == backwards && count == 1) || (spacing > int64_t(count) && spacing <= widestSpacing && count <= 2);
}

}  // namespace

// Elements from one lane's to the next where whole vectors are to be accessed; 0: they are not.
int64_t FunctionEmitter::spacing(const Address& a, unsigned size, unsigned count) const {
  if (a.kind != Address::Kind::Strided || !isFull(mask_) || !spacesWell(k_.host, a.stride, size, count) || options::isPassOff("spaced-lanes")) return 0;
  return a.stride / int64_t(size);
}

// Whether an access gains from code for a full mask.
bool FunctionEmitter::isSpacedAccess(const Inst& inst) const {
  if (!isMaskedAccess(inst) || options::isPassOff("spaced-lanes") || k_.options.debugInfo) return false;
  bool load = inst.form == ptx::Form::Ld || inst.form == ptx::Form::Ldu;
  if (!load && inst.form != ptx::Form::St) return false;
  if (inst.space() == ptx::Space::Local) return false;
  const Shape& shape = a_.shapes.registers[inst.operands[load ? 1 : 0].reg];
  if (shape.kind != Shape::Kind::Affine && shape.kind != Shape::Kind::Extended) return false;
  const ptx::Operand& value = inst.operands[load ? 0 : 1];
  unsigned count = value.kind == ptx::Operand::Kind::Vector ? unsigned(value.elements.size()) : 1;
  return spacesWell(k_.host, shape.kind == Shape::Kind::Affine ? shape.stride : shape.stride * shape.scale, ptx::bits(inst.type()) / 8, count);
}

Value* FunctionEmitter::piece(Value* v, unsigned first, unsigned count) {
  if (count == lanesOfVector(v)) return v;
  llvm::SmallVector<int, 32> lanes;
  for (unsigned i = 0; i < count; ++i) lanes.push_back(int(first + i));
  return b.CreateShuffleVector(v, lanes);
}

// As many lanes at a time as a host vector holds: `spacing` loads, the last of which ends with the last lane's element.
FunctionEmitter::LaneValues FunctionEmitter::loadSpaced(const Address& a, llvm::Type* element, unsigned count, int64_t spacing) {
  unsigned size = element->getIntegerBitWidth() / 8, lanes = std::min(width_, std::max(k_.host.vectorBits / 8 / size, 2u));
  auto* vector = llvm::FixedVectorType::get(element, lanes);
  auto loadAt = [&](int64_t bytes) -> Value* { return ofProgram(b.CreateAlignedLoad(vector, pointer(shifted(a, bytes)), llvm::Align(size))); };
  llvm::SmallVector<LaneValues, 2> chunks(count);
  for (unsigned first = 0; first < width_; first += lanes) {
    if (spacing == backwards) {
      chunks[0].push_back(b.CreateVectorReverse(loadAt(-int64_t(first + lanes - 1) * size)));
      continue;
    }
    unsigned apart = unsigned(spacing), last = apart * (lanes - 1) + count - lanes;
    LaneValues loaded;
    for (unsigned i = 0; i < apart; ++i) loaded.push_back(loadAt((int64_t(first) * apart + std::min(i * lanes, last)) * size));
    for (unsigned i = 0; i < count; ++i) {
      auto placeOf = [&](unsigned lane) {  // which vector, and where in it
        unsigned at = lane * apart + i, which = std::min(at / lanes, apart - 1);
        return std::pair(which, at - std::min(which * lanes, last));
      };
      // Lanes of the first `upTo` + 1 vectors are in place in `sum`.
      auto merge = [&](Value* sum, unsigned from, unsigned upTo, Value* next, bool first) {
        llvm::SmallVector<int, 64> pick;
        for (unsigned lane = 0; lane < lanes; ++lane) {
          auto [which, at] = placeOf(lane);
          pick.push_back(which < from || which > upTo + 1 ? llvm::PoisonMaskElem : which == upTo + 1 ? int(lanes + at) : first ? int(at) : int(lane));
        }
        return b.CreateShuffleVector(sum, next, pick);
      };
      if (apart == 4) {  // two at a time: a shorter chain
        Value* low = merge(loaded[0], 0, 0, loaded[1], true);
        Value* high = merge(loaded[2], 2, 2, loaded[3], true);
        llvm::SmallVector<int, 64> pick;
        for (unsigned lane = 0; lane < lanes; ++lane) pick.push_back(int(placeOf(lane).first < 2 ? lane : lanes + lane));
        chunks[i].push_back(b.CreateShuffleVector(low, high, pick));
        continue;
      }
      Value* sum = merge(loaded[0], 0, 0, loaded[1], true);
      for (unsigned p = 2; p < apart; ++p) sum = merge(sum, 0, p - 1, loaded[p], false);
      chunks[i].push_back(sum);
    }
  }
  LaneValues values;
  for (LaneValues& c : chunks) values.push_back(c.size() == 1 ? c[0] : llvm::concatenateVectors(b, c));
  return values;
}

// Masked stores, in whose masks every second to fourth element is set.
void FunctionEmitter::storeSpaced(const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values, int64_t spacing) {
  unsigned size = element->getIntegerBitWidth() / 8, lanes = std::min(width_, std::max(k_.host.vectorBits / 8 / size, 2u));
  unsigned count = unsigned(values.size());
  for (unsigned first = 0; first < width_; first += lanes) {
    if (spacing == backwards) {
      Value* p = pointer(shifted(a, -int64_t(first + lanes - 1) * size));
      ofProgram(b.CreateAlignedStore(b.CreateVectorReverse(piece(values[0], first, lanes)), p, llvm::Align(size)));
      continue;
    }
    Value* one = piece(values[0], first, lanes);
    Value* other = count > 1 ? piece(values[1], first, lanes) : llvm::PoisonValue::get(one->getType());
    for (unsigned i = 0; i < unsigned(spacing); ++i) {
      llvm::SmallVector<int, 64> pick;
      llvm::SmallVector<llvm::Constant*, 64> mask;
      for (unsigned e = i * lanes; e < (i + 1) * lanes; ++e) {
        unsigned lane = e / unsigned(spacing), which = e % unsigned(spacing);
        pick.push_back(which < count ? int(which * lanes + lane) : llvm::PoisonMaskElem);
        mask.push_back(b.getInt1(which < count));
      }
      Value* p = pointer(shifted(a, (int64_t(first) * spacing + i * lanes) * size));
      ofProgram(b.CreateMaskedStore(b.CreateShuffleVector(one, other, pick), p, llvm::Align(size), llvm::ConstantVector::get(mask)));
    }
  }
}

// x0 y0 x1 y1 ...
Value* FunctionEmitter::laneMajor(llvm::ArrayRef<Value*> values) {
  if (values.size() == 1) return values[0];
  unsigned lanes = lanesOfVector(values[0]), count = unsigned(values.size());
  llvm::SmallVector<int, 256> interleave;
  for (unsigned l = 0; l < lanes; ++l)
    for (unsigned i = 0; i < count; ++i) interleave.push_back(int(i * lanes + l));
  return b.CreateShuffleVector(llvm::concatenateVectors(b, values), interleave);
}

// The mask of `count` elements of each lane.
Value* FunctionEmitter::maskOfElements(Value* mask, unsigned count) {
  if (count == 1) return mask;
  llvm::SmallVector<int, 128> repeat;
  for (unsigned i = 0; i < lanesOfVector(mask) * count; ++i) repeat.push_back(int(i / count));
  return b.CreateShuffleVector(mask, repeat);
}

// What the first active of `count` lanes from `first` on has (0 or any where there is none), which may differ from that of others.
Value* FunctionEmitter::ofFirstActive(Value* lanes, unsigned first, unsigned count) {
  if (isFull(mask_)) return b.CreateExtractElement(lanes, uint64_t(first));
  Value *part = piece(lanes, first, count), *mask = piece(mask_, first, count);
  if (Value* v = x86::firstActive(pure_, part, mask)) return v;
  Value* lane = b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, b.CreateBitCast(mask, b.getIntNTy(count)), b.getFalse());
  return b.CreateExtractElement(part, b.CreateURem(lane, llvm::ConstantInt::get(lane->getType(), count)));
}

// Runs that one access of a vector serves, or of one place.
FunctionEmitter::LaneRuns FunctionEmitter::laneRuns(const Address& a, unsigned bytes) {
  LaneRuns runs;
  bool indexed = a.kind == Address::Kind::Indexed;
  if (!a.run || (!indexed && a.kind != Address::Kind::Vector) || a.valid || k_.options.debugInfo) return runs;
  Value* lanes = indexed ? a.index : a.lanes;
  runs.stride = indexed ? a.runStride * a.scale : a.runStride;
  bool full = isFull(mask_), same = runs.stride == 0;
  if (runs.stride != int64_t(bytes) && !same) return runs;
  if (!full && !k_.host.avx512f) return runs;
  bool narrow = lanes->getType()->getScalarType()->isIntegerTy(32);
  bool mayWrap = indexed && narrow && !same && a.space != ptx::Space::Shared;  // those fault on either side
  for (unsigned first = 0; first < width_; first += a.run) {
    Value* start = ofFirstActive(lanes, first, a.run);
    Value* bits = full ? nullptr : b.CreateBitCast(piece(mask_, first, a.run), b.getIntNTy(a.run));
    if (!full && !same) {  // lanes that are not active may hold what is older
      Value* lane = b.CreateZExt(b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b.getFalse()), start->getType());
      start = b.CreateSub(start, b.CreateMul(lane, llvm::ConstantInt::get(lane->getType(), uint64_t(a.runStride))));
    }
    if (mayWrap) {
      Value* straight = spansWithoutWrap(start, a.runStride * int64_t(a.run - 1), a.isSigned);
      runs.valid = runs.valid ? b.CreateAnd(runs.valid, straight) : straight;
    }
    Address at = a;
    at.kind = Address::Kind::Uniform;
    Value* wide = !narrow ? start : a.isSigned ? b.CreateSExt(start, b.getInt64Ty()) : b.CreateZExt(start, b.getInt64Ty());
    at.base = indexed ? b.CreateAdd(a.base, b.CreateMul(wide, i64(uint64_t(a.scale)))) : wide;
    Value* p = pointer(at);
    // Another place where no lane wants one.
    if (same && !full) p = b.CreateSelect(b.CreateIsNotNull(bits), p, stackSlot(b.getIntNTy(bytes * 8), "nothing"));
    runs.pointers.push_back(p);
  }
  runs.lanes = a.run;
  return runs;
}

FunctionEmitter::LaneValues FunctionEmitter::loadRuns(const LaneRuns& runs, llvm::Type* element, unsigned count) {
  unsigned size = element->getIntegerBitWidth() / 8;
  LaneValues values;
  if (runs.stride == 0) {
    for (unsigned i = 0; i < count; ++i) {
      LaneValues parts;
      for (Value* p : runs.pointers) {
        Value* v = ofProgram(b.CreateAlignedLoad(element, b.CreateConstGEP1_64(element, p, i), llvm::Align(size)));
        parts.push_back(b.CreateVectorSplat(runs.lanes, v));
      }
      values.push_back(llvm::concatenateVectors(b, parts));
    }
    return values;
  }
  auto* wide = llvm::FixedVectorType::get(element, runs.lanes * count);
  llvm::SmallVector<LaneValues, 4> parts(count);
  for (unsigned r = 0; r < runs.pointers.size(); ++r) {
    Value* mask = maskOfElements(piece(mask_, r * runs.lanes, runs.lanes), count);
    Value* all = ofProgram(b.CreateMaskedLoad(wide, runs.pointers[r], llvm::Align(size), mask, llvm::PoisonValue::get(wide)));
    for (unsigned i = 0; i < count; ++i) {
      llvm::SmallVector<int, 32> pick;
      for (unsigned l = 0; l < runs.lanes; ++l) pick.push_back(int(l * count + i));
      parts[i].push_back(count == 1 ? all : b.CreateShuffleVector(all, pick));
    }
  }
  for (LaneValues& p : parts) values.push_back(llvm::concatenateVectors(b, p));
  return values;
}

void FunctionEmitter::storeRuns(const LaneRuns& runs, llvm::Type* element, llvm::ArrayRef<Value*> values) {
  unsigned size = element->getIntegerBitWidth() / 8;
  for (unsigned r = 0; r < runs.pointers.size(); ++r) {
    if (runs.stride == 0) {  // one of them wins
      for (unsigned i = 0; i < values.size(); ++i)
        ofProgram(b.CreateAlignedStore(ofFirstActive(values[i], r * runs.lanes, runs.lanes), b.CreateConstGEP1_64(element, runs.pointers[r], i), llvm::Align(size)));
      continue;
    }
    LaneValues parts;
    for (Value* v : values) parts.push_back(piece(v, r * runs.lanes, runs.lanes));
    Value* mask = maskOfElements(piece(mask_, r * runs.lanes, runs.lanes), unsigned(values.size()));
    ofProgram(b.CreateMaskedStore(laneMajor(parts), runs.pointers[r], llvm::Align(size), mask));
  }
}

FunctionEmitter::LaneValues FunctionEmitter::valuesEitherWay(Value* condition, llvm::function_ref<LaneValues()> yes, llvm::function_ref<LaneValues()> no,
                                                             Holds holds) {
  if (!condition || condition == b.getTrue()) return yes();
  if (condition == b.getFalse()) return no();
  llvm::BasicBlock* fast = llvm::BasicBlock::Create(k_.context(), "contiguous", &function_);
  llvm::BasicBlock* slow = llvm::BasicBlock::Create(k_.context(), "apart", &function_);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(k_.context(), "accessed", &function_);
  branchToFastWay(b, condition, fast, slow, masksCost() ? holds : Holds::Mostly);
  b.SetInsertPoint(fast);
  LaneValues x = yes();
  b.CreateBr(done);
  llvm::BasicBlock* fastEnd = b.GetInsertBlock();
  b.SetInsertPoint(slow);
  LaneValues y = no();
  b.CreateBr(done);
  llvm::BasicBlock* slowEnd = b.GetInsertBlock();
  b.SetInsertPoint(done);
  LaneValues values;
  for (unsigned i = 0; i < x.size(); ++i) {
    llvm::PHINode* phi = b.CreatePHI(x[i]->getType(), 2);
    phi->addIncoming(x[i], fastEnd);
    phi->addIncoming(y[i], slowEnd);
    values.push_back(phi);
  }
  return values;
}

}  // namespace anywarp::codegen
