// From opcodes to kernels that apply them. SPDX-License-Identifier: Apache-2.0
#include "forms.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>

#include "compiler/ptx/ast.h"
#include "compiler/ptx/fragments.h"
#include "compiler/ptx/instruction_columns.h"

namespace anywarp::tests {
namespace {

using ptx::Form;
using ptx::Mod;
using ptx::SlotRole;
using ptx::SlotSpec;
using ptx::Type;

constexpr size_t threads = 512;
constexpr unsigned blockSize = 128;

// How the operands of one slot are made.
enum class Fill { Special, Random, SmallAngle, Moderate, LaneIndex, SmallCount, NonZero };

// Where the general mix of operands would leave the documented domain.
Fill fillOf(const std::string& mnemonic, const ptx::ModList& mods, Type type, size_t slot) {
  bool floating = ptx::isFloat(type);
  if (mnemonic == "sin" || mnemonic == "cos") return Fill::SmallAngle;
  if (floating && (mods.has(Mod::Approx) || mods.has(Mod::Full))) return Fill::Moderate;
  if (mnemonic == "fns" && slot == 2) return Fill::LaneIndex;
  if (mnemonic == "fns" && slot == 3) return Fill::SmallCount;
  if (!floating && (mnemonic == "div" || mnemonic == "rem") && slot == 2) return Fill::NonZero;
  return Fill::Special;
}

Tolerance within(double absolute, double relative) {
  Tolerance tolerance;
  tolerance.kind = Tolerance::Kind::Either;
  tolerance.amount = absolute;
  tolerance.relative = relative;
  return tolerance;
}

// The errors that the manual allows (PTX: Floating-Point Instructions).
Tolerance toleranceOf(const std::string& mnemonic, const ptx::ModList& mods, Type type) {
  Tolerance tolerance;
  bool half = ptx::isHalf(type);
  if (mnemonic == "sin" || mnemonic == "cos") tolerance = within(std::ldexp(1.0, -20), 0);
  if (mnemonic == "lg2") tolerance = within(std::ldexp(1.0, -22), std::ldexp(1.0, -21));
  if (mnemonic == "ex2") tolerance = half ? within(0, std::ldexp(1.0, type == Type::BF16 || type == Type::BF16x2 ? -7 : -9)) : within(0, std::ldexp(1.0, -21));
  if (mnemonic == "tanh") tolerance = within(0, half ? std::ldexp(1.0, type == Type::BF16 || type == Type::BF16x2 ? -7 : -9.5) : std::ldexp(1.0, -10.9));
  if (mnemonic == "rsqrt" || (mods.has(Mod::Approx) && (mnemonic == "rcp" || mnemonic == "sqrt")))
    tolerance = within(0, type == Type::F64 ? std::ldexp(1.0, -19) : std::ldexp(1.0, -21.5));
  if (mnemonic == "div" && (mods.has(Mod::Approx) || mods.has(Mod::Full))) tolerance = within(0, std::ldexp(1.0, -21));
  // NaNs of f32 and half arithmetic are one pattern; elsewhere, and for the sign of a half, the manual leaves it open.
  constexpr const char* exact[] = {"add", "sub", "mul", "fma", "mad", "div", "sqrt", "neg", "abs", "min", "max"};
  bool sign = mnemonic == "neg" || mnemonic == "abs";
  bool defined = type == Type::F32 || type == Type::F32x2 || (half && !sign);
  tolerance.anyNaN = !defined || std::none_of(std::begin(exact), std::end(exact), [&](const char* name) { return mnemonic == name; });
  return tolerance;
}

uint64_t moderateFloat(Type type, std::mt19937_64& random, size_t index) {
  if (ptx::isPacked(type)) {
    Type one = ptx::elementType(type);
    uint64_t low = moderateFloat(one, random, index);
    return moderateFloat(one, random, index + 5) << ptx::bits(one) | low;
  }
  constexpr double exact[] = {0.0, -0.0, 1.0, -1.0, 2.0, 0.5, INFINITY, -INFINITY, NAN, 4.0, 3.0, 10.0};
  double value = index < std::size(exact) ? exact[index] : 0;
  if (index >= std::size(exact)) {
    double range = ptx::bits(type) == 16 ? 8 : 50;
    value = std::ldexp(1.0 + static_cast<double>(random() % 100000) / 100000.0, static_cast<int>(static_cast<double>(random() % 1000) / 1000.0 * 2 * range - range));
    if (random() % 3 == 0) value = -value;
    if (random() % 3 == 0) value = static_cast<double>(random() % 2000) / 100.0 - 10;
  }
  return floatBits(type, value);
}

std::vector<uint64_t> makeValues(Type type, Fill fill, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> values = specialBits(type, threads, seed);
  for (size_t i = 0; i < threads; i++) {
    uint64_t& value = values[i];
    switch (fill) {
      case Fill::Random: value = random(); break;
      case Fill::SmallAngle: {
        float angle = static_cast<float>(static_cast<double>(random() % 200001) / 100000.0 - 1.0) * 3.14159f;
        uint32_t bits;
        std::memcpy(&bits, &angle, 4);
        value = i < 3 ? std::vector<uint64_t>{0, 0x7f800000, 0x7fc00000}[i] : bits;
        break;
      }
      case Fill::Moderate: value = moderateFloat(type, random, i); break;
      case Fill::LaneIndex: value = random() % 32; break;
      case Fill::SmallCount: value = random() % 17 - 8; break;
      case Fill::NonZero:
        if (value == 0) value = 3;
        break;
      default: break;
    }
  }
  return values;
}

// One element of a matrix: mostly numbers whose sums stay in range, now and then the corners of the format.
uint64_t matrixElement(Type type, std::mt19937_64& random) {
  if (!ptx::isFloat(type)) return random();
  const uint64_t kind = random() % 256;
  if (kind == 0) return random() % 2 ? floatBits(type, INFINITY) : floatBits(type, NAN);
  if (kind < 8) return random();  // anything
  if (kind < 24) return random() % 2 << (ptx::bits(type) - 1);
  double value = static_cast<double>(random() % 4001) / 500.0 - 4.0;
  if (ptx::bits(type) > 8) value = std::ldexp(value, static_cast<int>(random() % 12) - 6);
  return floatBits(type, value);
}

std::vector<uint64_t> matrixRegisters(const ptx::Fragment& fragment, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> values(threads);
  for (uint64_t& value : values)
    for (unsigned e = 0; e < fragment.perRegister; e++) {
      uint64_t bits = matrixElement(fragment.type, random);
      if (fragment.elementBits() < 64) bits &= (uint64_t{1} << fragment.elementBits()) - 1;
      value |= bits << (e * fragment.elementBits());
    }
  return values;
}

// The type in which a register of a fragment is kept and compared.
Type registerTypeOf(const ptx::Fragment& fragment) {
  switch (fragment.type) {
    case Type::F16: return Type::F16x2;
    case Type::F32: case Type::F64: case Type::S32: return fragment.type;
    default: return Type::B32;
  }
}

// The type in which a value of a slot travels through registers and memory: whole registers, so that extension shows.
Type carrier(Type type) {
  if (type == Type::Pred) return Type::U32;
  if (ptx::bits(type) < 16) return Type::U32;
  return type;
}

class Generator {
 public:
  Generator(size_t perKernel, uint64_t seed) : perKernel_(perKernel), seed_(seed) {}

