// Moves, conversions between registers of different widths, fields of the launch, logic by table. SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/lanes/rows.h"
#include "compiler/quick/lanes/tables.h"

namespace anywarp::quick::ANYWARP_QUICK_LEVEL {

namespace {

template <class T>
void copyOf(Warp* w, const Op* op, uint32_t mask) {
  const T* s = row<T>(w, op->operands[1]);
  write<T>(w, op->operands[0], mask, [&](uint32_t l) { return s[l]; });
}

template <class To, class From>
void convertOf(Warp* w, const Op* op, uint32_t mask) {
  const From* s = row<From>(w, op->operands[1]);
  write<To>(w, op->operands[0], mask, [&](uint32_t l) { return static_cast<To>(s[l]); });
}

const uint8_t* sourceOf(Warp* w, const Op* op) {
  switch (Source(op->which)) {
    case Source::Block: return reinterpret_cast<const uint8_t*>(w->block);
    case Source::Launch: return reinterpret_cast<const uint8_t*>(w->block->launch);
    case Source::Params: return w->block->params;
    case Source::Symbols: return reinterpret_cast<const uint8_t*>(w->block->symbols);
  }
  return nullptr;
}

template <class T>
void splatFieldOf(Warp* w, const Op* op, uint32_t mask) {
  T value;
  std::memcpy(&value, sourceOf(w, op) + op->immediate, sizeof value);
  write<T>(w, op->operands[0], mask, [&](uint32_t) { return value; });
}

template <class To, class From>
void packOf(Warp* w, const Op* op, uint32_t mask) {
  constexpr unsigned count = sizeof(To) / sizeof(From);
  const From* parts[count];
  for (unsigned i = 0; i < count; ++i) parts[i] = row<From>(w, op->operands[1 + i]);
  write<To>(w, op->operands[0], mask, [&](uint32_t l) {
    To v = 0;
    for (unsigned i = 0; i < count; ++i) v = static_cast<To>(v | static_cast<To>(static_cast<To>(parts[i][l]) << (i * 8 * sizeof(From))));
    return v;
  });
}

template <class To, class From>
void unpackOf(Warp* w, const Op* op, uint32_t mask) {
  alignas(64) From source[lanes];
  std::memcpy(source, row<From>(w, op->operands[0]), sizeof source);  // a part may be written where it was
  for (unsigned i = 0; i < op->count; ++i) {
    if (op->operands[1 + i] == Op::noOperand) continue;
    write<To>(w, op->operands[1 + i], mask, [&](uint32_t l) { return static_cast<To>(source[l] >> (i * 8 * sizeof(To))); });
  }
}

template <class To, class Piece>
void pieceLoadOf(Warp* w, const Op* op, uint32_t mask) {
  const Piece* s = row<Piece>(w, op->operands[1]);
  unsigned shift = unsigned(op->immediate);
  write<To>(w, op->operands[0], mask, [&](uint32_t l) { return static_cast<To>(s[l] >> shift); });
}

template <class Piece, class From>
void pieceStoreOf(Warp* w, const Op* op, uint32_t mask) {
  const From* s = row<From>(w, op->operands[1]);
  const Piece* old = row<Piece>(w, op->operands[0]);
  unsigned shift = unsigned(op->immediate);
  Piece field = static_cast<Piece>(static_cast<Piece>(static_cast<From>(~From{0})) << shift);
  write<Piece>(w, op->operands[0], mask, [&](uint32_t l) {
    return static_cast<Piece>((old[l] & static_cast<Piece>(~field)) | (static_cast<Piece>(static_cast<Piece>(s[l]) << shift) & field));
  });
}

}  // namespace

OpFn copy(unsigned bytes) {
  switch (bytes) {
    case 1: return copyOf<uint8_t>;
    case 2: return copyOf<uint16_t>;
    case 4: return copyOf<uint32_t>;
    default: return copyOf<uint64_t>;
  }
}

template <class From>
OpFn convertFrom(unsigned to) {
  switch (to) {
    case 1: return convertOf<uint8_t, From>;
    case 2: return convertOf<uint16_t, From>;
    case 4: return convertOf<uint32_t, From>;
    default: return convertOf<uint64_t, From>;
  }
}

OpFn convert(unsigned to, unsigned from, bool isSigned) {
  switch (from) {
    case 1: return isSigned ? convertFrom<int8_t>(to) : convertFrom<uint8_t>(to);
    case 2: return isSigned ? convertFrom<int16_t>(to) : convertFrom<uint16_t>(to);
    case 4: return isSigned ? convertFrom<int32_t>(to) : convertFrom<uint32_t>(to);
    default: return convertFrom<uint64_t>(to);
  }
}

void copyPredicate(Warp* w, const Op* op, uint32_t mask) { writePredicate(w, op->operands[0], mask, *row<uint32_t>(w, op->operands[1])); }
void notPredicate(Warp* w, const Op* op, uint32_t mask) { writePredicate(w, op->operands[0], mask, ~*row<uint32_t>(w, op->operands[1])); }

OpFn splatField(unsigned bytes) {
  switch (bytes) {
    case 1: return splatFieldOf<uint8_t>;
    case 2: return splatFieldOf<uint16_t>;
    case 4: return splatFieldOf<uint32_t>;
    default: return splatFieldOf<uint64_t>;
  }
}

void splatSymbol(Warp* w, const Op* op, uint32_t mask) {
  uint64_t value = w->block->symbols[op->symbol] + op->immediate;
  write<uint64_t>(w, op->operands[0], mask, [&](uint32_t) { return value; });
}

void warpRow(Warp* w, const Op* op, uint32_t mask) {
  const uint32_t* s = reinterpret_cast<const uint32_t*>(w->bases[1] + op->immediate) + size_t{w->index} * lanes;
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) { return s[l]; });
}

