// Runs pure instructions as compiled code against plain references. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/pure_harness.h"

#include <random>

#include <gtest/gtest.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>

#include "compiler/codegen/dispatch.h"
#include "compiler/codegen/lanes.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen::testing {

using ptx::SlotRole;
using ptx::Type;

bool anyNan32(const uint64_t*, uint64_t got, uint64_t want) { return isNan32(got) && isNan32(want); }
bool anyNan64(const uint64_t*, uint64_t got, uint64_t want) { return isNan64(got) && isNan64(want); }

namespace {

constexpr unsigned laneTotal = 1280;  // of every width used, and of 5

// --- A case with what the table says of it
struct Slot {
  Type type;
  bool absent = false;
};

struct Prepared {
  const Case* source;
  ptx::Instruction inst;
  PureFn function = nullptr;
  std::vector<Slot> sources, results;
  std::vector<std::vector<uint64_t>> in;  // by source, by lane
};

unsigned memoryBits(Type type) { return type == Type::Pred ? 8 : ptx::bits(type); }

void addSlots(Prepared& p) {
  unsigned slots = ptx::formInfo(p.inst.form).slots;
  p.inst.operands.resize(slots);
  for (unsigned slot = 0; slot < slots; ++slot) {
    Type type = ptx::slotType(p.inst, slot);
    if (ptx::slotRole(p.inst, slot) == SlotRole::Dest) {
      p.results.push_back({type});
      continue;
    }
    bool absent = ptx::isOptionalSlot(p.inst.form, slot) && !p.source->optional;
    p.sources.push_back({type, absent});
    p.inst.operands[slot].kind = absent ? ptx::Operand::Kind::None : ptx::Operand::Kind::Register;
  }
  for (auto [slot, select] : p.source->selects) p.inst.operands[slot].select = select;
  std::string_view mnemonic = ptx::formInfo(p.inst.form).mnemonic;
  if (mnemonic == "addc" || mnemonic == "subc" || mnemonic == "madc") p.sources.push_back({Type::Pred});
  if (p.inst.has(ptx::Mod::Cc)) p.results.push_back({Type::Pred});
}

// --- Inputs
std::vector<uint64_t> integerSpecials(unsigned bits) {
  std::vector<uint64_t> v = {0, 1, 2, 3, 5, 7, 8, 15, 16, 24, 31, 32, 33, 63, 64, 100, 127, 128, 255, 256, 1000, 0x5555555555555555ull};
  for (unsigned k : {8u, 16u, 24u, 31u, 32u, 53u, 63u, 64u}) {
    if (k > bits) continue;
    uint64_t top = 1ull << (k - 1);
    for (uint64_t x : {top, top - 1, top + 1, 2 * top - 1, 2 * top - 2}) v.push_back(x);
  }
  for (uint64_t& x : v) x &= bits == 64 ? ~0ull : (1ull << bits) - 1;
  size_t count = v.size();
  for (size_t i = 0; i < count; ++i) v.push_back(-v[i] & (bits == 64 ? ~0ull : (1ull << bits) - 1));
  return v;
}

std::vector<uint64_t> withSigns(std::vector<uint64_t> v, unsigned bits) {
  size_t count = v.size();
  for (size_t i = 0; i < count; ++i) v.push_back(v[i] | 1ull << (bits - 1));
  return v;
}

std::vector<uint64_t> specials(Type type) {
  switch (type) {
    case Type::Pred:
      return {0, 1};
    case Type::F32:
    case Type::TF32: {
      std::vector<uint64_t> v = {0, 1, 2, 0x7fffff, 0x800000, 0x800001, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fffffff,
                                 0x33800000, 0x33800001, 0x387fe000, 0x38800000, 0x477fe000, 0x477fefff, 0x477ff000, 0x477fffff};
      for (float x : {1.0f, 0.5f, 1.5f, 2.5f, 3.0f, 0.1f, 1e-3f, 3.14159274f, 100.25f, 255.5f, 256.0f, 32767.5f, 65504.0f, 65535.5f,
                      16777216.0f, 16777217.0f, 2147483648.0f, 2147483520.0f, 4294967296.0f, 9.2233720e18f, 1.8446744e19f, 1e30f,
                      1e-30f, 448.0f, 464.0f, 480.0f, 57344.0f, 61440.0f, 6.0f, 0.015625f, 0.0009765625f, 0.001953125f})
        v.push_back(bits(x));
      v.push_back(bits(1.0f) + 1), v.push_back(bits(1.0f) - 1);
      return withSigns(v, 32);
    }
    case Type::F64: {
      std::vector<uint64_t> v = {0, 1, 0x000fffffffffffffull, 0x0010000000000000ull, 0x7fefffffffffffffull, 0x7ff0000000000000ull,
                                 0x7ff8000000000000ull, 0x7ff0000000000001ull, 0x47efffffe0000000ull, 0x47effffff0000000ull,
                                 0x380fffffffffffffull, 0x36a0000000000000ull, 0x3690000000000000ull, 0x3690000000000001ull};
      for (double x : {1.0, 0.5, 1.5, 2.5, 3.0, 0.1, 1e-3, 3.14159274, 65504.0, 65519.999, 65520.0, 2147483647.5, 2147483648.0,
                       4294967295.5, 4294967296.0, 9007199254740993.0, 9223372036854775807.0, 18446744073709551615.0, 1e300, 1e-300,
                       1e-40, 0x1.002p0, 0x1.0020000001p0, 0x1.000001p0, 0x1.00000100000001p0})
        v.push_back(bits(x));
      v.push_back(bits(1.0) + 1), v.push_back(bits(1.0) - 1);
      return withSigns(v, 64);
    }
    case Type::F16:
    case Type::BF16:
      return withSigns({0, 1, 2, 0x3ff, 0x400, 0x401, 0x7bff, 0x7c00, 0x7e00, 0x7c01, 0x7ff7, 0x3c00, 0x3c01, 0x3bff, 0x3800, 0x4248, 0x5640,
                        0x0080, 0x0081, 0x007f, 0x3f80, 0x3f81, 0x7f7f, 0x7f80, 0x7fc0, 0x3f00, 0x4049, 0x3eaa},
                       16);
    default:
      return integerSpecials(ptx::bits(type));
  }
}

std::vector<uint64_t> specialsOf(Type type) {
  unsigned lanes = ptx::lanes(type);
  if (lanes == 1) return specials(type);
  // Neighbouring specials beside each other.
  Type element = ptx::elementType(type);
  unsigned width = ptx::bits(element);
  std::vector<uint64_t> single = element == Type::F16 || element == Type::BF16 || element == Type::F32 ? specials(element)
                                                                                                       : integerSpecials(width);
  std::vector<uint64_t> all;
  for (size_t i = 0; i < single.size(); ++i) {
    uint64_t v = 0;
    for (unsigned k = 0; k < lanes; ++k) v |= single[(i + 7 * k) % single.size()] << (k * width);
    all.push_back(v);
  }
  return all;
}

bool isFloating(Type type) { return type == Type::F32 || type == Type::F64; }

uint64_t randomBits(Type type, std::mt19937_64& random) {
  uint64_t v = random();
  unsigned shape = random() % 4;
  if (type == Type::F32 && shape == 0) return bits(float(int64_t(v)) * 0x1p-60f);
  if (type == Type::F64 && shape == 0) return bits(double(int64_t(v)) * 0x1p-60);
  if (!isFloating(type) && shape == 0) v >>= random() % 64;
  unsigned width = ptx::bits(type);
  return width >= 64 ? v : v & ((1ull << width) - 1);
}

void makeInputs(Prepared& p) {
  std::mt19937_64 random(12345);
  size_t count = p.sources.size();
  std::vector<std::vector<uint64_t>> pools;
  for (const Slot& slot : p.sources) pools.push_back(specialsOf(slot.type));
  for (auto& [index, values] : p.source->inputs) pools[index] = values;
  p.in.assign(count, std::vector<uint64_t>(laneTotal));
  for (unsigned lane = 0; lane < laneTotal; ++lane) {
    for (size_t s = 0; s < count; ++s) {
      const auto& pool = pools[s];
      bool restricted = false;
      for (auto& [index, values] : p.source->inputs) restricted |= index == s;
      // The first half walks through pairs of specials; then specials at random; then random bits.
      uint64_t v;
      if (lane < laneTotal / 2) {
        v = s == 0 ? pool[lane % pool.size()] : pool[random() % pool.size()];
      } else if (restricted || random() % 4 == 0) {
        v = pool[random() % pool.size()];
      } else {
        v = randomBits(p.sources[s].type, random);
      }
      p.in[s][lane] = v;
    }
  }
  for (auto [index, value] : p.source->constants) std::fill(p.in[index].begin(), p.in[index].end(), value);
}

// --- Compiling
llvm::Type* elementFor(llvm::LLVMContext& context, Type type) {
  if (type == Type::F32) return llvm::Type::getFloatTy(context);
  if (type == Type::F64) return llvm::Type::getDoubleTy(context);
  return llvm::Type::getIntNTy(context, ptx::bits(type));
}

struct Level {
  std::string name, features;
};

class Builder {
 public:
  Builder(llvm::Module& module, const HostTarget& host, unsigned lanes) : module_(module), host_(host), lanes_(lanes) {}

