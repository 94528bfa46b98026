// Printer: modules, bodies and instructions back to PTX text. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/printer.h"

#include <cinttypes>
#include <cstdio>
#include <unordered_map>
#include <unordered_set>

#include "compiler/ptx/declarations.h"
#include "compiler/ptx/instruction_columns.h"
#include "compiler/ptx/opaque.h"
#include "compiler/ptx/literals.h"

namespace anywarp::ptx {
namespace {

class UniqueNames {
 public:
  explicit UniqueNames(const Module& module) : module_(module) {}

  void reserve(const std::string& name) { used_.insert(name); }
  std::string unique(std::string name) {
    for (char& c : name)
      if (c == '.') c = '_';
    std::string candidate = name;
    while (isTaken(candidate)) candidate = name + "$" + std::to_string(++lastNumber_.try_emplace(name, 1).first->second);
    used_.insert(candidate);
    return candidate;
  }

 private:
  const Module& module_;
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, unsigned> lastNumber_;  // per name: ten thousand scopes may have a `t`
  bool isTaken(const std::string& name) const {
    return used_.count(name) || module_.findVariable(name) >= 0 || module_.findFunction(name) >= 0;
  }
};

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char text[64];
  const int n = std::snprintf(text, sizeof text, pattern, args...);
  return std::string(text, size_t(n));
}

const char* spelling(Space space) {
  static constexpr const char* names[] = {"reg", "generic", "global", "shared", "local", "const", "param"};
  return names[size_t(space)];
}

const char* spelling(Linkage linkage) {
  static constexpr const char* names[] = {"", ".extern ", ".visible ", ".weak ", ".common "};
  return names[size_t(linkage)];
}

// One initial value of `type` from its bytes.
std::string valueText(Type type, uint64_t bits) {
  switch (type) {
    case Type::F32: return format("0f%08" PRIX64, bits);
    case Type::F64: return format("0d%016" PRIX64, bits);
    case Type::F16: return format("0d%016" PRIX64, doubleBits(bits, Type::F16));
    case Type::BF16: return format("0d%016" PRIX64, doubleBits(bits, Type::BF16));
    default: return format("%" PRIu64, bits);
  }
}

class VariablePrinter {
 public:
  explicit VariablePrinter(std::string& out) : out_(out) {}

  void declaration(const Variable& v, const std::string& name) {
    const uint64_t element = uint64_t(bytes(v.type)) * v.vector;
    out_ += std::string(".") + spelling(v.space);
    if (v.managed) out_ += " .attribute(.managed)";
    if (v.align > element && v.space != Space::None) out_ += " .align " + std::to_string(v.align);
    if (v.vector > 1) out_ += " .v" + std::to_string(v.vector);
    out_ += std::string(" .") + anywarp::ptx::spelling(v.type) + " " + name;
    if (v.unsized) out_ += "[]";
    else if (v.size != element && element) out_ += "[" + std::to_string(v.size / element) + "]";
  }

  void statement(const Variable& v, const std::string& name) {
    out_ += spelling(v.linkage);
    declaration(v, name);
    if (!v.init.empty()) isOpaque(v.type) ? fields(v) : initialiser(v);
    out_ += ";\n";
  }

  void parameters(const std::vector<Variable>& params) {
    out_ += "(";
    for (size_t i = 0; i < params.size(); ++i) {
      if (i) out_ += ", ";
      Variable v = params[i];
      const std::string name = v.name.substr(0, v.name.find('.'));
      // The components of a vector register stand as one.
      if (name.size() < v.name.size())
        while (i + 1 < params.size() && params[i + 1].name == componentName(name, v.vector)) ++v.vector, v.size += params[++i].size;
      declaration(v, name);
    }
    out_ += ")";
  }

 private:
  std::string& out_;

  static std::string referenceText(const InitReference& r) {
    std::string name = r.generic ? "generic(" + r.name + ")" : r.name;
    if (r.addend > 0) name += "+" + std::to_string(r.addend);
    if (r.addend < 0) name += "-" + std::to_string(0 - uint64_t(r.addend));
    if (r.bytes == 1) name = format("0x%" PRIx64 "(", uint64_t(0xff) << r.shift) + name + ")";
    return name;
  }

