// PTX as data: module, function, instruction, operand (PTX ISA: Syntax, State Spaces, Types, and Variables).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/ptx/instructions.h"
#include "compiler/ptx/modifiers.h"
#include "compiler/ptx/special_registers.h"
#include "compiler/ptx/types.h"
#include "support/result.h"

namespace anywarp::ptx {

struct SourceLoc {
  uint32_t line = 0, column = 0;  // 1-based, in the module's text
};

using RegId = uint32_t;
inline constexpr RegId noReg = ~0u;

// A virtual register after scopes are resolved: two `%r1` in sibling scopes are two registers.
struct Register {
  std::string name;
  Type type = Type::None;
};

enum class Space : uint8_t { None, Generic, Global, Shared, Local, Const, Param };

// Where a name leads.
enum class SymbolKind : uint8_t { ModuleVariable, FunctionVariable, Parameter, ReturnParameter, Function };
struct SymbolRef {
  SymbolKind kind = SymbolKind::ModuleVariable;
  uint32_t index = 0;  // into Module::variables, Body::variables, Function::params, Function::returns, Module::functions
};

struct Operand {
  enum class Kind : uint8_t {
    None,       // an optional operand that is absent
    Discard,    // `_`
    Register,   // reg
    Special,    // special register: `special`
    Integer,    // integer literal: bits
    Float32,    // 0f literal: bits
    Float64,    // 0d or decimal literal: bits
    Symbol,     // address of a variable or function, + offset
    Address,    // [base + offset]; base is reg, symbol or (neither) an absolute address in offset
    Vector,     // {elements}; also argument lists of call and the coordinates of tex
    Label,      // label
  };
  Kind kind = Kind::None;
  bool negated = false;               // !%p
  bool hasSymbol = false;             // Address: base is `symbol`, not `reg`
  SpecialReg special = SpecialReg::None;
  RegId reg = noReg;
  uint32_t label = 0;                 // into Body::labels
  SymbolRef symbol;
  int64_t offset = 0;                 // Symbol, Address: bytes
  uint64_t bits = 0;                  // Integer, Float32, Float64
  // Part of a register that a video instruction uses (a.b0, a.h10, a.b3210): unit (1 byte, 2 half) in bits 28-31, count in bits
  // 24-27, then four bits per part, least significant result part first. 0: the whole register.
  uint32_t select = 0;
  std::vector<Operand> elements;      // Vector; Address of tex/bulk forms: the coordinates

  bool isReg() const { return kind == Kind::Register; }
  bool isNone() const { return kind == Kind::None; }
  bool isImmediate() const { return kind == Kind::Integer || kind == Kind::Float32 || kind == Kind::Float64; }
  unsigned selectBytes() const { return select >> 28; }  // bytes per part, 0: no selection
  unsigned selectCount() const { return select >> 24 & 15; }
  unsigned selectIndex(unsigned i) const { return select >> (4 * i) & 15; }
};

// The bit pattern of an immediate used as a `type` value (integers convert to floating types as ptxas does).
uint64_t immediateBits(const Operand& operand, Type type);

struct Instruction {
  Form form = Form::Unknown;          // row of instructions.def
  RegId guard = noReg;                // @%p
  bool guardNegated = false;
  ModList mods;                       // in the order written
  std::vector<Type> types;            // in the order written
  // One per slot of the row's operand column, Kind::None where an optional one is absent: shfl d|p, a, b, c, mask always has six.
  // call: {returns as Vector, callee, arguments as Vector, prototype label or None}.
  std::vector<Operand> operands;
  SourceLoc loc;
  uint32_t sourceFile = 0, sourceLine = 0;  // .loc in force: index into Module::files and line there; 0: none
  std::string text;                   // Form::Unknown: the instruction as written, for the message

