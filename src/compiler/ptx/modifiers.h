// Mod: the modifiers of PTX opcodes (modifiers.def), and the list of them that an instruction carries.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "compiler/ptx/enum_set.h"

namespace anywarp::ptx {

// Named after the token in CamelCase: .rn Rn, .shared::cta SharedCta, .L1::evict_first L1EvictFirst. Tokens that would begin
// with a digit: .2d Geom2d, .a2d GeomA2d, .16x64b Shape16x64b. Minimum with NaN, `.NaN`, is PropagateNan (`.nan` is Nan).
enum class Mod : uint16_t {
  None,
#define PTX_MOD(name, spelling, groups) name,
#include "compiler/ptx/modifiers.def"
#undef PTX_MOD
  Count
};
inline constexpr size_t modCount = size_t(Mod::Count);
using ModSet = EnumSet<Mod, modCount>;

enum class ModGroup : uint8_t {
  Rounding,     // rn rz rm rp rna rs
  IntRounding,  // rni rzi rmi rpi
  Accuracy,     // approx full
  Flag,         // ftz sat satfinite relu noftz oob cc NaN xorsign abs shiftamt pack uni sync aligned unified
  Half,         // lo hi wide
  Compare,      // eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan
  Test,         // finite infinite number notanumber normal subnormal
  Boolean,      // and or xor
  Operation,    // and or xor add min max inc dec exch cas popc
  Direction, ShiftMode, PrmtMode, VideoScale,
  Shuffle,      // up down bfly idx
  Vote,         // all any ballot (and Mod::Uni)
  Space,        // global shared shared::cta shared::cluster local const param param::entry param::func
  SpaceMode,    // to
  Semantics,    // weak volatile relaxed acquire release acq_rel sc mmio
  Scope,        // cta cluster gpu sys gl
  Cache,        // ca cg cs lu cv wb wt nc
  Evict, EvictLevel, PrefetchSize, CacheHint, CacheLevel, Policy,
  Vector,       // v2 v4 v8
  Barrier, Completion, Fence, Async, AsyncMode, TensorField, Multimem,
  Geometry, TextureMode, TextureComponent, SurfaceFormat, BorderMode, Query,
  MatrixShape, WgmmaShape, Layout, Fragment, MatrixOp, MatrixFormat, MatrixCount, BlockScale, Kind,
  Tensor, CtaGroup, TensorShape, WarpBroadcast, Collector, Launch,
  Count
};
using ModGroupSet = EnumSet<ModGroup, size_t(ModGroup::Count)>;

struct ModInfo {
  const char* spelling;  // without the dot
  ModGroupSet groups;
};

constexpr ModGroupSet operator|(ModGroup a, ModGroup b) { return ModGroupSet(a) | ModGroupSet(b); }

namespace modifier_table {
using enum ModGroup;
inline constexpr ModInfo rows[modCount] = {
    {"", {}},
#define PTX_MOD(name, spelling, groups) {spelling, groups},
#include "compiler/ptx/modifiers.def"
#undef PTX_MOD
};
}  // namespace modifier_table

constexpr const ModInfo& info(Mod mod) { return modifier_table::rows[size_t(mod)]; }
constexpr const char* spelling(Mod mod) { return info(mod).spelling; }
constexpr bool inGroup(Mod mod, ModGroup group) { return info(mod).groups.has(group); }
// `rn` -> Rn; None for anything else.
Mod modFromSpelling(std::string_view spelling);
// Every modifier of a group.
const ModSet& membersOf(ModGroup group);

// The modifiers of one instruction, in the order written.
class ModList {
 public:
  static constexpr size_t capacity = 15;

  bool has(Mod mod) const {
    for (Mod m : *this)
      if (m == mod) return true;
    return false;
  }
  // The first modifier of a group; None where there is none.
  Mod first(ModGroup group) const {
    for (Mod m : *this)
      if (inGroup(m, group)) return m;
    return Mod::None;
  }
  bool has(ModGroup group) const { return first(group) != Mod::None; }

  // False when full: more modifiers than any instruction has.
  bool push(Mod mod) {
    if (size_ == capacity) return false;
    mods_[size_++] = mod;
    return true;
  }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Mod operator[](size_t i) const { return mods_[i]; }
  const Mod* begin() const { return mods_.data(); }
  const Mod* end() const { return mods_.data() + size_; }
  bool operator==(const ModList& other) const {
    if (size_ != other.size_) return false;
    for (size_t i = 0; i < size_; ++i)
      if (mods_[i] != other.mods_[i]) return false;
    return true;
  }

 private:
  std::array<Mod, capacity> mods_{};
  uint16_t size_ = 0;
};

// 1 for none, 2, 4 or 8 for .v2, .v4, .v8.
unsigned vectorLength(const ModList& mods);

}  // namespace anywarp::ptx
