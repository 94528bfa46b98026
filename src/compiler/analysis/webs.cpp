// Union of definitions that reach a common use, register by register; liveness falls out. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/webs.h"

#include <algorithm>
#include <unordered_map>

#include "compiler/analysis/operands.h"

namespace anywarp::analysis {
namespace {

// One read or write of a register, in program order within its block.
struct Event {
  BlockId block;
  ptx::RegId* slot;
  bool isDef;
};

class Renamer {
 public:
  Renamer(Flat& flat, WorkLimit* limit) : flat_(flat), limit_(limit) { webs_.liveIn.resize(flat.blocks.size()); }

  Webs run() {
    collect();
    std::vector<ptx::Register> old = std::move(flat_.registers);
    flat_.registers.clear();
    keep_.assign(old.size(), ptx::noReg);
    liveMark_.assign(flat_.blocks.size(), 0);
    blockState_.resize(flat_.blocks.size());
    for (ptx::RegId r = 0; r < old.size(); ++r) rename(r, old[r]);
    for (auto& list : webs_.liveIn) std::sort(list.begin(), list.end());
    auto remap = [&](std::vector<std::vector<Piece>>& all) {
      for (auto& pieces : all)
        for (Piece& p : pieces) p.reg = keep_[p.reg];
    };
    remap(flat_.params);
    remap(flat_.returns);
    return std::move(webs_);
  }

 private:
  void collect() {
    events_.resize(flat_.registers.size());
    // Parameters of an out-of-line function are written at its entry, results read at its exits: kept whole.
    pinned_.assign(flat_.registers.size(), 0);
    for (auto* all : {&flat_.params, &flat_.returns})
      for (auto& pieces : *all)
        for (Piece& p : pieces) pinned_[p.reg] = all == &flat_.returns ? 2 : 1;
    for (BlockId b = 0; b < flat_.blocks.size(); ++b) {
      Block& block = flat_.blocks[b];
      for (uint32_t i = block.first; i < block.last; ++i) {
        Inst& inst = flat_.instructions[i];
        forEachUse(inst, flat_.registers, [&](ptx::RegId& r) { events_[r].push_back({b, &r, false}); });
        // A guarded write was listed as a read of the same slot: the write follows it.
        forEachDef(inst, [&](ptx::RegId& r) { events_[r].push_back({b, &r, true}); });
      }
      if (block.condition != ptx::noReg) events_[block.condition].push_back({b, &block.condition, false});
    }
  }

  struct BlockState {
    int lastDef = -1;      // node of the last write in the block
    bool exposed = false;  // read before any write
    int entry = -1;        // node of the value at its entry
    bool hasDef = false;
  };

