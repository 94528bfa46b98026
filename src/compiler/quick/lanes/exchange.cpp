// What lanes of a warp tell each other, barriers, and what the device does for them (PTX: shfl, vote, match, redux, elect, bar).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/lanes/rows.h"
#include "compiler/quick/lanes/tables.h"

namespace anywarp::quick::ANYWARP_QUICK_LEVEL {

namespace {

template <Shuffle mode>
void shuffleOf(Warp* w, const Op* op, uint32_t mask) {
  const uint32_t *b = row<uint32_t>(w, op->operands[3]), *c = row<uint32_t>(w, op->operands[4]);
  alignas(64) uint32_t from[lanes];
  std::memcpy(from, row<uint32_t>(w, op->operands[2]), sizeof from);
  alignas(64) int32_t source[lanes];
  uint32_t inRange = 0;
  for (int32_t lane = 0; lane < int32_t{lanes}; ++lane) {
    int32_t offset = int32_t(b[lane] & 31), segment = int32_t(c[lane] >> 8 & 31), clamp = int32_t(c[lane] & 31);
    int32_t low = lane & segment, high = low | (clamp & ~segment), at;
    bool inside;
    if constexpr (mode == Shuffle::Up) {
      at = lane - offset;
      inside = at >= high;
    } else {
      at = mode == Shuffle::Down ? lane + offset : mode == Shuffle::Butterfly ? lane ^ offset : low | (offset & ~segment);
      inside = at <= high;
    }
    source[lane] = (inside ? at : lane) & 31;
    inRange |= uint32_t{inside} << lane;
  }
  if (op->operands[0] != Op::noOperand) write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return from[source[l]]; });
  if (op->operands[1] != Op::noOperand) writePredicate(w, op->operands[1], mask, inRange);
}

template <Vote mode>
void voteOf(Warp* w, const Op* op, uint32_t mask) {
  uint32_t yes = *row<uint32_t>(w, op->operands[1]) & mask, result = 0;
  alignas(64) uint32_t members[lanes];
  bool sync = op->operands[2] != Op::noOperand;
  for (uint32_t l = 0; l < lanes; ++l) members[l] = sync ? row<uint32_t>(w, op->operands[2])[l] : ~0u;
  if constexpr (mode == Vote::Ballot) {
    write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return yes & members[l]; });
  } else {
    for (uint32_t l = 0; l < lanes; ++l) {
      bool any = (yes & members[l]) != 0, all = (yes & members[l]) == (mask & members[l]);
      result |= uint32_t{mode == Vote::Any ? any : mode == Vote::All ? all : all || !any} << l;
    }
    writePredicate(w, op->operands[0], mask, result);
  }
}

template <class T>
void matchRows(Warp* w, const Op* op, uint32_t mask, unsigned from, uint32_t* found) {
  const T* v = row<T>(w, op->operands[from]);
  for (uint32_t rest = mask; rest;) {
    T key = v[std::countr_zero(rest)];
    uint32_t same = 0;
    for (uint32_t l = 0; l < lanes; ++l) same |= uint32_t{v[l] == key} << l;
    same &= mask;
    eachLane(same, [&](uint32_t l) { found[l] = same; });
    rest &= ~same;
  }
}

template <class T>
void matchAny(Warp* w, const Op* op, uint32_t mask) {
  uint32_t found[lanes] = {};
  matchRows<T>(w, op, mask, 1, found);
  const uint32_t* members = row<uint32_t>(w, op->operands[2]);
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return found[l] & members[l] & mask; });
}

template <class T>
void matchAll(Warp* w, const Op* op, uint32_t mask) {
  uint32_t found[lanes] = {}, everyone = 0;
  matchRows<T>(w, op, mask, 2, found);
  alignas(64) uint32_t members[lanes];
  for (uint32_t l = 0; l < lanes; ++l) {
    members[l] = row<uint32_t>(w, op->operands[3])[l] & mask;
    everyone |= uint32_t{(found[l] & members[l]) == members[l]} << l;
  }
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return everyone >> l & 1 ? members[l] : 0; });
  if (op->operands[1] != Op::noOperand) writePredicate(w, op->operands[1], mask, everyone);
}

