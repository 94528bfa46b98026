// The most registers of a body that are live at once, in units of 32 bits. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/register_estimate.h"

#include <algorithm>

#include "compiler/ptx/cfg.h"

namespace anywarp::ptx {
namespace {

constexpr uint32_t overhead = 5;         // stack pointer, parts of addresses: what machine code holds beside the program's values
constexpr uint32_t fewest = 10;
constexpr uint32_t fewestWithCalls = 24; // the calling convention's own
constexpr size_t largestSets = size_t(1) << 26;  // bits for all blocks together

template <class Fn>
void forEachRegister(const Operand& operand, Fn&& fn) {
  if (operand.reg != noReg) fn(operand.reg);
  for (const Operand& element : operand.elements) forEachRegister(element, fn);
}

bool isCall(const Instruction& i) { return formInfo(i.form).needs == Need::Call; }

bool isWritten(const Instruction& i, unsigned slot) { return isCall(i) ? slot == 0 : slotRole(i, slot) == SlotRole::Dest; }

template <class Fn>
void forEachDef(const Instruction& i, Fn&& fn) {
  for (unsigned slot = 0; slot < i.operands.size(); ++slot)
    if (isWritten(i, slot)) forEachRegister(i.operands[slot], fn);
}

template <class Fn>
void forEachUse(const Instruction& i, Fn&& fn) {
  if (i.guard != noReg) fn(i.guard);
  for (unsigned slot = 0; slot < i.operands.size(); ++slot)
    if (!isWritten(i, slot)) forEachRegister(i.operands[slot], fn);
}

uint32_t unitsOf(const Register& r) { return r.type == Type::Pred ? 0 : std::max(bits(r.type) / 32, 1u); }

// Values that machine code reads from its constants where they are used.
bool isConstant(const Operand& o) {
  if (o.isImmediate()) return true;
  auto within = [&](SpecialReg first, SpecialReg last) { return o.special >= first && o.special <= last; };
  return o.kind == Operand::Kind::Special && (within(SpecialReg::NtidX, SpecialReg::NtidW) || within(SpecialReg::NctaidX, SpecialReg::NctaidW));
}

class Estimate {
 public:
  explicit Estimate(const Body& body) : body_(body), cfg_(buildCfg(body)), units_(body.registers.size()), global_(body.registers.size(), noReg) {}

  uint32_t run() {
    for (size_t r = 0; r < units_.size(); ++r) units_[r] = unitsOf(body_.registers[r]);
    dropConstants();
    findGlobals();
    if (globals_.size() * cfg_.blocks.size() > largestSets) return mostRegisters;
    solve();
    uint32_t most = 0;
    for (uint32_t b : cfg_.reversePostOrder) most = std::max(most, mostLive(b));
    return std::clamp(most + overhead, calls_ ? fewestWithCalls : fewest, mostRegisters);
  }

 private:
  using Set = std::vector<uint64_t>;

  static bool holds(const Set& set, uint32_t i) { return set[i / 64] >> (i % 64) & 1; }
  static void put(Set& set, uint32_t i) { set[i / 64] |= uint64_t(1) << (i % 64); }

  // Parameters, immediates, sizes of the launch and generic addresses of these take no register.
  void dropConstants() {
    std::vector<uint32_t> defs(units_.size());
    for (const Instruction& i : body_.instructions) {
      calls_ |= i.form != Form::Unknown && isCall(i);
      if (i.form != Form::Unknown) forEachDef(i, [&](RegId r) { ++defs[r]; });
    }
    for (const Instruction& i : body_.instructions) {
      if (i.form != Form::Mov && i.form != Form::Ld && i.form != Form::CvtaTo) continue;
      const Operand &to = i.operands[0], &from = i.operands[1];
      if (!to.isReg() || defs[to.reg] != 1) continue;
      bool constant = i.form == Form::Ld    ? i.space() == Space::Param && from.reg == noReg
                      : i.form == Form::Mov ? isConstant(from)
                                            : from.isReg() && defs[from.reg] == 1 && units_[from.reg] == 0;
      if (constant) units_[to.reg] = 0;
    }
  }

