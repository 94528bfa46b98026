// Memory of one running block: pages between wide unmapped guards. SPDX-License-Identifier: Apache-2.0
#include "device/memory/window.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "device/memory/arena.h"
#include "support/log.h"

namespace anywarp::device {

namespace {

// Offsets are 32 bits wide, sign-extended; the last access may be a vector of 64 bytes.
constexpr size_t fullGuard = (size_t{2} << 30) + (64 << 10);
constexpr size_t guards[] = {fullGuard, size_t{16} << 20, size_t{64} << 10};  // the narrow ones where address space is short
constexpr size_t leastCapacity = 1 << 20;

}  // namespace

Window::~Window() { unmap(); }

Status Window::resize(size_t bytes) {
  size_t wanted = roundUp(std::max<size_t>(bytes, 1), pageSize());
  if (wanted == accessible_ || (wanted < accessible_ && shrink_ == Shrink::Never)) return {};
  if (wanted > capacity_) {
    if (Status status = reserve(wanted); !status) return status;
  }
  int failed = 0;
  if (wanted > accessible_) {
    failed = mprotect(base_ + accessible_, wanted - accessible_, PROT_READ | PROT_WRITE);
  } else {
    failed = mprotect(base_ + wanted, accessible_ - wanted, PROT_NONE);
  }
  if (failed) return Error{ErrorKind::OutOfMemory, "memory of a block: mprotect: " + std::string(std::strerror(errno))};
  accessible_ = wanted;
  return {};
}

Status Window::reserve(size_t bytes) {
  unmap();
  size_t capacity = std::max(bytes, leastCapacity);
  for (size_t guard : guards) {
    size_t total = capacity + 2 * guard;
    void* p = mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) continue;
    if (guard != fullGuard) {
      log::logOnce(log::Level::Warn, "narrow-window", "address space is short (ulimit -v): blocks get guards of {} bytes only", guard);
    }
    mapping_ = static_cast<uint8_t*>(p);
    mappingBytes_ = total;
    base_ = mapping_ + guard;
    capacity_ = capacity;
    return {};
  }
  return Error{ErrorKind::OutOfMemory, "no address space for the memory of a block of " + std::to_string(bytes) + " bytes"};
}

void Window::unmap() {
  if (mapping_) munmap(mapping_, mappingBytes_);
  mapping_ = base_ = nullptr;
  mappingBytes_ = capacity_ = accessible_ = 0;
}

}  // namespace anywarp::device