  void fields(const Variable& v) {
    constexpr const char* names[] = {"addr_mode_0", "addr_mode_1", "addr_mode_2", "filter_mode", "normalized_coords", "force_unnormalized_coords"};
    constexpr const char* modes[] = {"wrap", "mirror", "clamp_ogl", "clamp_to_edge", "clamp_to_border"};
    constexpr const char* filters[] = {"nearest", "linear"};
    std::string list;
    for (size_t i = 0; i < size_t(OpaqueField::Count); ++i) {
      const auto value = opaqueField(v, OpaqueField(i));
      if (!value) continue;
      if (!list.empty()) list += ", ";
      list += std::string(names[i]) + " = ";
      list += i < 3 && *value < 5 ? modes[*value] : i == 3 && *value < 2 ? filters[*value] : std::to_string(*value);
    }
    out_ += " = {" + list + "}";
  }

  void initialiser(const Variable& v) {
    const uint64_t step = bytes(v.type);
    const bool isArray = v.size > step;
    out_ += isArray ? " = {" : " = ";
    size_t reference = 0;
    for (uint64_t at = 0; at < v.init.size(); at += step) {
      if (at) out_ += ", ";
      if (reference < v.references.size() && v.references[reference].offset == at) {
        out_ += referenceText(v.references[reference++]);
        continue;
      }
      uint64_t value = 0;
      for (uint64_t i = 0; i < step && i < 8; ++i) value |= uint64_t(v.init[at + i]) << (8 * i);
      out_ += valueText(v.type, value);
    }
    if (isArray) out_ += "}";
  }
};

class InstructionPrinter {
 public:
  InstructionPrinter(const Module& module, const Function& function, const BodyNames& names)
      : module_(module), function_(function), names_(names) {}

  std::string text(const Instruction& instruction) {
    out_.clear();
    if (instruction.guard != noReg) out_ += std::string(instruction.guardNegated ? "@!" : "@") + names_.registers[instruction.guard] + " ";
    if (instruction.form == Form::Unknown) return out_ += instruction.text;
    negation_ = instruction.form == Form::Vmad ? '-' : '!';
    opcode(instruction);
    if (instruction.form == Form::Call) call(instruction);
    else operands(instruction);
    return out_;
  }

 private:
  const Module& module_;
  const Function& function_;
  const BodyNames& names_;
  std::string out_;
  char negation_ = '!';

  void opcode(const Instruction& instruction) {
    const FormInfo& info = formInfo(instruction.form);
    out_ += info.mnemonic;
    // Video instructions are the ones that write their types first.
    const bool typesFirst = std::string_view(info.function).starts_with("video");
    if (typesFirst) types(instruction);
    for (Mod mod : instruction.mods) out_ += std::string(".") + anywarp::ptx::spelling(mod);
    if (!typesFirst) types(instruction);
  }

  void types(const Instruction& instruction) {
    for (Type type : instruction.types) out_ += std::string(".") + anywarp::ptx::spelling(type);
  }

  void operands(const Instruction& instruction) {
    const SlotPattern& slots = formRow(instruction.form).slots;
    bool first = true;
    for (size_t i = 0; i < instruction.operands.size(); ++i) {
      const SlotSpec& spec = slots.slots[i];
      const Operand& operand_ = instruction.operands[i];
      if (operand_.isNone() || spec.sampler) continue;
      out_ += first ? " " : spec.pipe ? "|" : ", ";
      first = false;
      const bool hasSampler = i + 1 < slots.count && slots.slots[i + 1].sampler;
      if (operand_.kind == Operand::Kind::Label) out_ += labelName(spec.role, operand_.label);
      else operand(operand_, hasSampler ? &instruction.operands[i + 1] : nullptr);
    }
  }

  const std::string& labelName(SlotRole role, uint32_t index) const {
    return role == SlotRole::Targets     ? names_.branchTargets[index]
           : role == SlotRole::Prototype ? names_.prototypes[index]
                                         : names_.labels[index];
  }

  void call(const Instruction& instruction) {
    const auto& o = instruction.operands;
    out_ += " ";
    if (!o[0].elements.empty()) list(o[0], '(', ')'), out_ += ", ";
    operand(o[1]);
    if (!o[2].elements.empty() || !o[3].isNone()) out_ += ", ", list(o[2], '(', ')');
    if (!o[3].isNone()) out_ += ", " + names_.prototypes[o[3].label];
  }

  void list(const Operand& vector, char open, char close) {
    out_ += open;
    for (size_t i = 0; i < vector.elements.size(); ++i) {
      if (i) out_ += ", ";
      operand(vector.elements[i]);
    }
    out_ += close;
  }

  const std::string& symbolName(const SymbolRef& symbol) const {
    switch (symbol.kind) {
      case SymbolKind::ModuleVariable: return module_.variables[symbol.index].name;
      case SymbolKind::FunctionVariable: return names_.variables[symbol.index];
      case SymbolKind::Parameter: return function_.params[symbol.index].name;
      case SymbolKind::ReturnParameter: return function_.returns[symbol.index].name;
      case SymbolKind::Function: break;
    }
    return module_.functions[symbol.index].name;
  }