template <Reduction operation>
void reduceOf(Warp* w, const Op* op, uint32_t mask) {
  const uint32_t *v = row<uint32_t>(w, op->operands[1]), *members = row<uint32_t>(w, op->operands[2]);
  uint32_t results[lanes] = {};
  for (uint32_t rest = mask; rest;) {
    uint32_t lane = uint32_t(std::countr_zero(rest)), group = (members[lane] & mask) | 1u << lane;
    uint32_t total = v[lane];
    eachLane(group & ~(1u << lane), [&](uint32_t l) {
      uint32_t x = v[l];
      switch (operation) {
        case Reduction::Add: total += x; break;
        case Reduction::MinSigned: total = int32_t(x) < int32_t(total) ? x : total; break;
        case Reduction::MinUnsigned: total = x < total ? x : total; break;
        case Reduction::MaxSigned: total = int32_t(x) > int32_t(total) ? x : total; break;
        case Reduction::MaxUnsigned: total = x > total ? x : total; break;
        case Reduction::And: total &= x; break;
        case Reduction::Or: total |= x; break;
        case Reduction::Xor: total ^= x; break;
      }
    });
    eachLane(group, [&](uint32_t l) { results[l] = total; });
    rest &= ~group;
  }
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return results[l]; });
}

template <Service which>
void serviceOf(Warp* w, const Op* op, uint32_t mask) {
  abi::BlockContext* block = w->block;
  const abi::Services& services = *block->services;
  block->runningLine = op->line;
  auto splat32 = [&](uint64_t v) { write<uint32_t>(w, op->operands[0], mask, [&](uint32_t) { return uint32_t(v); }); };
  auto splat64 = [&](uint64_t v) { write<uint64_t>(w, op->operands[0], mask, [&](uint32_t) { return v; }); };
  auto row64 = [&](unsigned i) { return row<uint64_t>(w, op->operands[i]); };
  switch (which) {
    case Service::Clock: return splat32(services.clock64(block));
    case Service::ClockHigh: return splat32(services.clock64(block) >> 32);
    case Service::Clock64: return splat64(services.clock64(block));
    case Service::GlobaltimerLow: return splat32(services.globaltimer(block));
    case Service::GlobaltimerHigh: return splat32(services.globaltimer(block) >> 32);
    case Service::Globaltimer: return splat64(services.globaltimer(block));
    case Service::Printf: {
      int32_t results[lanes] = {};
      services.printf(block, w->index, mask, row64(1), row64(2), results);
      if (op->operands[0] != Op::noOperand) write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return uint32_t(results[l]); });
      return;
    }
    case Service::Assert: return services.assertFail(block, w->index, mask, row64(0), row64(1), row<uint32_t>(w, op->operands[2]), row64(3));
    case Service::Malloc: {
      uint64_t results[lanes] = {};
      services.malloc(block, mask, row64(1), results);
      if (op->operands[0] != Op::noOperand) write<uint64_t>(w, op->operands[0], mask, [&](uint32_t l) { return results[l]; });
      return;
    }
    case Service::Free: return services.free(block, mask, row64(0));
    case Service::Trap: return services.trap(block, w->index, mask, abi::TrapKind::Trap, op->line, 0);
    case Service::Nanosleep: return services.nanosleep(block, first<uint32_t>(w, op->operands[0], mask));
    case Service::BarrierArrive:
      return services.barrierArrive(block, w->index, mask, first<uint32_t>(w, op->operands[0], mask) & (abi::maxBarriers - 1),
                                    first<uint32_t>(w, op->operands[1], mask), 0, 0, 0);
  }
}

}  // namespace

OpFn shuffle(Shuffle mode) {
  switch (mode) {
    case Shuffle::Up: return shuffleOf<Shuffle::Up>;
    case Shuffle::Down: return shuffleOf<Shuffle::Down>;
    case Shuffle::Butterfly: return shuffleOf<Shuffle::Butterfly>;
    default: return shuffleOf<Shuffle::Index>;
  }
}

OpFn vote(Vote mode) {
  switch (mode) {
    case Vote::All: return voteOf<Vote::All>;
    case Vote::Any: return voteOf<Vote::Any>;
    case Vote::Uniform: return voteOf<Vote::Uniform>;
    default: return voteOf<Vote::Ballot>;
  }
}

OpFn match(bool all, unsigned bytes) {
  if (all) return bytes == 8 ? matchAll<uint64_t> : matchAll<uint32_t>;
  return bytes == 8 ? matchAny<uint64_t> : matchAny<uint32_t>;
}

OpFn reduce(Reduction op) {
  switch (op) {
    case Reduction::Add: return reduceOf<Reduction::Add>;
    case Reduction::MinSigned: return reduceOf<Reduction::MinSigned>;
    case Reduction::MinUnsigned: return reduceOf<Reduction::MinUnsigned>;
    case Reduction::MaxSigned: return reduceOf<Reduction::MaxSigned>;
    case Reduction::MaxUnsigned: return reduceOf<Reduction::MaxUnsigned>;
    case Reduction::And: return reduceOf<Reduction::And>;
    case Reduction::Or: return reduceOf<Reduction::Or>;
    default: return reduceOf<Reduction::Xor>;
  }
}

void activeMask(Warp* w, const Op* op, uint32_t mask) {
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t) { return mask; });
}

