// The log: one line per message, `anywarp: warn: text`, to standard error or ANYWARP_LOG_FILE. SPDX-License-Identifier: Apache-2.0
// log::warn("{}: {} bytes are too many, limit {}", name, size, limit);   Safe from every thread; arguments of a message below the
// level are not formatted. Not for signal handlers: they use emergency().
#pragma once

#include <fmt/core.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

namespace anywarp::log {

enum class Level : int { Off, Error, Warn, Info, Debug, Trace };

namespace detail {
extern std::atomic<int> threshold;  // negative until the options have been read
bool slowEnabled(Level level);
void write(Level level, std::string_view text);
void vlog(Level level, fmt::string_view format, fmt::format_args args);
bool firstTime(std::string_view key);
}  // namespace detail

inline bool enabled(Level level) {
  int threshold = detail::threshold.load(std::memory_order_relaxed);
  return threshold < 0 ? detail::slowEnabled(level) : static_cast<int>(level) <= threshold;
}

template <class... Args>
void message(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) detail::vlog(level, format, fmt::make_format_args(args...));
}

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  message<Args...>(Level::Error, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  message<Args...>(Level::Warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  message<Args...>(Level::Info, format, std::forward<Args>(args)...);
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  message<Args...>(Level::Debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void trace(fmt::format_string<Args...> format, Args&&... args) {
  message<Args...>(Level::Trace, format, std::forward<Args>(args)...);
}

// The same message (by `key`) only the first time in this process: logOnce(Level::Warn, "cache-readonly", "...", ...).
template <class... Args>
void logOnce(Level level, std::string_view key, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level) && detail::firstTime(key)) detail::vlog(level, format, fmt::make_format_args(args...));
}

// Sets the level from code (tests, --verbose); the environment no longer matters.
void setLevel(Level level);

// Writes `text` and a newline as they are, whatever the level. Async-signal-safe.
void emergency(std::string_view text);

}  // namespace anywarp::log
