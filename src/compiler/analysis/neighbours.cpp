// Stores to shared memory are followed to the loads that they reach before a barrier. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/neighbours.h"

#include <bitset>
#include <cstdlib>
#include <map>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

using ptx::Form;

constexpr size_t mostStores = 256;  // what lies beyond is not followed
constexpr int lanes = 32;

struct Access {
  ptx::RegId reg = ptx::noReg;  // noReg: a symbol or an absolute address
  const ptx::Operand* root = nullptr;  // the symbol that the address begins with, where known
  int64_t offset = 0;
  int64_t bytes = 0;
  BlockId block = 0;
};

class Finder {
 public:
  Finder(const Flat& flat, const Order& order, const Shapes& shapes) : flat_(flat), order_(order), shapes_(shapes) {}

  bool run() {
    collect();
    if (stores_.empty() || !loads_) return false;
    follow();
    return meets();
  }

 private:
  using Set = std::bitset<mostStores>;

  void collect() {
    for (BlockId x : order_.blocks)
      for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i) {
        const Inst& inst = flat_.instructions[i];
        forEachDef(const_cast<Inst&>(inst), [&](ptx::RegId& r) { writers_[r].push_back(&inst); });
        if (isShared(inst, Form::St) && stores_.size() < mostStores) numbers_[&inst] = stores_.size(), stores_.push_back({});
        loads_ |= isShared(inst, Form::Ld);
      }
    for (BlockId x : order_.blocks)
      for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i) {
        const Inst& inst = flat_.instructions[i];
        if (auto it = numbers_.find(&inst); it != numbers_.end()) stores_[it->second] = accessOf(inst, x);
      }
  }

  static bool isShared(const Inst& inst, Form form) {
    return inst.pseudo == Pseudo::None && inst.form == form && inst.space() == ptx::Space::Shared;
  }

  Access accessOf(const Inst& inst, BlockId block) {
    const ptx::Operand& at = inst.operands[inst.form == Form::Ld ? 1 : 0];
    const ptx::Operand& value = inst.operands[inst.form == Form::Ld ? 0 : 1];
    int64_t count = value.kind == ptx::Operand::Kind::Vector ? int64_t(value.elements.size()) : 1;
    Access access{at.hasSymbol ? ptx::noReg : at.reg, at.hasSymbol ? &at : nullptr, at.offset, count * (ptx::bits(inst.type()) / 8), block};
    if (access.reg != ptx::noReg) access.root = rootOf(access.reg, 0);
    return access;
  }

  // The symbol at the bottom of an address computation; null where there is none or there are several.
  const ptx::Operand* rootOf(ptx::RegId r, unsigned depth) {
    auto it = writers_.find(r);
    if (it == writers_.end() || depth > 12) return nullptr;
    const ptx::Operand* root = nullptr;
    for (const Inst* inst : it->second) {
      if (inst->pseudo != Pseudo::None) return nullptr;
      bool adds = inst->form == Form::Mov || inst->form == Form::AddInt || inst->form == Form::MadInt || inst->form == Form::SubInt;
      if (!adds) return nullptr;
      for (unsigned i = 1; i < inst->operands.size(); ++i) {
        if (inst->form == Form::MadInt && i < 3) continue;
        const ptx::Operand& o = inst->operands[i];
        const ptx::Operand* found = o.kind == ptx::Operand::Kind::Symbol ? &o : o.isReg() && o.reg != r ? rootOf(o.reg, depth + 1) : nullptr;
        if (found && root && !sameSymbol(*found, *root)) return nullptr;
        if (found) root = found;
      }
    }
    return root;
  }

  static bool sameSymbol(const ptx::Operand& a, const ptx::Operand& b) { return a.symbol.kind == b.symbol.kind && a.symbol.index == b.symbol.index; }

  // reaching_[x]: the stores that threads at the beginning of x may have made since the last barrier.
  void follow() {
    reaching_.assign(flat_.blocks.size(), {});
    for (bool changed = true; changed;) {
      changed = false;
      for (BlockId x : order_.blocks) {
        const Block& block = flat_.blocks[x];
        if (block.terminator == Terminator::Suspend) continue;
        Set out = reaching_[x];
        for (uint32_t i = block.first; i < block.last; ++i)
          if (auto it = numbers_.find(&flat_.instructions[i]); it != numbers_.end()) out.set(it->second);
        for (BlockId s : block.successors) {
          Set joined = reaching_[s] | out;
          changed |= joined != reaching_[s];
          reaching_[s] = joined;
        }
      }
    }
  }

  bool meets() {
    for (BlockId x : order_.blocks) {
      Set made = reaching_[x];
      for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i) {
        const Inst& inst = flat_.instructions[i];
        if (auto it = numbers_.find(&inst); it != numbers_.end()) made.set(it->second);
        if (!isShared(inst, Form::Ld) || made.none()) continue;
        Access load = accessOf(inst, x);
        for (size_t s = 0; s < stores_.size(); ++s)
          if (made.test(s) && mayBeNeighbours(stores_[s], load)) return true;
      }
    }
    return false;
  }

  bool mayBeNeighbours(const Access& store, const Access& load) const {
    if (store.root && load.root && !sameSymbol(*store.root, *load.root)) return false;
    int64_t apart = load.offset - store.offset;
    if (store.reg != load.reg) return true;
    // A fixed address: what a part of the lanes stored may be read by all; what all stored, each may have stored itself.
    int64_t stride = 0;
    if (store.reg != ptx::noReg) {
      const Shape& shape = shapes_.registers[store.reg];
      if (apart == 0 && shape.kind != Shape::Kind::Uniform) return false;
      if (shape.kind != Shape::Kind::Uniform && shape.kind != Shape::Kind::Affine) return true;
      stride = shape.stride;
    }
    if (stride == 0) return overlap(apart, store, load) && store.block != load.block && shapes_.partial[store.block];
    for (int k = -lanes + 1; k < lanes; ++k)
      if (k != 0 && overlap(apart + k * stride, store, load)) return true;
    return false;
  }

  // The load's bytes, `apart` behind the store's, are in part the same ones.
  static bool overlap(int64_t apart, const Access& store, const Access& load) { return apart < store.bytes && -apart < load.bytes; }

  const Flat& flat_;
  const Order& order_;
  const Shapes& shapes_;
  std::map<ptx::RegId, std::vector<const Inst*>> writers_;
  std::map<const Inst*, size_t> numbers_;
  std::vector<Access> stores_;
  std::vector<Set> reaching_;
  bool loads_ = false;
};

}  // namespace

bool readsNeighbours(const Flat& flat, const Order& order, const Shapes& shapes) { return Finder(flat, order, shapes).run(); }

}  // namespace anywarp::analysis