  std::string add(const std::string& opcode) {
    ptx::Opcode decoded = ptx::decodeOpcode(opcode);
    if (decoded.forms.empty()) return opcode + ": no row of instructions.def accepts it";
    if (inKernel_ == 0) begin();
    ptx::Instruction instruction;
    instruction.form = chooseForm(decoded);
    instruction.mods = decoded.mods;
    instruction.types = decoded.types;
    std::string error = emit(opcode, instruction);
    if (++inKernel_ == perKernel_) end();
    return error;
  }

  FormsProgram finish() {
    if (inKernel_ > 0) end();
    result_.program.ptx = ".version 8.6\n.target sm_90\n.address_size 64\n" + kernels_;
    result_.tolerances = std::move(tolerances_);
    return std::move(result_);
  }

 private:
  size_t perKernel_;
  uint64_t seed_;
  size_t inKernel_ = 0, kernelCount_ = 0, instructionCount_ = 0;
  std::string kernels_, params_, body_;
  std::vector<Argument> arguments_;
  std::map<int, std::string> parameterOf_;  // by buffer
  std::map<std::tuple<Type, Fill, size_t>, int> inputs_;
  std::map<std::tuple<Type, unsigned, unsigned>, int> matrixInputs_;
  std::vector<Tolerance> tolerances_;
  FormsProgram result_;

