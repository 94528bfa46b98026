// Driver API: Coredump Attributes Control. SPDX-License-Identifier: Apache-2.0
// The attributes are kept, for a context and for the process. Core dumps of kernels are not written, so switching them on fails.
#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "abi/cuda_execution.h"
#include "driver/entry.h"
#include "support/log.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct Settings {
  bool onException = false, triggerHost = true, lightweight = false, userTrigger = false;
  unsigned flags = CU_COREDUMP_DEFAULT_FLAGS;
  std::string file = "core.cuda.%h.%p", pipe = "corepipe.cuda.%h.%p";
};

struct Book {
  std::mutex mutex;
  Settings global;
  std::map<uint64_t, Settings> contexts;  // by id; those that differ from the global ones
};

Book& book() {
  static Book& book = *new Book;
  return book;
}

bool* flagOf(Settings& s, CUcoredumpSettings attribute) {
  switch (attribute) {
    case CU_COREDUMP_ENABLE_ON_EXCEPTION: return &s.onException;
    case CU_COREDUMP_TRIGGER_HOST: return &s.triggerHost;
    case CU_COREDUMP_LIGHTWEIGHT: return &s.lightweight;
    case CU_COREDUMP_ENABLE_USER_TRIGGER: return &s.userTrigger;
    default: return nullptr;
  }
}

std::string* textOf(Settings& s, CUcoredumpSettings attribute) {
  return attribute == CU_COREDUMP_FILE ? &s.file : attribute == CU_COREDUMP_PIPE ? &s.pipe : nullptr;
}

// `size`: the room at `value` before, what the attribute needs after. A null value asks for the size alone.
CUresult readSetting(Settings& s, CUcoredumpSettings attribute, void* value, size_t* size) {
  if (!size) return CUDA_ERROR_INVALID_VALUE;
  size_t room = *size;
  auto give = [&](const void* data, size_t bytes) -> CUresult {
    *size = bytes;
    if (!value) return CUDA_SUCCESS;
    if (room < bytes) return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(value, data, bytes);
    return CUDA_SUCCESS;
  };
  if (bool* flag = flagOf(s, attribute)) return give(flag, sizeof(bool));
  if (std::string* text = textOf(s, attribute)) return give(text->c_str(), text->size() + 1);
  return attribute == CU_COREDUMP_GENERATION_FLAGS ? give(&s.flags, sizeof(s.flags)) : CUDA_ERROR_INVALID_VALUE;
}

CUresult writeSetting(Settings& s, CUcoredumpSettings attribute, const void* value, const size_t* size) {
  if (!value || !size) return CUDA_ERROR_INVALID_VALUE;
  if (bool* flag = flagOf(s, attribute)) {
    if (*size < sizeof(bool)) return CUDA_ERROR_INVALID_VALUE;
    bool on = *static_cast<const unsigned char*>(value) != 0;
    if (on && (attribute == CU_COREDUMP_ENABLE_ON_EXCEPTION || attribute == CU_COREDUMP_ENABLE_USER_TRIGGER)) {
      log::logOnce(log::Level::Warn, "coredump", "core dumps of kernels are not supported");
      return CUDA_ERROR_NOT_SUPPORTED;
    }
    *flag = on;
    return CUDA_SUCCESS;
  }
  if (std::string* text = textOf(s, attribute)) {
    constexpr size_t longest = 1023;
    size_t length = strnlen(static_cast<const char*>(value), *size);
    if (length == 0 || length > longest) return CUDA_ERROR_INVALID_VALUE;
    text->assign(static_cast<const char*>(value), length);
    return CUDA_SUCCESS;
  }
  if (attribute != CU_COREDUMP_GENERATION_FLAGS || *size < sizeof(unsigned)) return CUDA_ERROR_INVALID_VALUE;
  unsigned flags;
  std::memcpy(&flags, value, sizeof(flags));
  if (flags & ~CU_COREDUMP_ALL_FLAGS) return CUDA_ERROR_INVALID_VALUE;
  s.flags = flags;
  return CUDA_SUCCESS;
}

Settings& settingsOf(const Current& current) { return book().contexts.try_emplace(current.impl->id(), book().global).first->second; }

}  // namespace

CUresult cuCoredumpGetAttribute(CUcoredumpSettings attribute, void* value, size_t* size) {
  return callInContext(__func__, [&](Current& current) {
    std::lock_guard lock(book().mutex);
    return readSetting(settingsOf(current), attribute, value, size);
  });
}

CUresult cuCoredumpSetAttribute(CUcoredumpSettings attribute, void* value, size_t* size) {
  return callInContext(__func__, [&](Current& current) {
    std::lock_guard lock(book().mutex);
    return writeSetting(settingsOf(current), attribute, value, size);
  });
}

// For the process: before cuInit as well.
CUresult cuCoredumpGetAttributeGlobal(CUcoredumpSettings attribute, void* value, size_t* size) {
  std::lock_guard lock(book().mutex);
  return readSetting(book().global, attribute, value, size);
}

CUresult cuCoredumpSetAttributeGlobal(CUcoredumpSettings attribute, void* value, size_t* size) {
  std::lock_guard lock(book().mutex);
  return writeSetting(book().global, attribute, value, size);
}
