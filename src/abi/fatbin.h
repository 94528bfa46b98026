// Fat binaries: the container in which nvcc and its companions hand PTX and machine code to a driver (crt: fatBinaryCtl).
// Every number comes from a file or a foreign pointer: readers check it. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::abi {

inline constexpr uint32_t fatbinWrapperMagic = 0x466243b1;
inline constexpr uint32_t fatbinHeaderMagic = 0xba55ed50;

// In .nvFatBinSegment; what __cudaRegisterFatBinary and cuLibraryLoadData get.
struct FatbinWrapper {
  uint32_t magic;
  uint32_t version;               // 1: ordinary; 2: result of a device link
  const void* data;               // FatbinHeader
  const void* filenameOrFatbins;  // version 2: null-terminated array of headers, one per linked object
};
static_assert(sizeof(FatbinWrapper) == 24);

struct FatbinHeader {
  uint32_t magic;
  uint16_t version;
  uint16_t headerSize;
  uint64_t fatSize;  // of everything after the header
};
static_assert(sizeof(FatbinHeader) == 16);

enum class FatbinKind : uint16_t { Ptx = 1, Cubin = 2, LtoIr = 8 };

enum FatbinFlag : uint64_t {
  fatbin64Bit = 0x1,
  fatbinDebug = 0x2,
  fatbinLinux = 0x10,
  fatbinLz4 = 0x2000,
  fatbinZstd = 0x8000,
  fatbinLtoIr = 0x10000,
  fatbinArchSpecific = 0x100000,    // sm_90a
  fatbinFamilySpecific = 0x200000,  // sm_100f
};

// One image; the payload follows after headerSize bytes, the next entry after payloadSize more.
struct FatbinEntry {
  uint16_t kind;
  uint16_t version;
  uint32_t headerSize;
  uint64_t payloadSize;       // as stored
  uint32_t compressedSize;    // 0: not compressed
  uint32_t optionsOffset;     // from the entry's start; 0: none
  uint16_t codeVersionMinor, codeVersionMajor;
  uint32_t arch;              // 90 for sm_90
  uint32_t nameOffset, nameLength;
  uint64_t flags;
  uint64_t reserved;
  uint64_t uncompressedSize;  // 0: not compressed
};
static_assert(sizeof(FatbinEntry) == 64);

}  // namespace anywarp::abi