  void begin() {
    params_.clear();
    body_.clear();
    arguments_.clear();
    parameterOf_.clear();
  }

  void end() {
    std::string name = "forms" + std::to_string(kernelCount_++);
    kernels_ += ".visible .entry " + name + "(" + params_ + ") {\n" +
                "  .reg .b32 %t<4>;\n  .reg .b64 %a<4>;\n  mov.u32 %t0, %tid.x;\n  mov.u32 %t1, %ctaid.x;\n  mad.lo.u32 %t2, %t1, " +
                std::to_string(blockSize) + ", %t0;\n" + body_ + "  ret;\n}\n";
    Launch launch;
    launch.kernel = name;
    launch.grid.x = threads / blockSize;
    launch.block.x = blockSize;
    launch.arguments = arguments_;
    result_.program.launches.push_back(launch);
    inKernel_ = 0;
  }

  // The row whose operands are the most: optional ones are worth testing.
  static Form chooseForm(const ptx::Opcode& decoded) { return decoded.forms.front(); }

  int addBuffer(const std::string& name, Type type, const std::vector<uint64_t>& values, const Tolerance& tolerance) {
    Buffer& buffer = result_.program.buffers.emplace_back();
    buffer.name = name;
    buffer.type = type;
    buffer.bytes.resize(values.size() * ptx::bytes(type));
    for (size_t i = 0; i < values.size(); i++) buffer.setElement(i, values[i]);
    tolerances_.push_back(tolerance);
    return static_cast<int>(result_.program.buffers.size()) - 1;
  }

  int inputBuffer(Type type, Fill fill, size_t slot) {
    auto key = std::make_tuple(type, fill, slot);
    auto found = inputs_.find(key);
    if (found != inputs_.end()) return found->second;
    uint64_t seed = seed_ * 1000 + inputs_.size() * 17 + slot;
    std::string name = std::string(ptx::spelling(type)) + "_" + std::to_string(slot) + "_" + std::to_string(static_cast<int>(fill));
    return inputs_[key] = addBuffer(name, type, makeValues(type, fill, seed), {});
  }

  // Leaves the address of this thread's element in %a1.
  void addressOf(int buffer) {
    auto [entry, isNew] = parameterOf_.try_emplace(buffer, "p" + std::to_string(parameterOf_.size()));
    if (isNew) {
      params_ += (params_.empty() ? "" : ", ") + std::string(".param .u64 ") + entry->second;
      Argument& argument = arguments_.emplace_back();
      argument.buffer = buffer;
    }
    body_ += "    ld.param.u64 %a0, [" + entry->second + "];\n    mad.wide.u32 %a1, %t2, " +
             std::to_string(ptx::bytes(result_.program.buffers[buffer].type)) + ", %a0;\n";
  }

  static std::string registerType(Type type) {
    return type == Type::Pred ? ".pred" : ".b" + std::to_string(std::max(ptx::bits(carrier(type)), 16u));
  }
  static std::string memoryType(Type type) { return "b" + std::to_string(ptx::bits(carrier(type))); }

