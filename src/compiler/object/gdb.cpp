// The list that gdb reads and the function it stops in: names and layouts are gdb's. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/gdb.h"

#include <cstdio>
#include <cstring>
#include <mutex>

#include "support/options.h"

namespace anywarp::object {

struct GdbEntry {
  GdbEntry* next;
  GdbEntry* previous;
  const uint8_t* file;
  uint64_t fileSize;
};

namespace {

struct GdbDescriptor {
  uint32_t version;
  uint32_t action;
  GdbEntry* relevant;
  GdbEntry* first;
};

enum : uint32_t { actionNone, actionRegister, actionUnregister };

std::mutex& listMutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

bool isTraced() {
  std::FILE* status = std::fopen("/proc/self/status", "re");
  if (!status) return false;
  char line[256];
  int tracer = 0;
  while (std::fgets(line, sizeof line, status))
    if (std::sscanf(line, "TracerPid: %d", &tracer) == 1) break;
  std::fclose(status);
  return tracer != 0;
}

}  // namespace
}  // namespace anywarp::object

// gdb finds both by name.
extern "C" {
[[gnu::visibility("default"), gnu::used]] anywarp::object::GdbDescriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
[[gnu::visibility("default"), gnu::used, gnu::noinline]] void __jit_debug_register_code() { asm volatile("" ::: "memory"); }
}

namespace anywarp::object {

bool GdbRegistration::isWanted() { return options::gdb() || isTraced(); }

GdbRegistration::GdbRegistration(std::vector<uint8_t> image) : image_(std::move(image)) {
  std::lock_guard lock(listMutex());
  GdbDescriptor& list = __jit_debug_descriptor;
  entry_ = new GdbEntry{list.first, nullptr, image_.data(), image_.size()};
  if (list.first) list.first->previous = entry_;
  list.first = list.relevant = entry_;
  list.action = actionRegister;
  __jit_debug_register_code();
}

GdbRegistration::~GdbRegistration() {
  std::lock_guard lock(listMutex());
  GdbDescriptor& list = __jit_debug_descriptor;
  (entry_->previous ? entry_->previous->next : list.first) = entry_->next;
  if (entry_->next) entry_->next->previous = entry_->previous;
  list.relevant = entry_;
  list.action = actionUnregister;
  __jit_debug_register_code();
  delete entry_;
}

}  // namespace anywarp::object
