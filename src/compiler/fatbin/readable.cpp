// Asks the kernel instead of touching memory: process_vm_readv fails where a load would fault. SPDX-License-Identifier: Apache-2.0
#include "compiler/fatbin/readable.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace anywarp::fatbin {
namespace {

constexpr size_t pageBytes = 4096;
constexpr size_t pagesPerCall = 512;

// The number of pages readable in a row from `page` on, at most `count`. A host that forbids the call is taken at its word.
size_t readablePages(uintptr_t page, size_t count) {
  std::array<iovec, pagesPerCall> remote;
  std::array<char, pagesPerCall> sink;
  for (size_t i = 0; i < count; ++i) remote[i] = {reinterpret_cast<void*>(page + i * pageBytes), 1};
  iovec local{sink.data(), count};
  ssize_t got = process_vm_readv(getpid(), &local, 1, remote.data(), count, 0);
  if (got >= 0) return static_cast<size_t>(got);
  return errno == EFAULT ? 0 : count;
}

}  // namespace

size_t readableBytes(const void* address, size_t wanted) {
  uintptr_t begin = reinterpret_cast<uintptr_t>(address);
  wanted = std::min<size_t>(wanted, UINTPTR_MAX - begin);
  if (wanted == 0) return 0;
  uintptr_t page = begin & ~(pageBytes - 1);
  size_t pages = (begin + wanted - page + pageBytes - 1) / pageBytes;
  size_t readable = 0;
  while (readable < pages) {
    size_t ask = std::min(pages - readable, pagesPerCall);
    size_t got = readablePages(page + readable * pageBytes, ask);
    readable += got;
    if (got < ask) break;
  }
  if (readable == 0) return 0;
  return std::min<size_t>(wanted, page + readable * pageBytes - begin);
}

size_t readableTextLength(const void* address) {
  const char* text = static_cast<const char*>(address);
  size_t length = 0;
  for (;;) {
    // To the end of the current run of pages; grows, so that long texts need few calls.
    size_t ask = std::max<size_t>(pageBytes, std::min<size_t>(length, pagesPerCall * pageBytes));
    size_t got = readableBytes(text + length, ask);
    size_t run = strnlen(text + length, got);
    length += run;
    if (run < got || got < ask) return length;
  }
}

bool readableEnds(const void* address, size_t bytes) {
  auto* begin = static_cast<char*>(const_cast<void*>(address));
  iovec remote[2] = {{begin, 1}, {begin + bytes - 1, 1}};
  char sink[2];
  iovec local{sink, sizeof(sink)};
  ssize_t got = process_vm_readv(getpid(), &local, 1, remote, 2, 0);
  return got == 2 || (got < 0 && errno != EFAULT);
}

}  // namespace anywarp::fatbin
