// Where log lines go, and which. One write(2) per line, so lines of threads and processes do not mix. SPDX-License-Identifier: Apache-2.0
#include "support/log.h"

#include "support/log_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <iterator>
#include <mutex>
#include <set>

#include "support/options.h"

namespace anywarp::log {
namespace {

constexpr std::string_view levelNames[] = {"off", "error", "warn", "info", "debug", "trace"};

std::atomic<int> file{STDERR_FILENO};

std::string logPath() {
  std::string path = options::logFile();
  size_t at = path.find("%p");
  if (at != std::string::npos) path.replace(at, 2, std::to_string(getpid()));
  return path;
}

void openFile() {
  std::string path = logPath();
  if (path.empty()) return;
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd >= 0)
    file.store(fd);
  else
    emergency("anywarp: warn: cannot open ANYWARP_LOG_FILE, logging to standard error");
}

int readLevel() {
  for (size_t i = 0; i < std::size(levelNames); ++i)
    if (options::log() == levelNames[i]) return static_cast<int>(i);
  return static_cast<int>(Level::Warn);
}

}  // namespace

namespace detail {

static std::atomic<Listener> listener{nullptr};

std::atomic<int> threshold{-1};

bool slowEnabled(Level level) {
  static std::once_flag& once = *new std::once_flag;
  std::call_once(once, [] {
    openFile();
    int unset = -1;
    threshold.compare_exchange_strong(unset, readLevel());
  });
  return static_cast<int>(level) <= threshold.load();
}

void write(Level level, std::string_view text) {
  if (Listener heard = level <= Level::Warn ? listener.load(std::memory_order_acquire) : nullptr) heard(level, text);
  std::string line = fmt::format("anywarp: {}: {}\n", levelNames[static_cast<int>(level)], text);
  std::string_view rest = line;
  while (!rest.empty()) {
    ssize_t written = ::write(file.load(std::memory_order_relaxed), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void vlog(Level level, fmt::string_view format, fmt::format_args args) {
  int saved = errno;  // a log line must not change what the caller is about to report
  write(level, fmt::vformat(format, args));
  errno = saved;
}

bool firstTime(std::string_view key) {
  static std::mutex& mutex = *new std::mutex;
  static auto& seen = *new std::set<std::string, std::less<>>;
  std::lock_guard lock(mutex);
  if (seen.find(key) != seen.end()) return false;
  seen.emplace(key);
  return true;
}

}  // namespace detail

void setListener(Listener heard) { detail::listener.store(heard, std::memory_order_release); }

void setLevel(Level level) {
  detail::slowEnabled(level);
  detail::threshold.store(static_cast<int>(level));
}

void emergency(std::string_view text) {
  char newline = '\n';
  iovec parts[] = {{const_cast<char*>(text.data()), text.size()}, {&newline, 1}};
  [[maybe_unused]] ssize_t written = ::writev(file.load(std::memory_order_relaxed), parts, 2);
}

}  // namespace anywarp::log
