// Form: the semantic forms of PTX instructions, and what is known of each (instructions.def). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "compiler/ptx/modifiers.h"
#include "compiler/ptx/types.h"

namespace anywarp::ptx {

struct Instruction;

// One value per row of instructions.def, in its order. Tables indexed by Form have formCount entries; [0] is Unknown.
enum class Form : uint16_t {
  Unknown,
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, function) form,
#include "compiler/ptx/instructions.def"
#undef PTX_INST
  Count
};
inline constexpr size_t formCount = size_t(Form::Count);

// The machinery that an instruction takes beside its operands.
enum class Need : uint8_t {
  None,     // pure: operands in, result out, no memory, no other lanes
  Memory, Atomic,
  Warp,     // values of other lanes
  Barrier,  // other warps of the block
  Control, Call,
  Special,  // clock, sleep, trap, stack
  Texture, Surface, Matrix, Async, Cluster, Tensor,
};

enum class SlotRole : uint8_t {
  None,     // past the last slot
  Dest,     // written (a Vector: every element is)
  Source,   // read
  Address,  // [address]
  Label,    // bra
  Callee,   // call: function symbol, or register that holds a function's address
  List,     // call: returned or passed values as Vector
  Targets,  // brx.idx: Operand::label is an index into Body::branchTargets
  Prototype,  // call: Operand::label is an index into Body::prototypes
};

inline constexpr size_t maxSlots = 12;
inline constexpr size_t maxTypes = 6;

struct FormInfo {
  const char* name;        // "AddInt"
  const char* mnemonic;    // "add"
  const char* types;       // columns of the table, as written there
  const char* modifiers;
  const char* operands;
  const char* function;    // "addInt"; "planned" where nothing executes it yet
  uint8_t ptx;             // 63 is PTX ISA 6.3
  uint8_t sm;
  Need needs;
  uint8_t slots;
  bool planned;
};

const FormInfo& formInfo(Form form);
const char* spelling(Need need);
// Every row, in the manual's order (`anywarp info --ptx`).
std::span<const FormInfo> allForms();

// What the operand in a slot is for, and the type with which this very instruction reads or writes it: mul.wide.s32 has S64
// for slot 0 and S32 for 1 and 2; shl.b64 U32 for 2; setp Pred, Pred, type, type, Pred. A Vector operand has the type of one
// element. Type::None where no type applies (labels, lists, forms that accept anything).
SlotRole slotRole(const Instruction& instruction, unsigned slot);
Type slotType(const Instruction& instruction, unsigned slot);
// True for sources and for everything in an address; false for destinations.
bool isOptionalSlot(Form form, unsigned slot);

// An opcode with its modifiers and types taken apart.
struct Opcode {
  ModList mods;
  std::vector<Type> types;
  // Rows that accept it, in table order: one, or several that the operands tell apart. Empty: no row has it.
  std::vector<Form> forms;
};
// Decodes `ld.global.v2.f32` (everything up to the first blank).
Opcode decodeOpcode(std::string_view opcode);

}  // namespace anywarp::ptx
