// Least and greatest values over the threads of a block, as scalar code. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/inner_blocks.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <optional>

namespace anywarp::codegen {
namespace {

using analysis::Inst;
using llvm::Value;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;

// All values of a register in a block lie from `low` to `high`: i64, the signed values of its bits.
struct BlockRange {
  Value *low = nullptr, *high = nullptr;
  Value* holds = nullptr;    // i1; nullptr: in any case
  bool ofThread = false;     // differs between threads; otherwise `low` is the value, and `high` too
  bool ofBlock = false;      // differs between blocks
  bool natural = false;      // never negative
  unsigned bits = 64;        // from -2^bits to below 2^bits
  unsigned zeros = 0;        // the lowest bits, all zero
};
using MaybeBlockRange = std::optional<BlockRange>;

class BlockRangeFinder {
 public:
  BlockRangeFinder(llvm::IRBuilder<>& b, Value* context, analysis::Flat& flat, const abi::Dim3& block, const analysis::ParamLayout& params)
      : b(b), context_(context), flat_(flat), block_(block), params_(params), writes_(analysis::findOnlyWrites(flat)),
        state_(flat.registers.size()), ranges_(flat.registers.size()) {}

  InnerBlocks run() {
    constexpr size_t most = 12;
    InnerBlocks inner;
    inner.isInner = b.getTrue();
    for (Inst& inst : flat_.instructions) {
      if (inst.form != Form::SetpInt || inst.pseudo != analysis::Pseudo::None || inner.known.size() == most) continue;
      if (!inst.operands[0].isReg() || writes_[inst.operands[0].reg] != &inst) continue;
      if (!inst.operands[1].isNone() || (inst.operands.size() > 4 && !inst.operands[4].isNone())) continue;
      if (auto found = bound(inst)) {
        inner.known.push_back({inst.operands[0].reg, found->value});
        inner.isInner = b.CreateAnd(inner.isInner, found->holds);
      }
    }
    return inner;
  }

 private:
  struct Bound {
    bool value;
    Value* holds;
  };