  // Registers that are live where a block begins get a place in the sets.
  void findGlobals() {
    std::vector<uint32_t> definedIn(units_.size(), ~0u);
    for (uint32_t b = 0; b < cfg_.blocks.size(); ++b)
      for (uint32_t k = cfg_.blocks[b].first; k < cfg_.blocks[b].last; ++k) {
        const Instruction& i = body_.instructions[k];
        if (i.form == Form::Unknown) continue;
        forEachUse(i, [&](RegId r) {
          if (definedIn[r] == b || global_[r] != noReg || units_[r] == 0) return;
          global_[r] = uint32_t(globals_.size());
          globals_.push_back(r);
        });
        if (i.guard == noReg) forEachDef(i, [&](RegId r) { definedIn[r] = b; });
      }
  }

  void solve() {
    size_t words = (globals_.size() + 63) / 64, blocks = cfg_.blocks.size();
    in_.assign(blocks, Set(words));
    std::vector<Set> kill(blocks, Set(words));
    for (uint32_t b = 0; b < blocks; ++b)
      for (uint32_t k = cfg_.blocks[b].last; k-- > cfg_.blocks[b].first;) {
        const Instruction& i = body_.instructions[k];
        if (i.form == Form::Unknown) continue;
        if (i.guard == noReg)
          forEachDef(i, [&](RegId r) {
            if (global_[r] == noReg) return;
            put(kill[b], global_[r]);
            in_[b][global_[r] / 64] &= ~(uint64_t(1) << (global_[r] % 64));
          });
        forEachUse(i, [&](RegId r) {
          if (global_[r] != noReg) put(in_[b], global_[r]);
        });
      }
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t n = cfg_.reversePostOrder.size(); n-- > 0;) {
        uint32_t b = cfg_.reversePostOrder[n];
        for (uint32_t s : cfg_.blocks[b].successors)
          for (size_t w = 0; w < words; ++w) {
            uint64_t more = in_[s][w] & ~kill[b][w] & ~in_[b][w];
            in_[b][w] |= more;
            changed |= more != 0;
          }
      }
    }
  }

  uint32_t mostLive(uint32_t b) {
    std::vector<RegId> live;
    std::vector<uint8_t>& isLive = isLive_;
    isLive.resize(units_.size());
    uint32_t now = 0, most = 0;
    auto add = [&](RegId r) {
      if (isLive[r]) return;
      isLive[r] = 1;
      live.push_back(r);
      now += units_[r];
    };
    auto remove = [&](RegId r) {
      if (!isLive[r]) return;
      isLive[r] = 0;
      now -= units_[r];
    };
    for (uint32_t s : cfg_.blocks[b].successors)
      for (uint32_t g = 0; g < globals_.size(); ++g)
        if (holds(in_[s], g)) add(globals_[g]);
    most = now;
    for (uint32_t k = cfg_.blocks[b].last; k-- > cfg_.blocks[b].first;) {
      const Instruction& i = body_.instructions[k];
      if (i.form == Form::Unknown) continue;
      forEachDef(i, add);  // what nobody reads is written all the same
      most = std::max(most, now);
      if (i.guard == noReg) forEachDef(i, remove);
      forEachUse(i, add);
      most = std::max(most, now);
    }
    for (RegId r : live) isLive[r] = 0;
    return most;
  }

  const Body& body_;
  const Cfg cfg_;
  std::vector<uint32_t> units_;    // of each register; 0: takes none
  std::vector<uint32_t> global_;   // register -> place in the sets
  std::vector<RegId> globals_;
  std::vector<Set> in_;            // live where the block begins
  std::vector<uint8_t> isLive_;
  bool calls_ = false;
};

}  // namespace

uint32_t estimateRegisters(const Body& body) { return Estimate(body).run(); }

}  // namespace anywarp::ptx