  std::string emit(const std::string& opcode, const ptx::Instruction& instruction) {
    const ptx::SlotPattern& slots = ptx::formRow(instruction.form).slots;
    const char* mnemonic = ptx::formInfo(instruction.form).mnemonic;
    if (ptx::formInfo(instruction.form).needs == ptx::Need::Matrix) return emitProduct(opcode, instruction);
    bool boolean = instruction.mods.has(ptx::ModGroup::Boolean);
    std::string operands, declarations, stores;
    FormsProgram::Result result{opcode, kernelCount_, -1, {}};
    std::vector<FormsProgram::Result> results;
    body_ += "  {\n";
    for (unsigned slot = 0; slot < slots.count; slot++) {
      const SlotSpec& spec = slots.slots[slot];
      Type type = ptx::slotType(instruction, slot);
      if (spec.vector || type == Type::None || (spec.role != SlotRole::Dest && spec.role != SlotRole::Source))
        return opcode + ": operand " + std::to_string(slot) + " is of a kind that this tool does not make";
      if (spec.optional && !spec.pipe && !boolean && !keepsOptional(mnemonic, instruction)) continue;
      std::string reg = "%x" + std::to_string(slot);
      declarations += "    .reg " + registerType(type) + " " + reg + ";\n";
      operands += (operands.empty() ? "" : spec.pipe ? "|" : ", ") + (isLiteral(mnemonic, slot) ? literal() : reg);
      if (spec.role == SlotRole::Dest) {
        result.buffer = addBuffer("r" + std::to_string(instructionCount_) + "_" + std::to_string(slot), carrier(type), std::vector<uint64_t>(threads),
                                  toleranceOf(mnemonic, instruction.mods, type));
        results.push_back(result);
        stores += storeOf(reg, type, result.buffer);
      } else if (!isLiteral(mnemonic, slot)) {
        int buffer = inputBuffer(carrier(type), fillOf(mnemonic, instruction.mods, type, slot), slot);
        result.inputs.push_back(buffer);
        declarations += loadOf(reg, type, buffer);
      }
    }
    std::string before, after;
    if (instruction.has(Mod::Cc) || endsInC(mnemonic)) {
      bool subtracts = std::strncmp(mnemonic, "sub", 3) == 0;
      std::string chain = subtracts ? "sub" : "add";
      if (endsInC(mnemonic)) before = "    " + chain + ".cc.u" + std::to_string(ptx::bits(instruction.type())) + " %x0, %x1, %x2;\n";
      if (instruction.has(Mod::Cc)) {
        result.buffer = addBuffer("c" + std::to_string(instructionCount_), Type::U32, std::vector<uint64_t>(threads), {});
        results.push_back(result);
        after = "    " + chain + "c.u32 %t3, 0, 0;\n" + storeOf("%t3", Type::U32, result.buffer);
      }
    }
    stores = after + stores;
    body_ += declarations + before + "    " + opcode + " " + operands + ";\n" + stores + "  }\n";
    for (FormsProgram::Result& one : results) {
      one.inputs = result.inputs;
      result_.results.push_back(one);
    }
    instructionCount_++;
    return "";
  }

  // mma, mma.sp, wmma.mma: each register of each fragment has a buffer of its own.
  std::string emitProduct(const std::string& opcode, const ptx::Instruction& instruction) {
    auto product = ptx::matrixProductOfOpcode(instruction);
    if (!product) return opcode + ": " + product.error().message;
    const ptx::Fragment* fragments[] = {&product->fragmentD, &product->fragmentA, &product->fragmentB, &product->fragmentC};
    std::string operands, declarations, stores;
    FormsProgram::Result result{opcode, kernelCount_, -1, {}};
    Tolerance tolerance;
    tolerance.anyNaN = true;
    for (unsigned slot = 0; slot < 4; slot++) {
      const ptx::Fragment& fragment = *fragments[slot];
      Type type = registerTypeOf(fragment);
      std::string list;
      for (unsigned r = 0; r < fragment.registers; r++) {
        std::string reg = "%x" + std::to_string(slot) + "_" + std::to_string(r);
        declarations += "    .reg " + std::string(ptx::isPacked(type) ? ".b32" : "." + std::string(ptx::spelling(type))) + " " + reg + ";\n";
        list += (r ? ", " : "") + reg;
        if (slot == 0) {
          result.buffer = addBuffer("r" + std::to_string(instructionCount_) + "_" + std::to_string(r), type, std::vector<uint64_t>(threads), tolerance);
          result_.results.push_back(result);
          stores += storeOf(reg, type, result.buffer);
        } else {
          declarations += loadOf(reg, type, matrixBuffer(fragment, slot, r));
        }
      }
      operands += (slot ? ", {" : "{") + list + "}";
    }
    if (product->sparse) {
      ptx::Fragment words;
      words.type = Type::B32;
      declarations += "    .reg .b32 %x4;\n" + loadOf("%x4", Type::B32, matrixBuffer(words, 4, 0));
      operands += ", %x4, " + std::to_string(instructionCount_ % ptx::sparseSelectors(*product));
    }
    body_ += "  {\n" + declarations + "    " + opcode + " " + operands + ";\n" + stores + "  }\n";
    instructionCount_++;
    return "";
  }

