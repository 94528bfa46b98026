// Block orders by nested strongly connected components; post-dominance; divergent joins. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/flow.h"

#include <algorithm>

namespace anywarp::analysis {
namespace {

// Tarjan's algorithm on a subset of the blocks, iterative; emits components in topological order.
class Components {
 public:
  // `next[b]`: where to go from b, what is visited first is placed last.
  Components(const std::vector<std::vector<BlockId>>& next, const std::vector<uint32_t>& member, uint32_t set, BlockId cut)
      : next_(next), member_(member), set_(set), cut_(cut) {}

  // `member[b] == set` says which blocks take part; edges to `cut` are ignored.
  std::vector<std::vector<BlockId>> run(const std::vector<BlockId>& starts, std::vector<uint32_t>& index,
                                        std::vector<uint32_t>& low) {
    for (BlockId s : starts)
      if (index[s] == 0) visit(s, index, low);
    std::reverse(found_.begin(), found_.end());
    return std::move(found_);
  }

 private:
  struct Frame {
    BlockId block;
    size_t at = 0;
  };

  void visit(BlockId start, std::vector<uint32_t>& index, std::vector<uint32_t>& low) {
    std::vector<Frame> frames;
    auto push = [&](BlockId b) {
      index[b] = low[b] = ++counter_;
      stack_.push_back(b);
      frames.push_back({b});
    };
    push(start);
    while (!frames.empty()) {
      Frame& top = frames.back();
      if (top.at < next_[top.block].size()) {
        BlockId s = next_[top.block][top.at++];
        if (s == cut_ || member_[s] != set_) continue;
        if (index[s] == 0) push(s);
        else if (index[s] != done) low[top.block] = std::min(low[top.block], index[s]);
        continue;
      }
      BlockId b = top.block;
      frames.pop_back();
      if (!frames.empty()) low[frames.back().block] = std::min(low[frames.back().block], low[b]);
      if (low[b] != index[b]) continue;
      std::vector<BlockId> component;
      BlockId member;
      do {
        member = stack_.back();
        stack_.pop_back();
        index[member] = done;
        component.push_back(member);
      } while (member != b);
      std::reverse(component.begin(), component.end());
      found_.push_back(std::move(component));
    }
  }

  static constexpr uint32_t done = ~0u;
  const std::vector<std::vector<BlockId>>& next_;
  const std::vector<uint32_t>& member_;
  uint32_t set_;
  BlockId cut_;
  std::vector<std::vector<BlockId>> found_;
  std::vector<BlockId> stack_;
  uint32_t counter_ = 0;
};

class Orderer {
 public:
  Orderer(const Flat& flat, Through through, Order& order, WorkLimit* limit) : flat_(flat), through_(through), order_(order), limit_(limit) {}

  void run(const std::vector<BlockId>& roots) {
    size_t n = flat_.blocks.size();
    member_.assign(n, 0);
    index_.assign(n, 0);
    low_.assign(n, 0);
    order_.position.assign(n, ~0u);
    order_.innermost.assign(n, noLoop);
    findSuspensions();
    std::vector<BlockId> reachable = reach(roots);
    next_.resize(n);
    for (BlockId b : reachable) {
      member_[b] = 1;
      next_[b] = successors(flat_, b, through_);
      // Paths that only exit come right after the branch that leads to them.
      std::stable_sort(next_[b].begin(), next_[b].end(),
                       [&](BlockId x, BlockId y) { return reachesSuspension_[x] > reachesSuspension_[y]; });
    }
    nextSet_ = 2;
    place(roots, 1, noBlock, noLoop, 0);
  }

 private:
  std::vector<BlockId> reach(const std::vector<BlockId>& roots) const {
    std::vector<uint8_t> seen(flat_.blocks.size());
    std::vector<BlockId> list;
    auto add = [&](BlockId b) {
      if (!seen[b]) seen[b] = 1, list.push_back(b);
    };
    for (BlockId r : roots) add(r);
    for (size_t i = 0; i < list.size(); ++i)
      for (BlockId s : successors(flat_, list[i], through_)) add(s);
    return list;
  }

