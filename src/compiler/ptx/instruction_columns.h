// The little language of the columns of instructions.def: types, modifiers, operands. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "compiler/ptx/instructions.h"

namespace anywarp::ptx {

// What the types column accepts: one set per type position.
struct TypePattern {
  std::array<TypeSet, maxTypes> positions{};
  uint8_t count = 0;
};

// What the modifiers column accepts: all of `required`, exactly one of each `oneOf`, any of `optional`, nothing else.
struct ModPattern {
  ModSet required, optional;
  std::array<ModSet, 6> oneOf{};
  uint8_t oneOfCount = 0;
};

// From what the type of a slot follows.
enum class TypeRule : uint8_t {
  Fixed,              // SlotSpec::fixed
  T0, T1, T2, T3,     // the types written
  Wide,               // twice the first type
  Elem,               // the first type divided by the number of elements
  Dot,                // dp4a, dp2a: U32 when both factors are unsigned, else S32
  Frag0, Frag1, Frag2, Frag3,  // register of a matrix fragment of the n-th type
  Any,
};

struct SlotSpec {
  SlotRole role = SlotRole::None;
  TypeRule rule = TypeRule::Any;
  Type fixed = Type::None;
  bool optional = false;
  bool pipe = false;        // follows the first destination after `|`
  bool vector = false;      // only {...} fits
  bool maybeVector = false; // {...} fits too
  bool policy = false;      // there exactly when .L2::cache_hint is written
  bool sampler = false;     // written inside the brackets of the texture address

  constexpr SlotSpec operator()(Type type) const {
    SlotSpec s = *this;
    s.rule = TypeRule::Fixed;
    s.fixed = type;
    return s;
  }
  constexpr SlotSpec operator()(TypeRule r) const {
    SlotSpec s = *this;
    s.rule = r;
    return s;
  }
};

struct SlotPattern {
  std::array<SlotSpec, maxSlots> slots{};
  uint8_t count = 0;

