// Address space reserved ahead of use: mmap, and a map of free ranges. SPDX-License-Identifier: Apache-2.0
#include "device/memory/arena.h"

#include "device/memory/replacement.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>

namespace anywarp::device {

namespace {

constexpr size_t hugePage = size_t{2} << 20;
constexpr size_t largestPage = size_t{1} << 30;
// A process has some 65,000 mappings; guards split them, so beyond this many ranges there are none.
constexpr size_t maxGuarded = 20000;
// On both sides of a large reservation, never used: kernels that leave it by less fault, and do not meet the program's own memory.
constexpr size_t mostMargin = size_t{4} << 30;

void* asPointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

uintptr_t reserve(size_t bytes, Arena::Place place) {
#ifdef MAP_32BIT
  int where = place == Arena::Place::Low ? MAP_32BIT : 0;
#else
  if (place == Arena::Place::Low) return 0;
  int where = 0;
#endif
  void* p = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | where, -1, 0);
  return p == MAP_FAILED ? 0 : reinterpret_cast<uintptr_t>(p);
}

uintptr_t alignUp(uintptr_t value, size_t alignment) { return (value + alignment - 1) & ~(uintptr_t{alignment} - 1); }

}  // namespace

size_t pageSize() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

Arena::Arena(size_t wanted, Place place, size_t page)
    : wanted_(wanted), place_(place), page_(roundUp(std::clamp(page, pageSize(), largestPage), pageSize())) {}

Result<uintptr_t> Arena::take(size_t bytes, size_t alignment) {
  size_t page = pageSize();
  if (bytes > (size_t{1} << 47)) return Error{ErrorKind::OutOfMemory, std::to_string(bytes) + " bytes are more than an address space"};
  size_t usable = roundUp(bytes, page_);
  size_t guard = taken_.size() < maxGuarded ? page : 0;
  alignment = std::max(alignment, usable >= hugePage ? hugePage : page);
  auto base = carve(usable + guard, alignment);
  if (!base) {
    if (!grow(usable + guard + alignment)) {
      return Error{ErrorKind::OutOfMemory, "the host has no address space for " + std::to_string(bytes) + " bytes"};
    }
    base = carve(usable + guard, alignment);
    if (!base) return base;
  }
  if (mprotect(asPointer(*base), usable, PROT_READ | PROT_WRITE) != 0) {
    std::string why = std::strerror(errno);
    insertFree(*base, usable + guard);
    return Error{ErrorKind::OutOfMemory, "the host refused " + std::to_string(usable) + " bytes: " + why};
  }
#ifdef MADV_HUGEPAGE
  if (usable >= 2 * hugePage) madvise(asPointer(*base), usable, MADV_HUGEPAGE);
#endif
  taken_[*base].bytes = usable + guard;
  return base;
}

void Arena::give(uintptr_t base) {
  auto it = taken_.find(base);
  if (it == taken_.end()) return;
  size_t bytes = it->second.bytes;
  taken_.erase(it);
  void* p = mmap(asPointer(base), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  // Too many mappings to split one: the pages stay accessible, but empty.
  if (p == MAP_FAILED) madvise(asPointer(base), bytes, MADV_DONTNEED);
  insertFree(base, bytes);
}

Result<const SharedFile*> Arena::share(uintptr_t base, size_t bytes) {
  auto it = taken_.find(base);
  if (it == taken_.end()) return Error{ErrorKind::Invalid, "no range begins there"};
  if (it->second.file) return &it->second.file;
  size_t usable = roundUp(bytes, pageSize());
  auto file = SharedFile::make(usable);
  if (!file) return file.error();
  if (Status status = replacePages(base, usable, *file); !status) return status.error();
  it->second.file = std::move(*file);
  return &it->second.file;
}

// All that is wanted, or where the process may not have that much only a little more than needed: others need some as well.
bool Arena::grow(size_t least) {
  constexpr size_t modest = size_t{128} << 20;
  least = roundUp(least, pageSize());
  size_t all = free_.empty() && taken_.empty() ? wanted_ : wanted_ / 4;
  for (size_t bytes : {all, modest, least}) {
    bytes = roundUp(bytes, pageSize());
    if (bytes < least) continue;
    size_t margin = bytes == roundUp(all, pageSize()) && bytes / 16 >= least ? std::min(bytes / 16, mostMargin) / pageSize() * pageSize() : 0;
    uintptr_t base = reserve(bytes + 2 * margin, place_);
    if (!base) continue;
    base += margin;
    insertFree(base, bytes);
    cursor_ = base;
    return true;
  }
  return false;
}

// The lowest room above the cursor, else the lowest of all.
Result<uintptr_t> Arena::carve(size_t bytes, size_t alignment) {
  auto it = free_.upper_bound(cursor_);
  if (it != free_.begin()) --it;
  uintptr_t base = 0;
  auto fits = [&](uintptr_t from) {
    uintptr_t end = it->first + it->second;
    base = alignUp(std::max(it->first, from), alignment);
    return base >= it->first && base <= end && end - base >= bytes;
  };
  while (it != free_.end() && !fits(cursor_)) ++it;
  if (it == free_.end()) {
    it = free_.begin();
    while (it != free_.end() && !fits(0)) ++it;
    if (it == free_.end()) return Error{ErrorKind::OutOfMemory, "no free range"};
  }
  auto [range, size] = *it;
  free_.erase(it);
  if (base > range) free_[range] = base - range;
  size_t behind = size - (base - range) - bytes;
  if (behind) free_[base + bytes] = behind;
  cursor_ = base + bytes;
  return base;
}

void Arena::insertFree(uintptr_t base, size_t bytes) {
  auto next = free_.lower_bound(base);
  if (next != free_.end() && base + bytes == next->first) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    auto before = std::prev(next);
    if (before->first + before->second == base) {
      before->second += bytes;
      return;
    }
  }
  free_[base] = bytes;
}

}  // namespace anywarp::device