  Value* i64(int64_t v) { return b.getInt64(uint64_t(v)); }
  Value* both(Value* x, Value* y) { return !x ? y : !y ? x : b.CreateAnd(x, y); }
  Value* least(Value* x, Value* y) { return b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, y); }
  Value* greatest(Value* x, Value* y) { return b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, x, y); }
  Value* field(Value* structure, size_t offset, llvm::Type* type) {
    llvm::LoadInst* load = b.CreateLoad(type, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), structure, offset));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b.getContext(), {}));
    return load;
  }

  // --- comparisons

  // An index beside a bound that is the same for all blocks. Small constants are lower bounds, all else is an upper one.
  std::optional<Bound> bound(const Inst& inst) {
    constexpr int64_t largestLower = 64;
    const Type type = inst.type();
    if (ptx::bits(type) != 32 && ptx::bits(type) != 64) return {};
    MaybeBlockRange x = of(inst.operands[2], type), n = x ? of(inst.operands[3], type) : MaybeBlockRange();
    if (!x || !n) return {};
    const bool indexFirst = x->ofThread;
    if (!indexFirst) std::swap(x, n);
    if (!x->ofThread || !x->ofBlock || n->ofThread || n->ofBlock) return {};
    Value* holds = both(x->holds, n->holds);
    const Mod compare = inst.mods.first(ptx::ModGroup::Compare);
    const bool ordered = compare != Mod::Eq && compare != Mod::Ne;
    const bool isUnsigned = !ptx::isSigned(type) || compare == Mod::Lo || compare == Mod::Ls || compare == Mod::Hi || compare == Mod::Hs;
    if (ordered && isUnsigned) {
      holds = both(holds, b.CreateICmpSGE(x->low, i64(0)));
      if (ptx::bits(type) == 32) n->low = b.CreateAnd(n->low, i64(0xffffffff));
      else holds = both(holds, b.CreateICmpSGE(n->low, i64(0)));
    }
    auto* constant = llvm::dyn_cast<llvm::ConstantInt>(n->low);
    const bool above = constant && constant->getSExtValue() >= 0 && constant->getSExtValue() <= largestLower;
    bool less = false, orEqual = false;  // index < bound, index <= bound
    switch (compare) {
      case Mod::Lt: case Mod::Lo: less = true; break;
      case Mod::Le: case Mod::Ls: less = orEqual = true; break;
      case Mod::Gt: case Mod::Hi: break;
      case Mod::Ge: case Mod::Hs: orEqual = true; break;
      case Mod::Eq: case Mod::Ne: break;
      default: return {};
    }
    if (!ordered) {
      Value* apart = above ? b.CreateICmpSGT(x->low, n->low) : b.CreateICmpSLT(x->high, n->low);
      return Bound{compare == Mod::Ne, both(holds, apart)};
    }
    if (!indexFirst) less = !less;
    // x < n and x >= n ask for the same, and x <= n and x > n.
    const bool strictlyBelow = less != orEqual;
    Value* beyond = above ? (strictlyBelow ? b.CreateICmpSGE(x->low, n->low) : b.CreateICmpSGT(x->low, n->low))
                          : (strictlyBelow ? b.CreateICmpSLT(x->high, n->low) : b.CreateICmpSLE(x->high, n->low));
    return Bound{less != above, both(holds, beyond)};
  }

  // --- values

  MaybeBlockRange of(const Operand& o, Type type) {
    switch (o.kind) {
      case Operand::Kind::Register: return ptx::bits(flat_.registers[o.reg].type) == ptx::bits(type) ? of(o.reg) : MaybeBlockRange();
      case Operand::Kind::Integer: return constant(llvm::SignExtend64(ptx::immediateBits(o, type), ptx::bits(type)));
      case Operand::Kind::Special: return ptx::bits(type) == 32 ? special(o.special) : MaybeBlockRange();
      default: return {};
    }
  }

  MaybeBlockRange of(ptx::RegId r) {
    if (!state_[r]) {
      state_[r] = 1;  // what is made from itself has none
      const unsigned size = ptx::bits(flat_.registers[r].type);
      if (writes_[r] && (size == 32 || size == 64) && depth_ < deepest) {
        ++depth_;
        ranges_[r] = made(*writes_[r], size);
        --depth_;
      }
    }
    return ranges_[r];
  }

  BlockRange constant(int64_t v) {
    BlockRange r;
    r.low = r.high = i64(v);
    r.natural = v >= 0;
    r.bits = 64 - unsigned(v < 0 ? llvm::countl_one(uint64_t(v)) : llvm::countl_zero(uint64_t(v)));
    r.zeros = v ? unsigned(llvm::countr_zero(uint64_t(v))) : 63;
    return r;
  }

  MaybeBlockRange special(ptx::SpecialReg reg) {
    using R = ptx::SpecialReg;
    auto index = [&](uint32_t count) {
      BlockRange r = constant(count - 1);
      r.low = i64(0);
      r.ofThread = count > 1;
      r.zeros = count > 1 ? 0 : 63;
      return r;
    };
    auto number = [&](Value* v) { return BlockRange{.low = v, .high = v, .natural = true, .bits = 31}; };
    auto place = [&](unsigned dimension) {
      BlockRange r = number(b.CreateZExt(field(context_, offsetof(abi::BlockContext, ctaid) + 4 * dimension, b.getInt32Ty()), b.getInt64Ty()));
      r.ofBlock = true;
      return r;
    };
    auto count = [&](unsigned dimension) {
      Value* launch = field(context_, offsetof(abi::BlockContext, launch), b.getPtrTy());
      return number(b.CreateZExt(field(launch, offsetof(abi::LaunchInfo, grid) + 4 * dimension, b.getInt32Ty()), b.getInt64Ty()));
    };
    switch (reg) {
      case R::TidX: return index(block_.x);
      case R::TidY: return index(block_.y);
      case R::TidZ: return index(block_.z);
      case R::NtidX: return constant(block_.x);
      case R::NtidY: return constant(block_.y);
      case R::NtidZ: return constant(block_.z);
      case R::CtaidX: return place(0);
      case R::CtaidY: return place(1);
      case R::CtaidZ: return place(2);
      case R::NctaidX: return count(0);
      case R::NctaidY: return count(1);
      case R::NctaidZ: return count(2);
      default: return {};
    }
  }

  MaybeBlockRange parameter(const Inst& inst, unsigned size) {
    const Operand& at = inst.operands[1];
    if (inst.space() != ptx::Space::Param || !at.hasSymbol || at.symbol.kind != ptx::SymbolKind::Parameter || at.reg != ptx::noReg) return {};
    if (!inst.operands[0].isReg() || ptx::bits(inst.type()) != size || ptx::isFloat(inst.type()) || at.symbol.index >= params_.offsets.size()) return {};
    const uint64_t offset = params_.offsets[at.symbol.index] + uint64_t(at.offset);
    if (offset + size / 8 > params_.size || offset % (size / 8)) return {};
    Value* params = field(context_, offsetof(abi::BlockContext, params), b.getPtrTy());
    Value* v = b.CreateSExt(field(params, offset, b.getIntNTy(size)), b.getInt64Ty());
    return BlockRange{.low = v, .high = v, .bits = size - 1};
  }

  // --- operations

  BlockRange from(const BlockRange& x, const BlockRange& y) {
    BlockRange r;
    r.holds = both(x.holds, y.holds);
    r.ofThread = x.ofThread || y.ofThread;
    r.ofBlock = x.ofBlock || y.ofBlock;
    return r;
  }

  // `r` as the result of `size` bits: no value may wrap where there are several.
  MaybeBlockRange fitting(BlockRange r, unsigned size) {
    if (!r.ofThread) {
      if (size == 32 && r.bits > 31) r.low = b.CreateSExt(b.CreateTrunc(r.low, b.getInt32Ty()), b.getInt64Ty());
      r.high = r.low;
      r.natural &= r.bits < size;
      r.bits = std::min(r.bits, size - 1);
      return r;
    }
    if (r.bits > 62) return {};
    if (size == 32 && r.bits > 31) {
      r.holds = both(r.holds, b.CreateICmpSGE(r.low, i64(INT32_MIN)));
      r.holds = both(r.holds, b.CreateICmpSLE(r.high, i64(INT32_MAX)));
      r.bits = 31;
    }
    return r;
  }

  // The same bits without a sign.
  MaybeBlockRange unsignedOf(MaybeBlockRange x) {
    if (!x || x->natural) return x;
    if (x->ofThread) x->holds = both(x->holds, b.CreateICmpSGE(x->low, i64(0)));
    else x->low = x->high = b.CreateAnd(x->low, i64(0xffffffff)), x->bits = 32;
    x->natural = true;
    return x;
  }

  MaybeBlockRange sum(const MaybeBlockRange& x, const MaybeBlockRange& y, unsigned size) {
    if (!x || !y) return {};
    BlockRange r = from(*x, *y);
    r.low = b.CreateAdd(x->low, y->low);
    r.high = b.CreateAdd(x->high, y->high);
    r.natural = x->natural && y->natural;
    r.bits = std::max(x->bits, y->bits) + 1;
    r.zeros = std::min(x->zeros, y->zeros);
    return fitting(r, size);
  }

  MaybeBlockRange difference(const MaybeBlockRange& x, const MaybeBlockRange& y, unsigned size) {
    if (!x || !y) return {};
    BlockRange r = from(*x, *y);
    r.low = b.CreateSub(x->low, y->high);
    r.high = b.CreateSub(x->high, y->low);
    r.bits = std::max(x->bits, y->bits) + 1;
    return fitting(r, size);
  }

  MaybeBlockRange product(MaybeBlockRange x, MaybeBlockRange y, unsigned size) {
    if (!x || !y || (x->ofThread && y->ofThread)) return {};
    if (y->ofThread) std::swap(x, y);
    BlockRange r = from(*x, *y);
    Value *one = b.CreateMul(x->low, y->low), *other = b.CreateMul(x->high, y->low);
    auto* factor = llvm::dyn_cast<llvm::ConstantInt>(y->low);
    if (factor && !factor->isNegative()) r.low = one, r.high = other;
    else r.low = least(one, other), r.high = greatest(one, other);
    r.natural = x->natural && y->natural;
    r.bits = x->bits + y->bits;
    r.zeros = std::min(31u, x->zeros + y->zeros);
    return fitting(r, size);
  }

  MaybeBlockRange extreme(const Inst& inst, const MaybeBlockRange& x, const MaybeBlockRange& y) {
    if (!x || !y) return {};
    BlockRange r = from(*x, *y);
    if (!ptx::isSigned(inst.type()))
      for (const MaybeBlockRange* o : {&x, &y}) r.holds = both(r.holds, b.CreateICmpSGE((*o)->low, i64(0)));
    auto choose = [&](Value* p, Value* q) { return inst.form == Form::MinInt ? least(p, q) : greatest(p, q); };
    r.low = choose(x->low, y->low);
    r.high = choose(x->high, y->high);
    r.bits = std::max(x->bits, y->bits);
    return r;
  }

  // Numbers that have no bit in common.
  MaybeBlockRange disjoint(MaybeBlockRange x, MaybeBlockRange y, unsigned size) {
    if (!x || !y) return {};
    auto isBelow = [&](const BlockRange& small, const BlockRange& large) {
      auto *low = llvm::dyn_cast<llvm::ConstantInt>(small.low), *high = llvm::dyn_cast<llvm::ConstantInt>(small.high);
      return low && high && !low->isNegative() && !high->isNegative() && high->getZExtValue() < (uint64_t(1) << std::min(large.zeros, 31u));
    };
    return isBelow(*x, *y) || isBelow(*y, *x) ? sum(x, y, size) : MaybeBlockRange();
  }

  MaybeBlockRange shifted(const Inst& inst, const MaybeBlockRange& x, unsigned size) {
    const Operand& by = inst.operands[2];
    if (!x || by.kind != Operand::Kind::Integer || by.bits > 30) return {};
    return product(x, constant(int64_t(1) << by.bits), size);
  }

  MaybeBlockRange converted(const Inst& inst) {
    const unsigned to = ptx::bits(inst.type(0)), from = ptx::bits(inst.type(1));
    if (inst.has(Mod::Sat) || from != 32 || (to != 32 && to != 64)) return {};
    MaybeBlockRange x = of(inst.operands[1], inst.type(1));
    return to == 64 && !ptx::isSigned(inst.type(1)) ? unsignedOf(x) : x;
  }

  MaybeBlockRange wide(const Inst& inst) {
    if (ptx::bits(inst.type()) != 32) return {};
    MaybeBlockRange x = of(inst.operands[1], inst.type()), y = of(inst.operands[2], inst.type());
    if (!ptx::isSigned(inst.type())) x = unsignedOf(x), y = unsignedOf(y);
    return product(x, y, 64);
  }

  MaybeBlockRange made(const Inst& inst, unsigned size) {
    auto operand = [&](unsigned i) { return of(inst.operands[i], inst.type()); };
    if (inst.form == Form::Ld) return parameter(inst, size);
    if (inst.form == Form::CvtInt) return ptx::bits(inst.type(0)) == size ? converted(inst) : MaybeBlockRange();
    if (inst.form == Form::MulWide) return size == 64 ? wide(inst) : MaybeBlockRange();
    if (inst.form == Form::MadWide) return size == 64 ? sum(wide(inst), of(inst.operands[3], Type::B64), 64) : MaybeBlockRange();
    if (ptx::bits(inst.type()) != size) return {};
    switch (inst.form) {
      case Form::Mov: return operand(1);
      case Form::AddInt: return sum(operand(1), operand(2), size);
      case Form::SubInt: return difference(operand(1), operand(2), size);
      case Form::MulInt: return inst.has(Mod::Lo) ? product(operand(1), operand(2), size) : MaybeBlockRange();
      case Form::MadInt: return inst.has(Mod::Lo) ? sum(product(operand(1), operand(2), size), operand(3), size) : MaybeBlockRange();
      case Form::Shl: return shifted(inst, operand(1), size);
      case Form::MinInt: case Form::MaxInt: return extreme(inst, operand(1), operand(2));
      case Form::Or: return disjoint(operand(1), operand(2), size);
      default: return {};
    }
  }

  static constexpr unsigned deepest = 24;

  llvm::IRBuilder<>& b;
  Value* context_;
  analysis::Flat& flat_;
  const abi::Dim3& block_;
  const analysis::ParamLayout& params_;
  const std::vector<Inst*> writes_;
  std::vector<uint8_t> state_;
  std::vector<MaybeBlockRange> ranges_;  // by register
  unsigned depth_ = 0;
};

}  // namespace

InnerBlocks findInnerBlocks(llvm::IRBuilder<>& b, Value* context, analysis::Flat& flat, const abi::Dim3& block, const analysis::ParamLayout& params) {
  return BlockRangeFinder(b, context, flat, block, params).run();
}

}  // namespace anywarp::codegen
