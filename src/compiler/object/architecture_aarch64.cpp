// Relocations of AArch64 objects (ELF for the Arm 64-bit Architecture: Relocation). SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include <cstring>

#include "compiler/object/architecture.h"

namespace anywarp::object {
namespace {

// How the value is computed from symbol S, addend A and place P; Page(x) is x without its low 12 bits.
enum class Value : uint8_t { None, Absolute, Relative, PageRelative };

// Where its bits go. Fields of instructions: `width` bits at `position`, of the value shifted right by `shift`.
enum class Encoding : uint8_t { Data, Field, Adr };

struct Row {
  uint32_t type;
  Via via;
  Value value;
  Encoding encoding;
  uint8_t bytes;     // of data, 4 for instructions
  uint8_t position, width, shift;
  uint8_t range;     // bits of the signed value that may be used before it does not fit; 64: not checked
};

constexpr Row rows[] = {
    {R_AARCH64_NONE, Via::Nothing, Value::None, Encoding::Data, 0, 0, 0, 0, 64},
    {R_AARCH64_ABS64, Via::Symbol, Value::Absolute, Encoding::Data, 8, 0, 64, 0, 64},
    {R_AARCH64_ABS32, Via::Symbol, Value::Absolute, Encoding::Data, 4, 0, 32, 0, 33},
    {R_AARCH64_PREL64, Via::Symbol, Value::Relative, Encoding::Data, 8, 0, 64, 0, 64},
    {R_AARCH64_PREL32, Via::Symbol, Value::Relative, Encoding::Data, 4, 0, 32, 0, 32},
    {R_AARCH64_MOVW_UABS_G0, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 0, 17},
    {R_AARCH64_MOVW_UABS_G0_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 0, 64},
    {R_AARCH64_MOVW_UABS_G1, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 16, 33},
    {R_AARCH64_MOVW_UABS_G1_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 16, 64},
    {R_AARCH64_MOVW_UABS_G2, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 32, 49},
    {R_AARCH64_MOVW_UABS_G2_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 32, 64},
    {R_AARCH64_MOVW_UABS_G3, Via::Symbol, Value::Absolute, Encoding::Field, 4, 5, 16, 48, 64},
    {R_AARCH64_LD_PREL_LO19, Via::Symbol, Value::Relative, Encoding::Field, 4, 5, 19, 2, 21},
    {R_AARCH64_ADR_PREL_LO21, Via::Symbol, Value::Relative, Encoding::Adr, 4, 0, 21, 0, 21},
    {R_AARCH64_ADR_PREL_PG_HI21, Via::Symbol, Value::PageRelative, Encoding::Adr, 4, 0, 21, 12, 33},
    {R_AARCH64_ADR_PREL_PG_HI21_NC, Via::Symbol, Value::PageRelative, Encoding::Adr, 4, 0, 21, 12, 64},
    {R_AARCH64_ADD_ABS_LO12_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 10, 12, 0, 64},
    {R_AARCH64_LDST8_ABS_LO12_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 10, 12, 0, 64},
    {R_AARCH64_LDST16_ABS_LO12_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 10, 11, 1, 64},
    {R_AARCH64_LDST32_ABS_LO12_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 10, 10, 2, 64},
    {R_AARCH64_LDST64_ABS_LO12_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 10, 9, 3, 64},
    {R_AARCH64_LDST128_ABS_LO12_NC, Via::Symbol, Value::Absolute, Encoding::Field, 4, 10, 8, 4, 64},
    {R_AARCH64_TSTBR14, Via::Symbol, Value::Relative, Encoding::Field, 4, 5, 14, 2, 16},
    {R_AARCH64_CONDBR19, Via::Symbol, Value::Relative, Encoding::Field, 4, 5, 19, 2, 21},
    {R_AARCH64_JUMP26, Via::Call, Value::Relative, Encoding::Field, 4, 0, 26, 2, 28},
    {R_AARCH64_CALL26, Via::Call, Value::Relative, Encoding::Field, 4, 0, 26, 2, 28},
    {R_AARCH64_ADR_GOT_PAGE, Via::Got, Value::PageRelative, Encoding::Adr, 4, 0, 21, 12, 33},
    {R_AARCH64_LD64_GOT_LO12_NC, Via::Got, Value::Absolute, Encoding::Field, 4, 10, 9, 3, 64},
};

const Row* find(uint32_t type) {
  for (const Row& row : rows)
    if (row.type == type) return &row;
  return nullptr;
}

RelocationForm form(uint32_t type) {
  const Row* row = find(type);
  return row ? RelocationForm{row->via, row->bytes} : RelocationForm{};
}

constexpr uint64_t pageOf(uint64_t address) { return address & ~uint64_t(0xfff); }

uint64_t valueOf(const Row& row, const Patch& patch) {
  uint64_t target = patch.symbol + static_cast<uint64_t>(patch.addend);
  switch (row.value) {
    case Value::Relative: return target - patch.place;
    case Value::PageRelative: return pageOf(target) - pageOf(patch.place);
    default: return target;
  }
}

bool fits(uint64_t value, unsigned bits) {
  if (bits >= 64) return true;
  int64_t limit = int64_t(1) << (bits - 1), number = static_cast<int64_t>(value);
  return number >= -limit && number < limit;
}

void setField(uint8_t* at, unsigned position, unsigned width, uint64_t value) {
  uint32_t word, mask = ((width == 32 ? 0 : 1u << width) - 1u) << position;
  std::memcpy(&word, at, 4);
  word = (word & ~mask) | (static_cast<uint32_t>(value << position) & mask);
  std::memcpy(at, &word, 4);
}

// ADR and ADRP: the two low bits at 29, the others at 5.
void setAdr(uint8_t* at, uint64_t value) {
  setField(at, 29, 2, value);
  setField(at, 5, 19, value >> 2);
}

bool apply(uint32_t type, const Patch& patch) {
  const Row& row = *find(type);
  uint64_t value = valueOf(row, patch);
  if (!fits(value, row.range)) return false;
  uint64_t shifted = value >> row.shift;
  switch (row.encoding) {
    case Encoding::Data: std::memcpy(patch.at, &value, row.bytes); break;
    case Encoding::Field: setField(patch.at, row.position, row.width, row.width == 12 ? shifted & 0xfff : shifted); break;
    case Encoding::Adr: setAdr(patch.at, shifted); break;
  }
  return true;
}

// adrp x16, slot; ldr x16, [x16, lo12(slot)]; br x16; udf
void writeStub(uint8_t* at, uint64_t place, uint64_t slot) {
  static constexpr uint32_t code[4] = {0x90000010, 0xf9400210, 0xd61f0200, 0};
  std::memcpy(at, code, sizeof code);
  setAdr(at, (pageOf(slot) - pageOf(place)) >> 12);
  setField(at + 4, 10, 9, (slot & 0xfff) >> 3);
}

}  // namespace

const Architecture aarch64 = {EM_AARCH64, 16, form, apply, writeStub};

}  // namespace anywarp::object
