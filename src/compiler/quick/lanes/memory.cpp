// Loads, stores and atomic operations, lane by lane or all at once (PTX: ld, st, atom, red, mbarrier). SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <bit>

#include "abi/mbarrier.h"
#include "abi/running_lane.h"
#include "compiler/quick/lanes/rows.h"
#include "compiler/quick/lanes/tables.h"

namespace anywarp::quick::ANYWARP_QUICK_LEVEL {

namespace {

// Who runs, for fault reports.
void nowRuns(Warp* w, uint32_t lane) {
  *const_cast<volatile uint32_t*>(&w->block->runningWarp) = abi::runningLaneMark | lane << abi::runningLaneShift | w->index;
}

// Before all lanes go at once: a row lies on two pages at most, its first lane's and its last one's, so one of these meets the fault.
void tryEnds(Warp* w, const uint64_t* a) {
  for (uint32_t lane : {0u, lanes - 1}) {
    nowRuns(w, lane);
    *reinterpret_cast<const volatile uint8_t*>(a[lane]);
  }
}

void addresses(Warp* w, const Op* op, uint64_t* out) {
  const abi::BlockContext& block = *w->block;
  uint64_t base = op->immediate, step = 0;
  switch (op->space) {
    case AddressSpace::Flat: break;
    case AddressSpace::Shared: base += reinterpret_cast<uint64_t>(block.shared); break;
    case AddressSpace::Param: base += reinterpret_cast<uint64_t>(block.params); break;
    case AddressSpace::Local:
      step = block.localStride;
      base += reinterpret_cast<uint64_t>(block.local) + uint64_t{w->index} * lanes * step;
      break;
  }
  if (op->symbol != ~0u) base += block.symbols[op->symbol];
  if (op->addressBytes == 8) {
    const uint64_t* a = row<uint64_t>(w, op->operands[0]);
    for (uint32_t l = 0; l < lanes; ++l) out[l] = a[l] + base + l * step;
  } else if (op->addressBytes == 4 && op->space == AddressSpace::Shared) {
    const int32_t* a = row<int32_t>(w, op->operands[0]);
    for (uint32_t l = 0; l < lanes; ++l) out[l] = uint64_t(int64_t{a[l]}) + base;
  } else if (op->addressBytes == 4) {
    const uint32_t* a = row<uint32_t>(w, op->operands[0]);
    for (uint32_t l = 0; l < lanes; ++l) out[l] = a[l] + base + l * step;
  } else {
    for (uint32_t l = 0; l < lanes; ++l) out[l] = base + l * step;
  }
}

void checkAlignment(Warp* w, const Op* op, const uint64_t* a, uint32_t mask, uint64_t bytes) {
  if (bytes < 2) return;
  uint64_t low = 0;
  for (uint32_t l = 0; l < lanes; ++l) low |= (mask >> l & 1) ? a[l] : 0;
  if ((low & (bytes - 1)) == 0) return;
  uint32_t bad = 0;
  for (uint32_t l = 0; l < lanes; ++l) bad |= uint32_t{(a[l] & (bytes - 1)) != 0} << l;
  bad &= mask;
  w->block->services->trap(w->block, w->index, bad & -bad, abi::TrapKind::Misaligned, op->line, a[std::countr_zero(bad)]);
}

// The addresses of all lanes, tested; where `op` is, for fault reports.
void begin(Warp* w, const Op* op, uint32_t mask, uint64_t* a, unsigned bytes) {
  addresses(w, op, a);
  w->block->runningLine = op->line;
  checkAlignment(w, op, a, mask, bytes);
}

bool inARow(const uint64_t* a, uint64_t stride) {
  uint64_t off = 0;
  for (uint32_t l = 0; l < lanes; ++l) off |= a[l] ^ (a[0] + l * stride);
  return off == 0;
}

bool isSame(const uint64_t* a, uint32_t mask) {
  uint64_t one = a[std::countr_zero(mask)], off = 0;
  for (uint32_t l = 0; l < lanes; ++l) off |= (mask >> l & 1) ? a[l] ^ one : 0;
  return off == 0;
}

// One host thread runs the block: plain reads and writes are atomic.
template <Mbarrier operation>
void mbarrierOf(Warp* w, const Op* op, uint32_t mask) {
  using namespace abi;
  alignas(64) uint64_t a[lanes];
  begin(w, op, mask, a, sizeof(uint64_t));
  auto refuse = [&](uint32_t lane) { w->block->services->trap(w->block, w->index, 1u << lane, abi::TrapKind::InvalidUse, op->line, 0); };
  uint32_t over = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  eachLane(mask, [&](uint32_t lane) {
    nowRuns(w, lane);
    auto* object = reinterpret_cast<uint64_t*>(a[lane]);
    if constexpr (operation == Mbarrier::Init) {
      const uint64_t count = row<uint32_t>(w, op->operands[1])[lane];
      if (count - 1 >= mbarrierCountMask) return refuse(lane);
      *object = mbarrierMark | count << mbarrierExpectedShift | count;
    } else if constexpr (operation == Mbarrier::Invalidate) {
      *object = 0;
    } else if constexpr (operation == Mbarrier::Update) {
      const uint64_t old = *object, amount = op->operands[2] == Op::noOperand ? 1 : row<uint32_t>(w, op->operands[2])[lane];
      const bool expects = op->which & mbarrierExpects;
      bool isWrong = !(old & mbarrierMark);
      uint64_t word = old;
      if (op->which & (mbarrierExpects | mbarrierCompletes)) {
        const uint64_t pending = word >> mbarrierTransactionShift, after = expects ? pending + amount : pending - amount;
        word = (word & ~mbarrierTransactionMask) | (after << mbarrierTransactionShift & mbarrierTransactionMask);
      }
      if (op->which & mbarrierArrives) {
        const uint64_t count = expects ? 1 : amount;
        isWrong |= count > (word & mbarrierCountMask);
        word -= count;
        if (op->which & mbarrierDrops) word -= count << mbarrierExpectedShift;
      }
      if (isWrong) return refuse(lane);
      const bool isComplete = (word & (mbarrierCountMask | mbarrierTransactionMask)) == 0;
      *object = isComplete ? (word ^ mbarrierPhase) | (word >> mbarrierExpectedShift & mbarrierCountMask) : word;
      if (op->operands[1] != Op::noOperand) row<uint64_t>(w, op->operands[1])[lane] = old;
    } else {
      if (!(*object & mbarrierMark)) return refuse(lane);
      uint64_t named;
      if constexpr (operation == Mbarrier::TestParity) named = uint64_t{row<uint32_t>(w, op->operands[2])[lane]} << mbarrierPhaseShift;
      else named = row<uint64_t>(w, op->operands[2])[lane];
      over |= uint32_t((*object ^ named) >> mbarrierPhaseShift) << lane;
    }
  });
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if constexpr (operation == Mbarrier::TestState || operation == Mbarrier::TestParity) writePredicate(w, op->operands[1], mask, over);
}

template <class T>
T read(uint64_t address) {
  return __atomic_load_n(reinterpret_cast<const T*>(address), __ATOMIC_RELAXED);
}

// A thread's vector, up to 16 bytes at once: what other threads write at once is not to be torn (codegen/whole_accesses.cpp).
constexpr size_t vectorBytes = 32;  // the longest
// Types in structs: as arguments of templates they lose that they may alias others.
struct Bits16 { using Type [[gnu::may_alias]] = uint16_t; };
struct Bits32 { using Type [[gnu::may_alias]] = uint32_t; };
struct Bits64 { using Type [[gnu::may_alias]] = uint64_t; };
struct Bits128 { using Type [[gnu::vector_size(16), gnu::may_alias]] = uint64_t; };

template <class Unit>
void moveUnits(void* to, const void* from, size_t bytes) {
  using Type = typename Unit::Type;
  for (size_t at = 0; at < bytes; at += sizeof(Type))
    *reinterpret_cast<volatile Type*>(static_cast<uint8_t*>(to) + at) = *reinterpret_cast<const volatile Type*>(static_cast<const uint8_t*>(from) + at);
}

void moveWhole(void* to, const void* from, size_t bytes) {
  switch (bytes) {
    case 2: return moveUnits<Bits16>(to, from, bytes);
    case 4: return moveUnits<Bits32>(to, from, bytes);
    case 8: return moveUnits<Bits64>(to, from, bytes);
    default: return moveUnits<Bits128>(to, from, bytes);
  }
}

template <class T>
void loadOf(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  begin(w, op, mask, a, sizeof(T) * op->count);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (op->count == 1 && mask == ~0u && inARow(a, sizeof(T))) {
    tryEnds(w, a);
    std::memcpy(row<T>(w, op->operands[1]), reinterpret_cast<const void*>(a[0]), sizeof(T) * lanes);
  } else if (isSame(a, mask)) {
    uint32_t lane = uint32_t(std::countr_zero(mask));
    nowRuns(w, lane);
    alignas(vectorBytes) T values[vectorBytes / sizeof(T)] = {};
    if (op->count == 1) values[0] = read<T>(a[lane]);
    else moveWhole(values, reinterpret_cast<const void*>(a[lane]), sizeof(T) * op->count);
    for (unsigned i = 0; i < op->count; ++i)
      if (op->operands[1 + i] != Op::noOperand) write<T>(w, op->operands[1 + i], mask, [&](uint32_t) { return values[i]; });
  } else {
    T* rows[8];
    for (unsigned i = 0; i < op->count; ++i) rows[i] = op->operands[1 + i] == Op::noOperand ? nullptr : row<T>(w, op->operands[1 + i]);
    eachLane(mask, [&](uint32_t lane) {
      nowRuns(w, lane);
      if (op->count == 1) {
        T value = read<T>(a[lane]);
        if (rows[0]) rows[0][lane] = value;
        return;
      }
      alignas(vectorBytes) T values[vectorBytes / sizeof(T)] = {};
      moveWhole(values, reinterpret_cast<const void*>(a[lane]), sizeof(T) * op->count);
      for (unsigned i = 0; i < op->count; ++i)
        if (rows[i]) rows[i][lane] = values[i];
    });
  }
  if (op->fences & 2) std::atomic_thread_fence(std::memory_order_acquire);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

template <class T>
void storeOf(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  begin(w, op, mask, a, sizeof(T) * op->count);
  if (op->fences & 1) std::atomic_thread_fence(std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (op->count == 1 && mask == ~0u && inARow(a, sizeof(T))) {
    tryEnds(w, a);
    std::memcpy(reinterpret_cast<void*>(a[0]), row<T>(w, op->operands[1]), sizeof(T) * lanes);
  } else {
    const T* rows[8];
    for (unsigned i = 0; i < op->count; ++i) rows[i] = row<T>(w, op->operands[1 + i]);
    eachLane(mask, [&](uint32_t lane) {
      nowRuns(w, lane);
      if (op->count == 1) return __atomic_store_n(reinterpret_cast<T*>(a[lane]), rows[0][lane], __ATOMIC_RELAXED);
      alignas(vectorBytes) T values[vectorBytes / sizeof(T)] = {};
      for (unsigned i = 0; i < op->count; ++i) values[i] = rows[i][lane];
      moveWhole(reinterpret_cast<void*>(a[lane]), values, sizeof(T) * op->count);
    });
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// 16-bit elements of an 8x8 matrix, two in each lane.
void transpose(uint32_t* matrix) {
  uint16_t from[64], to[64];
  std::memcpy(from, matrix, sizeof from);
  for (unsigned i = 0; i < 64; ++i) to[i] = from[i % 8 * 8 + i / 8];
  std::memcpy(matrix, to, sizeof to);
}

// Lanes whose addresses an instruction on `count` matrices reads.
uint32_t rowHolders(const Op* op) { return op->count == 4 ? ~0u : (1u << 8 * op->count) - 1; }

// All lanes have the same address and stride.
template <class T, class Visit>
void eachPlace(Warp* w, const Op* op, uint32_t mask, Visit&& visit) {
  alignas(64) uint64_t a[lanes];
  begin(w, op, mask, a, 1);
  const FragmentPlaces& places = *op->places;
  const uint64_t base = a[std::countr_zero(mask)];
  const uint64_t stride = op->operands[1] == Op::noOperand ? places.lineLength : first<uint32_t>(w, op->operands[1], mask);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  eachLane(mask, [&](uint32_t lane) {
    nowRuns(w, lane);
    for (unsigned i = 0; i < places.elements; ++i) {
      T* held = row<T>(w, op->operands[2 + i / places.perRegister]) + lane * places.perRegister + i % places.perRegister;
      visit(held, reinterpret_cast<T*>(base + (places.line[lane][i] * stride + places.place[lane][i]) * sizeof(T)));
    }
  });
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

template <class T>
void loadFragmentOf(Warp* w, const Op* op, uint32_t mask) {
  eachPlace<T>(w, op, mask, [](T* held, const T* memory) { std::memcpy(held, memory, sizeof(T)); });
}

template <class T>
void storeFragmentOf(Warp* w, const Op* op, uint32_t mask) {
  eachPlace<T>(w, op, mask, [](const T* held, T* memory) { std::memcpy(memory, held, sizeof(T)); });
}

template <class Bits, class T, Atomic op>
Bits changed(Bits oldBits, Bits valueBits) {
  T old = std::bit_cast<T>(oldBits), v = std::bit_cast<T>(valueBits);
  if constexpr (op == Atomic::Add) {
    if constexpr (std::is_floating_point_v<T>) {
      T sum = old + v;
      if constexpr (sizeof(T) == 4) {
        if (sum != sum) return 0x7fffffff;  // PTX's NaN
      }
      return std::bit_cast<Bits>(sum);
    } else {
      return oldBits + valueBits;
    }
  } else if constexpr (op == Atomic::Min) {
    return std::bit_cast<Bits>(v < old ? v : old);
  } else if constexpr (op == Atomic::Max) {
    return std::bit_cast<Bits>(v > old ? v : old);
  } else if constexpr (op == Atomic::And) {
    return oldBits & valueBits;
  } else if constexpr (op == Atomic::Or) {
    return oldBits | valueBits;
  } else if constexpr (op == Atomic::Xor) {
    return oldBits ^ valueBits;
  } else if constexpr (op == Atomic::Exchange) {
    return valueBits;
  } else if constexpr (op == Atomic::Increment) {
    return oldBits >= valueBits ? 0 : oldBits + 1;
  } else {
    return oldBits == 0 || oldBits > valueBits ? valueBits : oldBits - 1;
  }
}

template <class Bits, class T, Atomic operation>
void atomicOf(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  begin(w, op, mask, a, sizeof(Bits) * op->count);
  const Bits* values = row<Bits>(w, op->operands[2]);
  const Bits* fresh = operation == Atomic::CompareAndSwap ? row<Bits>(w, op->operands[3]) : nullptr;
  alignas(64) Bits results[lanes];
  eachLane(mask, [&](uint32_t lane) {
    nowRuns(w, lane);
    Bits* place = reinterpret_cast<Bits*>(a[lane]);
    if constexpr (operation == Atomic::CompareAndSwap) {
      Bits old = values[lane];
      __atomic_compare_exchange_n(place, &old, fresh[lane], false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
      results[lane] = old;
    } else {
      Bits old = __atomic_load_n(place, __ATOMIC_RELAXED);
      while (!__atomic_compare_exchange_n(place, &old, changed<Bits, T, operation>(old, values[lane]), true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {}
      results[lane] = old;
    }
  });
  if (op->operands[1] != Op::noOperand) write<Bits>(w, op->operands[1], mask, [&](uint32_t l) { return results[l]; });
}

// What is new in memory is what the operation behind this one makes of the old value.
template <class Bits>
void prebuiltAtomicOf(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  begin(w, op, mask, a, sizeof(Bits) * op->count);
  const Op* combine = op + 1;
  const Bits* fresh = row<Bits>(w, combine->operands[0]);
  Bits* olds = row<Bits>(w, combine->operands[1]);
  eachLane(mask, [&](uint32_t lane) {
    nowRuns(w, lane);
    Bits* place = reinterpret_cast<Bits*>(a[lane]);
    Bits old = __atomic_load_n(place, __ATOMIC_RELAXED);
    do {
      olds[lane] = old;
      combine->fn(w, combine, 1u << lane);
    } while (!__atomic_compare_exchange_n(place, &old, fresh[lane], true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
  });
  if (op->operands[1] != Op::noOperand) write<Bits>(w, op->operands[1], mask, [&](uint32_t l) { return olds[l]; });
}

template <class Bits, class T>
OpFn atomicFor(Atomic op) {
  constexpr bool isFloat = std::is_floating_point_v<T>;
  if (op == Atomic::Prebuilt) return prebuiltAtomicOf<Bits>;
  if (op == Atomic::Add) return atomicOf<Bits, T, Atomic::Add>;
  if (op == Atomic::Exchange) return atomicOf<Bits, Bits, Atomic::Exchange>;
  if constexpr (!isFloat) {
    switch (op) {
      case Atomic::Min: return atomicOf<Bits, T, Atomic::Min>;
      case Atomic::Max: return atomicOf<Bits, T, Atomic::Max>;
      case Atomic::And: return atomicOf<Bits, Bits, Atomic::And>;
      case Atomic::Or: return atomicOf<Bits, Bits, Atomic::Or>;
      case Atomic::Xor: return atomicOf<Bits, Bits, Atomic::Xor>;
      case Atomic::Increment: return atomicOf<Bits, Bits, Atomic::Increment>;
      case Atomic::Decrement: return atomicOf<Bits, Bits, Atomic::Decrement>;
      case Atomic::CompareAndSwap: return atomicOf<Bits, Bits, Atomic::CompareAndSwap>;
      default: break;
    }
  }
  return nullptr;
}

}  // namespace

OpFn load(unsigned bytes) {
  switch (bytes) {
    case 1: return loadOf<uint8_t>;
    case 2: return loadOf<uint16_t>;
    case 4: return loadOf<uint32_t>;
    default: return loadOf<uint64_t>;
  }
}

OpFn store(unsigned bytes) {
  switch (bytes) {
    case 1: return storeOf<uint8_t>;
    case 2: return storeOf<uint16_t>;
    case 4: return storeOf<uint32_t>;
    default: return storeOf<uint64_t>;
  }
}

OpFn atomic(Atomic op, Lane type) {
  switch (type) {
    case Lane::U16: return op == Atomic::CompareAndSwap ? atomicOf<uint16_t, uint16_t, Atomic::CompareAndSwap> : prebuiltAtomicOf<uint16_t>;
    case Lane::U32: return atomicFor<uint32_t, uint32_t>(op);
    case Lane::S32: return atomicFor<uint32_t, int32_t>(op);
    case Lane::U64: return atomicFor<uint64_t, uint64_t>(op);
    case Lane::S64: return atomicFor<uint64_t, int64_t>(op);
    case Lane::F32: return atomicFor<uint32_t, float>(op);
    case Lane::F64: return atomicFor<uint64_t, double>(op);
    default: return nullptr;
  }
}

OpFn mbarrier(Mbarrier op) {
  switch (op) {
    case Mbarrier::Init: return mbarrierOf<Mbarrier::Init>;
    case Mbarrier::Invalidate: return mbarrierOf<Mbarrier::Invalidate>;
    case Mbarrier::TestState: return mbarrierOf<Mbarrier::TestState>;
    case Mbarrier::TestParity: return mbarrierOf<Mbarrier::TestParity>;
    default: return mbarrierOf<Mbarrier::Update>;
  }
}

OpFn loadFragment(unsigned elementBytes) {
  switch (elementBytes) {
    case 1: return loadFragmentOf<uint8_t>;
    case 2: return loadFragmentOf<uint16_t>;
    case 4: return loadFragmentOf<uint32_t>;
    default: return loadFragmentOf<uint64_t>;
  }
}

OpFn storeFragment(unsigned elementBytes) {
  switch (elementBytes) {
    case 1: return storeFragmentOf<uint8_t>;
    case 2: return storeFragmentOf<uint16_t>;
    case 4: return storeFragmentOf<uint32_t>;
    default: return storeFragmentOf<uint64_t>;
  }
}

void loadLimited(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  const unsigned words = op->count, size = words * 4;
  begin(w, op, mask, a, size);
  const uint32_t* limit = row<uint32_t>(w, op->operands[1 + words]);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  eachLane(mask, [&](uint32_t lane) {
    nowRuns(w, lane);
    uint32_t bytes = op->which ? (*limit >> lane & 1 ? 0 : size) : limit[lane];
    uint32_t values[4] = {};
    std::memcpy(values, reinterpret_cast<const void*>(a[lane]), bytes < size ? bytes : size);
    for (unsigned i = 0; i < words; ++i) row<uint32_t>(w, op->operands[1 + i])[lane] = values[i];
  });
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// Rows of lanes that are elsewhere are zero.
void loadMatrix(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  const uint32_t holders = rowHolders(op) & mask;
  begin(w, op, holders, a, 16);
  alignas(64) uint32_t matrices[4][lanes] = {};
  std::atomic_signal_fence(std::memory_order_seq_cst);
  eachLane(holders, [&](uint32_t lane) {
    nowRuns(w, lane);
    std::memcpy(&matrices[lane / 8][lane % 8 * 4], reinterpret_cast<const void*>(a[lane]), 16);
  });
  std::atomic_signal_fence(std::memory_order_seq_cst);
  for (unsigned m = 0; m < op->count; ++m) {
    if (op->which) transpose(matrices[m]);
    write<uint32_t>(w, op->operands[1 + m], mask, [&](uint32_t l) { return matrices[m][l]; });
  }
}

void storeMatrix(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint64_t a[lanes];
  const uint32_t holders = rowHolders(op) & mask;
  begin(w, op, holders, a, 16);
  alignas(64) uint32_t matrices[4][lanes];
  for (unsigned m = 0; m < op->count; ++m) {
    std::memcpy(matrices[m], row<uint32_t>(w, op->operands[1 + m]), sizeof matrices[m]);
    if (op->which) transpose(matrices[m]);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  eachLane(holders, [&](uint32_t lane) {
    nowRuns(w, lane);
    std::memcpy(reinterpret_cast<void*>(a[lane]), &matrices[lane / 8][lane % 8 * 4], 16);
  });
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void transposeMatrix(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) uint32_t matrix[lanes];
  std::memcpy(matrix, row<uint32_t>(w, op->operands[1]), sizeof matrix);
  transpose(matrix);
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return matrix[l]; });
}

void fence(Warp*, const Op* op, uint32_t) {
  if (op->immediate == 2) std::atomic_thread_fence(std::memory_order_seq_cst);
  else if (op->immediate == 1) std::atomic_thread_fence(std::memory_order_acq_rel);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace anywarp::quick::ANYWARP_QUICK_LEVEL
