// Copies and fills: splitting into parts, and the loops. SPDX-License-Identifier: Apache-2.0
#include "device/memory/transfer.h"

#include <algorithm>
#include <cstring>

#include "device/memory/parts.h"
#include "device/sched/pool.h"

namespace anywarp::device {

namespace {

// Below this a second core costs more than it brings.
constexpr size_t bytesPerPart = 512 << 10;
constexpr uint64_t mostParts = 4096;

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }
uint8_t* at(void* p, size_t offset) { return static_cast<uint8_t*>(p) + offset; }
const uint8_t* at(const void* p, size_t offset) { return static_cast<const uint8_t*>(p) + offset; }

uint64_t partsFor(size_t bytes) { return std::clamp<uint64_t>(bytes / bytesPerPart, 1, mostParts); }

// [begin, end) of part `part` of `parts` over `count` things.
struct Span {
  size_t begin, end;
};
Span spanOf(size_t count, uint64_t part, uint64_t parts) {
  auto cut = [&](uint64_t i) { return static_cast<size_t>(static_cast<unsigned __int128>(count) * i / parts); };
  return {cut(part), cut(part + 1)};
}

bool isFlat(const Copy& c) {
  bool rows = c.height <= 1 || (c.targetRowPitch == c.width && c.sourceRowPitch == c.width);
  bool slices = c.depth <= 1 || (c.targetSlicePitch == c.width * c.height && c.sourceSlicePitch == c.width * c.height);
  return rows && slices;
}

size_t extent(const Copy& c, size_t rowPitch, size_t slicePitch) {
  return (c.depth - 1) * slicePitch + (c.height - 1) * rowPitch + c.width;
}

bool overlaps(const Copy& c) {
  size_t target = extent(c, c.targetRowPitch, c.targetSlicePitch), source = extent(c, c.sourceRowPitch, c.sourceSlicePitch);
  return address(c.target) < address(c.source) + source && address(c.source) < address(c.target) + target;
}

template <class Element>
void fillRow(uint8_t* row, uint64_t value, size_t begin, size_t end) {
  auto element = static_cast<Element>(value);
  if (address(row) % alignof(Element) == 0) {
    std::fill(reinterpret_cast<Element*>(row) + begin, reinterpret_cast<Element*>(row) + end, element);
  } else {
    for (size_t i = begin; i < end; ++i) std::memcpy(row + i * sizeof(Element), &element, sizeof element);
  }
}

void fillRow(uint8_t* row, const Fill& f, size_t begin, size_t end) {
  switch (f.elementBytes) {
    case 1: std::memset(row + begin, static_cast<uint8_t>(f.value), end - begin); return;
    case 2: return fillRow<uint16_t>(row, f.value, begin, end);
    case 4: return fillRow<uint32_t>(row, f.value, begin, end);
    default: return fillRow<uint64_t>(row, f.value, begin, end);
  }
}

template <class Job>
void runParts(const Job& job, uint64_t parts) {
  struct Work {
    const Job& job;
    uint64_t parts;
  } work{job, parts};
  Pool::instance().parallel(
      parts,
      [](void* argument, uint64_t part) {
        auto& w = *static_cast<Work*>(argument);
        transferPart(w.job, part, w.parts);
      },
      &work);
}

}  // namespace

uint64_t partsOf(const Copy& copy) {
  if (copy.bytes() < 2 * bytesPerPart || overlaps(copy)) return 1;
  return isFlat(copy) ? partsFor(copy.bytes()) : std::min<uint64_t>(partsFor(copy.bytes()), copy.height * copy.depth);
}

uint64_t partsOf(const Fill& fill) {
  return fill.height <= 1 ? partsFor(fill.bytes()) : std::min<uint64_t>(partsFor(fill.bytes()), fill.height);
}

void transferPart(const Copy& c, uint64_t part, uint64_t parts) {
  if (c.bytes() == 0) return;
  if (isFlat(c)) {
    Span bytes = spanOf(c.bytes(), part, parts);
    std::memmove(at(c.target, bytes.begin), at(c.source, bytes.begin), bytes.end - bytes.begin);
    return;
  }
  Span rows = spanOf(c.height * c.depth, part, parts);
  for (size_t i = rows.begin; i < rows.end; ++i) {
    size_t slice = i / c.height, row = i % c.height;
    std::memmove(at(c.target, slice * c.targetSlicePitch + row * c.targetRowPitch),
                 at(c.source, slice * c.sourceSlicePitch + row * c.sourceRowPitch), c.width);
  }
}

void transferPart(const Fill& f, uint64_t part, uint64_t parts) {
  if (f.height == 1) {
    Span elements = spanOf(f.width, part, parts);
    return fillRow(at(f.target, 0), f, elements.begin, elements.end);
  }
  Span rows = spanOf(f.height, part, parts);
  for (size_t row = rows.begin; row < rows.end; ++row) fillRow(at(f.target, row * f.rowPitch), f, 0, f.width);
}

void transfer(const Copy& copy) {
  uint64_t parts = partsOf(copy);
  parts == 1 ? transferPart(copy, 0, 1) : runParts(copy, parts);
}

void transfer(const Fill& fill) {
  uint64_t parts = partsOf(fill);
  parts == 1 ? transferPart(fill, 0, 1) : runParts(fill, parts);
}

}  // namespace anywarp::device
