// The payload of a PTX image as text: raw, LZ4 block or zstd frame. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <lz4.h>
#include <zstd.h>

#include <climits>
#include <cstring>

#include "compiler/fatbin/fatbin.h"

namespace anywarp::fatbin {
namespace {

// The largest real PTX module known has 39 MB. A hostile size must not make us allocate the machine's memory.
constexpr uint64_t maxTextBytes = 1ull << 30;
// Both formats expand a byte to at most 255 in practice; zstd's runs can do more, so it grows as the data prove it.
constexpr uint64_t lz4MaxRatio = 256;

Error damaged(std::string what) { return {ErrorKind::Invalid, "fat binary: " + std::move(what)}; }

Result<std::string> lz4Text(const Image& image) {
  if (image.uncompressedSize > image.payload.size() * lz4MaxRatio || image.payload.size() > INT_MAX)
    return damaged(fmt::format("LZ4: {} bytes cannot expand to {}", image.payload.size(), image.uncompressedSize));
  std::string text(image.uncompressedSize, '\0');
  int got = LZ4_decompress_safe(reinterpret_cast<const char*>(image.payload.data()), text.data(), static_cast<int>(image.payload.size()),
                                static_cast<int>(text.size()));
  if (got < 0) return damaged("LZ4 data is damaged");
  text.resize(static_cast<size_t>(got));
  return text;
}

Result<std::string> zstdText(const Image& image) {
  ZSTD_DStream* stream = ZSTD_createDStream();
  if (!stream) return Error{ErrorKind::OutOfMemory, "fat binary: no memory for a zstd decoder"};
  ZSTD_inBuffer in{image.payload.data(), image.payload.size(), 0};
  std::string text;
  size_t filled = 0, left = 1;
  while (left != 0 && filled < image.uncompressedSize) {
    text.resize(std::min<uint64_t>(image.uncompressedSize, filled + std::max<size_t>(filled, 256 * 1024)));
    ZSTD_outBuffer out{text.data(), text.size(), filled};
    left = ZSTD_decompressStream(stream, &out, &in);
    bool stuck = out.pos == filled && in.pos == in.size;
    filled = out.pos;
    if (ZSTD_isError(left) || stuck) break;
  }
  ZSTD_freeDStream(stream);
  if (ZSTD_isError(left)) return damaged(fmt::format("zstd data is damaged: {}", ZSTD_getErrorName(left)));
  if (left != 0 && filled < image.uncompressedSize) return damaged("zstd data is truncated");
  text.resize(filled);
  return text;
}

}  // namespace

Result<std::string> ptxText(const Image& image) {
  if (image.kind != abi::FatbinKind::Ptx) return damaged("image is not PTX");
  if (image.uncompressedSize > maxTextBytes) return damaged(fmt::format("image of {} bytes, limit {}", image.uncompressedSize, maxTextBytes));
  Result<std::string> text = std::string();
  switch (image.compression) {
    case Compression::None: text = std::string(reinterpret_cast<const char*>(image.payload.data()), image.payload.size()); break;
    case Compression::Lz4: text = lz4Text(image); break;
    case Compression::Zstd: text = zstdText(image); break;
  }
  if (text) text->resize(strnlen(text->data(), text->size()));
  return text;
}

}  // namespace anywarp::fatbin