  bool has(Mod mod) const { return mods.has(mod); }
  Type type(size_t i = 0) const { return i < types.size() ? types[i] : Type::None; }
  Space space() const;                // state space modifier, Generic where none is written
};

// Where one initialiser refers to a symbol: `bytes` at `offset` receive its address (+ addend).
struct InitReference {
  uint64_t offset = 0;
  std::string name;
  int64_t addend = 0;
  bool generic = false;               // generic(name)
  uint32_t bytes = 8;
  uint32_t shift = 0;                 // 0xff00(name): the address shifted right by 8 bits, cut to `bytes`
};

enum class Linkage : uint8_t { None, Extern, Visible, Weak, Common };

struct Variable {
  std::string name;
  Space space = Space::None;
  Type type = Type::None;
  Linkage linkage = Linkage::None;
  uint32_t vector = 1;                // .v2, .v4
  uint64_t align = 1;                 // bytes
  uint64_t size = 0;                  // bytes; 0 for an array of unspecified size
  bool managed = false;
  bool unsized = false;               // name[]
  std::vector<uint8_t> init;          // may be shorter than size: the rest is zero
  std::vector<InitReference> references;
  SourceLoc loc;
};

struct Label {
  std::string name;
  uint32_t instruction = 0;           // index of the instruction it stands before
};

struct Prototype {                    // .callprototype, by label
  std::string name;
  std::vector<Variable> returns, params;
  std::vector<uint32_t> targets;      // .calltargets: the functions that may be called, into Module::functions
};

struct BranchTargets {                // .branchtargets, by label
  std::string name;
  std::vector<uint32_t> labels;
};

struct Body {
  std::vector<Register> registers;
  std::vector<Variable> variables;    // .local, .shared, .param declared inside, scopes resolved
  std::vector<Instruction> instructions;
  std::vector<Label> labels;
  std::vector<Prototype> prototypes;
  std::vector<BranchTargets> branchTargets;
};

struct Function {
  std::string name;
  bool isEntry = false;
  Linkage linkage = Linkage::None;
  bool hasBody = false;
  bool noReturn = false;
  // Space::Param, or Space::None for `.reg`: these are the first registers of the body, returns before params.
  std::vector<Variable> params, returns;
  uint32_t maxntid[3] = {0, 0, 0};    // 0: not given
  uint32_t reqntid[3] = {0, 0, 0};
  uint32_t minnctapersm = 0, maxnreg = 0, maxclusterrank = 0;
  uint32_t reqnctapercluster[3] = {0, 0, 0};
  bool explicitcluster = false, blocksareclusters = false;
  SourceLoc loc;
  std::string_view bodyText;          // into Module::text; parsed on demand
  SourceLoc bodyLoc;
};

// One PTX module. Bodies are parsed on demand: a module of 26 MB is indexed without reading a single instruction.
struct Module {
  std::string name;                   // for messages
  std::string text;
  uint32_t versionMajor = 0, versionMinor = 0;
  uint32_t target = 0;                // 90 for sm_90
  char targetSuffix = 0;              // 'a', 'f' or 0
  bool debugTarget = false;
  uint32_t addressSize = 64;
  std::vector<Variable> variables;
  std::vector<Function> functions;
  std::vector<std::string> files;     // .file index -> name
  std::vector<std::pair<std::string, std::string>> aliases;  // .alias: name, function it stands for
  std::map<std::string, uint32_t, std::less<>> functionIndex, variableIndex;  // by name, aliases too

  int findFunction(std::string_view name) const;  // -1 where absent
  int findVariable(std::string_view name) const;
};

// `module.ptx:12:5: ` for messages.
std::string place(const Module& module, SourceLoc loc);

// Reads directives, declarations and function headers; leaves bodies as text.
Result<std::unique_ptr<Module>> parseModule(std::string text, std::string name);

// Parses one body. Unknown instructions become Form::Unknown; only broken syntax is an error.
Result<std::unique_ptr<Body>> parseBody(const Module& module, const Function& function);

}  // namespace anywarp::ptx
