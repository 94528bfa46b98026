// Pages in use that become shared ones. SPDX-License-Identifier: Apache-2.0
// They are made read-only, copied, and replaced in one step. A thread that writes in between faults; the handler lets it wait and try
// again. So does one that faulted before the step and is asked after it: the last ranges are remembered.
#include "device/memory/replacement.h"

#include <sched.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace anywarp::device {

namespace {

struct Range {
  std::atomic<uintptr_t> begin{0}, end{0};
  bool holds(uintptr_t address) const { return address >= begin.load(std::memory_order_acquire) && address < end.load(std::memory_order_acquire); }
};

constexpr size_t remembered = 16;
Range recent[remembered];
std::atomic<uint32_t> lastRange{0};
std::atomic<bool> replacing{false};

// The fault that this thread tried again last: the same one twice is a real one.
struct Retry {
  uintptr_t address, pc;
};
__attribute__((tls_model("initial-exec"))) thread_local Retry lastRetry{0, 0};

Error refused(const char* what) { return {ErrorKind::System, std::string("memory cannot be shared: ") + what + ": " + std::strerror(errno)}; }

Status copyAndReplace(uintptr_t base, size_t bytes, const SharedFile& file) {
  auto* pages = reinterpret_cast<void*>(base);
  auto copy = file.map(bytes);
  if (!copy) return copy.error();
  if (mprotect(pages, bytes, PROT_READ) != 0) {
    Error error = refused("mprotect");
    munmap(*copy, bytes);
    return error;
  }
  std::memcpy(*copy, pages, bytes);
  munmap(*copy, bytes);
  if (mmap(pages, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.number(), 0) != MAP_FAILED) return {};
  Error error = refused("mmap");
  mprotect(pages, bytes, PROT_READ | PROT_WRITE);
  return error;
}

}  // namespace

Status replacePages(uintptr_t base, size_t bytes, const SharedFile& file) {
  Range& range = recent[(lastRange.load(std::memory_order_relaxed) + 1) % remembered];
  range.end.store(0, std::memory_order_release);
  range.begin.store(base, std::memory_order_release);
  range.end.store(base + bytes, std::memory_order_release);
  replacing.store(true, std::memory_order_seq_cst);
  lastRange.fetch_add(1, std::memory_order_seq_cst);
  Status status = copyAndReplace(base, bytes, file);
  replacing.store(false, std::memory_order_seq_cst);
  return status;
}

bool waitForReplacement(uintptr_t address, uintptr_t pc) {
  bool known = false;
  for (const Range& range : recent) known = known || range.holds(address);
  if (!known) return false;
  if (replacing.load(std::memory_order_seq_cst)) {
    while (replacing.load(std::memory_order_seq_cst)) sched_yield();
    lastRetry = {address, pc};
    return true;
  }
  if (lastRetry.address == address && lastRetry.pc == pc) {
    lastRetry = {0, 0};
    return false;
  }
  lastRetry = {address, pc};
  return true;
}

}  // namespace anywarp::device