void elect(Warp* w, const Op* op, uint32_t mask) {
  const uint32_t* members = row<uint32_t>(w, op->operands[2]);
  uint32_t leaders[lanes], isLeader = 0;
  for (uint32_t l = 0; l < lanes; ++l) {
    leaders[l] = uint32_t(std::countr_zero(members[l] & mask));
    isLeader |= uint32_t{leaders[l] == l} << l;
  }
  if (op->operands[0] != Op::noOperand) write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return leaders[l]; });
  if (op->operands[1] != Op::noOperand) writePredicate(w, op->operands[1], mask, isLeader);
}

OpFn service(Service which) {
  switch (which) {
    case Service::Clock: return serviceOf<Service::Clock>;
    case Service::ClockHigh: return serviceOf<Service::ClockHigh>;
    case Service::Clock64: return serviceOf<Service::Clock64>;
    case Service::GlobaltimerLow: return serviceOf<Service::GlobaltimerLow>;
    case Service::GlobaltimerHigh: return serviceOf<Service::GlobaltimerHigh>;
    case Service::Globaltimer: return serviceOf<Service::Globaltimer>;
    case Service::Printf: return serviceOf<Service::Printf>;
    case Service::Assert: return serviceOf<Service::Assert>;
    case Service::Malloc: return serviceOf<Service::Malloc>;
    case Service::Free: return serviceOf<Service::Free>;
    case Service::Trap: return serviceOf<Service::Trap>;
    case Service::Nanosleep: return serviceOf<Service::Nanosleep>;
    default: return serviceOf<Service::BarrierArrive>;
  }
}

void texture(Warp* w, const Op* op, uint32_t mask) {
  w->block->runningLine = op->line;
  const uint64_t* samplers = op->operands[2] == Op::noOperand ? nullptr : row<uint64_t>(w, op->operands[2]);
  w->block->services->texture(w->block, w->index, mask, uint32_t(op->immediate), row<uint64_t>(w, op->operands[1]), samplers,
                              row<uint32_t>(w, op->operands[3]), row<uint32_t>(w, op->operands[0]));
}

void textureQuery(Warp* w, const Op* op, uint32_t mask) {
  w->block->runningLine = op->line;
  const uint32_t* levels = op->operands[2] == Op::noOperand ? nullptr : row<uint32_t>(w, op->operands[2]);
  uint32_t answers[lanes] = {}, yes = 0;
  w->block->services->textureQuery(w->block, w->index, mask, uint32_t(op->immediate), row<uint64_t>(w, op->operands[1]), levels, answers);
  if (!op->which) return write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return answers[l]; });
  for (uint32_t l = 0; l < lanes; ++l) yes |= uint32_t{answers[l] != 0} << l;
  writePredicate(w, op->operands[0], mask, yes);
}

void surface(Warp* w, const Op* op, uint32_t mask) {
  w->block->runningLine = op->line;
  w->block->services->surface(w->block, w->index, mask, uint32_t(op->immediate), row<uint64_t>(w, op->operands[1]),
                              row<uint32_t>(w, op->operands[2]), row<uint8_t>(w, op->operands[0]));
}

void barrier(Warp* w, const Op* op, uint32_t mask) {
  abi::BlockContext* block = w->block;
  block->runningLine = op->line;
  uint32_t number = first<uint32_t>(w, op->operands[0], mask) & (abi::maxBarriers - 1);
  uint32_t threads = op->operands[1] == Op::noOperand ? 0 : first<uint32_t>(w, op->operands[1], mask);
  uint32_t predicate = op->operands[2] == Op::noOperand ? 0 : *row<uint32_t>(w, op->operands[2]) & mask;
  block->services->barrierArrive(block, w->index, mask, number, threads, 1, op->which, predicate);
}

void barrierResult(Warp* w, const Op* op, uint32_t mask) {
  uint32_t result = w->block->barrierResult[first<uint32_t>(w, op->operands[1], mask) & (abi::maxBarriers - 1)];
  if (op->which == 0) writePredicate(w, op->operands[0], mask, result ? ~0u : 0u);
  else write<uint32_t>(w, op->operands[0], mask, [&](uint32_t) { return result; });
}

const LaneOps table = {copy, convert, copyPredicate, notPredicate, splatField, splatSymbol, warpRow, addBase, lookup3, pack, unpack, pieceLoad,
                       pieceStore, isSpace, load, store, loadLimited, loadMatrix, storeMatrix, transposeMatrix,
                       loadFragment, storeFragment, atomic, mbarrier, shuffle, vote, match, reduce, activeMask, elect, fence, service, texture, textureQuery, surface, barrier,
                       barrierResult, nothing};

}  // namespace anywarp::quick::ANYWARP_QUICK_LEVEL
