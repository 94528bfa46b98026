// Reads the container: header, entries, options, names. SPDX-License-Identifier: Apache-2.0
#include "compiler/fatbin/fatbin.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "support/log.h"

namespace anywarp::fatbin {
namespace {

Error broken(std::string what) { return {ErrorKind::Invalid, "fat binary: " + std::move(what)}; }

template <class T>
bool readAt(std::span<const uint8_t> bytes, uint64_t offset, T& value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return true;
}

// A string of the entry's optional part; empty where the record is absent or points outside it.
std::string_view textAt(std::span<const uint8_t> entry, uint64_t offset, uint64_t length) {
  if (offset == 0 || offset > entry.size() || entry.size() - offset < length) return {};
  std::string_view text(reinterpret_cast<const char*>(entry.data()) + offset, length);
  return text.substr(0, text.find('\0'));
}

std::string_view optionsOf(std::span<const uint8_t> header, const abi::FatbinEntry& entry) {
  uint32_t record[2];
  if (entry.optionsOffset == 0 || !readAt(header, entry.optionsOffset, record)) return {};
  return textAt(header, record[0], record[1]);
}

Compression compressionOf(uint64_t flags) {
  if (flags & abi::fatbinZstd) return Compression::Zstd;
  if (flags & abi::fatbinLz4) return Compression::Lz4;
  return Compression::None;
}

char suffixOf(uint64_t flags) {
  if (flags & abi::fatbinArchSpecific) return 'a';
  return flags & abi::fatbinFamilySpecific ? 'f' : 0;
}

Result<Image> readEntry(std::span<const uint8_t> bytes, const abi::FatbinEntry& entry) {
  std::span<const uint8_t> header = bytes.first(entry.headerSize);
  Image image;
  image.kind = static_cast<abi::FatbinKind>(entry.kind);
  image.arch = entry.arch;
  image.suffix = suffixOf(entry.flags);
  image.versionMajor = entry.codeVersionMajor;
  image.versionMinor = entry.codeVersionMinor;
  image.flags = entry.flags;
  image.name = textAt(header, entry.nameOffset, entry.nameLength);
  image.options = optionsOf(header, entry);
  image.payload = bytes.subspan(entry.headerSize, entry.payloadSize);
  image.compression = compressionOf(entry.flags);
  if (image.compression == Compression::None) return image;
  if (entry.compressedSize > entry.payloadSize)
    return broken(fmt::format("compressed size {} is above the payload's {}", entry.compressedSize, entry.payloadSize));
  image.payload = image.payload.first(entry.compressedSize ? entry.compressedSize : entry.payloadSize);
  image.uncompressedSize = entry.uncompressedSize;
  return image;
}

std::string archName(const Image& image) {
  std::string name = fmt::format("{}", image.arch);
  if (image.suffix) name += image.suffix;
  return name;
}

const char* kindPrefix(abi::FatbinKind kind) {
  switch (kind) {
    case abi::FatbinKind::Ptx: return "compute_";
    case abi::FatbinKind::Cubin: return "sm_";
    case abi::FatbinKind::LtoIr: return "lto_";
  }
  return "unknown_";
}

}  // namespace

Result<std::vector<Image>> readImages(std::span<const uint8_t> bytes) {
  abi::FatbinHeader header;
  if (!readAt(bytes, 0, header)) return broken(fmt::format("{} bytes are too few for a header", bytes.size()));
  if (header.magic != abi::fatbinHeaderMagic) return broken(fmt::format("magic is {:#x}, expected {:#x}", header.magic, abi::fatbinHeaderMagic));
  if (header.headerSize < sizeof(header) || header.headerSize > bytes.size())
    return broken(fmt::format("header size {} is not within {} and {}", header.headerSize, sizeof(header), bytes.size()));
  bytes = bytes.subspan(header.headerSize);
  if (header.fatSize > bytes.size())
    return broken(fmt::format("header announces {} bytes, {} are there", header.fatSize, bytes.size()));
  bytes = bytes.first(header.fatSize);

  std::vector<Image> images;
  while (!bytes.empty()) {
    abi::FatbinEntry entry;
    if (!readAt(bytes, 0, entry)) break;  // padding
    if (entry.headerSize < sizeof(entry) || entry.headerSize > bytes.size())
      return broken(fmt::format("entry {}: header size {} is not within {} and {}", images.size(), entry.headerSize, sizeof(entry), bytes.size()));
    if (entry.payloadSize > bytes.size() - entry.headerSize)
      return broken(fmt::format("entry {}: payload of {} bytes, {} are there", images.size(), entry.payloadSize, bytes.size() - entry.headerSize));
    Result<Image> image = readEntry(bytes, entry);
    if (!image) return image.error();
    images.push_back(*image);
    bytes = bytes.subspan(entry.headerSize + entry.payloadSize);
  }
  return images;
}

const Image* choosePtx(std::span<const Image> images, uint32_t arch) {
  // Smaller rank is better.
  auto rank = [&](const Image& image) -> std::pair<int, int64_t> {
    bool sameFamily = image.arch / 10 == arch / 10 && image.arch <= arch;
    if (image.suffix == 'a' && image.arch == arch) return {0, 0};
    if (image.suffix == 'f' && sameFamily) return {1, -static_cast<int64_t>(image.arch)};
    if (image.suffix) return {4, image.arch};
    if (image.arch <= arch) return {2, -static_cast<int64_t>(image.arch)};
    return {3, image.arch};
  };
  const Image* best = nullptr;
  for (const Image& image : images) {
    if (image.kind != abi::FatbinKind::Ptx) continue;
    if (!best || rank(image) < rank(*best)) best = &image;
  }
  return best;
}

Error noPtxError(std::span<const Image> images, uint32_t arch) {
  if (images.empty()) return {ErrorKind::NotFound, "fat binary: no code in it"};
  std::vector<std::string> present;
  bool onlyLto = true;
  for (const Image& image : images) {
    present.push_back(kindPrefix(image.kind) + archName(image));
    onlyLto = onlyLto && image.kind == abi::FatbinKind::LtoIr;
  }
  std::sort(present.begin(), present.end());
  present.erase(std::unique(present.begin(), present.end()), present.end());
  return {ErrorKind::NotFound,
          fmt::format("fat binary: no PTX in it, only {} ({}); build with -gencode arch=compute_{},code=compute_{} to add PTX",
                      onlyLto ? "LTO intermediate code" : "machine code for GPUs", fmt::join(present, ", "), arch, arch)};
}

}  // namespace anywarp::fatbin
