// libnvfatbin.so.12 and .13: makes fat binaries of PTX, and of the PTX that our stand-ins give as a cubin (docs/decisions/0014).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "abi/fatbin.h"
#include "compiler/ptx/ast.h"
#include "libs/toolchain/nvfatbin_api.h"
#include "support/log.h"

// Written by the auditing library as in the other stand-ins; nothing of theirs is needed here.
extern "C" __attribute__((visibility("default"))) char anywarpReplacedLibrary[4096];
char anywarpReplacedLibrary[4096];

namespace anywarp::toolchain {
namespace {

struct Fatbin {
  std::mutex mutex;
  std::vector<uint8_t> entries;
};

// Handles are numbers, so a wrong one is found out.
struct Table {
  std::mutex mutex;
  std::unordered_map<uintptr_t, std::shared_ptr<Fatbin>> fatbins;
  uintptr_t next = 0x6e660001;
};
Table& table() {
  static Table& t = *new Table;
  return t;
}

template <class Body>
FatbinResult with(void* handle, Body&& body) {
  std::shared_ptr<Fatbin> fatbin;
  {
    std::lock_guard lock(table().mutex);
    auto it = table().fatbins.find(reinterpret_cast<uintptr_t>(handle));
    if (it != table().fatbins.end()) fatbin = it->second;
  }
  if (!fatbin) return FatbinResult::NullPointer;
  std::lock_guard lock(fatbin->mutex);
  return body(*fatbin);
}

constexpr const char* messages[] = {"success",
                                    "internal error",
                                    "the machine code is for another architecture",
                                    "the machine code has another address size",
                                    "the PTX has no .version",
                                    "a pointer or handle is null or unknown",
                                    "compression failed",
                                    "the compressed size is larger than allowed",
                                    "unrecognized option",
                                    "invalid architecture",
                                    "invalid LTO-IR",
                                    "the input is empty",
                                    "the PTX has no .target",
                                    "the PTX is for another architecture",
                                    "the object holds no fat binary",
                                    "invalid index",
                                    "an identifier was used before",
                                    "an option for the PTX is internal"};

// What a fat binary may be asked for. All are made for 64 bits and Linux and without compression, which readers do not mind.
constexpr std::string_view options[] = {"-64", "-c", "-compress", "-cuda", "-g", "-device-debug", "-host=linux", "-lineinfo"};

bool known(std::string_view option) {
  while (option.starts_with("--")) option.remove_prefix(1);
  return std::any_of(std::begin(options), std::end(options), [&](std::string_view name) { return option.starts_with(name); });
}

struct Arch {
  uint32_t number = 0;
  char suffix = 0;
};

// "90", "90a", "sm_90a"
std::optional<Arch> readArch(const char* text) {
  if (const char* underscore = std::strchr(text, '_')) text = underscore + 1;
  char* end = nullptr;
  unsigned long number = std::strtoul(text, &end, 10);
  if (end == text || number < 10 || number > 999 || (*end && (std::strchr("af", *end) == nullptr || end[1]))) return std::nullopt;
  return Arch{uint32_t(number), *end};
}

struct Entry {
  abi::FatbinKind kind;
  Arch arch;
  uint16_t major = 0, minor = 0;
  std::string_view name, jitOptions, payload;
};

size_t padded(size_t n) { return (n + 7) / 8 * 8; }

void append(Fatbin& fatbin, const Entry& entry) {
  abi::FatbinEntry header{};
  // After the header: where the options lie, the name, the options.
  uint32_t record[2];
  size_t nameAt = sizeof(header) + sizeof(record), optionsAt = nameAt + entry.name.size() + 1;
  record[0] = uint32_t(optionsAt), record[1] = uint32_t(entry.jitOptions.size());
  header.kind = uint16_t(entry.kind);
  header.version = 0x101;
  header.headerSize = uint32_t(padded(optionsAt + entry.jitOptions.size() + 1));
  header.payloadSize = padded(entry.payload.size() + 1);
  header.optionsOffset = entry.jitOptions.empty() ? 0 : uint32_t(sizeof(header));
  header.codeVersionMajor = entry.major, header.codeVersionMinor = entry.minor;
  header.arch = entry.arch.number;
  header.nameOffset = uint32_t(nameAt), header.nameLength = uint32_t(entry.name.size());
  header.flags = abi::fatbin64Bit | abi::fatbinLinux;
  if (entry.kind == abi::FatbinKind::LtoIr) header.flags |= abi::fatbinLtoIr;
  if (entry.arch.suffix == 'a') header.flags |= abi::fatbinArchSpecific;
  if (entry.arch.suffix == 'f') header.flags |= abi::fatbinFamilySpecific;
  std::vector<uint8_t>& out = fatbin.entries;
  size_t start = out.size();
  out.resize(start + header.headerSize + header.payloadSize);
  std::memcpy(&out[start], &header, sizeof(header));
  std::memcpy(&out[start + sizeof(header)], record, sizeof(record));
  std::memcpy(&out[start + nameAt], entry.name.data(), entry.name.size());
  std::memcpy(&out[start + optionsAt], entry.jitOptions.data(), entry.jitOptions.size());
  std::memcpy(&out[start + header.headerSize], entry.payload.data(), entry.payload.size());
}

FatbinResult addPtx(Fatbin& fatbin, std::string_view code, Arch arch, const char* name, const char* jitOptions) {
  code = code.substr(0, code.find_last_not_of('\0') + 1);
  if (code.empty()) return FatbinResult::EmptyInput;
  if (code.find(".version") == code.npos) return FatbinResult::MissingPtxVersion;
  if (code.find(".target") == code.npos) return FatbinResult::MissingPtxArch;
  Result<std::unique_ptr<ptx::Module>> module = ptx::parseModule(std::string(code), name);
  if (!module) {
    log::warn("nvFatbin: {}", module.error().message);
    return FatbinResult::Internal;
  }
  const ptx::Module& m = **module;
  if (m.target > arch.number || (m.targetSuffix == 'a' && m.target != arch.number)) return FatbinResult::PtxArchMismatch;
  append(fatbin, {abi::FatbinKind::Ptx, {m.target, m.targetSuffix}, uint16_t(m.versionMajor), uint16_t(m.versionMinor), name, jitOptions, code});
  return FatbinResult::Success;
}

bool isText(std::string_view code) { return !code.starts_with("\x7f" "ELF") && code.find(".version") != code.npos; }

FatbinResult missing(const char* what) {
  log::warn("nvFatbin: {} is not supported by anywarp", what);
  return FatbinResult::Internal;
}

}  // namespace
}  // namespace anywarp::toolchain