  // void(const uint8_t* const* in, uint8_t* const* out): `lanes` lanes of every source to every result. lanes 0: a scalar.
  void add(const Prepared& p, const std::string& name) {
    llvm::LLVMContext& context = module_.getContext();
    llvm::Type* pointer = llvm::PointerType::get(context, 0);
    auto* function = llvm::Function::Create(llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer}, false),
                                            llvm::GlobalValue::ExternalLinkage, name, module_);
    llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "", function));
    PureEmitter e(b, lanes_, host_, [&](const ptx::Instruction&, std::string_view why) {
      ADD_FAILURE() << p.source->opcode << ": unsupported: " << std::string(why);
    });
    e.canonicalNans = true;
    std::vector<Value*> sources;
    for (size_t s = 0; s < p.sources.size(); ++s) {
      sources.push_back(p.sources[s].absent ? nullptr : source(b, p, s, pointerAt(b, function->getArg(0), s)));
    }
    Values results = p.function(e, p.inst, sources);
    ASSERT_EQ(results.size(), p.results.size()) << p.source->opcode;
    for (size_t r = 0; r < p.results.size(); ++r) {
      Value* v = results[r];
      ASSERT_EQ(v->getType(), laneType(elementFor(context, p.results[r].type))) << p.source->opcode;
      if (p.results[r].type == Type::Pred) v = b.CreateZExt(v, laneType(b.getInt8Ty()));
      b.CreateAlignedStore(v, pointerAt(b, function->getArg(1), r), llvm::Align(1));
    }
    b.CreateRetVoid();
  }

 private:
  llvm::Type* laneType(llvm::Type* element) const {
    return lanes_ ? static_cast<llvm::Type*>(llvm::FixedVectorType::get(element, lanes_)) : element;
  }

  Value* pointerAt(llvm::IRBuilder<>& b, Value* table, size_t index) {
    return b.CreateLoad(b.getPtrTy(), b.CreateConstGEP1_64(b.getPtrTy(), table, index));
  }

  Value* source(llvm::IRBuilder<>& b, const Prepared& p, size_t s, Value* pointer) {
    llvm::Type* element = elementFor(b.getContext(), p.sources[s].type);
    for (auto [index, value] : p.source->constants) {
      if (index != s) continue;
      if (element->isIntegerTy()) return llvm::ConstantInt::get(laneType(element), value);
      llvm::APInt pattern(element->getScalarSizeInBits(), value);
      return llvm::ConstantFP::get(laneType(element), llvm::APFloat(element->getFltSemantics(), pattern));
    }
    bool uniform = p.source->uniform == int(s) && lanes_;
    llvm::Type* memory = p.sources[s].type == Type::Pred ? b.getInt8Ty() : element;
    Value* v = b.CreateAlignedLoad(uniform ? memory : laneType(memory), pointer, llvm::Align(1));
    if (uniform) v = b.CreateVectorSplat(lanes_, v);
    return p.sources[s].type == Type::Pred ? b.CreateTrunc(v, laneType(element)) : v;
  }

  llvm::Module& module_;
  const HostTarget& host_;
  unsigned lanes_;
};

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O1).run(module, modules);
}

