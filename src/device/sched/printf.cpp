// printf from kernels (Programming Guide: Formatted Output). SPDX-License-Identifier: Apache-2.0
// Kernel memory is read before anything is formatted and only into memory that the worker owns: a bad pointer leaves this code by
// a jump.
#include "device/sched/printf.h"

#include <bit>
#include <cstdio>
#include <cstring>

#include "device/context.h"
#include "device/sched/block.h"
#include "device/sched/services.h"
#include "device/sched/worker.h"

namespace anywarp::device {

void PrintfBuffer::append(std::string_view call) {
  uint64_t limit = limit_.load(std::memory_order_relaxed);
  Lock lock(mutex_);
  used_.store(true, std::memory_order_release);
  calls_.emplace_back(call);
  bytes_ += call.size();
  while (bytes_ > limit && !calls_.empty()) {
    bytes_ -= calls_.front().size();
    calls_.pop_front();
  }
  pending_.store(true, std::memory_order_release);
}

void PrintfBuffer::flush() {
  if (!pending_.load(std::memory_order_acquire)) return;
  Lock order(writing_);
  std::deque<std::string> calls;
  {
    Lock lock(mutex_);
    calls.swap(calls_);
    bytes_ = 0;
    pending_.store(false, std::memory_order_release);
  }
  for (const std::string& call : calls) fwrite(call.data(), 1, call.size(), stdout);
}

namespace {

constexpr size_t mostArguments = 32;
constexpr int32_t noFormat = -1;
constexpr int32_t badFormat = -2;

// One conversion of a format: %[flags][width][.precision][size]type.
struct Conversion {
  const char* begin = nullptr;
  const char* end = nullptr;
  int stars = 0;
  int longs = 0;   // l, ll
  char type = 0;   // 0: no conversion, the text stands for itself
};

bool oneOf(char c, const char* set) { return c && std::strchr(set, c); }

// The conversion that begins at the % at `at`.
Conversion parse(const char* at) {
  Conversion c{.begin = at, .end = at + 1};
  const char*& p = c.end;
  while (oneOf(*p, "#-+ 0'")) ++p;
  auto number = [&] {
    if (*p == '*') {
      ++c.stars;
      ++p;
    }
    while (*p >= '0' && *p <= '9') ++p;
  };
  number();
  if (*p == '.') {
    ++p;
    number();
  }
  while (oneOf(*p, "hlLqjzt")) {
    if (*p == 'l' || *p == 'q' || *p == 'j' || *p == 'z' || *p == 't') ++c.longs;
    if (*p == 'q') ++c.longs;
    ++p;
  }
  if (!oneOf(*p, "cdiouxXpeEfFgGaAs")) return c;
  c.type = *p++;
  return c;
}

bool isFloating(char type) { return oneOf(type, "eEfFgGaA"); }
size_t argumentBytes(const Conversion& c) { return isFloating(c.type) || c.type == 'p' || c.type == 's' || c.longs ? 8 : 4; }

struct Argument {
  uint64_t bits = 0;
  size_t string = 0;  // offset in the scratch memory, for s
};

struct Arguments {
  Argument values[mostArguments];
  size_t count = 0;
  size_t scratchEnd = 0;
  bool tooMany = false;
};

void readArgument(Arguments& all, uint64_t& address, size_t bytes, bool isString) {
  if (all.count == mostArguments) {
    all.tooMany = true;
    return;
  }
  Argument& a = all.values[all.count++];
  address = (address + bytes - 1) / bytes * bytes;
  readKernelMemory(&a.bits, address, bytes);
  address += bytes;
  if (!isString) return;
  a.string = all.scratchEnd;
  if (a.bits) all.scratchEnd += readKernelString(a.bits, all.scratchEnd) + 1;
}

// Reads what the format at scratch offset 0 asks for.
void readArguments(Worker& worker, uint64_t address, Arguments& all) {
  for (size_t at = 0;;) {
    const char* percent = std::strchr(worker.scratch(0) + at, '%');
    if (!percent) return;
    at = static_cast<size_t>(percent - worker.scratch(0));
    if (percent[1] == '%') {
      at += 2;
      continue;
    }
    Conversion c = parse(percent);
    at = static_cast<size_t>(c.end - worker.scratch(0));
    if (!c.type) continue;
    for (int i = 0; i < c.stars; ++i) readArgument(all, address, 4, false);
    readArgument(all, address, argumentBytes(c), c.type == 's');
  }
}

// Text that grows in the worker's memory.
class Output {
 public:
  explicit Output(Worker& worker) : worker_(worker) {}
  size_t size() const { return size_; }
  const char* data() { return worker_.text(0); }