  void offset(int64_t value) {
    if (value) out_ += (value > 0 ? "+" : "") + std::to_string(value);
  }

  void address(const Operand& a, const Operand* sampler) {
    out_ += "[";
    if (a.hasSymbol) out_ += symbolName(a.symbol);
    else if (a.reg != noReg) out_ += names_.registers[a.reg];
    if (!a.hasSymbol && a.reg == noReg) out_ += std::to_string(a.offset);
    else if (a.offset) out_ += "+" + std::to_string(a.offset);
    if (sampler && !sampler->isNone()) out_ += ", ", operand(*sampler);
    if (!a.elements.empty()) out_ += ", ", list(a, '{', '}');
    out_ += "]";
  }

  void selection(const Operand& o) {
    if (!o.select) return;
    out_ += o.selectBytes() == 1 ? ".b" : ".h";
    for (unsigned i = o.selectCount(); i-- > 0;) out_ += char('0' + o.selectIndex(i));
  }

  void operand(const Operand& o, const Operand* sampler = nullptr) {
    if (o.negated) out_ += negation_;
    switch (o.kind) {
      case Operand::Kind::None: break;
      case Operand::Kind::Label: break;
      case Operand::Kind::Discard: out_ += "_"; break;
      case Operand::Kind::Register: out_ += names_.registers[o.reg], selection(o); break;
      case Operand::Kind::Special: out_ += std::string("%") + info(o.special).spelling; break;
      case Operand::Kind::Integer: out_ += std::to_string(int64_t(o.bits)); break;
      case Operand::Kind::Float32: out_ += valueText(Type::F32, o.bits); break;
      case Operand::Kind::Float64: out_ += valueText(Type::F64, o.bits); break;
      case Operand::Kind::Symbol: out_ += symbolName(o.symbol), offset(o.offset); break;
      case Operand::Kind::Address: address(o, sampler); break;
      case Operand::Kind::Vector: list(o, '{', '}'); break;
    }
  }
};

class FunctionPrinter {
 public:
  FunctionPrinter(const Module& module, const Function& function) : module_(module), function_(function) {}

  std::string header() {
    out_ += spelling(function_.linkage);
    out_ += function_.isEntry ? ".entry " : ".func ";
    VariablePrinter variables(out_);
    if (!function_.returns.empty()) variables.parameters(function_.returns), out_ += " ";
    out_ += function_.name;
    variables.parameters(function_.params);
    out_ += "\n";
    directives();
    return out_;
  }

  std::string definition(const Body& body) {
    header();
    const BodyNames names(module_, function_, body);
    out_ += "{\n";
    declarations(body, names);
    statements(body, names);
    return out_ += "}\n";
  }

 private:
  const Module& module_;
  const Function& function_;
  std::string out_;

  void dimensions(const char* name, const uint32_t (&d)[3]) {
    if (d[0]) out_ += std::string(name) + " " + std::to_string(d[0]) + ", " + std::to_string(d[1]) + ", " + std::to_string(d[2]) + "\n";
  }
  void count(const char* name, uint32_t n) {
    if (n) out_ += std::string(name) + " " + std::to_string(n) + "\n";
  }
  void directives() {
    dimensions(".maxntid", function_.maxntid);
    dimensions(".reqntid", function_.reqntid);
    dimensions(".reqnctapercluster", function_.reqnctapercluster);
    count(".minnctapersm", function_.minnctapersm);
    count(".maxnreg", function_.maxnreg);
    count(".maxclusterrank", function_.maxclusterrank);
    if (function_.noReturn) out_ += ".noreturn\n";
    if (function_.explicitcluster) out_ += ".explicitcluster\n";
    if (function_.blocksareclusters) out_ += ".blocksareclusters\n";
  }

  size_t parameterRegisters() const {
    size_t n = 0;
    for (const auto* list : {&function_.returns, &function_.params})
      for (const Variable& v : *list) n += v.space == Space::None ? v.vector : 0;
    return n;
  }

