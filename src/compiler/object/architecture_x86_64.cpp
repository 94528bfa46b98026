// Relocations of x86-64 objects (System V ABI, AMD64 supplement: Relocation). SPDX-License-Identifier: Apache-2.0
#include <elf.h>

#include <cstring>

#include "compiler/object/architecture.h"

namespace anywarp::object {
namespace {

enum class Value : uint8_t { None, Absolute, Relative };

struct Row {
  uint32_t type;
  Via via;
  Value value;
  uint8_t bytes;
  bool isSigned;  // how a value of 4 bytes is extended
};

constexpr Row rows[] = {
    {R_X86_64_NONE, Via::Nothing, Value::None, 0, false},
    {R_X86_64_64, Via::Symbol, Value::Absolute, 8, false},
    {R_X86_64_32, Via::Symbol, Value::Absolute, 4, false},
    {R_X86_64_32S, Via::Symbol, Value::Absolute, 4, true},
    {R_X86_64_PC32, Via::Symbol, Value::Relative, 4, true},
    {R_X86_64_PC64, Via::Symbol, Value::Relative, 8, false},
    {R_X86_64_PLT32, Via::Call, Value::Relative, 4, true},
    {R_X86_64_GOTPCREL, Via::Got, Value::Relative, 4, true},
    {R_X86_64_GOTPCRELX, Via::Got, Value::Relative, 4, true},
    {R_X86_64_REX_GOTPCRELX, Via::Got, Value::Relative, 4, true},
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

bool apply(uint32_t type, const Patch& patch) {
  const Row& row = *find(type);
  uint64_t value = patch.symbol + static_cast<uint64_t>(patch.addend);
  if (row.value == Value::Relative) value -= patch.place;
  if (row.bytes == 4) {
    bool fits = row.isSigned ? static_cast<int64_t>(value) == static_cast<int32_t>(value) : value == static_cast<uint32_t>(value);
    if (!fits) return false;
  }
  std::memcpy(patch.at, &value, row.bytes);
  return true;
}

// jmp *slot(%rip), padded with int3.
void writeStub(uint8_t* at, uint64_t place, uint64_t slot) {
  static constexpr uint8_t code[8] = {0xff, 0x25, 0, 0, 0, 0, 0xcc, 0xcc};
  std::memcpy(at, code, sizeof code);
  int32_t distance = static_cast<int32_t>(slot - (place + 6));
  std::memcpy(at + 2, &distance, sizeof distance);
}

}  // namespace

const Architecture x86_64 = {EM_X86_64, 8, form, apply, writeStub};

}  // namespace anywarp::object