std::string pack(const std::vector<uint64_t>& values, unsigned from, unsigned lanes, unsigned bits) {
  std::string bytes;
  for (unsigned lane = 0; lane < lanes; ++lane) {
    for (unsigned k = 0; k < bits / 8; ++k) bytes.push_back(char(values[from + lane] >> (8 * k)));
  }
  return bytes;
}

uint64_t unpackLane(const std::string& bytes, unsigned lane, unsigned bits) {
  uint64_t v = 0;
  for (unsigned k = 0; k < bits / 8; ++k) v |= uint64_t(uint8_t(bytes[lane * bits / 8 + k])) << (8 * k);
  return v;
}

using Compiled = void (*)(const char* const*, char* const*);

struct Failures {
  unsigned count = 0;
};

void compareLane(const Prepared& p, const std::string& where, unsigned lane, const std::vector<uint64_t>& in,
                 const std::vector<uint64_t>& got, Failures& failures) {
  std::vector<uint64_t> want(p.results.size() + 1, 0);
  p.source->reference(in.data(), want.data());
  for (size_t r = 0; r < p.results.size(); ++r) {
    if (got[r] == want[r] || (p.source->accept && p.source->accept(in.data(), got[r], want[r]))) continue;
    if (++failures.count > 3) return;
    std::string sources;
    for (uint64_t v : in) sources += " " + llvm::utohexstr(v);
    ADD_FAILURE() << where << " " << p.source->opcode << " lane " << lane << " of" << sources << ": result " << r << " is "
                  << llvm::utohexstr(got[r]) << ", want " << llvm::utohexstr(want[r]);
  }
}

