// Vectors that threads pass to each other. SPDX-License-Identifier: Apache-2.0
//
// PTX takes a vector for several accesses in any order, but devices move up to 16 bytes at once, and programs rely on that: CUB's scans keep
// a flag and a value side by side, write both with one st.relaxed.v2 and read both with one ld.relaxed.v2. So a thread's vector is one access
// of the host, which does not tear what is aligned to its size: up to 8 bytes anywhere, 16 bytes on x86 with AVX and AArch64 with LSE2.
#include <llvm/Analysis/VectorUtils.h>

#include <algorithm>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

namespace {

constexpr unsigned mostBytes = 16;

}  // namespace

// `count` elements of `size` bytes.
bool FunctionEmitter::isWhole(const Inst& inst, unsigned size, unsigned count) {
  return (count > 1 || size == mostBytes) && (!analysis::isWeak(inst) || analysis::isPastCaches(inst));
}

// Elements as scalars where the address is uniform.
FunctionEmitter::LaneValues FunctionEmitter::loadWholes(const Inst& inst, const Address& a, llvm::Type* element, unsigned count) {
  const unsigned size = element->getIntegerBitWidth() / 8, bytes = std::min(mostBytes, size * count), n = bytes / size;
  llvm::Type* unit = b.getIntNTy(8 * bytes);
  llvm::Type* two = llvm::FixedVectorType::get(b.getInt64Ty(), 2);
  // Volatile, so that LLVM does not take it apart.
  auto loadUnit = [&](Value* p) -> Value* {
    return ofProgram(b.CreateAlignedLoad(bytes == mostBytes ? two : unit, p, llvm::Align(bytes), true));
  };
  auto loadEach = [&](const Address& at) {
    return perLane(mask_, {pointers(at)}, unit, [&](llvm::ArrayRef<Value*> lane) { return b.CreateBitCast(loadUnit(b.CreateIntToPtr(lane[0], b.getPtrTy())), unit); });
  };
  auto loadAll = [&](const Address& at) -> Value* {
    if (bytes < mostBytes) return loadLanes(inst, at, unit, 1)[0];
    Address near = nearlyStrided(at, bytes), straight = near;
    straight.valid = nullptr;
    if (near.kind != Address::Kind::Strided || near.stride != int64_t(bytes)) return loadEach(at);
    auto wide = [&] { return LaneValues{b.CreateBitCast(laneMajor(loadLanes(inst, straight, b.getInt64Ty(), 2)), vectorOf(unit))}; };
    return valuesEitherWay(near.valid, wide, [&] { return LaneValues{loadEach(at)}; })[0];
  };
  LaneValues values;
  for (unsigned first = 0; first < count; first += n) {
    const Address at = shifted(a, int64_t(first) * size);
    const bool uniform = a.kind == Address::Kind::Uniform;
    Value* all = b.CreateBitCast(uniform ? loadUnit(pointer(at)) : loadAll(at), llvm::FixedVectorType::get(element, uniform ? n : n * width_));
    for (unsigned i = 0; i < n; ++i)
      values.push_back(uniform ? b.CreateExtractElement(all, uint64_t(i)) : b.CreateShuffleVector(all, llvm::createStrideMask(i, n, width_)));
  }
  return values;
}

// `values` are scalars where the address is uniform.
void FunctionEmitter::storeWholes(const Inst& inst, const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values) {
  const unsigned count = unsigned(values.size()), size = element->getIntegerBitWidth() / 8, bytes = std::min(mostBytes, size * count), n = bytes / size;
  llvm::Type* unit = b.getIntNTy(8 * bytes);
  auto* two = llvm::FixedVectorType::get(b.getInt64Ty(), 2);
  auto storeEach = [&](const Address& at, Value* low, Value* high) {
    perLane(mask_, {pointers(at), low, high}, nullptr, [&](llvm::ArrayRef<Value*> lane) -> Value* {
      Value* both = b.CreateInsertElement(b.CreateInsertElement(llvm::PoisonValue::get(two), lane[1], uint64_t(0)), lane[2], uint64_t(1));
      ofProgram(b.CreateAlignedStore(both, b.CreateIntToPtr(lane[0], b.getPtrTy()), llvm::Align(bytes), true));
      return nullptr;
    }, true);
  };
  auto storeAll = [&](const Address& at, llvm::ArrayRef<Value*> part) {
    if (bytes < mostBytes) return storeLanes(inst, at, unit, {b.CreateBitCast(laneMajor(part), vectorOf(unit))});
    Value* words = b.CreateBitCast(laneMajor(part), llvm::FixedVectorType::get(b.getInt64Ty(), 2 * width_));
    Value *low = b.CreateShuffleVector(words, llvm::createStrideMask(0, 2, width_)), *high = b.CreateShuffleVector(words, llvm::createStrideMask(1, 2, width_));
    Address near = nearlyStrided(at, bytes), straight = near;
    straight.valid = nullptr;
    auto nothing = [](auto&& body) {
      body();
      return LaneValues{};
    };
    if (near.kind != Address::Kind::Strided || near.stride != int64_t(bytes)) return storeEach(at, low, high);
    valuesEitherWay(near.valid, [&] { return nothing([&] { storeLanes(inst, straight, b.getInt64Ty(), {low, high}); }); },
                    [&] { return nothing([&] { storeEach(at, low, high); }); });
  };
  for (unsigned first = 0; first < count; first += n) {
    const Address at = shifted(a, int64_t(first) * size);
    if (a.kind != Address::Kind::Uniform) {
      storeAll(at, values.slice(first, n));
      continue;
    }
    Value* all = llvm::PoisonValue::get(llvm::FixedVectorType::get(element, n));
    for (unsigned i = 0; i < n; ++i) all = b.CreateInsertElement(all, values[first + i], uint64_t(i));
    all = b.CreateBitCast(all, bytes == mostBytes ? static_cast<llvm::Type*>(two) : unit);
    ofProgram(b.CreateAlignedStore(all, pointer(at), llvm::Align(bytes), true));
  }
}

}  // namespace anywarp::codegen
