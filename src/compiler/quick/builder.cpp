// Blocks in order, their ends, and where operands come from. SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/builder.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace anywarp::quick {

using analysis::BlockId;
using analysis::Terminator;
using ptx::Operand;
using ptx::SpecialReg;
using ptx::Type;

namespace {

constexpr uint32_t noBlockYet = ~0u;

}  // namespace

Builder::Builder(const ptx::Module& module, analysis::FlatProgram& program, const RowLayout& rows, abi::Dim3 block, Level level)
    : module_(module), program_(program), flat_(program.kernel), rows_(rows), block_(block), level_(level), ops_(laneOps(level)),
      params_(analysis::paramLayout(module.functions[program.kernel.function])) {}

bool Builder::refuse(const std::string& why) {
  if (why_.empty()) why_ = why;
  return false;
}

bool Builder::refuse(const Inst& inst) {
  return refuse(inst.form == ptx::Form::Unknown ? "unknown instruction"
                                                : std::string(ptx::formInfo(inst.form).mnemonic) + " (" + ptx::formInfo(inst.form).name + ")");
}

bool Builder::build(const std::vector<BlockId>& order, Program& out) {
  out_ = &out;
  begins_.assign(flat_.blocks.size(), noBlockYet);
  rowEnd_ = rows_.bytes;
  for (BlockId x : order) {
    emitBlock(x);
    if (!why_.empty()) return false;
  }
  // Targets are block numbers until here.
  for (Op& op : out.ops) {
    if (op.kind != OpKind::Jump && op.kind != OpKind::Branch) continue;
    for (uint32_t i = 0; i < (op.kind == OpKind::Branch ? 2u : 1u); ++i) {
      if (begins_[op.target[i]] == noBlockYet) return refuse("a branch to a block that is not there");
      op.target[i] = begins_[op.target[i]];
    }
  }
  out.rowBytes = rowEnd_;
  return true;
}

Op& Builder::add(OpFn fn) {
  if (!fn) refuse(inst_ ? std::string("no code for ") + ptx::formInfo(inst_->form).name : "no code");
  Op& op = out_->ops.emplace_back();
  std::fill(std::begin(op.operands), std::end(op.operands), Op::noOperand);
  op.fn = fn ? fn : ops_.nothing;
  if (inst_) {
    op.line = inst_->loc.line;
    if (inst_->guard != ptx::noReg) {
      op.guard = registerRow(inst_->guard);
      op.guardNegated = inst_->guardNegated;
    }
  }
  return op;
}

// Temporaries live for one instruction; those of lanes that wait in it for others, until these have come. So a lane's bytes are nobody
// else's: each size has rows of its own.
int32_t Builder::temporary(unsigned bytes) {
  static constexpr uint32_t most = 16;
  unsigned size = bytes == 0 ? 0 : unsigned(std::countr_zero(bytes)) + 1;
  uint32_t index = nextTemporary_[size]++;
  if (index >= most) refuse("too many operands to convert");
  auto [it, isNew] = temporaries_.try_emplace({size, index}, int32_t(rowEnd_));
  if (isNew) rowEnd_ += std::max(64u, lanes * bytes);
  return it->second;
}

int32_t Builder::rowBlock(RowBlock which) {
  static constexpr uint32_t rows[] = {12, 8};
  int32_t& at = rowBlocks_[unsigned(which)];
  if (at == Op::noOperand) {
    at = int32_t(rowEnd_);
    rowEnd_ += rows[unsigned(which)] * lanes * 4;
  }
  return at;
}

int32_t Builder::constantRow(uint64_t bits, unsigned bytes) {
  auto [it, isNew] = constants_.try_emplace({bits, bytes}, 0);
  if (!isNew) return it->second;
  std::vector<uint8_t>& all = out_->constants;
  it->second = int32_t(all.size()) | 1;
  all.resize(all.size() + std::max(64u, lanes * std::max(bytes, 1u)));
  uint8_t* at = all.data() + (it->second & ~1);
  uint32_t predicate = bits ? ~0u : 0u;
  if (bytes == 0) std::memcpy(at, &predicate, 4);
  else
    for (uint32_t l = 0; l < lanes; ++l) std::memcpy(at + l * bytes, &bits, bytes);
  return it->second;
}

int32_t Builder::threadRows(unsigned dimension) {
  auto [it, isNew] = threads_.try_emplace(dimension, 0);
  if (!isNew) return it->second;
  std::vector<uint8_t>& all = out_->constants;
  uint32_t count = block_.x * block_.y * block_.z;
  uint32_t padded = (count + lanes - 1) / lanes * lanes;
  it->second = int32_t(all.size());
  all.resize(all.size() + size_t{padded} * 4);
  auto* at = reinterpret_cast<uint32_t*>(all.data() + it->second);
  for (uint32_t t = 0; t < padded; ++t)
    at[t] = dimension == 0 ? t % block_.x : dimension == 1 ? t / block_.x % block_.y : dimension == 2 ? t / (block_.x * block_.y) : t / lanes;
  return it->second;
}

