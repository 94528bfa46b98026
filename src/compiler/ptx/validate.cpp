// validate: operand types, sizes, counts and versions of one body. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/validate.h"

#include <string_view>

namespace anywarp::ptx {
namespace {

using Severity = Diagnostic::Severity;

enum class Fit { Yes, WrongSize, WrongClass };

bool sameClass(Type a, Type b) {
  if (isBits(a) || isBits(b) || isPacked(a) || isPacked(b)) return true;
  if (isFloat(a) != isFloat(b)) return false;
  return !isFloat(a) || a == b || a == Type::TF32 || b == Type::TF32;
}

// A register of type `have` where `want` is read or written. Loads, stores and conversions take wider registers.
Fit fit(Type want, Type have, bool widerAllowed) {
  if (want == Type::Pred || have == Type::Pred) return want == have ? Fit::Yes : Fit::WrongSize;
  if (isOpaque(want) || isOpaque(have)) return Fit::Yes;
  if (bits(have) < bits(want)) return Fit::WrongSize;
  if (bits(have) > bits(want)) return !widerAllowed ? Fit::WrongSize : isFloat(have) ? Fit::WrongClass : Fit::Yes;
  return sameClass(want, have) ? Fit::Yes : Fit::WrongClass;
}

bool takesWiderRegisters(const Instruction& instruction) {
  const std::string_view mnemonic = formInfo(instruction.form).mnemonic;
  return mnemonic == "ld" || mnemonic == "ldu" || mnemonic == "st" || mnemonic == "cvt" || mnemonic == "suld" || mnemonic == "sust";
}

class Validator {
 public:
  Validator(const Module& module, const Function& function, const Body& body) : module_(module), function_(function), body_(body) {}

  std::vector<Diagnostic> run() {
    for (const Instruction& instruction : body_.instructions) check(instruction);
    return std::move(diagnostics_);
  }

 private:
  const Module& module_;
  const Function& function_;
  const Body& body_;
  std::vector<Diagnostic> diagnostics_;

  void add(Severity severity, const Instruction& instruction, std::string message) {
    diagnostics_.push_back({severity, instruction.loc, place(module_, instruction.loc) + std::move(message), instruction.form == Form::Unknown});
  }
  void error(const Instruction& instruction, std::string message) { add(Severity::Error, instruction, std::move(message)); }

  std::string opcode(const Instruction& instruction) const {
    std::string text = formInfo(instruction.form).mnemonic;
    for (Mod mod : instruction.mods) text += std::string(".") + spelling(mod);
    for (Type type : instruction.types) text += std::string(".") + spelling(type);
    return text;
  }

  void check(const Instruction& instruction) {
    if (instruction.form == Form::Unknown) return error(instruction, "unknown instruction '" + instruction.text.substr(0, 200) + "'");
    checkVersion(instruction);
    checkSpace(instruction);
    if (instruction.form == Form::Call) return checkCall(instruction);
    if (formInfo(instruction.form).planned) return;
    for (unsigned slot = 0; slot < instruction.operands.size(); ++slot) checkOperand(instruction, slot);
    checkVectors(instruction);
    checkConversion(instruction);
  }

  void checkVersion(const Instruction& instruction) {
    const FormInfo& info = formInfo(instruction.form);
    const uint32_t version = module_.versionMajor * 10 + module_.versionMinor;
    if (info.ptx > version)
      add(Severity::Warning, instruction, opcode(instruction) + " needs PTX " + std::to_string(info.ptx / 10) + "." +
          std::to_string(info.ptx % 10) + ", module has " + std::to_string(module_.versionMajor) + "." + std::to_string(module_.versionMinor));
    if (info.sm > module_.target)
      add(Severity::Warning, instruction, opcode(instruction) + " needs sm_" + std::to_string(info.sm) + ", module has sm_" + std::to_string(module_.target));
  }