using namespace anywarp;
using namespace anywarp::toolchain;

#pragma GCC visibility push(default)
extern "C" {

FatbinResult nvFatbinVersion(unsigned* major, unsigned* minor) {
  if (!major || !minor) return FatbinResult::NullPointer;
  *major = ANYWARP_NVFATBIN_MAJOR;
  *minor = ANYWARP_NVFATBIN_MAJOR == 12 ? 9 : 0;
  return FatbinResult::Success;
}

const char* nvFatbinGetErrorString(FatbinResult result) {
  auto index = size_t(result);
  return index < std::size(messages) ? messages[index] : "no such result";
}

FatbinResult nvFatbinCreate(void** handle, const char** names, size_t count) {
  if (!handle || (count > 0 && !names)) return FatbinResult::NullPointer;
  for (size_t i = 0; i < count; ++i) {
    if (!names[i]) return FatbinResult::NullPointer;
    if (!known(names[i])) return FatbinResult::UnrecognizedOption;
  }
  std::lock_guard lock(table().mutex);
  uintptr_t id = table().next++;
  table().fatbins[id] = std::make_shared<Fatbin>();
  *handle = reinterpret_cast<void*>(id);
  return FatbinResult::Success;
}

FatbinResult nvFatbinDestroy(void** handle) {
  if (!handle) return FatbinResult::NullPointer;
  std::lock_guard lock(table().mutex);
  if (table().fatbins.erase(reinterpret_cast<uintptr_t>(*handle)) == 0) return FatbinResult::NullPointer;
  *handle = nullptr;
  return FatbinResult::Success;
}

FatbinResult nvFatbinAddPTX(void* handle, const char* code, size_t size, const char* archText, const char* name, const char* jitOptions) {
  if (!code || !archText) return FatbinResult::NullPointer;
  std::optional<Arch> arch = readArch(archText);
  if (!arch) return FatbinResult::InvalidArch;
  return with(handle, [&](Fatbin& fatbin) { return addPtx(fatbin, {code, size}, *arch, name ? name : "", jitOptions ? jitOptions : ""); });
}

// Machine code of a GPU is kept too, for tools that show what is inside; our driver takes the PTX beside it.
FatbinResult nvFatbinAddCubin(void* handle, const void* code, size_t size, const char* archText, const char* name) {
  if (!code || !archText) return FatbinResult::NullPointer;
  if (size == 0) return FatbinResult::EmptyInput;
  std::optional<Arch> arch = readArch(archText);
  if (!arch) return FatbinResult::InvalidArch;
  return with(handle, [&](Fatbin& fatbin) {
    std::string_view bytes(static_cast<const char*>(code), size);
    if (isText(bytes)) return addPtx(fatbin, bytes, *arch, name ? name : "", "");
    if (!bytes.starts_with("\x7f" "ELF")) return FatbinResult::ElfArchMismatch;
    append(fatbin, {abi::FatbinKind::Cubin, *arch, 1, 7, name ? name : "", "", bytes});
    return FatbinResult::Success;
  });
}

FatbinResult nvFatbinAddLTOIR(void* handle, const void* code, size_t size, const char* archText, const char* name, const char* jitOptions) {
  if (!code || !archText) return FatbinResult::NullPointer;
  if (size == 0) return FatbinResult::EmptyInput;
  std::optional<Arch> arch = readArch(archText);
  if (!arch) return FatbinResult::InvalidArch;
  return with(handle, [&](Fatbin& fatbin) {
    append(fatbin, {abi::FatbinKind::LtoIr, *arch, 1, 0, name ? name : "", jitOptions ? jitOptions : "", {static_cast<const char*>(code), size}});
    return FatbinResult::Success;
  });
}

FatbinResult nvFatbinAddReloc(void* handle, const void* code, size_t) {
  if (!code) return FatbinResult::NullPointer;
  return with(handle, [](Fatbin&) { return missing("relocatable PTX of a host object"); });
}

FatbinResult nvFatbinAddIndex(void* handle, const void* code, size_t, const char*) {
  if (!code) return FatbinResult::NullPointer;
  return with(handle, [](Fatbin&) { return missing("an index"); });
}

FatbinResult nvFatbinAddTileIR(void* handle, const void* code, size_t, const char*, const char*) {
  if (!code) return FatbinResult::NullPointer;
  return with(handle, [](Fatbin&) { return missing("Tile IR"); });
}

FatbinResult nvFatbinSize(void* handle, size_t* size) {
  if (!size) return FatbinResult::NullPointer;
  return with(handle, [&](Fatbin& fatbin) {
    *size = sizeof(abi::FatbinHeader) + fatbin.entries.size();
    return FatbinResult::Success;
  });
}

FatbinResult nvFatbinGet(void* handle, void* buffer) {
  if (!buffer) return FatbinResult::NullPointer;
  return with(handle, [&](Fatbin& fatbin) {
    abi::FatbinHeader header{abi::fatbinHeaderMagic, 1, sizeof(abi::FatbinHeader), fatbin.entries.size()};
    std::memcpy(buffer, &header, sizeof(header));
    if (!fatbin.entries.empty()) std::memcpy(static_cast<uint8_t*>(buffer) + sizeof(header), fatbin.entries.data(), fatbin.entries.size());
    return FatbinResult::Success;
  });
}
}
#pragma GCC visibility pop