int32_t Builder::special(SpecialReg reg, unsigned& bytes) {
  using R = SpecialReg;
  bytes = 4;
  auto field = [&](Source from, size_t offset, unsigned size) {
    bytes = size;
    int32_t row = temporary(size);
    Op& op = add(ops_.splatField(size));
    op.operands[0] = row;
    op.which = uint8_t(from);
    op.immediate = offset;
    return row;
  };
  auto block = [&](size_t offset) { return field(Source::Block, offset, 4); };
  auto launch = [&](size_t offset) { return field(Source::Launch, offset, 4); };
  auto perWarp = [&](unsigned dimension) {
    int32_t from = threadRows(dimension), row = temporary(4);
    Op& op = add(ops_.warpRow);
    op.operands[0] = row;
    op.immediate = uint64_t(from);
    return row;
  };
  auto perLane = [&](auto&& value) {
    // A constant row with a value for each lane.
    std::vector<uint8_t>& all = out_->constants;
    auto [it, isNew] = constants_.try_emplace({uint64_t(reg), ~0u}, 0);
    if (isNew) {
      it->second = int32_t(all.size()) | 1;
      all.resize(all.size() + lanes * 4);
      for (uint32_t l = 0; l < lanes; ++l) {
        uint32_t v = value(l);
        std::memcpy(all.data() + (it->second & ~1) + l * 4, &v, 4);
      }
    }
    return it->second;
  };
  auto served = [&](Service which, unsigned size) {
    bytes = size;
    int32_t row = temporary(size);
    add(ops_.service(which)).operands[0] = row;
    return row;
  };
  uint32_t threads = block_.x * block_.y * block_.z;
  switch (reg) {
    case R::TidX: return perWarp(0);
    case R::TidY: return block_.y == 1 && block_.z == 1 ? constantRow(0, 4) : perWarp(1);
    case R::TidZ: return block_.z == 1 ? constantRow(0, 4) : perWarp(2);
    case R::NtidX: return constantRow(block_.x, 4);
    case R::NtidY: return constantRow(block_.y, 4);
    case R::NtidZ: return constantRow(block_.z, 4);
    case R::TidW: case R::NtidW: case R::CtaidW: return constantRow(0, 4);
    case R::Laneid: return perLane([](uint32_t l) { return l; });
    case R::Warpid: return perWarp(3);
    case R::Nwarpid: return constantRow((threads + 31) / 32, 4);
    case R::CtaidX: return block(offsetof(abi::BlockContext, ctaid));
    case R::CtaidY: return block(offsetof(abi::BlockContext, ctaid) + 4);
    case R::CtaidZ: return block(offsetof(abi::BlockContext, ctaid) + 8);
    case R::NctaidX: return launch(offsetof(abi::LaunchInfo, grid));
    case R::NctaidY: return launch(offsetof(abi::LaunchInfo, grid) + 4);
    case R::NctaidZ: return launch(offsetof(abi::LaunchInfo, grid) + 8);
    case R::Smid: return block(offsetof(abi::BlockContext, smid));
    case R::Nsmid: return launch(offsetof(abi::LaunchInfo, smCount));
    case R::Gridid: return field(Source::Launch, offsetof(abi::LaunchInfo, gridId), 8);
    case R::DynamicSmemSize: return launch(offsetof(abi::LaunchInfo, dynamicSharedBytes));
    case R::TotalSmemSize: case R::AggrSmemSize: return launch(offsetof(abi::LaunchInfo, totalSharedBytes));
    case R::Envreg0: case R::Envreg1: case R::Envreg2: case R::Envreg3:
      return launch(offsetof(abi::LaunchInfo, envreg) + 4 * (size_t(reg) - size_t(R::Envreg0)));
    case R::ClusterCtaidX: case R::ClusterCtaidY: case R::ClusterCtaidZ:
      return block(offsetof(abi::BlockContext, clusterCtaid) + 4 * (size_t(reg) - size_t(R::ClusterCtaidX)));
    case R::ClusterCtarank: return block(offsetof(abi::BlockContext, clusterRank));
    case R::ClusterNctaidX: case R::ClusterNctaidY: case R::ClusterNctaidZ:
      return launch(offsetof(abi::LaunchInfo, cluster) + 4 * (size_t(reg) - size_t(R::ClusterNctaidX)));
    case R::LanemaskEq: return perLane([](uint32_t l) { return 1u << l; });
    case R::LanemaskLt: return perLane([](uint32_t l) { return (1u << l) - 1; });
    case R::LanemaskLe: return perLane([](uint32_t l) { return (2u << l) - 1; });
    case R::LanemaskGe: return perLane([](uint32_t l) { return ~((1u << l) - 1); });
    case R::LanemaskGt: return perLane([](uint32_t l) { return ~((2u << l) - 1); });
    case R::Clock: return served(Service::Clock, 4);
    case R::ClockHi: return served(Service::ClockHigh, 4);
    case R::Clock64: return served(Service::Clock64, 8);
    case R::Globaltimer: return served(Service::Globaltimer, 8);
    case R::GlobaltimerLo: return served(Service::GlobaltimerLow, 4);
    case R::GlobaltimerHi: return served(Service::GlobaltimerHigh, 4);
    default: break;
  }
  refuse("a special register that only the compiler knows");
  return constantRow(0, 4);
}

