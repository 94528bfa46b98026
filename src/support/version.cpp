// Version numbers from the build, build ids from ELF notes. SPDX-License-Identifier: Apache-2.0
#include "support/version.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#ifndef ANYWARP_VERSION
#define ANYWARP_VERSION "0"
#endif
#ifndef ANYWARP_REVISION
#define ANYWARP_REVISION ""
#endif

namespace anywarp {
namespace {

constexpr size_t largestNotes = 1 << 16;

bool readAt(int fd, void* to, size_t size, uint64_t offset) {
  return ::pread(fd, to, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

std::string hexOf(const uint8_t* bytes, size_t size) {
  std::string out;
  for (size_t i = 0; i < size; ++i) {
    out += "0123456789abcdef"[bytes[i] >> 4];
    out += "0123456789abcdef"[bytes[i] & 15];
  }
  return out;
}

// The GNU build id among the notes; "" where there is none.
std::string buildIdInNotes(const std::vector<uint8_t>& notes) {
  auto padded = [](uint64_t size) { return (size + 3) & ~uint64_t(3); };
  for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    Elf64_Nhdr header;
    std::memcpy(&header, &notes[at], sizeof header);
    uint64_t name = at + sizeof header, content = name + padded(header.n_namesz), next = content + padded(header.n_descsz);
    if (content + header.n_descsz > notes.size()) break;
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 && std::memcmp(&notes[name], "GNU", 4) == 0)
      return hexOf(&notes[content], header.n_descsz);
    at = next;
  }
  return "";
}

std::string noteOfFile(int fd) {
  Elf64_Ehdr elf;
  if (!readAt(fd, &elf, sizeof elf, 0) || std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0) return "";
  for (unsigned i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!readAt(fd, &segment, sizeof segment, elf.e_phoff + uint64_t(i) * sizeof segment)) return "";
    if (segment.p_type != PT_NOTE || segment.p_filesz > largestNotes) continue;
    std::vector<uint8_t> notes(segment.p_filesz);
    if (!readAt(fd, notes.data(), notes.size(), segment.p_offset)) return "";
    std::string id = buildIdInNotes(notes);
    if (!id.empty()) return id;
  }
  return "";
}

std::string sizeAndTime(int fd) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return "";
  return std::to_string(info.st_size) + "-" + std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

const char* version() { return ANYWARP_VERSION; }
const char* sourceRevision() { return ANYWARP_REVISION; }

std::string buildIdOfFile(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string id = noteOfFile(fd);
  if (id.empty()) id = sizeAndTime(fd);
  ::close(fd);
  return id;
}

std::string buildId(const void* address) {
  Dl_info info;
  if (!address) address = reinterpret_cast<const void*>(&version);
  if (!dladdr(address, &info) || !info.dli_fname) return "";
  std::string id = buildIdOfFile(info.dli_fname);
  // The main program's name may be relative to a folder that is no longer the current one.
  return id.empty() ? buildIdOfFile("/proc/self/exe") : id;
}

}  // namespace anywarp
