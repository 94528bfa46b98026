// What a loading function receives, told apart by its first bytes. SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "compiler/fatbin/fatbin.h"
#include "compiler/fatbin/objects.h"
#include "compiler/fatbin/readable.h"
#include "support/log.h"

namespace anywarp::fatbin {
namespace {

constexpr size_t maxLinkedObjects = 1 << 20;

Error invalid(std::string what) { return {ErrorKind::Invalid, std::move(what)}; }

Result<PtxSource> sourceOf(std::span<const uint8_t> container, uint32_t arch) {
  Result<std::vector<Image>> images = readImages(container);
  if (!images) return images.error();
  const Image* image = choosePtx(*images, arch);
  if (!image) return noPtxError(*images, arch);
  if (image->arch > arch || image->suffix)
    log::debug("fat binary: takes PTX for compute_{}{} on a device of {}", image->arch, image->suffix ? std::string(1, image->suffix) : "", arch);
  Result<std::string> text = ptxText(*image);
  if (!text) return text.error();
  return PtxSource{std::move(*text), std::string(image->name), std::string(image->options)};
}

Result<Program> containerProgram(std::span<const uint8_t> bytes, uint32_t arch) {
  Result<PtxSource> source = sourceOf(bytes, arch);
  if (!source) return source.error();
  Program program;
  program.modules.push_back(std::move(*source));
  return program;
}

// The container at a foreign pointer, as long as its header says and memory goes.
std::span<const uint8_t> containerAt(const void* header) {
  abi::FatbinHeader copy;
  if (readableBytes(header, sizeof(copy)) < sizeof(copy)) return {};
  std::memcpy(&copy, header, sizeof(copy));
  uint64_t total = copy.fatSize > UINT64_MAX - copy.headerSize ? UINT64_MAX : copy.headerSize + copy.fatSize;
  return {static_cast<const uint8_t*>(header), readableBytes(header, total)};
}

// The objects of a device link, each with PTX of its own; the linked result itself is machine code.
Result<Program> linkedProgram(const abi::FatbinWrapper& wrapper, uint32_t arch) {
  Program program;
  auto* headers = static_cast<const void* const*>(wrapper.filenameOrFatbins);
  std::optional<Error> refused;
  for (size_t i = 0; i < maxLinkedObjects; ++i) {
    if (readableBytes(headers + i, sizeof(void*)) < sizeof(void*)) return invalid("fat binary: list of linked objects has no end");
    if (!headers[i]) break;
    Result<PtxSource> source = sourceOf(containerAt(headers[i]), arch);
    if (source) program.modules.push_back(std::move(*source));
    else if (!refused) refused = source.error();
  }
  // An object without PTX (a library built for other GPUs) matters only when the link misses its symbols.
  if (program.modules.empty()) return refused ? *refused : invalid("fat binary: device link without objects");
  if (refused) log::debug("fat binary: a linked object is left out: {}", refused->message);
  return program;
}

Result<Program> wrapperProgram(const void* data, uint32_t arch) {
  abi::FatbinWrapper wrapper;
  if (readableBytes(data, sizeof(wrapper)) < sizeof(wrapper)) return invalid("fat binary: wrapper is truncated");
  std::memcpy(&wrapper, data, sizeof(wrapper));
  if (wrapper.version == 2 && wrapper.filenameOrFatbins) return linkedProgram(wrapper, arch);
  return containerProgram(containerAt(wrapper.data), arch);
}

Error cubinError(uint32_t arch) {
  return {ErrorKind::NotFound,
          fmt::format("image is machine code for GPUs (a cubin); hand over PTX, as nvcc -ptx or -gencode arch=compute_{0},code=compute_{0} make it", arch)};
}

Result<Program> textProgram(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return invalid("image is empty");
  if (text.find(".version") == std::string_view::npos) return invalid("image is neither PTX nor a fat binary");
  Program program;
  program.modules.push_back({std::string(text), "", ""});
  program.isText = true;
  return program;
}

enum class Form { Wrapper, Container, Elf, Archive, Text };

Form formOf(const uint8_t* bytes, size_t size) {
  uint32_t magic = 0;
  if (size >= 4) std::memcpy(&magic, bytes, 4);
  if (magic == abi::fatbinWrapperMagic) return Form::Wrapper;
  if (magic == abi::fatbinHeaderMagic) return Form::Container;
  if (size >= 4 && std::memcmp(bytes, "\x7f" "ELF", 4) == 0) return Form::Elf;
  if (size >= 8 && std::memcmp(bytes, "!<arch>\n", 8) == 0) return Form::Archive;
  return Form::Text;
}

}  // namespace

namespace {

Result<Program> programOf(Result<std::vector<PtxSource>> sources, Error none) {
  if (!sources) return sources.error();
  if (sources->empty()) return none;
  Program program;
  program.modules = std::move(*sources);
  return program;
}

}  // namespace

Result<Program> readProgram(std::span<const uint8_t> bytes, uint32_t arch) {
  switch (formOf(bytes.data(), bytes.size())) {
    case Form::Wrapper: return invalid("fat binary: a wrapper holds pointers and cannot come from a file");
    case Form::Container: return containerProgram(bytes, arch);
    case Form::Elf: return programOf(objectSources(bytes, arch), cubinError(arch));
    case Form::Archive:
      return programOf(archiveSources(bytes, arch), {ErrorKind::NotFound, "archive without device code: none of its objects was made by nvcc"});
    case Form::Text: break;
  }
  return textProgram({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<Program> readProgramAt(const void* data, uint32_t arch) {
  size_t head = readableBytes(data, 8);
  if (head == 0) return invalid("image is at an address that cannot be read");
  auto* bytes = static_cast<const uint8_t*>(data);
  // No mark has a zero, and behind the zero of a short text there may be another's memory.
  switch (formOf(bytes, strnlen(static_cast<const char*>(data), head))) {
    case Form::Wrapper: return wrapperProgram(data, arch);
    case Form::Container: return containerProgram(containerAt(data), arch);
    case Form::Elf: return cubinError(arch);
    case Form::Archive: return Error{ErrorKind::Unsupported, "image is an archive of objects; link them with nvcc or hand over PTX"};
    case Form::Text: break;
  }
  return textProgram({reinterpret_cast<const char*>(data), readableTextLength(data)});
}

}  // namespace anywarp::fatbin
