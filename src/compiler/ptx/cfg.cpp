// Cfg: basic blocks of a body. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/cfg.h"

#include <algorithm>

namespace anywarp::ptx {
namespace {

class CfgBuilder {
 public:
  explicit CfgBuilder(const Body& body) : body_(body), starts_(body.instructions.size() + 1) {}

  Cfg build() {
    markStarts();
    makeBlocks();
    for (uint32_t b = 0; b < cfg_.blocks.size(); ++b) connect(b);
    orderBlocks();
    return std::move(cfg_);
  }

 private:
  const Body& body_;
  std::vector<bool> starts_;
  Cfg cfg_;

  uint32_t count() const { return uint32_t(body_.instructions.size()); }

  void markStarts() {
    starts_[0] = true;
    for (uint32_t i = 0; i < count(); ++i) {
      const Instruction& instruction = body_.instructions[i];
      if (!endsBlock(instruction)) continue;
      starts_[i + 1] = true;
      for (uint32_t label : targets(instruction)) starts_[body_.labels[label].instruction] = true;
    }
    // Past the last instruction there is a block only where something can jump to it.
    bool jumpedTo = false;
    for (const Instruction& instruction : body_.instructions)
      for (uint32_t label : targets(instruction)) jumpedTo |= body_.labels[label].instruction == count();
    if (count() > 0 && !jumpedTo) {
      const Instruction& last = body_.instructions.back();
      starts_[count()] = endsBlock(last) && last.guard != noReg;
    }
  }

  std::vector<uint32_t> targets(const Instruction& instruction) const {
    if (instruction.form == Form::Bra) return {instruction.operands[0].label};
    if (instruction.form == Form::BrxIdx) return body_.branchTargets[instruction.operands[1].label].labels;
    return {};
  }

  void makeBlocks() {
    cfg_.blockOf.resize(count());
    for (uint32_t i = 0; i <= count(); ++i) {
      if (starts_[i]) {
        if (!cfg_.blocks.empty()) cfg_.blocks.back().last = i;
        cfg_.blocks.push_back({i, i, {}, {}});
      }
      if (i < count()) cfg_.blockOf[i] = uint32_t(cfg_.blocks.size() - 1);
    }
    cfg_.blocks.back().last = count();
  }

  uint32_t blockAt(uint32_t instruction) const {
    return instruction < count() ? cfg_.blockOf[instruction] : uint32_t(cfg_.blocks.size() - 1);
  }

  void connect(uint32_t b) {
    const bool isLast = b + 1 == cfg_.blocks.size();
    const Instruction* end = cfg_.terminator(body_, b);
    if (end)
      for (uint32_t label : targets(*end)) addEdge(b, blockAt(body_.labels[label].instruction));
    if (isLast || (end && end->guard == noReg)) return;
    addEdge(b, b + 1, end && end->form == Form::Bra);
  }

  void addEdge(uint32_t from, uint32_t to, bool twice = false) {
    // Edges of one block are added together, so a repeated one has `from` as its last predecessor.
    auto& predecessors = cfg_.blocks[to].predecessors;
    const bool known = !predecessors.empty() && predecessors.back() == from;
    if (!known) predecessors.push_back(from);
    if (!known || twice) cfg_.blocks[from].successors.push_back(to);
  }

  void orderBlocks() {
    struct Visit {
      uint32_t block;
      size_t next;
    };
    cfg_.reachable.assign(cfg_.blocks.size(), false);
    std::vector<Visit> stack{{0, 0}};
    cfg_.reachable[0] = true;
    while (!stack.empty()) {
      Visit& visit = stack.back();
      const auto& successors = cfg_.blocks[visit.block].successors;
      if (visit.next == successors.size()) {
        cfg_.reversePostOrder.push_back(visit.block);
        stack.pop_back();
        continue;
      }
      const uint32_t to = successors[visit.next++];
      if (cfg_.reachable[to]) continue;
      cfg_.reachable[to] = true;
      stack.push_back({to, 0});
    }
    std::reverse(cfg_.reversePostOrder.begin(), cfg_.reversePostOrder.end());
  }
};

}  // namespace

bool endsBlock(const Instruction& instruction) {
  switch (instruction.form) {
    case Form::Bra: case Form::BrxIdx: case Form::Ret: case Form::Exit: return true;
    default: return false;
  }
}

const Instruction* Cfg::terminator(const Body& body, uint32_t block) const {
  const Block& b = blocks[block];
  if (b.first == b.last) return nullptr;
  const Instruction& last = body.instructions[b.last - 1];
  return endsBlock(last) ? &last : nullptr;
}

Cfg buildCfg(const Body& body) { return CfgBuilder(body).build(); }

}  // namespace anywarp::ptx