// A variable's or function's address, plus the operand's offset, as 64 bits.
int32_t Builder::symbol(const Operand& o) {
  auto splat = [&](uint64_t index) {
    int32_t row = temporary(8);
    Op& op = add(ops_.splatSymbol);
    op.operands[0] = row;
    op.symbol = uint32_t(index);
    op.immediate = uint64_t(o.offset);
    return row;
  };
  switch (o.symbol.kind) {
    case ptx::SymbolKind::ModuleVariable: {
      const ptx::Variable& v = module_.variables[o.symbol.index];
      if (v.space == ptx::Space::Shared) return constantRow(program_.shared.moduleVariables[o.symbol.index] + uint64_t(o.offset), 8);
      return splat(o.symbol.index);
    }
    case ptx::SymbolKind::FunctionVariable: return constantRow(flat_.storage[o.symbol.index].offset + uint64_t(o.offset), 8);
    case ptx::SymbolKind::Parameter:
      return constantRow((o.symbol.index < params_.offsets.size() ? params_.offsets[o.symbol.index] : 0) + uint64_t(o.offset), 8);
    case ptx::SymbolKind::Function: return splat(module_.variables.size() + o.symbol.index);
    default: break;
  }
  refuse("a symbol that only the compiler knows");
  return constantRow(0, 8);
}

int32_t Builder::source(const Operand& o, Type type) {
  unsigned want = bytesOf(type), have = want;
  int32_t row = Op::noOperand;
  bool predicate = type == Type::Pred;
  switch (o.kind) {
    case Operand::Kind::Register: {
      Type from = flat_.registers[o.reg].type;
      if ((from == Type::Pred) != predicate || ptx::bits(from) > 64) refuse("a register of an unusual type");
      row = registerRow(o.reg);
      have = bytesOf(from);
      break;
    }
    case Operand::Kind::Integer: case Operand::Kind::Float32: case Operand::Kind::Float64:
      row = constantRow(ptx::immediateBits(o, type), want);
      break;
    case Operand::Kind::Special: row = special(o.special, have); break;
    case Operand::Kind::Symbol:
      row = symbol(o);
      have = 8;
      break;
    default: refuse("an unusual operand"); return constantRow(0, want);
  }
  if (o.select) refuse("parts of registers");
  if (predicate && o.negated) {
    int32_t inverse = temporary(bytesOf(type));
    Op& op = add(ops_.notPredicate);
    op.operands[0] = inverse;
    op.operands[1] = row;
    return inverse;
  }
  if (have == want) return row;
  int32_t adapted = temporary(bytesOf(type));
  Op& op = add(ops_.convert(want, have, have < want && ptx::isSigned(type)));
  op.operands[0] = adapted;
  op.operands[1] = row;
  return adapted;
}

Builder::Destination Builder::destination(const Operand& o, Type type) {
  Destination d;
  if (ptx::bits(type) > 64) refuse("values of more than 64 bits");
  if (!o.isReg()) {
    d.row = temporary(bytesOf(type));
    return d;
  }
  Type reg = flat_.registers[o.reg].type;
  if ((reg == Type::Pred) != (type == Type::Pred) || ptx::bits(reg) > 64) refuse("a register of an unusual type");
  d.row = d.target = registerRow(o.reg);
  d.bytes = bytesOf(type);
  d.targetBytes = bytesOf(reg);
  d.isSigned = ptx::isSigned(type);
  if (d.bytes != d.targetBytes) d.row = temporary(bytesOf(type));
  return d;
}

