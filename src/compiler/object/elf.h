// A relocatable ELF64 object, read with every offset checked: nothing here trusts the file. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <elf.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace anywarp::object {

struct Section {
  std::string_view name;
  Elf64_Shdr header{};
  std::span<const uint8_t> bytes;  // empty for SHT_NOBITS

  bool isLoaded() const { return header.sh_flags & SHF_ALLOC && header.sh_size != 0; }
  bool isCode() const { return header.sh_flags & SHF_EXECINSTR; }
  bool isWritable() const { return header.sh_flags & SHF_WRITE; }
};

struct Symbol {
  std::string_view name;
  uint32_t section = SHN_UNDEF;  // checked: a section of the object, or SHN_UNDEF, SHN_ABS
  uint64_t value = 0, size = 0;
  uint8_t type = 0, binding = 0, visibility = 0;  // STT_, STB_, STV_
};

struct Relocation {
  uint64_t offset = 0;           // in the target section; not yet checked, its width is the relocation's matter
  uint32_t type = 0, symbol = 0; // checked: an index into ElfObject::symbols
  int64_t addend = 0;
};

struct RelocationList {
  uint32_t target = 0;           // section
  std::vector<Relocation> entries;
};

// Views into `file`, which must outlive it.
struct ElfObject {
  std::span<const uint8_t> file;
  uint16_t machine = 0;
  std::vector<Section> sections;
  std::vector<Symbol> symbols;
  std::vector<RelocationList> relocations;
};

Result<ElfObject> readElf(std::span<const uint8_t> file);

}  // namespace anywarp::object