  int newNode() {
    parent_.push_back(int(parent_.size()));
    return int(parent_.size()) - 1;
  }
  int find(int x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  void unite(int a, int b) { parent_[find(a)] = find(b); }

  void rename(ptx::RegId r, const ptx::Register& reg) {
    auto& events = events_[r];
    if (limit_ && limit_->isPassed()) return;
    if (events.empty() && !pinned_[r]) return;
    parent_.clear();
    touched_.clear();
    for (const Event& e : events) {
      BlockState& s = touch(e.block);
      if (e.isDef) s.hasDef = true;
      else if (!s.hasDef) s.exposed = true;
    }
    if (pinned_[r] == 2)  // read at every exit
      for (BlockId b = 0; b < flat_.blocks.size(); ++b)
        if (flat_.blocks[b].terminator == Terminator::Exit) {
          BlockState& s = touch(b);
          if (!s.hasDef) s.exposed = true;
          else exitUse_.push_back(b);
        }
    // Live-in blocks: backwards from exposed reads to the writes.
    live_.clear();
    std::vector<BlockId> work;
    auto need = [&](BlockId b) {
      if (liveMark_[b]) return;
      liveMark_[b] = 1;
      live_.push_back(b);
      work.push_back(b);
      touch(b).entry = newNode();
    };
    for (size_t i = 0; i < touched_.size(); ++i)
      if (blockState_[touched_[i]].exposed) need(touched_[i]);
    while (!work.empty()) {
      BlockId b = work.back();
      work.pop_back();
      maySpend(limit_, 1 + flat_.blocks[b].predecessors.size() / 4);
      for (BlockId p : flat_.blocks[b].predecessors) {
        if (!touch(p).hasDef) need(p);
      }
    }
    // Pinned results: one web, whatever flows.
    int pinnedNode = pinned_[r] ? newNode() : -1;
    // Nodes of the writes; reads join what reaches them.
    std::vector<int> nodeOf(events.size());
    BlockId current = noBlock;
    int value = -1;
    for (size_t i = 0; i < events.size(); ++i) {
      const Event& e = events[i];
      if (e.block != current) current = e.block, value = blockState_[current].entry;
      if (e.isDef) {
        value = nodeOf[i] = newNode();
        blockState_[current].lastDef = value;
        // A guarded write's read of the old value shares its slot.
        if (i > 0 && !events[i - 1].isDef && events[i - 1].slot == e.slot && nodeOf[i - 1] >= 0) unite(nodeOf[i - 1], value);
      } else {
        nodeOf[i] = value;
      }
    }
    for (BlockId b : live_)
      for (BlockId p : flat_.blocks[b].predecessors) {
        BlockState& s = blockState_[p];
        int out = s.lastDef >= 0 ? s.lastDef : s.entry;
        if (out >= 0) unite(out, blockState_[b].entry);
      }
    if (pinnedNode >= 0)
      for (size_t n = 0; n + 1 < parent_.size() + 1; ++n) unite(int(n), pinnedNode);

    std::unordered_map<int, ptx::RegId> names;
    auto nameOf = [&](int node) {
      auto [it, fresh] = names.try_emplace(find(node), ptx::noReg);
      if (fresh) {
        it->second = ptx::RegId(flat_.registers.size());
        flat_.registers.push_back(reg);
        webs_.webs.emplace_back();
      }
      return it->second;
    };
    if (pinnedNode >= 0) {
      keep_[r] = nameOf(pinnedNode);
      Web& web = webs_.webs[keep_[r]];
      web.defs++;
      web.defBlocks.push_back(0);
    }
    for (size_t i = 0; i < events.size(); ++i) {
      const Event& e = events[i];
      if (nodeOf[i] < 0) nodeOf[i] = newNode();  // a read that nothing reaches
      ptx::RegId name = nameOf(nodeOf[i]);
      *e.slot = name;
      Web& web = webs_.webs[name];
      if (e.isDef) {
        web.defs++;
        if (web.defBlocks.empty() || web.defBlocks.back() != e.block) web.defBlocks.push_back(e.block);
      }
    }
    for (BlockId b : live_) {
      ptx::RegId name = nameOf(blockState_[b].entry);
      webs_.liveIn[b].push_back(name);
      if (b == 0 && !pinned_[r]) webs_.webs[name].maybeUndefined = true;
      liveMark_[b] = 0;
    }
    for (BlockId b : touched_) blockState_[b] = BlockState{};
    exitUse_.clear();
    std::vector<Event>().swap(events);
  }

  BlockState& touch(BlockId b) {
    BlockState& s = blockState_[b];
    if (!s.hasDef && !s.exposed && s.entry < 0 && s.lastDef < 0) touched_.push_back(b);
    return s;
  }

  Flat& flat_;
  WorkLimit* limit_;
  Webs webs_;
  std::vector<std::vector<Event>> events_;
  std::vector<uint8_t> pinned_;
  std::vector<ptx::RegId> keep_;
  std::vector<int> parent_;
  std::vector<BlockId> touched_, live_, exitUse_;
  std::vector<BlockState> blockState_;
  std::vector<uint8_t> liveMark_;
};

}  // namespace

bool Webs::isLiveIn(BlockId b, ptx::RegId r) const { return std::binary_search(liveIn[b].begin(), liveIn[b].end(), r); }

Webs renameWebs(Flat& flat, WorkLimit* limit) { return Renamer(flat, limit).run(); }

}  // namespace anywarp::analysis