void addBase(Warp* w, const Op* op, uint32_t mask) {
  const abi::BlockContext& block = *w->block;
  const uint64_t* s = row<uint64_t>(w, op->operands[1]);
  uint64_t base = 0, step = 0;
  switch (Base(op->which)) {
    case Base::Shared: base = reinterpret_cast<uint64_t>(block.shared); break;
    case Base::Param: base = reinterpret_cast<uint64_t>(block.params); break;
    case Base::Local:
      step = block.localStride;
      base = reinterpret_cast<uint64_t>(block.local) + uint64_t{w->index} * lanes * step;
      break;
    case Base::Variable: base = block.symbols[op->symbol]; break;
  }
  if (op->subtracts) base = -base, step = -step;
  write<uint64_t>(w, op->operands[0], mask, [&](uint32_t l) { return s[l] + base + l * step; });
}

void lookup3(Warp* w, const Op* op, uint32_t mask) {
  const uint32_t *a = row<uint32_t>(w, op->operands[1]), *b = row<uint32_t>(w, op->operands[2]), *c = row<uint32_t>(w, op->operands[3]);
  uint32_t rows[8];
  for (unsigned i = 0; i < 8; ++i) rows[i] = (op->immediate >> i & 1) ? ~0u : 0u;
  write<uint32_t>(w, op->operands[0], mask, [&](uint32_t l) {
    uint32_t x = a[l], y = b[l], z = c[l];
    return (rows[7] & x & y & z) | (rows[6] & x & y & ~z) | (rows[5] & x & ~y & z) | (rows[4] & x & ~y & ~z) | (rows[3] & ~x & y & z) |
           (rows[2] & ~x & y & ~z) | (rows[1] & ~x & ~y & z) | (rows[0] & ~x & ~y & ~z);
  });
}

