// Reads, checks and keeps the environment variables of options.def. SPDX-License-Identifier: Apache-2.0
#include "support/options.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "support/debug_options.h"

namespace anywarp::options {
namespace {

constexpr Description table[] = {
#define ANYWARP_OPTION(accessor, NAME, Type, fallback, values, help) {#NAME, #Type, fallback, values, help},
#include "support/options.def"
#undef ANYWARP_OPTION
};

enum Index : size_t {
#define ANYWARP_OPTION(accessor, NAME, Type, fallback, values, help) index_##accessor,
#include "support/options.def"
#undef ANYWARP_OPTION
  optionCount
};

// A value once read. Replaced values are leaked: somebody may hold a reference.
struct Slot {
  std::atomic<const void*> value{nullptr};
};

Slot* slots() {
  static Slot* const all = new Slot[optionCount];
  return all;
}

std::mutex& readMutex() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

// Straight to standard error: the log itself is configured by options.
void reportBadValue(const Description& row, const char* value) {
  std::string line = std::string("anywarp: warn: ") + row.name + ": '" + value + "' is not one of '" +
                     (row.values[0] ? row.values : row.type) + "', using '" + row.fallback + "'\n";
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

bool isOneOf(std::string_view text, std::string_view choices) {
  for (;;) {
    size_t bar = choices.find('|');
    if (text == choices.substr(0, bar)) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

template <class T>
std::optional<T> parse(const Description& row, const char* text) {
  if constexpr (std::is_same_v<T, Flag>) return parseFlag(text);
  if constexpr (std::is_same_v<T, Number>) return parseNumber(text);
  if constexpr (std::is_same_v<T, Bytes>) return parseBytes(text);
  if constexpr (std::is_same_v<T, List>) return parseList(text);
  if constexpr (std::is_same_v<T, Text>) {
    bool closed = strchr(row.values, '|') != nullptr;
    if (!closed || isOneOf(text, row.values)) return Text(text);
    return std::nullopt;
  }
}

template <class T>
const T& read(const Description& row, Slot& slot) {
  std::lock_guard lock(readMutex());
  if (const void* known = slot.value.load(std::memory_order_acquire)) return *static_cast<const T*>(known);
  std::optional<T> value;
  if (const char* text = std::getenv(row.name)) {
    // An empty number or flag is the same as none: `ANYWARP_PERF= program`.
    bool empty = text[0] == 0 && !std::is_same_v<T, Text> && !std::is_same_v<T, List>;
    if (!empty) {
      value = parse<T>(row, text);
      if (!value) reportBadValue(row, text);
    }
  }
  if (!value) value = parse<T>(row, row.fallback);
  const T* kept = new T(std::move(*value));
  slot.value.store(kept, std::memory_order_release);
  static auto& everRead = *new std::vector<const T*>;  // reachable for leak checkers
  everRead.push_back(kept);
  return *kept;
}

template <class T>
const T& get(Index index) {
  Slot& slot = slots()[index];
  if (const void* known = slot.value.load(std::memory_order_acquire)) return *static_cast<const T*>(known);
  return read<T>(table[index], slot);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

}  // namespace

#define ANYWARP_OPTION(accessor, NAME, Type, fallback, values, help) \
  const Type& accessor() { return get<Type>(index_##accessor); }
#include "support/options.def"
#undef ANYWARP_OPTION

std::span<const Description> all() { return table; }

bool isPassOff(std::string_view pass) {
  const List& off = disablePass();
  return std::find(off.begin(), off.end(), pass) != off.end();
}

bool isSet(std::string_view name) { return std::getenv(std::string(name).c_str()) != nullptr; }

void reload() {
  std::lock_guard lock(readMutex());
  for (size_t i = 0; i < optionCount; ++i) slots()[i].value.store(nullptr, std::memory_order_release);
}

std::optional<bool> parseFlag(std::string_view text) {
  for (std::string_view yes : {"1", "on", "true", "yes", "ON", "TRUE", "YES"})
    if (text == yes) return true;
  for (std::string_view no : {"0", "off", "false", "no", "OFF", "FALSE", "NO"})
    if (text == no) return false;
  if (auto number = parseNumber(text)) return *number != 0;
  return std::nullopt;
}

std::optional<int64_t> parseNumber(std::string_view text) {
  text = trim(text);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parseBytes(std::string_view text) {
  text = trim(text);
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = trim(text.substr(end - text.data()));
  static constexpr std::string_view letters = "KMGT";
  unsigned shift = 0;
  if (!unit.empty() && unit != "B") {
    size_t power = letters.find(static_cast<char>(toupper(unit[0])));
    std::string_view rest = unit.substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "B" && rest != "iB")) return std::nullopt;
    shift = 10 * (static_cast<unsigned>(power) + 1);
  }
  if (shift && value > (UINT64_MAX >> shift)) return std::nullopt;
  return value << shift;
}

std::vector<std::string> parseList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    size_t comma = text.find(',');
    std::string_view item = trim(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

std::string helpText() {
  std::string out;
  for (const Description& row : table) {
    std::string line = std::string("  ") + row.name;
    line.resize(std::max<size_t>(line.size() + 1, 28), ' ');
    line += row.help;
    if (row.values[0]) line += std::string(" (") + row.values + ")";
    out += line + "\n";
  }
  return out;
}

std::string markdown() {
  std::string out = "| variable | type | default | values | what it does |\n|---|---|---|---|---|\n";
  for (const Description& row : table) {
    std::string values;
    for (std::string_view text = row.values; char c : text) values += c == '|' ? std::string("\\|") : std::string(1, c);
    out += std::string("| `") + row.name + "` | " + row.type + " | " + row.fallback + " | " + values + " | " + row.help + " |\n";
  }
  return out;
}

const std::string& debugCompileCrash() {
  static const std::string& value = *new std::string([] {
    const char* text = std::getenv("ANYWARP_DEBUG_COMPILE_CRASH");
    return text ? text : "";
  }());
  return value;
}

}  // namespace anywarp::options