  void findSuspensions() {
    reachesSuspension_.assign(flat_.blocks.size(), 0);
    std::vector<BlockId> work;
    for (BlockId b = 0; b < flat_.blocks.size(); ++b)
      if (flat_.blocks[b].within.size() < flat_.blocks[b].successors.size()) reachesSuspension_[b] = 1, work.push_back(b);
    while (!work.empty()) {
      BlockId b = work.back();
      work.pop_back();
      for (BlockId p : flat_.blocks[b].predecessors)
        if (!reachesSuspension_[p]) reachesSuspension_[p] = 1, work.push_back(p);
    }
  }

  // Every loop is looked at again without its back edges.
  void place(const std::vector<BlockId>& starts, uint32_t set, BlockId cut, uint32_t loop, uint32_t depth) {
    constexpr uint32_t deepest = 1000;  // this calls itself, perhaps on a small stack
    if (limit_ && (depth > deepest ? !limit_->spend(~uint64_t(0)) : limit_->isPassed())) return;
    auto components = Components(next_, member_, set, cut).run(starts, index_, low_);
    for (auto& component : components) {
      bool self = false;
      for (BlockId s : successors(flat_, component.front(), through_)) self |= s == component.front() && s != cut;
      if (component.size() == 1 && !self) {
        append(component.front(), loop);
        continue;
      }
      if (!maySpend(limit_, edgesFrom(component))) return;
      // The first block that the search met is where the loop is entered.
      BlockId header = component.front();
      uint32_t inner = uint32_t(order_.loops.size());
      order_.loops.push_back({header, loop, component});
      order_.loops[inner].first = uint32_t(order_.blocks.size());
      uint32_t innerSet = nextSet_++;
      for (BlockId b : component) member_[b] = innerSet, index_[b] = low_[b] = 0;
      place({header}, innerSet, header, inner, depth + 1);
      order_.loops[inner].last = uint32_t(order_.blocks.size());
    }
  }

  uint64_t edgesFrom(const std::vector<BlockId>& blocks) const {
    uint64_t edges = blocks.size();
    for (BlockId b : blocks) edges += next_[b].size();
    return edges;
  }

  void append(BlockId b, uint32_t loop) {
    order_.position[b] = uint32_t(order_.blocks.size());
    order_.blocks.push_back(b);
    order_.innermost[b] = loop;
  }