void runCase(const Prepared& p, Compiled compiled, const std::string& where, unsigned lanes) {
  Failures failures;
  for (unsigned from = 0; from + lanes <= laneTotal && failures.count <= 3; from += lanes) {
    std::vector<std::string> in, out;
    std::vector<const char*> inPointers;
    std::vector<char*> outPointers;
    for (size_t s = 0; s < p.sources.size(); ++s) in.push_back(pack(p.in[s], from, lanes, memoryBits(p.sources[s].type)));
    for (const Slot& slot : p.results) out.emplace_back(lanes * memoryBits(slot.type) / 8, '\x5a');
    for (auto& bytes : in) inPointers.push_back(bytes.data());
    for (auto& bytes : out) outPointers.push_back(bytes.data());
    compiled(inPointers.data(), outPointers.data());
    for (unsigned lane = 0; lane < lanes; ++lane) {
      std::vector<uint64_t> sources, got;
      for (size_t s = 0; s < p.sources.size(); ++s) sources.push_back(p.in[s][from + (p.source->uniform == int(s) ? 0 : lane)]);
      for (size_t r = 0; r < p.results.size(); ++r) got.push_back(unpackLane(out[r], lane, memoryBits(p.results[r].type)));
      compareLane(p, where, from + lane, sources, got, failures);
    }
  }
}