  constexpr SlotPattern() = default;
  constexpr SlotPattern(const SlotSpec& s) {
    if (s.role != SlotRole::None) slots[count++] = s;
  }
};

namespace type_column {
#define PTX_TYPE(name, spelling, bits, cls, lanes) constexpr TypeSet name(Type::name);
#include "compiler/ptx/types.def"
#undef PTX_TYPE
constexpr TypeSet None{};
constexpr TypeSet I8 = U8 | S8, I16 = U16 | S16, I32 = U32 | S32, I64 = U64 | S64;
constexpr TypeSet Int = I16 | I32 | I64, AnyInt = I8 | Int;
constexpr TypeSet Bits = B16 | B32 | B64, AnyBits = B8 | Bits;
constexpr TypeSet Floats = F16 | BF16 | F32 | F64;
constexpr TypeSet Memory = AnyBits | B128 | AnyInt | F16 | BF16 | F16x2 | BF16x2 | F32 | F64;
constexpr TypeSet SetDest = I32 | F32 | F16 | BF16;
constexpr TypeSet AtomTypes = Bits | B128 | I32 | I64 | F16 | F16x2 | BF16 | BF16x2 | F32 | F64;
constexpr TypeSet ReduceTypes = Bits | I32 | I64 | F16 | BF16 | F32 | F64;
constexpr TypeSet MultimemTypes = B32 | B64 | I32 | I64 | F16 | F16x2 | BF16 | BF16x2 | F32 | F64 | E4M3 | E5M2 | E4M3x2 | E5M2x2 |
                                  E4M3x4 | E5M2x4;
constexpr TypeSet TexelTypes = U32 | S32 | F32 | F16 | F16x2;
constexpr TypeSet WmmaTypes = B1 | U4 | S4 | I8 | S32 | F16 | BF16 | TF32 | F32 | F64;
constexpr TypeSet MmaTypes = WmmaTypes | E4M3 | E5M2 | E2M3 | E3M2 | E2M1;

template <class... Sets>
constexpr TypePattern T(Sets... sets) {
  TypePattern p;
  ((p.positions[p.count++] = sets), ...);
  return p;
}
constexpr TypePattern column(const TypeSet& set) { return set.empty() ? TypePattern{} : T(set); }
constexpr TypePattern column(const TypePattern& pattern) { return pattern; }
}  // namespace type_column

namespace mod_column {
constexpr ModPattern require(Mod mod) {
  ModPattern p;
  p.required.add(mod);
  return p;
}
// Every modifier that a pattern mentions.
constexpr ModSet mentioned(const ModPattern& p) {
  ModSet all = p.required | p.optional;
  for (const ModSet& set : p.oneOf) all = all | set;
  return all;
}
template <class... P>
constexpr ModPattern one(P... patterns) {
  ModPattern r;
  r.oneOf[r.oneOfCount++] = (mentioned(patterns) | ...);
  return r;
}
template <class... P>
constexpr ModPattern opt(P... patterns) {
  ModPattern r;
  r.optional = (mentioned(patterns) | ...);
  return r;
}
constexpr ModPattern operator|(const ModPattern& a, const ModPattern& b) {
  ModPattern r = a;
  r.required = a.required | b.required;
  r.optional = a.optional | b.optional;
  for (uint8_t i = 0; i < b.oneOfCount; ++i) r.oneOf[r.oneOfCount++] = b.oneOf[i];
  return r;
}
consteval ModPattern oneOfGroup(ModGroup group) {
  ModPattern r;
  for (size_t i = 1; i < modCount; ++i)
    if (inGroup(Mod(i), group)) r.oneOf[0].add(Mod(i));
  r.oneOfCount = 1;
  return r;
}

#define PTX_MOD(name, spelling, groups) constexpr ModPattern name = require(Mod::name);
#include "compiler/ptx/modifiers.def"
#undef PTX_MOD
constexpr ModPattern None{};

constexpr ModPattern Rnd = one(Rn, Rz, Rm, Rp), RndReq = Rnd, IntRnd = one(Rni, Rzi, Rmi, Rpi);
constexpr ModPattern Bool = one(And, Or, Xor);
constexpr ModPattern IntCmp = one(Eq, Ne, Lt, Le, Gt, Ge, Lo, Ls, Hi, Hs);
constexpr ModPattern FloatCmp = one(Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan);
constexpr ModPattern TestOp = oneOfGroup(ModGroup::Test);
constexpr ModPattern MinMaxOpt = opt(Ftz, PropagateNan, Xorsign, Abs);
constexpr ModPattern ShuffleOp = oneOfGroup(ModGroup::Shuffle);
constexpr ModPattern PermuteMode = oneOfGroup(ModGroup::PrmtMode);
constexpr ModPattern VideoOp = one(Add, Min, Max);

constexpr ModPattern SpaceOp = oneOfGroup(ModGroup::Space), SpaceAny = SpaceOp;
constexpr ModPattern SharedAny = one(Shared, SharedCta, SharedCluster);
constexpr ModPattern ScopeOp = one(Cta, Cluster, Gpu, Sys), ScopeReq = ScopeOp;
constexpr ModPattern Caches = oneOfGroup(ModGroup::Cache);
constexpr ModPattern EvictAny = oneOfGroup(ModGroup::Evict);
constexpr ModPattern EvictOp = opt(L2EvictLast, L2EvictNormal, L2EvictFirst, L2EvictUnchanged);
constexpr ModPattern Prefetches = oneOfGroup(ModGroup::PrefetchSize);
constexpr ModPattern Vectors = one(V2, V4, V8);
constexpr ModPattern LoadOpt =
    opt(Weak, Volatile, Relaxed, Acquire, Mmio, ScopeOp, SpaceOp, Caches, EvictAny, L2CacheHint, Prefetches, Vectors, Unified);
constexpr ModPattern StoreOpt = opt(Weak, Volatile, Relaxed, Release, Mmio, ScopeOp, SpaceOp, Caches, EvictAny, L2CacheHint, Vectors);
constexpr ModPattern AtomOp = one(And, Or, Xor, Add, Min, Max, Inc, Dec, Exch);
constexpr ModPattern AtomOpt = opt(Relaxed, Acquire, Release, AcqRel, ScopeOp, Global, SharedAny, Noftz, L2CacheHint);
constexpr ModPattern MultimemOpt = opt(Weak, Relaxed, Acquire, Release, ScopeOp, Global, Vectors, And, Or, Xor, Add, Min, Max,
                                       AccF32, AccF16);
constexpr ModPattern ReduceOp = one(And, Or, Xor, Add, Inc, Dec, Min, Max);
constexpr ModPattern MbarrierOpt = opt(SharedAny, Acquire, Release, Relaxed, Cta, Cluster);
constexpr ModPattern ProxyKind = one(Alias, Async) | opt(Global, SharedCta, SharedCluster);
constexpr ModPattern Dimension = one(Geom1d, Geom2d, Geom3d, Geom4d, Geom5d);
constexpr ModPattern TensorModes = one(Tile, TileGather4, TileScatter4, Im2col, Im2colW, Im2colW128, Im2colNoOffs);
constexpr ModPattern TensorFields = oneOfGroup(ModGroup::TensorField);

constexpr ModPattern TexGeometry = oneOfGroup(ModGroup::Geometry), TexVector = opt(V2, V4);
constexpr ModPattern QueryOp = oneOfGroup(ModGroup::Query), Border = one(Trap, Clamp, Zero);
constexpr ModPattern SuredOp = one(Add, Min, Max, And, Or);

constexpr ModPattern LayoutOp = one(Row, Col);
constexpr ModPattern WmmaShape = oneOfGroup(ModGroup::MatrixShape), MmaShape = WmmaShape;
constexpr ModPattern WgmmaShapes = oneOfGroup(ModGroup::WgmmaShape);
constexpr ModPattern Kinds = oneOfGroup(ModGroup::Kind), ScaleVecs = one(ScaleVec1X, ScaleVec2X, ScaleVec4X, Block16, Block32);
constexpr ModPattern CtaGroups = one(CtaGroup1, CtaGroup2);
constexpr ModPattern TensorShapes = oneOfGroup(ModGroup::TensorShape), TensorCount = oneOfGroup(ModGroup::MatrixCount);
constexpr ModPattern Collectors = oneOfGroup(ModGroup::Collector);

constexpr const ModPattern& column(const ModPattern& pattern) { return pattern; }
}  // namespace mod_column

namespace operand_column {
constexpr auto Pred = Type::Pred, B32 = Type::B32, U16 = Type::U16, U32 = Type::U32, U64 = Type::U64, S32 = Type::S32, F32 = Type::F32;
constexpr auto T1 = TypeRule::T1, T2 = TypeRule::T2, Wide = TypeRule::Wide, Elem = TypeRule::Elem, Dot = TypeRule::Dot,
               Frag = TypeRule::Frag0, Frag1 = TypeRule::Frag1, Frag2 = TypeRule::Frag2, Frag3 = TypeRule::Frag3,
               Anything = TypeRule::Any;

constexpr SlotSpec source(TypeRule rule, Type fixed = Type::None) { return {.role = SlotRole::Source, .rule = rule, .fixed = fixed}; }
constexpr SlotSpec D{.role = SlotRole::Dest, .rule = TypeRule::T0};
constexpr SlotSpec P{.role = SlotRole::Dest, .rule = TypeRule::Fixed, .fixed = Type::Pred, .optional = true, .pipe = true};
constexpr SlotSpec A = source(TypeRule::T0), B = A, C = A, E = A, F = A, G = A, H = A, I = A, J = A;
constexpr SlotSpec Any{.role = SlotRole::Source, .maybeVector = true};
constexpr SlotSpec Msk = source(TypeRule::Fixed, Type::B32);
constexpr SlotSpec Policy{.role = SlotRole::Source, .rule = TypeRule::Fixed, .fixed = Type::B64, .optional = true, .policy = true};
constexpr SlotSpec Addr{.role = SlotRole::Address, .rule = TypeRule::Fixed, .fixed = Type::U64};
constexpr SlotSpec TexAddr{.role = SlotRole::Address, .rule = TypeRule::T1};
constexpr SlotSpec Sampler{.role = SlotRole::Source, .rule = TypeRule::Fixed, .fixed = Type::U64, .optional = true, .sampler = true};
constexpr SlotSpec Lbl{.role = SlotRole::Label}, Targets{.role = SlotRole::Targets}, Callee{.role = SlotRole::Callee};
constexpr SlotSpec List{.role = SlotRole::List}, Proto{.role = SlotRole::Prototype, .optional = true};
constexpr SlotPattern Nothing{};

constexpr SlotSpec opt(SlotSpec s) {
  s.optional = true;
  return s;
}
constexpr SlotSpec vec(SlotSpec s) {
  s.vector = true;
  return s;
}
constexpr SlotSpec maybeVec(SlotSpec s) {
  s.maybeVector = true;
  return s;
}
constexpr SlotPattern operator|(SlotPattern list, const SlotSpec& s) {
  list.slots[list.count++] = s;
  return list;
}
constexpr SlotPattern operator|(const SlotSpec& a, const SlotSpec& b) { return SlotPattern(a) | b; }
constexpr SlotPattern column(const SlotPattern& pattern) { return pattern; }
}  // namespace operand_column

struct FormRow {
  TypePattern types;
  ModPattern mods;
  SlotPattern slots;
};
// Expanded rows, indexed by Form; for the parser and the queries of instructions.h only.
const FormRow& formRow(Form form);

}  // namespace anywarp::ptx
