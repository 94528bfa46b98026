// The lines of a trace, and where they go. SPDX-License-Identifier: Apache-2.0
#include "driver/trace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "driver/api_table.h"
#include "driver/errors.h"
#include "driver/objects/library.h"
#include "support/log.h"
#include "support/options.h"

namespace anywarp::driver {
namespace {

constexpr size_t longestText = 200;

uint64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

struct Output {
  int file = STDERR_FILENO;
  uint64_t began = now();
};

// Standard error, or a file that processes share: appended to, one write per line.
Output openOutput() {
  Output output;
  std::string path = options::trace();
  if (path == "1" || path == "-") return output;
  if (size_t at = path.find("%p"); at != std::string::npos) path.replace(at, 2, std::to_string(getpid()));
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) log::emergency("anywarp: warn: cannot open the file of ANYWARP_TRACE, tracing to standard error");
  else output.file = file;
  return output;
}

const Output& output() {
  static const Output output = openOutput();
  return output;
}

void put(std::string_view line) {
  int saved = errno;
  while (!line.empty()) {
    ssize_t written = ::write(output().file, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    line.remove_prefix(static_cast<size_t>(written));
  }
  errno = saved;
}

constexpr const char* attributeNames[] = {
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) #name,
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
};
constexpr unsigned attributeNumbers[] = {
#define ANYWARP_DEVICE_ATTRIBUTE(name, number) number,
#include "abi/cuda_device_attributes.def"
#undef ANYWARP_DEVICE_ATTRIBUTE
};

}  // namespace

bool traceRequested() {
  if (options::trace().empty() || options::trace() == "0") return false;
  output();
  return true;
}

TraceLine::TraceLine(size_t row) : row_(row), began_(now()) {}

void TraceLine::ended(CUresult result) {
  ended_ = now();
  result_ = result;
}

void TraceLine::write() {
  const char* name = errorName(result_);
  double seconds = static_cast<double>(began_ - std::min(began_, output().began)) / 1e9;
  put(fmt::format("anywarp trace {} {} {:.6f} {}({}) = {} {:.1f}us\n", getpid(), syscall(SYS_gettid), seconds, apiTable()[row_].symbol, text_,
                  name ? name : std::to_string(result_), static_cast<double>(ended_ - began_) / 1e3));
}

void TraceLine::separator() {
  if (!text_.empty()) text_ += ", ";
}

void TraceLine::number(uint64_t value) { fmt::format_to(std::back_inserter(text_), "{}", value); }
void TraceLine::number(int64_t value) { fmt::format_to(std::back_inserter(text_), "{}", value); }
void TraceLine::number(double value) { fmt::format_to(std::back_inserter(text_), "{}", value); }

void TraceLine::address(const volatile void* value) {
  if (value) fmt::format_to(std::back_inserter(text_), "{:#x}", reinterpret_cast<uintptr_t>(value));
  else text_ += "null";
}

void TraceLine::text(const char* value) {
  if (!value) return address(nullptr);
  text_ += '"';
  size_t i = 0;
  for (; value[i] && i < longestText; ++i) {
    auto c = static_cast<unsigned char>(value[i]);
    if (c == '"' || c == '\\') (text_ += '\\') += static_cast<char>(c);
    else if (c < 0x20 || c == 0x7f) fmt::format_to(std::back_inserter(text_), "\\x{:02x}", c);
    else text_ += static_cast<char>(c);
  }
  text_ += value[i] ? "\"..." : "\"";
}

// void** is the array of a launch's parameters in most functions, and an output where it comes first or a symbol is looked up.
bool TraceLine::isOutputPointer(size_t index) const { return index == 0 || apiTable()[row_].base == "cuGetProcAddress"; }

void TraceLine::special(CUresult value) {
  const char* name = errorName(value);
  name ? void(text_ += name) : number(static_cast<uint64_t>(value));
}

void TraceLine::special(CUdevice_attribute value) {
  for (size_t i = 0; i < std::size(attributeNumbers); ++i)
    if (attributeNumbers[i] == value) return void(text_ += attributeNames[i]);
  number(static_cast<uint64_t>(value));
}

// Kernels have their name after the handle.
void TraceLine::special(CUfunction value) {
  address(value);
  std::shared_ptr<Function> function = functions().find(value);
  std::shared_ptr<Kernel> kernel = function ? function->kernel : kernels().find(reinterpret_cast<CUkernel>(value));
  if (kernel && kernel->library.lock()) (text_ += ':') += kernel->function().name;
}

void TraceLine::special(CUkernel value) { special(reinterpret_cast<CUfunction>(value)); }

void TraceLine::special(const CUlaunchConfig* value) {
  if (!value) return address(nullptr);
  fmt::format_to(std::back_inserter(text_), "{{grid={}x{}x{} block={}x{}x{} shared={} stream={:#x} attributes={}}}", value->gridDimX, value->gridDimY,
                 value->gridDimZ, value->blockDimX, value->blockDimY, value->blockDimZ, value->sharedMemBytes, reinterpret_cast<uintptr_t>(value->hStream),
                 value->numAttrs);
}

void TraceLine::special(const CUDA_MEMCPY2D* value) {
  if (!value) return address(nullptr);
  fmt::format_to(std::back_inserter(text_), "{{width={} height={}}}", value->WidthInBytes, value->Height);
}

void TraceLine::special(const CUDA_MEMCPY3D* value) {
  if (!value) return address(nullptr);
  fmt::format_to(std::back_inserter(text_), "{{width={} height={} depth={}}}", value->WidthInBytes, value->Height, value->Depth);
}

}  // namespace anywarp::driver