  void text(const char* from, size_t bytes) {
    char* memory = worker_.text(size_ + bytes + 1);
    if (!memory) return;
    std::memcpy(memory + size_, from, bytes);
    size_ += bytes;
  }

  template <class Value>
  void convert(const char* specification, const int* stars, int starCount, Value value) {
    auto print = [&](char* to, size_t room) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
      if (starCount == 0) return snprintf(to, room, specification, value);
      if (starCount == 1) return snprintf(to, room, specification, stars[0], value);
      return snprintf(to, room, specification, stars[0], stars[1], value);
#pragma GCC diagnostic pop
    };
    char small[128];
    int length = print(small, sizeof small);
    if (length < 0) return;
    auto bytes = static_cast<size_t>(length);
    if (bytes < sizeof small) return text(small, bytes);
    char* memory = worker_.text(size_ + bytes + 1);
    if (!memory) return;
    print(memory + size_, bytes + 1);
    size_ += bytes;
  }

 private:
  Worker& worker_;
  size_t size_ = 0;
};

double asDouble(uint64_t bits) { return std::bit_cast<double>(bits); }

// The conversion as the host's printf wants it: sizes spelled for the host's types.
void specification(const Conversion& c, char* out, size_t room) {
  size_t n = 0;
  for (const char* p = c.begin; p < c.end - 1 && n + 4 < room; ++p) {
    if (!oneOf(*p, "lLqjzt")) out[n++] = *p;
  }
  if (c.longs && !isFloating(c.type) && c.type != 's' && c.type != 'c' && c.type != 'p') {
    out[n++] = 'l';
    out[n++] = 'l';
  }
  out[n++] = c.type;
  out[n] = 0;
}

void convertOne(Output& output, const Conversion& c, const int* stars, const Argument& a, const char* scratch) {
  char spec[64];
  if (static_cast<size_t>(c.end - c.begin) + 4 > sizeof spec) return output.text(c.begin, static_cast<size_t>(c.end - c.begin));
  specification(c, spec, sizeof spec);
  int starCount = c.stars;
  if (c.type == 's') return output.convert(spec, stars, starCount, a.bits ? scratch + a.string : "(null)");
  if (isFloating(c.type)) return output.convert(spec, stars, starCount, asDouble(a.bits));
  if (c.type == 'p') return output.convert(spec, stars, starCount, reinterpret_cast<const void*>(a.bits));
  if (c.longs && c.type != 'c') return output.convert(spec, stars, starCount, static_cast<unsigned long long>(a.bits));
  output.convert(spec, stars, starCount, static_cast<unsigned>(a.bits));
}

void format(Worker& worker, const Arguments& all, Output& output) {
  const char* scratch = worker.scratch(0);
  size_t next = 0;
  for (const char* at = scratch; *at;) {
    const char* percent = std::strchr(at, '%');
    if (!percent) return output.text(at, std::strlen(at));
    output.text(at, static_cast<size_t>(percent - at));
    if (percent[1] == '%') {
      output.text("%", 1);
      at = percent + 2;
      continue;
    }
    Conversion c = parse(percent);
    at = c.end;
    size_t needed = c.type ? static_cast<size_t>(c.stars) + 1 : 0;
    if (!c.type || next + needed > all.count) {
      output.text(c.begin, static_cast<size_t>(c.end - c.begin));
      continue;
    }
    int stars[2] = {};
    for (int i = 0; i < c.stars; ++i) stars[i] = static_cast<int>(all.values[next++].bits);
    convertOne(output, c, stars, all.values[next++], scratch);
  }
}

int32_t printOne(Worker& worker, PrintfBuffer& buffer, uint64_t formatAddress, uint64_t arguments) {
  if (!formatAddress) return noFormat;
  Arguments all;
  all.scratchEnd = readKernelString(formatAddress, 0) + 1;
  if (arguments) readArguments(worker, arguments, all);
  if (all.tooMany) return badFormat;
  Output output(worker);
  format(worker, all, output);
  if (output.size()) buffer.append({output.data(), output.size()});
  return static_cast<int32_t>(all.count);
}

}  // namespace

void printfService(abi::BlockContext* context, uint32_t, uint32_t mask, const uint64_t* formats, const uint64_t* args,
                   int32_t* results) {
  Worker& worker = *Worker::current();
  PrintfBuffer& buffer = static_cast<Block*>(context)->grid().context->printfBuffer();
  for (uint32_t left = mask; left; left &= left - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(left));
    results[lane] = printOne(worker, buffer, formats[lane], args[lane]);
  }
}

}  // namespace anywarp::device
