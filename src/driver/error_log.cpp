// Driver API: Error Log Management. SPDX-License-Identifier: Apache-2.0
// The last messages are kept, each with a number; an iterator is the number of the next one that its owner has not seen.
#include "driver/error_log.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "driver/entry.h"
#include "support/log_listener.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

constexpr size_t mostMessages = 100;
constexpr size_t dumpBytes = 25600;  // the size that the manual promises to be enough
constexpr std::string_view cutMark = "(older messages do not fit)\n";

struct Callback {
  CUlogsCallbackHandle handle = nullptr;
  CUlogsCallback function = nullptr;
  void* user = nullptr;
};

struct ErrorLog {
  std::mutex mutex;
  std::deque<std::string> lines;
  unsigned next = 0;  // number of the message after the last
};

ErrorLog& errorLog() {
  static ErrorLog& log = *new ErrorLog;
  return log;
}

using CallbackTable = HandleTable<Callback, CUlogsCallbackHandle, HandleKind::LogCallback>;
CallbackTable& callbacks() {
  static CallbackTable& table = *new CallbackTable;
  return table;
}

// "[14:03:22.117][4711][CUDA][E] text"
std::string lineOf(CUlogLevel level, std::string_view message) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  return fmt::format("[{:02}:{:02}:{:02}.{:03}][{}][CUDA][{}] {}\n", local.tm_hour, local.tm_min, local.tm_sec, now.tv_nsec / 1000000,
                     static_cast<long>(syscall(SYS_gettid)), level == CU_LOG_LEVEL_ERROR ? 'E' : 'W', message);
}

// Everything since `iterator` (all there is where it is null), the newest of it where that is more than `room`; moves the iterator.
std::string collect(CUlogIterator* iterator, size_t room) {
  ErrorLog& log = errorLog();
  std::lock_guard lock(log.mutex);
  auto first = static_cast<unsigned>(log.next - log.lines.size());
  size_t from = iterator && *iterator - first <= log.lines.size() ? *iterator - first : 0;
  if (iterator) *iterator = log.next;
  size_t total = 0;
  for (size_t i = from; i < log.lines.size(); ++i) total += log.lines[i].size();
  bool cut = total > room;
  for (; from < log.lines.size() && total + (cut ? cutMark.size() : 0) > room; ++from) total -= log.lines[from].size();
  std::string text(cut && total + cutMark.size() <= room ? cutMark : "");
  for (size_t i = from; i < log.lines.size(); ++i) text += log.lines[i];
  return text;
}

void hear(log::Level level, std::string_view text) {
  appendToErrorLog(level == log::Level::Error ? CU_LOG_LEVEL_ERROR : CU_LOG_LEVEL_WARNING, text);
}

}  // namespace

void anywarp::driver::startErrorLog() { log::setListener(hear); }

void anywarp::driver::appendToErrorLog(CUlogLevel level, std::string_view message) {
  std::string line = lineOf(level, message);
  {
    ErrorLog& log = errorLog();
    std::lock_guard lock(log.mutex);
    if (log.lines.size() == mostMessages) log.lines.pop_front();
    log.lines.push_back(line);
    ++log.next;
  }
  if (inCallback()) return;
  callbacks().forEach([&](Callback& callback) {
    inCallback() = true;
    std::string own(message);
    callback.function(callback.user, level, own.data(), own.size());
    inCallback() = false;
  });
}

CUresult cuLogsRegisterCallback(CUlogsCallback function, void* user, CUlogsCallbackHandle* handle) {
  return call(__func__, [&]() -> CUresult {
    if (!function) return CUDA_ERROR_INVALID_VALUE;
    auto callback = std::make_shared<Callback>();
    callback->function = function;
    callback->user = user;
    CUlogsCallbackHandle made = callbacks().add(callback);
    if (handle) *handle = made;
    return CUDA_SUCCESS;
  });
}

CUresult cuLogsUnregisterCallback(CUlogsCallbackHandle handle) {
  return call(__func__, [&]() -> CUresult { return callbacks().take(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; });
}

CUresult cuLogsCurrent(CUlogIterator* iterator, unsigned flags) {
  return call(__func__, [&]() -> CUresult {
    if (!iterator || flags) return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard lock(errorLog().mutex);
    *iterator = errorLog().next;
    return CUDA_SUCCESS;
  });
}

CUresult cuLogsDumpToFile(CUlogIterator* iterator, const char* path, unsigned flags) {
  return call(__func__, [&]() -> CUresult {
    if (!path || flags) return CUDA_ERROR_INVALID_VALUE;
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) return CUDA_ERROR_INVALID_VALUE;
    std::string text = collect(iterator, SIZE_MAX);
    bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(file);
    return written ? CUDA_SUCCESS : CUDA_ERROR_OPERATING_SYSTEM;
  });
}

CUresult cuLogsDumpToMemory(CUlogIterator* iterator, char* buffer, size_t* size, unsigned flags) {
  return call(__func__, [&]() -> CUresult {
    if (!buffer || !size || *size == 0 || flags) return CUDA_ERROR_INVALID_VALUE;
    std::string text = collect(iterator, std::min(*size, dumpBytes) - 1);
    std::copy(text.begin(), text.end(), buffer);
    buffer[text.size()] = '\0';
    *size = text.size() + 1;
    return CUDA_SUCCESS;
  });
}
