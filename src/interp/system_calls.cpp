// printf, assert, malloc and free as kernels call them (CUDA: Formatted Output, Assertion, Dynamic Global Memory Allocation).
// SPDX-License-Identifier: Apache-2.0
#include "interp/system_calls.h"

#include <cstdio>
#include <cstring>

#include "interp/number.h"

namespace anywarp::interp {
namespace {

constexpr uint64_t longestString = 4096;
constexpr uint64_t heapLimit = 8 << 20;  // cudaLimitMallocHeapSize as CUDA sets it

std::string readString(Step& step, uint64_t address) {
  std::string text;
  while (text.size() < longestString) {
    const uint8_t* place = step.memory(Space::Generic, address + text.size(), 1, false);
    if (!place || *place == 0) break;
    text.push_back(static_cast<char>(*place));
  }
  return text;
}

// Reads packed variadic arguments: each at its own alignment.
class Arguments {
 public:
  Arguments(Step& step, uint64_t address) : step_(step), begin_(address) {}

  uint64_t next(unsigned bytes) {
    offset_ = (offset_ + bytes - 1) / bytes * bytes;
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
      const uint8_t* place = step_.memory(Space::Generic, begin_ + offset_ + i, 1, false);
      if (!place) return 0;
      value |= uint64_t{*place} << (8 * i);
    }
    offset_ += bytes;
    return value;
  }

 private:
  Step& step_;
  uint64_t begin_;
  uint64_t offset_ = 0;
};

// One conversion specification: `%-5.3lld`.
struct Conversion {
  std::string flags;  // flags, width, precision
  bool is64 = false;
  char letter = 0;
};

template <class T>
std::string formatOne(const std::string& spec, T value) {
  char text[512];
  int length = std::snprintf(text, sizeof text, spec.c_str(), value);
  return std::string(text, std::min<size_t>(length < 0 ? 0 : length, sizeof text - 1));
}

Conversion parseConversion(const std::string& format, size_t& at, Arguments& arguments) {
  Conversion conversion;
  for (; at < format.size(); at++) {
    char c = format[at];
    if (c == '*') {
      conversion.flags += std::to_string(static_cast<int32_t>(arguments.next(4)));
    } else if (std::strchr("-+ #0123456789.", c)) {
      conversion.flags += c;
    } else if (c == 'l' || c == 'j' || c == 'z' || c == 't') {
      conversion.is64 = true;  // long is 64 bits wide on the host
    } else if (c != 'h') {
      conversion.letter = c;
      at++;
      return conversion;
    }
  }
  return conversion;
}

std::string convert(Step& step, const Conversion& conversion, Arguments& arguments) {
  std::string spec = "%" + conversion.flags;
  switch (conversion.letter) {
    case 'd': case 'i':
      if (conversion.is64) return formatOne(spec + "lld", static_cast<long long>(arguments.next(8)));
      return formatOne(spec + "d", static_cast<int>(arguments.next(4)));
    case 'u': case 'o': case 'x': case 'X':
      if (conversion.is64) return formatOne(spec + "ll" + conversion.letter, static_cast<unsigned long long>(arguments.next(8)));
      return formatOne(spec + conversion.letter, static_cast<unsigned>(arguments.next(4)));
    case 'c': return formatOne(spec + "c", static_cast<int>(arguments.next(4)));
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case 'a': case 'A':
      return formatOne(spec + conversion.letter, asDouble(arguments.next(8)));
    case 'p': return formatOne(spec + "p", reinterpret_cast<void*>(arguments.next(8)));
    case 's': {
      uint64_t address = arguments.next(8);
      return formatOne(spec + "s", address ? readString(step, address).c_str() : "(null)");
    }
    case '%': return "%";
    default: return spec + conversion.letter;
  }
}

uint64_t printFormatted(Step& step, uint64_t formatAddress, uint64_t argumentAddress) {
  std::string format = readString(step, formatAddress);
  Arguments arguments(step, argumentAddress);
  std::string text;
  uint64_t conversions = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      text += format[at++];
      continue;
    }
    Conversion conversion = parseConversion(format, ++at, arguments);
    if (conversion.letter != '%') conversions++;
    text += convert(step, conversion, arguments);
  }
  if (step.grid.launch.print) step.grid.launch.print(text);
  return conversions;
}

void assertFail(Step& step, const std::vector<uint64_t>& args) {
  std::string message = readString(step, args[0]), file = readString(step, args[1]);
  std::string function = args.size() > 3 ? readString(step, args[3]) : "";
  step.fault(FaultKind::Assert, file + ":" + std::to_string(static_cast<uint32_t>(args[2])) + ": " + function + ": assertion `" + message + "` failed");
}

uint64_t allocate(Step& step, uint64_t size) {
  DeviceMemory& memory = *step.grid.launch.memory;
  uint64_t used = 0;
  for (const auto& [address, bytes] : memory.heap) used += bytes.size();
  if (size > heapLimit || used + size > heapLimit) return 0;
  std::vector<uint8_t> bytes(std::max<uint64_t>(size, 16));
  uint64_t address = reinterpret_cast<uint64_t>(bytes.data());
  memory.heap.emplace(address, std::move(bytes));
  return address;
}

}  // namespace

bool systemCall(Step& step, const std::string& name, const std::vector<uint64_t>& args, uint64_t* result) {
  if (name == "vprintf" && args.size() == 2) {
    *result = printFormatted(step, args[0], args[1]);
  } else if (name == "__assertfail" && args.size() >= 4) {
    assertFail(step, args);
  } else if (name == "malloc" && args.size() == 1) {
    *result = allocate(step, args[0]);
  } else if (name == "free" && args.size() == 1) {
    if (args[0] != 0 && step.grid.launch.memory->heap.erase(args[0]) == 0)
      step.fault(FaultKind::IllegalAddress, "free of " + hex(args[0]) + ", which malloc did not give");
  } else {
    return false;
  }
  return true;
}

}  // namespace anywarp::interp
