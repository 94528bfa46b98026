// Host objects that nvcc made, and archives of them: the containers in them are found by their magic number. SPDX-License-Identifier: Apache-2.0
#include "compiler/fatbin/objects.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace anywarp::fatbin {
namespace {

constexpr size_t containerAlignment = 8;

// Containers stand in several sections, aligned within the file or at least within the object.
std::vector<std::span<const uint8_t>> containersIn(std::span<const uint8_t> object) {
  std::vector<std::span<const uint8_t>> found;
  for (size_t at = 0; at + sizeof(abi::FatbinHeader) <= object.size();) {
    abi::FatbinHeader header;
    std::memcpy(&header, object.data() + at, sizeof header);
    const bool is = header.magic == abi::fatbinHeaderMagic && header.headerSize >= sizeof header && header.fatSize <= object.size() - at &&
                    header.headerSize <= object.size() - at - header.fatSize;
    if (is) found.push_back(object.subspan(at, header.headerSize + header.fatSize));
    const uint64_t step = is ? header.headerSize + header.fatSize : containerAlignment;
    at += (step + containerAlignment - 1) / containerAlignment * containerAlignment;
  }
  return found;
}

// The members of an archive in Unix's common form; a header is 60 bytes of text, data begins at even offsets.
struct Member {
  std::string name;
  std::span<const uint8_t> bytes;
};
constexpr size_t memberHeader = 60, sizeField = 48, sizeLength = 10, nameLength = 16;

Result<std::vector<Member>> membersOf(std::span<const uint8_t> archive) {
  std::vector<Member> members;
  size_t at = 8;  // after "!<arch>\n"
  while (at + memberHeader <= archive.size()) {
    const char* header = reinterpret_cast<const char*>(archive.data() + at);
    size_t size = 0;
    auto parsed = std::from_chars(header + sizeField, header + sizeField + sizeLength, size);
    at += memberHeader;
    if (parsed.ec != std::errc{} || size > archive.size() - at) return Error{ErrorKind::Invalid, "archive: the size of a member is beyond its end"};
    std::string name(header, nameLength);
    members.push_back({name.substr(0, name.find_first_of("/ ")), archive.subspan(at, size)});
    at += size + size % 2;
  }
  return members;
}

}  // namespace

Result<std::vector<PtxSource>> objectSources(std::span<const uint8_t> object, uint32_t arch) {
  std::vector<PtxSource> sources;
  std::optional<Error> refused;
  for (std::span<const uint8_t> container : containersIn(object)) {
    auto images = readImages(container);
    if (!images) return images.error();
    const Image* image = choosePtx(*images, arch);
    if (!image) {
      if (!images->empty() && !refused) refused = noPtxError(*images, arch);
      continue;
    }
    Result<std::string> text = ptxText(*image);
    if (!text) return text.error();
    sources.push_back({std::move(*text), std::string(image->name), std::string(image->options)});
  }
  if (sources.empty() && refused) return *refused;
  return sources;
}

Result<std::vector<PtxSource>> archiveSources(std::span<const uint8_t> archive, uint32_t arch) {
  auto members = membersOf(archive);
  if (!members) return members.error();
  std::vector<PtxSource> sources;
  for (const Member& member : *members) {
    auto found = objectSources(member.bytes, arch);
    if (!found) return Error{found.error().kind, member.name + ": " + found.error().message};
    for (PtxSource& source : *found) sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace anywarp::fatbin