  int matrixBuffer(const ptx::Fragment& fragment, unsigned slot, unsigned index) {
    auto key = std::make_tuple(fragment.type, slot, index);
    auto found = matrixInputs_.find(key);
    if (found != matrixInputs_.end()) return found->second;
    std::string name = std::string(ptx::spelling(fragment.type)) + "_" + std::to_string(slot) + "_" + std::to_string(index);
    uint64_t seed = seed_ * 1000 + matrixInputs_.size() * 17 + 5;
    return matrixInputs_[key] = addBuffer(name, registerTypeOf(fragment), matrixRegisters(fragment, seed), {});
  }

  // Third source of min and max, count of cvt.pack: chosen by whether another row has them.
  static bool keepsOptional(const char* mnemonic, const ptx::Instruction& instruction) {
    return mnemonic[0] == 'v' && (instruction.has(Mod::Add) || instruction.has(Mod::Min) || instruction.has(Mod::Max));
  }

  static bool endsInC(const char* mnemonic) {
    return std::strcmp(mnemonic, "addc") == 0 || std::strcmp(mnemonic, "subc") == 0 || std::strcmp(mnemonic, "madc") == 0;
  }

  static bool isLiteral(const char* mnemonic, unsigned slot) {
    bool lop3 = std::strcmp(mnemonic, "lop3") == 0;
    return lop3 && (slot == 4 || slot == 5);
  }
  std::string literal() { return std::to_string((seed_ * 31 + instructionCount_ * 83 + 0x1b) & 0xff); }

  std::string loadOf(const std::string& reg, Type type, int buffer) {
    std::string outer = std::move(body_);
    body_.clear();
    addressOf(buffer);
    std::string code = std::move(body_);
    body_ = std::move(outer);
    if (type == Type::Pred)
      return code + "    ld.global.b32 %t3, [%a1];\n    and.b32 %t3, %t3, 1;\n    setp.ne.u32 " + reg + ", %t3, 0;\n";
    return code + "    ld.global." + memoryType(type) + " " + reg + ", [%a1];\n";
  }

  std::string storeOf(const std::string& reg, Type type, int buffer) {
    std::string outer = std::move(body_);
    body_.clear();
    addressOf(buffer);
    std::string code = std::move(body_);
    body_ = std::move(outer);
    if (type == Type::Pred) return code + "    selp.b32 %t3, 1, 0, " + reg + ";\n    st.global.b32 [%a1], %t3;\n";
    return code + "    st.global." + memoryType(type) + " [%a1], " + reg + ";\n";
  }
};

}  // namespace

Result<FormsProgram> makeFormsProgram(const std::vector<std::string>& opcodes, size_t perKernel, uint64_t seed) {
  Generator generator(perKernel, seed);
  for (const std::string& opcode : opcodes) {
    std::string error = generator.add(opcode);
    if (!error.empty()) return Error{ErrorKind::Invalid, error};
  }
  return generator.finish();
}

}  // namespace anywarp::tests