void runLevel(const Level& level, unsigned lanes, const std::vector<Prepared>& cases) {
  llvm::orc::JITTargetMachineBuilder machineBuilder{llvm::Triple(llvm::sys::getProcessTriple())};
  machineBuilder.setCPU("x86-64");
  machineBuilder.addFeatures({level.features});
  auto machine = llvm::cantFail(machineBuilder.createTargetMachine());
  HostTarget host = HostTarget::parse(llvm::sys::getProcessTriple(), level.features);
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = std::make_unique<llvm::Module>("pure", *context);
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(llvm::sys::getProcessTriple());
  Builder builder(*module, host, lanes);
  for (size_t i = 0; i < cases.size(); ++i) builder.add(cases[i], "case" + std::to_string(i));
  for (llvm::Function& function : *module) {
    function.addFnAttr("prefer-vector-width", std::to_string(host.vectorBits));
    function.addFnAttr("min-legal-vector-width", std::to_string(host.vectorBits));
  }
  std::string broken;
  llvm::raw_string_ostream stream(broken);
  ASSERT_FALSE(llvm::verifyModule(*module, &stream)) << broken;
  optimize(*module, *machine);
  auto jit = llvm::cantFail(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machineBuilder)).create());
  llvm::cantFail(jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))));
  std::string where = level.name + " x" + std::to_string(lanes);
  for (size_t i = 0; i < cases.size(); ++i) {
    auto address = llvm::cantFail(jit->lookup("case" + std::to_string(i)));
    runCase(cases[i], address.toPtr<Compiled>(), where, lanes ? lanes : 1);
  }
}

std::vector<Level> hostLevels() {
  llvm::StringMap<bool> have = llvm::sys::getHostCPUFeatures();
  std::vector<Level> levels = {{"baseline", "+sse2"}};
  auto addLevel = [&](const char* name, std::vector<const char*> features) {
    std::string list;
    for (const char* feature : features) {
      if (!have.lookup(feature)) return;
      list += std::string(list.empty() ? "+" : ",+") + feature;
    }
    levels.push_back({name, list});
  };
  std::vector<const char*> avx2 = {"sse4.1", "sse4.2", "avx", "avx2", "fma", "f16c", "bmi", "bmi2", "popcnt", "lzcnt"};
  addLevel("avx2", avx2);
  std::vector<const char*> avx512 = avx2;
  for (const char* f : {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}) avx512.push_back(f);
  addLevel("avx512", avx512);
  for (const char* f : {"avx512fp16", "avx512bf16", "avx512vbmi", "gfni", "avx512bitalg", "avx512vpopcntdq"}) avx512.push_back(f);
  addLevel("avx512fp16", avx512);
  return levels;
}

}  // namespace

void check(const std::vector<Case>& cases) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::vector<Prepared> prepared;
  for (const Case& c : cases) {
    Prepared p;
    p.source = &c;
    ptx::Opcode opcode = ptx::decodeOpcode(c.opcode);
    ASSERT_GT(opcode.forms.size(), c.form) << c.opcode;
    p.inst.form = opcode.forms[c.form];
    p.inst.mods = opcode.mods;
    p.inst.types = opcode.types;
    p.function = pureFunction(p.inst.form);
    ASSERT_NE(p.function, nullptr) << c.opcode;
    addSlots(p);
    makeInputs(p);
    prepared.push_back(std::move(p));
  }
  for (const Level& level : hostLevels()) {
    std::vector<unsigned> widths = {32};
    if (level.name == "avx512") widths = {0, 16, 5};
    if (level.name == "baseline") widths = {8};
    // Differs from the level before where there are halves.
    if (level.name == "avx512fp16" && cases[0].opcode.find("16") == std::string::npos) continue;
    for (unsigned lanes : widths) runLevel(level, lanes, prepared);
  }
}

}  // namespace anywarp::codegen::testing
