// Fat binaries -> images -> PTX text (abi/fatbin.h has the layout). Every length is checked against what is really there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/fatbin.h"
#include "support/result.h"

namespace anywarp::fatbin {

enum class Compression : uint8_t { None, Lz4, Zstd };

// One entry of a fat binary. Views point into the container.
struct Image {
  abi::FatbinKind kind = abi::FatbinKind::Ptx;
  uint32_t arch = 0;              // 90 for sm_90
  char suffix = 0;                // 'a', 'f' or 0
  uint32_t versionMajor = 0, versionMinor = 0;
  uint64_t flags = 0;
  std::string_view name;          // source file, where the entry says it
  std::string_view options;       // what ptxas would have been given: "-maxrregcount=32"
  std::span<const uint8_t> payload;
  Compression compression = Compression::None;
  uint64_t uncompressedSize = 0;  // 0 where not compressed
};

// The entries of one container: `bytes` starts at its FatbinHeader and may be longer than the container.
Result<std::vector<Image>> readImages(std::span<const uint8_t> bytes);

// The text of a PTX image, decompressed, without its trailing NULs.
Result<std::string> ptxText(const Image& image);

// The PTX image that suits a device of compute capability `arch` (90 for 9.0) best: the highest unrestricted one not above it, else
// the lowest above it, else one for a single architecture. nullptr where there is no PTX at all.
const Image* choosePtx(std::span<const Image> images, uint32_t arch);

// Why choosePtx found nothing, and what the program's builder can do about it.
Error noPtxError(std::span<const Image> images, uint32_t arch);

// A PTX module as it came, ready for ptx::parseModule.
struct PtxSource {
  std::string text;
  std::string name;
  std::string options;
};

// What a program handed over, whatever form it had: PTX text, a fat binary's wrapper or header. More than one module: they were
// compiled separately and have to be linked (compiler/link.h).
struct Program {
  std::vector<PtxSource> modules;
};

// `bytes` is all there is (a file, cuLinkAddData).
Result<Program> readProgram(std::span<const uint8_t> bytes, uint32_t arch);

// `data` is a program's pointer without a length (cuModuleLoadData, cuLibraryLoadData).
Result<Program> readProgramAt(const void* data, uint32_t arch);

}  // namespace anywarp::fatbin