  const Flat& flat_;
  Through through_;
  Order& order_;
  WorkLimit* limit_;
  std::vector<uint32_t> member_, index_, low_;
  std::vector<uint8_t> reachesSuspension_;
  std::vector<std::vector<BlockId>> next_;  // by block
  uint32_t nextSet_ = 2;
};

}  // namespace

const std::vector<BlockId>& successors(const Flat& flat, BlockId b, Through through) {
  const Block& block = flat.blocks[b];
  return through == Through::UntilSuspensions ? block.within : block.successors;
}

Order orderBlocks(const Flat& flat, const std::vector<BlockId>& roots, Through through, WorkLimit* limit) {
  Order order;
  order.root = roots.front();
  Orderer(flat, through, order, limit).run(roots);
  return order;
}

bool onlyExits(const Flat& flat, BlockId b) {
  const Block& block = flat.blocks[b];
  return block.terminator == Terminator::Exit && block.first == block.last;
}

// Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm, on the reversed graph.
std::vector<BlockId> postDominators(const Flat& flat, const Order& order) {
  size_t n = flat.blocks.size();
  // Post-order of the reversed graph from the exits.
  std::vector<uint32_t> number(n, ~0u);
  std::vector<BlockId> sequence;
  std::vector<uint8_t> seen(n);
  auto exits = [&](BlockId b) { return flat.blocks[b].successors.empty(); };
  // Blocks from which control goes on elsewhere than to an exit.
  std::vector<uint8_t> goesOn(n);
  for (BlockId b : order.blocks)
    for (BlockId s : flat.blocks[b].successors) goesOn[b] |= !onlyExits(flat, s);
  auto isLeft = [&](BlockId b, BlockId s) { return goesOn[b] && onlyExits(flat, s); };
  struct Frame {
    BlockId block;
    size_t at;
  };
  std::vector<Frame> frames;
  auto walk = [&](BlockId root) {
    if (seen[root]) return;
    seen[root] = 1;
    frames.push_back({root, 0});
    while (!frames.empty()) {
      Frame& top = frames.back();
      const auto& preds = flat.blocks[top.block].predecessors;
      if (top.at < preds.size()) {
        BlockId p = preds[top.at++];
        if (!seen[p] && order.contains(p) && !isLeft(p, top.block)) seen[p] = 1, frames.push_back({p, 0});
        continue;
      }
      number[top.block] = uint32_t(sequence.size());
      sequence.push_back(top.block);
      frames.pop_back();
    }
  };
  for (BlockId b : order.blocks)
    if (exits(b)) walk(b);
  // Endless loops, and those that are only left by an exit, reach none: enter them at their last block, as if it had one.
  std::vector<uint8_t> artificial(n);
  for (size_t i = order.blocks.size(); i-- > 0;)
    if (!seen[order.blocks[i]]) artificial[order.blocks[i]] = 1, walk(order.blocks[i]);

  constexpr BlockId unknown = noBlock - 1;
  std::vector<BlockId> idom(n, unknown);
  auto intersect = [&](BlockId a, BlockId b) {
    while (a != b) {
      if (a == noBlock || b == noBlock) return noBlock;
      if (number[a] < number[b]) a = idom[a];
      else b = idom[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = sequence.size(); i-- > 0;) {
      BlockId b = sequence[i];
      BlockId best = unknown;
      if (exits(b) || artificial[b]) best = noBlock;
      for (BlockId s : flat.blocks[b].successors) {
        if (isLeft(b, s)) continue;
        if (idom[s] == unknown) continue;
        best = best == unknown ? s : intersect(best, s);
      }
      if (best != unknown && best != idom[b]) idom[b] = best, changed = true;
    }
  }
  for (BlockId& d : idom)
    if (d == unknown) d = noBlock;
  return idom;
}

Influence influence(const Flat& flat, const Order& order, const std::vector<BlockId>& postDominator, BlockId b) {
  Influence result;
  BlockId meet = postDominator[b];
  size_t n = flat.blocks.size();
  // Region: depth first from the successors, stopping at the meeting point; post-order gives the order for the labels.
  std::vector<uint8_t> seen(n);
  struct Frame {
    BlockId block;
    size_t at;
  };
  std::vector<Frame> frames;
  std::vector<BlockId> post;
  auto skip = [&](BlockId s) { return s == meet || onlyExits(flat, s); };
  for (BlockId start : flat.blocks[b].successors) {
    if (skip(start) || seen[start]) continue;
    seen[start] = 1;
    frames.push_back({start, 0});
    while (!frames.empty()) {
      Frame& top = frames.back();
      const auto& next = flat.blocks[top.block].successors;
      if (top.at < next.size()) {
        BlockId s = next[top.at++];
        if (!skip(s) && !seen[s] && order.contains(s)) seen[s] = 1, frames.push_back({s, 0});
        continue;
      }
      post.push_back(top.block);
      frames.pop_back();
    }
  }
  result.region.assign(post.rbegin(), post.rend());

  std::vector<BlockId> label(n, noBlock);
  std::vector<uint8_t> joined(n);
  auto reach = [&](BlockId s, BlockId from) {
    if (onlyExits(flat, s)) return;
    if (label[s] == noBlock) label[s] = from;
    else if (label[s] != from && !joined[s]) {
      joined[s] = 1;
      label[s] = s;
      result.joins.push_back(s);
    }
  };
  for (BlockId s : flat.blocks[b].successors) reach(s, s);
  for (BlockId r : result.region) {
    if (label[r] == noBlock) continue;
    for (BlockId s : flat.blocks[r].successors) reach(s, label[r]);
  }
  for (BlockId r : result.region) result.from.push_back(label[r]);
  return result;
}

}  // namespace anywarp::analysis
