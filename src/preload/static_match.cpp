// Comparing code with the runtime's archive. SPDX-License-Identifier: Apache-2.0
#include "preload/static_match.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

namespace anywarp::preload {
namespace {

constexpr uint64_t fewestAnchorBytes = 32;  // a shorter stretch would be found everywhere

// How far before and after the place of a relocation the linker may write.
struct Reach {
  unsigned before, after;
};

#if defined(__aarch64__)
Reach reachOf(uint32_t type) { return {0, type == R_AARCH64_ABS64 ? 8u : 4u}; }
#else
Reach reachOf(uint32_t type) {
  switch (type) {
    case R_X86_64_64:
    case R_X86_64_DTPOFF64:
    case R_X86_64_TPOFF64: return {0, 8};
    case R_X86_64_GOTPCRELX: return {2, 4};
    case R_X86_64_REX_GOTPCRELX:
    case R_X86_64_GOTTPOFF: return {3, 4};
    case R_X86_64_TLSGD: return {4, 12};
    case R_X86_64_TLSLD: return {3, 9};
    default: return {0, 4};
  }
}
#endif

void* mapMemory(uint64_t size) {
  void* map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return map == MAP_FAILED ? nullptr : map;
}

bool definesRuntime(const SymbolTable& table) {
  for (size_t i = 0; i < table.count; ++i)
    if (table.symbols[i].st_shndx != SHN_UNDEF && strcmp(table.name(table.symbols[i]), "__cudaRegisterFatBinary") == 0) return true;
  return false;
}

}  // namespace

RuntimeArchive::RuntimeArchive(const char* path) {
  if (!load(path)) return;
  object_ = reinterpret_cast<ElfImage*>(storage_);
}

RuntimeArchive::~RuntimeArchive() {
  if (object_) object_->~ElfImage();
  if (copy_) munmap(copy_, copyBytes_);
  if (fixed_) munmap(fixed_, codeBytes_);
}

// The format of ar: a line of 60 characters before each member, its size in decimal digits from the 49th on.
bool RuntimeArchive::load(const char* path) {
  constexpr char magic[] = "!<arch>\n";
  constexpr uint64_t magicBytes = 8, headerBytes = 60, sizeAt = 48, sizeDigits = 10;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct stat info;
  void* map = MAP_FAILED;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
    map = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (map == MAP_FAILED) return false;
  auto* bytes = static_cast<const uint8_t*>(map);
  auto size = static_cast<uint64_t>(info.st_size);
  bool found = false;
  uint64_t place = magicBytes;
  if (size > magicBytes && memcmp(bytes, magic, magicBytes) == 0) {
    while (!found && place <= size && size - place > headerBytes) {
      char digits[sizeDigits + 1] = {};
      memcpy(digits, bytes + place + sizeAt, sizeDigits);
      uint64_t member = strtoull(digits, nullptr, 10);
      place += headerBytes;
      if (member > size - place) break;
      found = useMember(bytes + place, member);
      place += member + (member & 1);
    }
  }
  munmap(map, size);
  return found;
}

bool RuntimeArchive::useMember(const uint8_t* bytes, uint64_t size) {
  if (size < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0) return false;
  if (copy_) munmap(copy_, copyBytes_);
  copy_ = static_cast<uint8_t*>(mapMemory(size));
  copyBytes_ = size;
  if (!copy_) return false;
  memcpy(copy_, bytes, size);
  auto* object = new (storage_) ElfImage(copy_, size);
  if (!object->isOpen() || !definesRuntime(object->symbols(SHT_SYMTAB))) return false;
  const Elf64_Shdr* text = nullptr;
  for (unsigned i = 0; object->section(i); ++i)
    if (strcmp(object->sectionName(*object->section(i)), ".text") == 0) text = object->section(i), codeSection_ = i;
  if (!text || text->sh_size == 0) return false;
  code_ = static_cast<const uint8_t*>(object->at(text->sh_offset, text->sh_size));
  codeBytes_ = text->sh_size;
  fixed_ = code_ ? static_cast<uint8_t*>(mapMemory(codeBytes_)) : nullptr;
  if (!fixed_) return false;
  memset(fixed_, 1, codeBytes_);
  for (unsigned i = 0; object->section(i); ++i) {
    const Elf64_Shdr& s = *object->section(i);
    if (s.sh_type != SHT_RELA || s.sh_info != codeSection_) continue;
    auto* list = static_cast<const Elf64_Rela*>(object->at(s.sh_offset, s.sh_size));
    for (uint64_t r = 0; list && r < s.sh_size / sizeof *list; ++r) {
      Reach reach = reachOf(ELF64_R_TYPE(list[r].r_info));
      uint64_t from = list[r].r_offset > reach.before ? list[r].r_offset - reach.before : 0, to = list[r].r_offset + reach.after;
      for (uint64_t k = from; k < to && k < codeBytes_; ++k) fixed_[k] = 0;
    }
  }
  findAnchor();
  return anchorBytes_ >= fewestAnchorBytes;
}

void RuntimeArchive::findAnchor() {
  uint64_t start = 0;
  for (uint64_t i = 0; i <= codeBytes_; ++i) {
    if (i < codeBytes_ && fixed_[i]) continue;
    if (i - start > anchorBytes_) anchor_ = start, anchorBytes_ = i - start;
    start = i + 1;
  }
}

bool RuntimeArchive::agrees(const uint8_t* code) const {
  for (uint64_t i = 0; i < codeBytes_; ++i)
    if (fixed_[i] && code[i] != code_[i]) return false;
  return true;
}

bool RuntimeArchive::find(const ElfImage& image, uint64_t* address) const {
  for (unsigned n = 0; image.section(n); ++n) {
    const Elf64_Shdr& s = *image.section(n);
    if (s.sh_type != SHT_PROGBITS || !(s.sh_flags & SHF_EXECINSTR) || s.sh_size < codeBytes_) continue;
    auto* bytes = static_cast<const uint8_t*>(image.at(s.sh_offset, s.sh_size));
    if (!bytes) continue;
    const uint8_t *from = bytes + anchor_, *end = bytes + s.sh_size - (codeBytes_ - anchor_ - anchorBytes_);
    while (from < end) {
      auto* hit = static_cast<const uint8_t*>(memmem(from, static_cast<size_t>(end - from), code_ + anchor_, anchorBytes_));
      if (!hit) break;
      if (agrees(hit - anchor_)) {
        *address = s.sh_addr + static_cast<uint64_t>(hit - anchor_ - bytes);
        return true;
      }
      from = hit + 1;
    }
  }
  return false;
}

const char* namedRuntimeArchives() {
  const char* given = getenv("ANYWARP_CUDART_STATIC");
  return given ? given : "";
}

bool nextArchive(const char** list, char* path, uint64_t size) {
  while (**list) {
    const char* end = strchrnul(*list, ':');
    auto length = static_cast<uint64_t>(end - *list);
    bool fits = length > 0 && length < size;
    if (fits) memcpy(path, *list, length), path[length] = 0;
    *list = *end ? end + 1 : end;
    if (fits) return true;
  }
  return false;
}

}  // namespace anywarp::preload
