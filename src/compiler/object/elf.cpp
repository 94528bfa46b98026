// Reads section headers, symbols and relocations of an ELF64 object. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/elf.h"

#include <cstring>

namespace anywarp::object {
namespace {

constexpr uint64_t largestSection = uint64_t(1) << 30;

Error broken(const char* what) { return Error{ErrorKind::Invalid, std::string("object file: ") + what}; }

template <class T>
bool readStruct(std::span<const uint8_t> bytes, uint64_t offset, T& value) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return false;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return true;
}

// The name at `offset` of a string table; "" where it does not end within it.
std::string_view nameAt(std::span<const uint8_t> table, uint64_t offset) {
  if (offset >= table.size()) return "";
  const char* start = reinterpret_cast<const char*>(table.data() + offset);
  const void* end = std::memchr(start, 0, table.size() - offset);
  return end ? std::string_view(start, static_cast<const char*>(end) - start) : "";
}

Status checkHeader(const Elf64_Ehdr& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return broken("not ELF");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) return broken("not 64-bit little-endian");
  if (header.e_type != ET_REL) return broken("not relocatable");
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return broken("unknown size of section headers");
  return {};
}

Status readSections(ElfObject& object, const Elf64_Ehdr& header) {
  for (uint32_t i = 0; i < header.e_shnum; ++i) {
    Section section;
    if (!readStruct(object.file, header.e_shoff + uint64_t(i) * sizeof(Elf64_Shdr), section.header))
      return broken("section headers end beyond the file");
    const Elf64_Shdr& h = section.header;
    if (h.sh_size > largestSection) return broken("section too large");
    if (h.sh_addralign > 4096 || (h.sh_addralign & (h.sh_addralign - 1))) return broken("section alignment");
    if (h.sh_flags & (SHF_COMPRESSED | SHF_TLS)) return broken("compressed or thread-local section");
    if (h.sh_type != SHT_NOBITS && h.sh_type != SHT_NULL) {
      if (h.sh_offset > object.file.size() || h.sh_size > object.file.size() - h.sh_offset)
        return broken("section ends beyond the file");
      section.bytes = object.file.subspan(h.sh_offset, h.sh_size);
    }
    object.sections.push_back(section);
  }
  if (header.e_shstrndx >= object.sections.size()) return broken("no section names");
  auto names = object.sections[header.e_shstrndx].bytes;
  for (Section& section : object.sections) section.name = nameAt(names, section.header.sh_name);
  return {};
}

Status readSymbols(ElfObject& object, const Section& table) {
  if (!object.symbols.empty()) return broken("two symbol tables");
  if (table.header.sh_link >= object.sections.size()) return broken("symbols without names");
  auto names = object.sections[table.header.sh_link].bytes;
  for (uint64_t at = 0; at < table.bytes.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym raw;
    if (!readStruct(table.bytes, at, raw)) return broken("symbol table size");
    Symbol symbol{nameAt(names, raw.st_name), raw.st_shndx,       raw.st_value, raw.st_size,
                  ELF64_ST_TYPE(raw.st_info), ELF64_ST_BIND(raw.st_info), ELF64_ST_VISIBILITY(raw.st_other)};
    bool special = symbol.section == SHN_UNDEF || symbol.section == SHN_ABS;
    if (!special && symbol.section >= object.sections.size()) return broken("symbol of an unknown section");
    if (!special && symbol.value > object.sections[symbol.section].header.sh_size) return broken("symbol outside its section");
    if (!special && symbol.size > object.sections[symbol.section].header.sh_size - symbol.value)
      return broken("symbol ends outside its section");
    object.symbols.push_back(symbol);
  }
  return {};
}

Status readRelocations(ElfObject& object, const Section& section) {
  if (section.header.sh_info >= object.sections.size()) return broken("relocations of an unknown section");
  RelocationList list{section.header.sh_info, {}};
  for (uint64_t at = 0; at < section.bytes.size(); at += sizeof(Elf64_Rela)) {
    Elf64_Rela raw;
    if (!readStruct(section.bytes, at, raw)) return broken("relocation table size");
    Relocation entry{raw.r_offset, static_cast<uint32_t>(ELF64_R_TYPE(raw.r_info)), static_cast<uint32_t>(ELF64_R_SYM(raw.r_info)),
                     raw.r_addend};
    if (entry.symbol >= object.symbols.size()) return broken("relocation with an unknown symbol");
    list.entries.push_back(entry);
  }
  object.relocations.push_back(std::move(list));
  return {};
}

}  // namespace

Result<ElfObject> readElf(std::span<const uint8_t> file) {
  ElfObject object;
  object.file = file;
  Elf64_Ehdr header;
  if (!readStruct(file, 0, header)) return broken("too short");
  if (Status good = checkHeader(header); !good) return good.error();
  object.machine = header.e_machine;
  if (Status good = readSections(object, header); !good) return good.error();
  for (const Section& section : object.sections)
    if (section.header.sh_type == SHT_SYMTAB)
      if (Status good = readSymbols(object, section); !good) return good.error();
  for (const Section& section : object.sections) {
    if (section.header.sh_type == SHT_REL) return broken("relocations without addends");
    if (section.header.sh_type == SHT_RELA)
      if (Status good = readRelocations(object, section); !good) return good.error();
  }
  return object;
}

}  // namespace anywarp::object
