// Finding a CUDA runtime that was linked in and whose names were stripped away (docs/decisions/0024). SPDX-License-Identifier: Apache-2.0
// Only for who names the libcudart_static.a of that release (ANYWARP_CUDART_STATIC): its code is compared with the object's, and where
// all bytes agree, except those that the linker fills in, every function lies where the archive's symbols say.
#pragma once

#include <cstdint>

#include "preload/elf_image.h"

namespace anywarp::preload {

// The runtime's object of an archive, in memory of its own.
class RuntimeArchive {
 public:
  // Not isOpen() where the file is no archive that holds the runtime.
  explicit RuntimeArchive(const char* path);
  ~RuntimeArchive();
  RuntimeArchive(const RuntimeArchive&) = delete;
  RuntimeArchive& operator=(const RuntimeArchive&) = delete;

  bool isOpen() const { return object_ != nullptr; }
  // Where the archive's code lies in `image`, as an address of its file; false where it does not.
  bool find(const ElfImage& image, uint64_t* address) const;
  // Symbols of the archive's object; values are offsets from what find() tells, for functions in section codeSection().
  SymbolTable symbols() const { return object_->symbols(SHT_SYMTAB); }
  unsigned codeSection() const { return codeSection_; }

 private:
  bool load(const char* path);
  bool useMember(const uint8_t* bytes, uint64_t size);
  void findAnchor();
  bool agrees(const uint8_t* code) const;

  alignas(ElfImage) unsigned char storage_[sizeof(ElfImage)];
  ElfImage* object_ = nullptr;
  uint8_t* copy_ = nullptr;     // of the member
  uint64_t copyBytes_ = 0;
  unsigned codeSection_ = 0;
  const uint8_t* code_ = nullptr;
  uint64_t codeBytes_ = 0;
  uint8_t* fixed_ = nullptr;    // for each byte of the code: 1 where the linker leaves it alone
  uint64_t anchor_ = 0, anchorBytes_ = 0;  // the longest stretch of such bytes
};

// The archives that the user names, one after the other: the first of `list` goes to `path`, and `list` moves on. False: no more.
const char* namedRuntimeArchives();
bool nextArchive(const char** list, char* path, uint64_t size);

}  // namespace anywarp::preload
