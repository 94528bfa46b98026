// Reading an ELF file. SPDX-License-Identifier: Apache-2.0
#include "preload/elf_image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace anywarp::preload {
namespace {

#if defined(__aarch64__)
constexpr uint16_t thisMachine = EM_AARCH64;
#else
constexpr uint16_t thisMachine = EM_X86_64;
#endif

bool isObject(const Elf64_Ehdr* h) {
  return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_machine == thisMachine &&
         h->e_shentsize == sizeof(Elf64_Shdr);
}

}  // namespace

const char* SymbolTable::name(const Elf64_Sym& symbol) const {
  return symbol.st_name < stringBytes ? strings + symbol.st_name : "";
}

ElfImage::ElfImage(const char* path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  struct stat info;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= static_cast<off_t>(sizeof(Elf64_Ehdr))) {
    void* map = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (map != MAP_FAILED) bytes_ = static_cast<const uint8_t*>(map), size_ = static_cast<size_t>(info.st_size), isMapped_ = true;
  }
  close(file);
  readHeader();
}

ElfImage::ElfImage(const uint8_t* bytes, size_t size) : bytes_(bytes), size_(size) { readHeader(); }

void ElfImage::readHeader() {
  auto* header = static_cast<const Elf64_Ehdr*>(at(0, sizeof(Elf64_Ehdr)));
  if (!header || !isObject(header)) return;
  sections_ = static_cast<const Elf64_Shdr*>(at(header->e_shoff, uint64_t{header->e_shnum} * sizeof(Elf64_Shdr)));
  if (sections_ && header->e_shnum) header_ = header;
}

ElfImage::~ElfImage() {
  if (isMapped_) munmap(const_cast<uint8_t*>(bytes_), size_);
}

const void* ElfImage::at(uint64_t offset, uint64_t size) const {
  return bytes_ && offset <= size_ && size <= size_ - offset ? bytes_ + offset : nullptr;
}

const char* ElfImage::sectionName(const Elf64_Shdr& section) const {
  if (header_->e_shstrndx >= header_->e_shnum) return "";
  const Elf64_Shdr& names = sections_[header_->e_shstrndx];
  auto* strings = static_cast<const char*>(at(names.sh_offset, names.sh_size));
  if (!strings || section.sh_name >= names.sh_size || strings[names.sh_size - 1]) return "";
  return strings + section.sh_name;
}

const Elf64_Shdr* ElfImage::section(unsigned index) const { return index < header_->e_shnum ? sections_ + index : nullptr; }

bool ElfImage::hasSection(const char* name) const {
  for (unsigned i = 0; i < header_->e_shnum; ++i)
    if (strcmp(sectionName(sections_[i]), name) == 0) return true;
  return false;
}

size_t ElfImage::sectionBytes(const char* name) const {
  for (unsigned i = 0; i < header_->e_shnum; ++i)
    if (strcmp(sectionName(sections_[i]), name) == 0) return sections_[i].sh_size;
  return 0;
}

SymbolTable ElfImage::symbols(uint32_t type) const {
  for (unsigned i = 0; i < header_->e_shnum; ++i) {
    const Elf64_Shdr& s = sections_[i];
    if (s.sh_type != type || s.sh_link >= header_->e_shnum) continue;
    const Elf64_Shdr& names = sections_[s.sh_link];
    SymbolTable table;
    table.symbols = static_cast<const Elf64_Sym*>(at(s.sh_offset, s.sh_size));
    table.strings = static_cast<const char*>(at(names.sh_offset, names.sh_size));
    if (!table.symbols || !table.strings || !names.sh_size || table.strings[names.sh_size - 1]) return {};
    table.count = s.sh_size / sizeof(Elf64_Sym);
    table.stringBytes = names.sh_size;
    return table;
  }
  return {};
}

const char* ElfImage::needed(size_t index) const {
  for (unsigned i = 0; i < header_->e_shnum; ++i) {
    const Elf64_Shdr& s = sections_[i];
    if (s.sh_type != SHT_DYNAMIC || s.sh_link >= header_->e_shnum) continue;
    const Elf64_Shdr& names = sections_[s.sh_link];
    auto* entries = static_cast<const Elf64_Dyn*>(at(s.sh_offset, s.sh_size));
    auto* strings = static_cast<const char*>(at(names.sh_offset, names.sh_size));
    if (!entries || !strings || !names.sh_size || strings[names.sh_size - 1]) return nullptr;
    for (size_t n = 0; n < s.sh_size / sizeof(Elf64_Dyn); ++n)
      if (entries[n].d_tag == DT_NEEDED && entries[n].d_un.d_val < names.sh_size && index-- == 0)
        return strings + entries[n].d_un.d_val;
  }
  return nullptr;
}

}  // namespace anywarp::preload
