// An optimistic fixed point over copies: every register takes host NaNs until something else is written to it.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/nan_bits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

using analysis::Inst;
using ptx::Form;
using ptx::Mod;
using ptx::Operand;
using ptx::Type;
using std::string_view;

namespace {

// What the functions of instructions.def do with NaNs.
struct Behaviour {
  bool reads = false;    // operands are numbers
  bool results = false;  // an f32 result may be a NaN of the host's
  bool clean = false;    // a NaN that it gives is PTX's
  bool halves = false;   // f16 arithmetic
};

Behaviour behaviourOf(string_view function) {
  auto isOneOf = [&](std::initializer_list<string_view> names) { return std::find(names.begin(), names.end(), function) != names.end(); };
  Behaviour b;
  b.results = isOneOf({"addFloat", "subFloat", "mulFloat", "fmaFloat", "absFloat", "negFloat", "rcp", "lg2", "ex2", "tanh", "cvtFloat", "addMixed",
                       "subMixed", "fmaMixed"});
  b.clean = isOneOf({"divFloat", "sqrt", "rsqrt", "sin", "cos", "minFloat", "maxFloat", "cvtIntToFloat", "minHalf", "maxHalf", "fmaHalfOob", "tanhHalf", "ex2Half",
                     "cvtPackHalf"});
  b.halves = isOneOf({"addHalf", "subHalf", "mulHalf", "fmaHalf"});
  b.reads = b.results || b.clean || b.halves ||
            isOneOf({"setFloat", "setpFloat", "setHalf", "setpHalf", "testp", "cvtFloatToInt", "cvtTf32", "cvtToFp8", "cvtToUe8m0"});
  return b;
}

const Behaviour& behaviourOf(Form form) {
  static const auto& table = *[] {
    auto* all = new std::array<Behaviour, ptx::formCount>;
    for (size_t i = 0; i < ptx::formCount; ++i) (*all)[i] = behaviourOf(string_view(ptx::formInfo(Form(i)).function));
    return all;
  }();
  return table[size_t(form)];
}

bool isPtx(const Inst& inst) { return inst.pseudo == analysis::Pseudo::None && inst.form != Form::Unknown; }

bool isNanLiteral(const Operand& o, Type type) {
  const uint64_t bits = ptx::immediateBits(o, type);
  switch (ptx::bits(type)) {
    case 16: return (bits & 0x7fff) > 0x7c00;
    case 32: return (bits & 0x7fffffff) > 0x7f800000;
    default: return true;
  }
}

class HostNans {
 public:
  HostNans(analysis::Flat& flat, const HostTarget& host) : flat_(flat), host_(host), states_(flat.registers.size(), State::Unknown) {}

  std::vector<NanKind> run() {
    for (auto* all : {&flat_.params, &flat_.returns})
      for (auto& pieces : *all)
        for (analysis::Piece& p : pieces) states_[p.reg] = State::Bits;
    for (bool changed = true; changed;) {
      changed = false;
      for (Inst& inst : flat_.instructions) {
        State s = written(inst);
        if (s == State::Unknown) continue;
        analysis::forEachDef(inst, [&](ptx::RegId& r) { changed |= lower(r, s); });
      }
    }
    std::vector<NanKind> kinds;
    for (State s : states_) kinds.push_back(s == State::F32 ? NanKind::F32 : s == State::F16 ? NanKind::F16 : s == State::F16x2 ? NanKind::F16x2 : NanKind::None);
    return kinds;
  }

 private:
  enum class State : uint8_t { Unknown, F32, F16, F16x2, Bits };

  bool lower(ptx::RegId r, State s) {
    if (s != State::Bits && ptx::bits(flat_.registers[r].type) != (s == State::F16 ? 16u : 32u)) s = State::Bits;
    State& old = states_[r];
    if (old == s || old == State::Bits) return false;
    old = old == State::Unknown ? s : State::Bits;
    return true;
  }

  // What the instruction adds to its destination; Unknown: numbers or PTX's NaN alone.
  State written(Inst& inst) {
    if (copiesBits(inst)) {
      State all = State::Unknown;
      auto add = [&](const Operand& o) {
        State s = source(o, inst.type());
        if (s == State::Unknown) return;
        all = all == State::Unknown || all == s ? s : State::Bits;
      };
      const bool shuffles = isPtx(inst) && (inst.form == Form::Shfl || inst.form == Form::ShflSync);
      if (!shuffles) add(inst.operands[1]);
      if (shuffles || (isPtx(inst) && inst.form == Form::Selp)) add(inst.operands[2]);
      return all;
    }
    if (!isPtx(inst)) return State::Bits;
    switch (resultNan(inst, host_)) {
      case NanKind::F32: return State::F32;
      case NanKind::F16: return State::F16;
      case NanKind::F16x2: return State::F16x2;
      default: break;
    }
    const Behaviour& b = behaviourOf(inst.form);
    return b.clean || b.results || b.halves ? State::Unknown : State::Bits;
  }

  State source(const Operand& o, Type type) const {
    if (o.isReg()) return states_[o.reg];
    return o.isImmediate() && !isNanLiteral(o, type) ? State::Unknown : State::Bits;
  }

  analysis::Flat& flat_;
  const HostTarget& host_;
  std::vector<State> states_;
};

}  // namespace

std::vector<NanKind> findHostNans(analysis::Flat& flat, const HostTarget& host) { return HostNans(flat, host).run(); }

bool copiesBits(const Inst& inst) {
  if (inst.pseudo != analysis::Pseudo::None) return inst.shift == 0 && inst.operands[0].isReg() && (ptx::bits(inst.type()) == 32 || ptx::bits(inst.type()) == 16);
  const bool copies = inst.form == Form::Mov || inst.form == Form::Selp || inst.form == Form::Shfl || inst.form == Form::ShflSync;
  return copies && inst.operands[0].isReg();
}

NanKind resultNan(const Inst& inst, const HostTarget& host) {
  if (!isPtx(inst)) return NanKind::None;
  const Behaviour& b = behaviourOf(inst.form);
  if (b.results) return inst.type() == Type::F32 && (inst.form != Form::CvtFloat || inst.type(1) == Type::F32) ? NanKind::F32 : NanKind::None;
  if (!b.halves || inst.has(Mod::Ftz) || inst.has(Mod::Sat) || inst.has(Mod::Relu)) return NanKind::None;
  const bool hostHalves = host.avx512fp16 || (host.aarch64 && host.fullfp16);
  if (!hostHalves) return NanKind::None;
  return inst.type() == Type::F16 ? NanKind::F16 : inst.type() == Type::F16x2 ? NanKind::F16x2 : NanKind::None;
}

bool readsNumbers(const Inst& inst) { return isPtx(inst) && behaviourOf(inst.form).reads && !inst.has(Mod::Xorsign); }

llvm::Value* canonicalNan(PureEmitter& e, llvm::Value* v, NanKind kind) {
  llvm::Type* type = v->getType();
  if (kind == NanKind::F32) {
    llvm::Value* f = type->getScalarType()->isFloatTy() ? v : asFloat(e, v);
    return e.b.CreateBitCast(canonicalNan(e, f), type);
  }
  llvm::Value* halves = kind == NanKind::F16x2 ? unpack(e, v, 16) : v;
  llvm::Value* h = e.b.CreateBitCast(halves, shaped(halves, e.b.getHalfTy()));
  halves = e.b.CreateSelect(e.b.CreateFCmpUNO(h, h), intConst(halves, 0x7fff), halves);
  return kind == NanKind::F16x2 ? pack(e, halves, 32) : halves;
}

}  // namespace anywarp::codegen