  void declarations(const Body& body, const BodyNames& names) {
    for (size_t i = parameterRegisters(); i < body.registers.size(); ++i)
      out_ += std::string(".reg .") + anywarp::ptx::spelling(body.registers[i].type) + " " + names.registers[i] + ";\n";
    for (size_t i = 0; i < body.variables.size(); ++i) VariablePrinter(out_).statement(body.variables[i], names.variables[i]);
    for (size_t i = 0; i < body.prototypes.size(); ++i) prototype(body.prototypes[i], names.prototypes[i]);
    for (size_t i = 0; i < body.branchTargets.size(); ++i) {
      out_ += names.branchTargets[i] + ": .branchtargets ";
      const auto& labels = body.branchTargets[i].labels;
      for (size_t k = 0; k < labels.size(); ++k) out_ += (k ? ", " : "") + names.labels[labels[k]];
      out_ += ";\n";
    }
  }

  void prototype(const Prototype& p, const std::string& name) {
    if (!p.targets.empty()) {
      out_ += name + ": .calltargets ";
      for (size_t i = 0; i < p.targets.size(); ++i) out_ += (i ? ", " : "") + module_.functions[p.targets[i]].name;
    } else {
      out_ += name + ": .callprototype ";
      if (!p.returns.empty()) VariablePrinter(out_).parameters(p.returns), out_ += " ";
      out_ += "_ ";
      VariablePrinter(out_).parameters(p.params);
    }
    out_ += ";\n";
  }

  void statements(const Body& body, const BodyNames& names) {
    std::vector<std::vector<uint32_t>> labelsAt(body.instructions.size() + 1);
    for (uint32_t i = 0; i < body.labels.size(); ++i) labelsAt[body.labels[i].instruction].push_back(i);
    InstructionPrinter instructions(module_, function_, names);
    for (size_t i = 0; i <= body.instructions.size(); ++i) {
      for (uint32_t label : labelsAt[i]) out_ += names.labels[label] + ":\n";
      if (i < body.instructions.size()) out_ += "  " + instructions.text(body.instructions[i]) + ";\n";
    }
  }
};

}  // namespace

BodyNames::BodyNames(const Module& module, const Function& function, const Body& body) {
  UniqueNames values(module), codes(module);
  size_t parameterRegister = 0;
  for (const auto* list : {&function.returns, &function.params})
    for (const Variable& v : *list) {
      values.reserve(v.name.substr(0, v.name.find('.')));
      if (v.space != Space::None) continue;
      for (unsigned i = 0; i < v.vector; ++i) registers.push_back(v.vector == 1 ? v.name : body.registers[parameterRegister + i].name);
      parameterRegister += v.vector;
    }
  for (size_t i = registers.size(); i < body.registers.size(); ++i) registers.push_back(values.unique(body.registers[i].name));
  for (const Variable& v : body.variables) variables.push_back(values.unique(v.name));
  for (const Label& label : body.labels) labels.push_back(codes.unique(label.name));
  for (const Prototype& p : body.prototypes) prototypes.push_back(codes.unique(p.name));
  for (const BranchTargets& t : body.branchTargets) branchTargets.push_back(codes.unique(t.name));
}

std::string print(const Module& module, const Function& function, const Body& body) {
  return FunctionPrinter(module, function).definition(body);
}

std::string print(const Module& module, const Function& function, const Body&, const Instruction& instruction, const BodyNames& names) {
  return InstructionPrinter(module, function, names).text(instruction);
}

std::string print(const Module& module, const Function& function, const Body& body, const Instruction& instruction) {
  return print(module, function, body, instruction, BodyNames(module, function, body));
}

Result<std::string> print(const Module& module) {
  std::string out = ".version " + std::to_string(module.versionMajor) + "." + std::to_string(module.versionMinor) + "\n.target sm_" +
                    std::to_string(module.target) + (module.targetSuffix ? std::string(1, module.targetSuffix) : "") +
                    (module.debugTarget ? ", debug" : "") + "\n.address_size " + std::to_string(module.addressSize) + "\n";
  for (size_t i = 0; i < module.files.size(); ++i)
    if (!module.files[i].empty()) out += ".file " + std::to_string(i) + " \"" + module.files[i] + "\"\n";
  // Bodies may use functions that are defined later, and initialisers any name: declarations first.
  for (const Function& f : module.functions)
    if (!f.hasBody || !f.isEntry) out += FunctionPrinter(module, f).header() + ";\n";
  for (const Variable& v : module.variables) VariablePrinter(out).statement(v, v.name);
  for (const auto& [name, target] : module.aliases) out += ".alias " + name + ", " + target + ";\n";
  // Kernels last: the others have been declared above, so this is their order when the text is read again.
  for (bool entries : {false, true})
    for (const Function& f : module.functions) {
      if (!f.hasBody || f.isEntry != entries) continue;
      auto body = parseBody(module, f);
      if (!body) return body.error();
      out += print(module, f, **body);
    }
  return out;
}

}  // namespace anywarp::ptx