OpFn pack(unsigned to, unsigned from) {
  if (to == 2 && from == 1) return packOf<uint16_t, uint8_t>;
  if (to == 4 && from == 2) return packOf<uint32_t, uint16_t>;
  if (to == 4 && from == 1) return packOf<uint32_t, uint8_t>;
  if (to == 8 && from == 4) return packOf<uint64_t, uint32_t>;
  if (to == 8 && from == 2) return packOf<uint64_t, uint16_t>;
  return to == 8 && from == 1 ? packOf<uint64_t, uint8_t> : nullptr;
}

OpFn unpack(unsigned to, unsigned from) {
  if (from == 2 && to == 1) return unpackOf<uint8_t, uint16_t>;
  if (from == 4 && to == 2) return unpackOf<uint16_t, uint32_t>;
  if (from == 4 && to == 1) return unpackOf<uint8_t, uint32_t>;
  if (from == 8 && to == 4) return unpackOf<uint32_t, uint64_t>;
  if (from == 8 && to == 2) return unpackOf<uint16_t, uint64_t>;
  return from == 8 && to == 1 ? unpackOf<uint8_t, uint64_t> : nullptr;
}

template <class Piece>
OpFn pieceLoadFrom(unsigned to) {
  switch (to) {
    case 1: return pieceLoadOf<uint8_t, Piece>;
    case 2: return pieceLoadOf<uint16_t, Piece>;
    case 4: return pieceLoadOf<uint32_t, Piece>;
    default: return pieceLoadOf<uint64_t, Piece>;
  }
}

OpFn pieceLoad(unsigned to, unsigned piece) {
  switch (piece) {
    case 1: return pieceLoadFrom<uint8_t>(to);
    case 2: return pieceLoadFrom<uint16_t>(to);
    case 4: return pieceLoadFrom<uint32_t>(to);
    default: return pieceLoadFrom<uint64_t>(to);
  }
}

template <class Piece>
OpFn pieceStoreTo(unsigned from) {
  switch (from) {
    case 1: return pieceStoreOf<Piece, uint8_t>;
    case 2: return pieceStoreOf<Piece, uint16_t>;
    case 4: return pieceStoreOf<Piece, uint32_t>;
    default: return pieceStoreOf<Piece, uint64_t>;
  }
}

OpFn pieceStore(unsigned piece, unsigned from) {
  switch (piece) {
    case 1: return pieceStoreTo<uint8_t>(from);
    case 2: return pieceStoreTo<uint16_t>(from);
    case 4: return pieceStoreTo<uint32_t>(from);
    default: return pieceStoreTo<uint64_t>(from);
  }
}

void isSpace(Warp* w, const Op* op, uint32_t mask) {
  const abi::BlockContext& block = *w->block;
  const uint64_t* a = row<uint64_t>(w, op->operands[1]);
  uint64_t base = 0, size = 0;
  switch (Base(op->which)) {
    case Base::Shared:
      base = reinterpret_cast<uint64_t>(block.shared);
      size = abi::reservedSharedOffset(block.launch->totalSharedBytes) + abi::reservedSharedBytes;
      break;
    case Base::Local: {
      const abi::Dim3& shape = block.launch->block;
      base = reinterpret_cast<uint64_t>(block.local);
      size = block.localStride * shape.x * shape.y * shape.z;
      break;
    }
    case Base::Param:
      base = reinterpret_cast<uint64_t>(block.params);
      size = op->immediate;
      break;
    case Base::Variable:
      base = block.symbols[op->symbol];
      size = op->immediate;
      break;
  }
  uint32_t bits = op->operands[2] == Op::noOperand ? 0 : *row<uint32_t>(w, op->operands[2]);
  for (uint32_t l = 0; l < lanes; ++l) bits |= uint32_t{a[l] - base < size} << l;
  writePredicate(w, op->operands[0], mask, bits);
}

void nothing(Warp*, const Op*, uint32_t) {}

}  // namespace anywarp::quick::ANYWARP_QUICK_LEVEL
