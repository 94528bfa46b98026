// Events that several processes record and wait for. SPDX-License-Identifier: Apache-2.0
#include "device/stream/shared_event.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

#include "device/sched/futex.h"

namespace anywarp::device {

namespace {

struct Recorder {
  int32_t pid = 0;
  uint64_t start = 0;  // in ticks since boot: tells a process from a later one of the same number
};

// When process `pid` began; 0 where there is none or it is only waiting to be buried.
uint64_t startOf(int32_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t at = text.rfind(')');  // the name before it may hold anything
  if (at == std::string::npos) return 0;
  char state = 0;
  unsigned long long start = 0;
  // Field 3 is the state, field 22 the start.
  int read = sscanf(text.c_str() + at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &state, &start);
  return read == 2 && state != 'Z' && state != 'X' ? start : 0;
}

const Recorder& thisProcess() {
  thread_local Recorder self;
  int32_t pid = getpid();
  if (self.pid != pid) self = {pid, startOf(pid)};
  return self;
}

void sharedWait(std::atomic<uint32_t>& word, uint32_t seen, uint64_t nanoseconds) {
  timespec timeout{static_cast<time_t>(nanoseconds / 1000000000u), static_cast<long>(nanoseconds % 1000000000u)};
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT, seen, &timeout, nullptr, 0);
}

void sharedWake(std::atomic<uint32_t>& word) { syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

void raise(std::atomic<uint64_t>& value, uint64_t to) {
  uint64_t now = value.load(std::memory_order_relaxed);
  while (now < to && !value.compare_exchange_weak(now, to, std::memory_order_seq_cst)) {
  }
}

}  // namespace

// Whatever another process writes here, it can only make waits end early or late.
struct SharedEvent::Page {
  std::atomic<uint64_t> recorded{0}, reached{0};
  std::atomic<uint64_t> recorderStart{0};
  std::atomic<int32_t> recorderPid{0};
  std::atomic<uint32_t> ticket{0};  // futex word
};

Result<std::shared_ptr<SharedEvent>> SharedEvent::make() {
  auto file = SharedFile::make(fileBytes);
  if (!file) return file.error();
  return open(std::move(*file));
}

Result<std::shared_ptr<SharedEvent>> SharedEvent::open(SharedFile file) {
  auto memory = file.map(fileBytes);
  if (!memory) return memory.error();
  // Zeros are a page that was never recorded; an opened one keeps what it holds.
  static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(Page) <= fileBytes);
  return std::shared_ptr<SharedEvent>(new SharedEvent(std::move(file), static_cast<Page*>(*memory)));
}

SharedEvent::~SharedEvent() { munmap(page_, fileBytes); }

uint64_t SharedEvent::submitRecord() {
  const Recorder& self = thisProcess();
  page_->recorderPid.store(self.pid, std::memory_order_relaxed);
  page_->recorderStart.store(self.start, std::memory_order_relaxed);
  return page_->recorded.fetch_add(1, std::memory_order_seq_cst) + 1;
}

void SharedEvent::reach(uint64_t record) {
  raise(page_->reached, record);
  page_->ticket.fetch_add(1, std::memory_order_seq_cst);
  sharedWake(page_->ticket);
}

uint64_t SharedEvent::recorded() const { return page_->recorded.load(std::memory_order_seq_cst); }

bool SharedEvent::reached(uint64_t record) const { return page_->reached.load(std::memory_order_seq_cst) >= record; }

void SharedEvent::giveUpOnDead() const {
  uint64_t recorded = page_->recorded.load(std::memory_order_seq_cst);
  int32_t pid = page_->recorderPid.load(std::memory_order_relaxed);
  if (startOf(pid) == page_->recorderStart.load(std::memory_order_relaxed) && pid > 0) return;
  raise(page_->reached, recorded);
}

void SharedEvent::wait(uint64_t record) const {
  constexpr uint64_t spin = 20000, nap = 20000000;
  if (spinFor(spin, [&] { return reached(record); })) return;
  while (true) {
    uint32_t seen = page_->ticket.load(std::memory_order_seq_cst);
    if (reached(record)) return;
    sharedWait(page_->ticket, seen, nap);
    if (!reached(record)) giveUpOnDead();
  }
}

bool SharedEvent::reachedOrLost(uint64_t record, uint32_t& asked) const {
  constexpr uint32_t often = 1024;
  if (reached(record)) return true;
  if (++asked % often == 0) giveUpOnDead();
  return false;
}

}  // namespace anywarp::device
