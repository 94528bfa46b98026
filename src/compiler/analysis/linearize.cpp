// Pending sets as a fixed point over the blocks of a region. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/linearize.h"

#include <algorithm>

namespace anywarp::analysis {

std::vector<BlockId> liveTargets(const Flat& flat, BlockId x) {
  std::vector<BlockId> targets;
  for (BlockId s : flat.blocks[x].within)
    if (!onlyExits(flat, s) && std::find(targets.begin(), targets.end(), s) == targets.end()) targets.push_back(s);
  return targets;
}

Linear::Linear(const Flat& flat, const Order& order, const Shapes& shapes, const PendingSet& entry, bool free,
               std::vector<uint8_t> runsEmpty, std::vector<BlockId> meetings, BlockId first)
    : flat_(flat), order_(order), shapes_(shapes), free_(free), manyEntries_(free || entry.size() > 1), runsEmpty_(std::move(runsEmpty)),
      meetings_(std::move(meetings)) {
  if (!meetings_.empty()) {
    meetingOf_.assign(flat.blocks.size(), noBlock);
    for (BlockId x = 0; x < flat.blocks.size(); ++x)
      if (meetings_[x] != noBlock) meetingOf_[meetings_[x]] = x;
  }
  pending_.resize(flat.blocks.size());
  everPending_.assign(flat.blocks.size(), 0);
  reached_.assign(flat.blocks.size(), 0);
  if (first == noBlock && entry.size() == 1) first = *entry.begin();
  if (first != noBlock) {
    reached_[first] = 1;
    work_.push_back(first);
    for (BlockId b : entry)
      if (b != first) everPending_[b] = 1, pending_[first].insert(b);
  } else {
    for (BlockId b : entry) everPending_[b] = 1;
    flow(noBlock, entry, noBlock);
  }
  while (!work_.empty()) {
    BlockId x = work_.back();
    work_.pop_back();
    visit(x);
  }
}

Step Linear::choose(BlockId x, const PendingSet& waiting, BlockId target) const {
  if (waiting.empty()) return {};
  auto step = [&](BlockId b) { return Step{b, b == target || meetsFrom(b) != noBlock}; };
  uint32_t from = x == noBlock ? 0 : order_.position[x] + 1;
  BlockId first = noBlock;  // from here on: where it is not in a loop around x, nothing in that loop is
  for (BlockId b : waiting)
    if (order_.position[b] >= from && (first == noBlock || order_.position[b] < order_.position[first])) first = b;
  for (uint32_t l = x == noBlock ? noLoop : order_.innermost[x]; l != noLoop; l = order_.loops[l].parent) {
    if (first != noBlock && order_.inLoop(first, l)) return step(first);
    if (waiting.count(order_.loops[l].header)) {
      Step s = step(order_.loops[l].header);
      if (!s.certain) s.again = l;
      return s;
    }
  }
  return first == noBlock ? Step{} : step(first);
}

bool Linear::mayWaitInside(uint32_t loop) const {
  if (!manyEntries_) return false;
  const PendingSet& set = pending_[order_.loops[loop].header];
  return std::any_of(set.begin(), set.end(), [&](BlockId b) { return order_.inLoop(b, loop); });
}

PendingSet Linear::outside(uint32_t loop, const PendingSet& waiting) const {
  PendingSet result;
  for (BlockId b : waiting)
    if (!order_.inLoop(b, loop)) result.insert(b);
  return result;
}

void Linear::flow(BlockId x, const PendingSet& waiting, BlockId target) {
  Step step = choose(x, waiting, target);
  if (step.next == noBlock) return;
  if (manyEntries_ && step.again != noLoop) flow(x, outside(step.again, waiting), noBlock);
  BlockId n = step.next;
  PendingSet* back = x != noBlock && order_.position[n] <= order_.position[x] ? &backEdges_[n] : nullptr;
  bool changed = !reached_[n];
  reached_[n] = 1;
  if (!step.certain) everPending_[n] = 1;
  PendingSet others = waiting;
  others.erase(n);
  if (pending_[n].unite(others)) {
    changed = true;
    for (BlockId b : others)
      if (meetsFrom(b) == noBlock) everPending_[b] = 1;
  }
  if (back) back->unite(others);
  if (changed) work_.push_back(n);
}

void Linear::visit(BlockId x) {
  const Block& block = flat_.blocks[x];
  PendingSet waiting = pending_[x];
  waiting.erase(x);
  // x may be found empty (its test fails): then what waits besides goes on.
  if (everPending_[x]) flow(x, waiting, noBlock);
  std::vector<BlockId> targets = liveTargets(flat_, x);
  bool parks = block.within.size() < block.successors.size();
  if (parks && !free_ && (!waiting.empty() || shapes_.divergent[x])) suspendsWhilePending_.insert(x);
  bool divergent = shapes_.divergent[x] && targets.size() + (parks ? 1 : 0) > 0;
  if (targets.empty()) return flow(x, waiting, noBlock);
  if (divergent || runsEmpty(x)) {
    // Lanes may exit or suspend at one side, so even a single target may get none; so it is where x has none.
    for (BlockId t : targets) waiting.insert(t);
    return flow(x, waiting, noBlock);
  }
  for (BlockId t : targets) {
    PendingSet w = waiting;
    w.insert(t);
    flow(x, w, t);
  }
  if (block.within.size() > targets.size() || parks) flow(x, waiting, noBlock);  // a uniform exit or suspension
}

}  // namespace anywarp::analysis