void Builder::finish(const Destination& d) {
  if (d.target == Op::noOperand || d.row == d.target) return;
  Op& op = add(ops_.convert(d.targetBytes, d.bytes, d.isSigned && d.bytes < d.targetBytes));
  op.operands[0] = d.target;
  op.operands[1] = d.row;
}

void Builder::emitBlock(BlockId x) {
  const analysis::Block& block = flat_.blocks[x];
  begins_[x] = blockBegan_ = uint32_t(out_->ops.size());
  uint32_t last = block.terminator == Terminator::Suspend ? block.last - 1 : block.last;
  for (uint32_t i = block.first; i < last && why_.empty(); ++i) {
    inst_ = &flat_.instructions[i];
    nextTemporary_.fill(0);
    emitInst(*inst_);
  }
  nextTemporary_.fill(0);
  inst_ = nullptr;
  emitTerminator(x);
}

void Builder::emitTerminator(BlockId x) {
  const analysis::Block& block = flat_.blocks[x];
  auto end = [&](OpKind kind) -> Op& {
    Op& op = add(ops_.nothing);
    op.kind = kind;
    op.line = block.line;
    op.weight = uint32_t(out_->ops.size()) - blockBegan_;
    return op;
  };
  // Edges on which a warp may be left (findSuspensions) go by way of a Yield.
  auto yieldsTo = [&](BlockId to) {
    return block.terminator != Terminator::Suspend && std::find(block.within.begin(), block.within.end(), to) == block.within.end();
  };
  std::vector<std::pair<BlockId, BlockId>> detours;  // a number of its own, where to
  auto edge = [&](BlockId to) {
    if (!yieldsTo(to)) return to;
    detours.push_back({BlockId(begins_.size() + detours.size()), to});
    return detours.back().first;
  };
  auto jump = [&](BlockId to) { end(OpKind::Jump).target[0] = to; };
  auto leave = [&](BlockId to) {
    if (yieldsTo(to)) end(OpKind::Yield);
    jump(to);
  };
  auto addDetours = [&] {
    for (auto [number, to] : detours) {
      begins_.push_back(uint32_t(out_->ops.size()));
      leave(to);
    }
  };
  switch (block.terminator) {
    case Terminator::Jump: return leave(block.successors[0]);
    case Terminator::Branch: {
      if (block.successors[0] == block.successors[1]) return leave(block.successors[0]);
      Op& op = end(OpKind::Branch);
      op.operands[0] = registerRow(block.condition);
      op.negated = block.negated;
      op.target[0] = edge(block.successors[0]);
      op.target[1] = edge(block.successors[1]);
      return addDetours();
    }
    case Terminator::Switch: {
      Op& op = end(OpKind::Switch);
      op.operands[0] = registerRow(block.condition);
      op.target[0] = uint32_t(out_->ops.size());
      op.target[1] = uint32_t(block.successors.size());
      for (BlockId s : block.successors) jump(edge(s));
      return addDetours();
    }
    case Terminator::Exit: end(OpKind::Exit); return;
    case Terminator::Suspend:
      inst_ = &flat_.instructions[block.last - 1];
      emitBarrier(*inst_);
      inst_ = nullptr;
      return jump(block.successors[0]);
  }
}

void Builder::emitBarrier(const Inst& inst) {
  if (inst.guard != ptx::noReg) {
    refuse("a barrier under a guard");
    return;
  }
  std::string_view mnemonic = ptx::formInfo(inst.form).mnemonic;
  if (mnemonic != "bar" && mnemonic != "barrier") {
    refuse(inst);
    return;
  }
  bool reduces = ptx::slotRole(inst, 0) == ptx::SlotRole::Dest;
  size_t at = reduces ? 1 : 0;
  int32_t number = source(inst.operands[at], Type::U32);
  bool hasThreads = inst.operands.size() > at + 1 && !inst.operands[at + 1].isNone();
  int32_t threads = hasThreads ? source(inst.operands[at + 1], Type::U32) : Op::noOperand;
  int32_t predicate = reduces ? source(inst.operands[at + 2], Type::Pred) : Op::noOperand;
  Op& op = add(ops_.barrier);
  op.kind = OpKind::Barrier;
  op.operands[0] = number;
  op.operands[1] = threads;
  op.operands[2] = predicate;
  if (!reduces) return;
  op.which = inst.has(ptx::Mod::Popc) ? 1 : inst.has(ptx::Mod::And) ? 2 : 3;
  Type type = ptx::slotType(inst, 0);
  Destination d = destination(inst.operands[0], type);
  Op& result = add(ops_.barrierResult);
  result.operands[0] = d.row;
  result.operands[1] = number;
  result.which = type == Type::Pred ? 0 : 4;
  finish(d);
}

}  // namespace anywarp::quick