  void checkSpace(const Instruction& instruction) {
    const Space space = instruction.space();
    const Need needs = formInfo(instruction.form).needs;
    if (instruction.form == Form::St && space == Space::Const) error(instruction, opcode(instruction) + ": constant memory cannot be written");
    if (needs == Need::Atomic && space != Space::Generic && space != Space::Global && space != Space::Shared)
      error(instruction, opcode(instruction) + ": atomics work on global and shared memory only");
    if (needs == Need::Atomic) checkAtomicType(instruction);
  }

  // and, or, xor, exch and cas work on bits, inc and dec on u32, add, min and max on numbers; half types only add, min and max.
  void checkAtomicType(const Instruction& instruction) {
    const Type type = instruction.type();
    bool fits = true;
    switch (instruction.mods.first(ModGroup::Operation)) {
      case Mod::And: case Mod::Or: case Mod::Xor: fits = type == Type::B32 || type == Type::B64; break;
      case Mod::Exch: fits = isBits(type) && type != Type::B16; break;
      case Mod::Inc: case Mod::Dec: fits = type == Type::U32; break;
      case Mod::Add: fits = isInteger(type) || isFloat(type); break;
      case Mod::Min: case Mod::Max: fits = isInteger(type) || isHalf(type); break;
      default: break;
    }
    if (!fits) error(instruction, opcode(instruction) + ": the operation does not work on ." + spelling(type));
  }

  // Rounding where the result may differ and only there, .sat where an integer's range can be left, .ftz beside f32.
  void checkConversion(const Instruction& instruction) {
    const Type to = instruction.type(0), from = instruction.type(1);
    const ModList& mods = instruction.mods;
    const bool sameSize = bits(to) == bits(from);
    const bool rounds = mods.has(ModGroup::Rounding), roundsToInteger = mods.has(ModGroup::IntRounding);
    switch (instruction.form) {
      case Form::CvtInt: {
        const bool fits = isSigned(to) == isSigned(from) ? bits(to) >= bits(from) : isSigned(to) && bits(to) > bits(from);
        if (instruction.has(Mod::Sat) && fits) error(instruction, opcode(instruction) + ": .sat where every value fits");
        return;
      }
      case Form::CvtIntToFloat:
        if (!rounds) error(instruction, opcode(instruction) + " needs a rounding modifier such as .rn");
        break;
      case Form::CvtFloatToInt:
        if (!roundsToInteger) error(instruction, opcode(instruction) + " needs an integer rounding modifier such as .rzi");
        break;
      case Form::CvtFloat:
        if (to == Type::BF16 || from == Type::BF16) break;
        if (bits(to) < bits(from) && !rounds && !instruction.has(Mod::Rna)) error(instruction, opcode(instruction) + " needs a rounding modifier such as .rn");
        if (roundsToInteger && !sameSize) error(instruction, opcode(instruction) + ": integer rounding between floating-point types of different size");
        if (rounds && (bits(to) > bits(from) || to == from)) error(instruction, opcode(instruction) + ": nothing is rounded");
        break;
      default: return;
    }
    if (instruction.has(Mod::Ftz) && to != Type::F32 && from != Type::F32) error(instruction, opcode(instruction) + ": .ftz is for .f32");
  }

  void checkOperand(const Instruction& instruction, unsigned slot) {
    const Operand& operand = instruction.operands[slot];
    if (operand.kind == Operand::Kind::Vector) {
      for (const Operand& element : operand.elements) checkRegister(instruction, slot, element);
    } else {
      checkRegister(instruction, slot, operand);
    }
  }

