// An ELF file on disk, mapped to be read: sections and symbols. Trusts no field of it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>

namespace anywarp::preload {

// One symbol table and its strings.
struct SymbolTable {
  const Elf64_Sym* symbols = nullptr;
  size_t count = 0;
  const char* strings = nullptr;
  size_t stringBytes = 0;

  // The empty string when the offset lies outside.
  const char* name(const Elf64_Sym& symbol) const;
};

class ElfImage {
 public:
  // Not open() when the file is no 64-bit ELF object of this machine, or cannot be read.
  explicit ElfImage(const char* path);
  // The same of memory that stays the caller's.
  ElfImage(const uint8_t* bytes, size_t size);
  ~ElfImage();
  ElfImage(const ElfImage&) = delete;
  ElfImage& operator=(const ElfImage&) = delete;

  bool isOpen() const { return header_ != nullptr; }
  bool hasSection(const char* name) const;
  size_t sectionBytes(const char* name) const;  // 0 where there is none
  SymbolTable symbols(uint32_t type) const;  // SHT_SYMTAB or SHT_DYNSYM
  // The i-th library that the object asks for (DT_NEEDED), nullptr past the last.
  const char* needed(size_t index) const;
  const Elf64_Shdr* section(unsigned index) const;  // nullptr past the last
  const char* sectionName(const Elf64_Shdr& section) const;
  // Part of the file, nullptr where it does not lie in it.
  const void* at(uint64_t offset, uint64_t size) const;
  const uint8_t* bytes() const { return bytes_; }
  size_t size() const { return size_; }

 private:
  void readHeader();

  const uint8_t* bytes_ = nullptr;
  size_t size_ = 0;
  bool isMapped_ = false;
  const Elf64_Ehdr* header_ = nullptr;
  const Elf64_Shdr* sections_ = nullptr;
};

}  // namespace anywarp::preload