  void checkRegister(const Instruction& instruction, unsigned slot, const Operand& operand) {
    const SlotRole role = slotRole(instruction, slot);
    const Type want = slotType(instruction, slot);
    if (operand.kind == Operand::Kind::Address && operand.reg != noReg && !operand.hasSymbol) return checkAddress(instruction, operand);
    if (!operand.isReg() || want == Type::None || (role != SlotRole::Dest && role != SlotRole::Source)) return;
    const Register& reg = body_.registers[operand.reg];
    if (operand.negated && want != Type::Pred && instruction.form != Form::Vmad)
      return error(instruction, opcode(instruction) + ": operand " + std::to_string(slot + 1) + " cannot be negated");
    const Fit result = fit(want, reg.type, takesWiderRegisters(instruction));
    if (result == Fit::Yes || isAddressSized(instruction, slot, reg.type)) return;
    add(result == Fit::WrongSize ? Severity::Error : Severity::Warning, instruction,
        opcode(instruction) + ": operand " + std::to_string(slot + 1) + " is ." + spelling(want) + ", '" + reg.name + "' is ." + spelling(reg.type));
  }

  // isspacep and the like read an address, which has 32 bits in 32-bit modules and in windows.
  static bool isAddressSized(const Instruction& instruction, unsigned slot, Type have) {
    return instruction.form == Form::Isspacep && slot == 1 && bits(have) == 32;
  }

  void checkAddress(const Instruction& instruction, const Operand& operand) {
    const Register& reg = body_.registers[operand.reg];
    if ((bits(reg.type) != 32 && bits(reg.type) != 64) || isFloat(reg.type))
      error(instruction, opcode(instruction) + ": address '" + reg.name + "' is ." + spelling(reg.type));
  }

  void checkVectors(const Instruction& instruction) {
    const Form form = instruction.form;
    if (form == Form::Ld || form == Form::Ldu) return checkLength(instruction, instruction.operands[0]);
    if (form == Form::St) return checkLength(instruction, instruction.operands[1]);
    if (form == Form::MovPack) return checkShares(instruction, instruction.operands[1]);
    if (form == Form::MovUnpack) return checkShares(instruction, instruction.operands[0]);
  }

  void checkLength(const Instruction& instruction, const Operand& operand) {
    const size_t want = vectorLength(instruction.mods);
    const bool isVector = operand.kind == Operand::Kind::Vector;
    if ((isVector ? operand.elements.size() : 1) != want)
      error(instruction, opcode(instruction) + " takes " + std::to_string(want) + " elements, has " + std::to_string(operand.elements.size()));
  }

  void checkShares(const Instruction& instruction, const Operand& operand) {
    const size_t n = operand.elements.size();
    if (n != 2 && n != 4 && !(n == 8 && instruction.type() == Type::B128) && !(n == 1))
      error(instruction, opcode(instruction) + " takes 2 or 4 elements, has " + std::to_string(n));
  }

  void checkCall(const Instruction& instruction) {
    const Operand& callee = instruction.operands[1];
    const std::vector<Variable>*returns = nullptr, *params = nullptr;
    if (callee.kind == Operand::Kind::Symbol) {
      const Function& f = module_.functions[callee.symbol.index];
      if (f.isEntry) return error(instruction, "'" + f.name + "' is a kernel: it cannot be called");
      returns = &f.returns, params = &f.params;
    } else {
      const Prototype& p = body_.prototypes[instruction.operands[3].label];
      returns = &p.returns, params = &p.params;
    }
    checkCount(instruction, "values", returns->size(), instruction.operands[0].elements.size());
    checkCount(instruction, "arguments", params->size(), instruction.operands[2].elements.size());
  }

  void checkCount(const Instruction& instruction, const char* what, size_t want, size_t have) {
    if (want != have) error(instruction, "callee has " + std::to_string(want) + " " + what + ", call has " + std::to_string(have));
  }
};

}  // namespace

std::vector<Diagnostic> validate(const Module& module, const Function& function, const Body& body) {
  return Validator(module, function, body).run();
}

Result<std::unique_ptr<Body>> parseCheckedBody(const Module& module, const Function& function) {
  auto body = parseBody(module, function);
  if (!body) return body;
  for (Diagnostic& d : validate(module, function, **body))
    if (d.severity == Severity::Error && !d.unknown) return Error{ErrorKind::Invalid, std::move(d.message)};
  return body;
}

}  // namespace anywarp::ptx
