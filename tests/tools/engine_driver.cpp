// Runs a test program through the public driver API of libcuda.so.1, in a process of its own. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "driver_textures.h"
#include "program.h"

namespace anywarp::tests {
namespace {

// The few entry points that are needed, with the types of the driver API written out.
using Status = int;
using Handle = void*;
using DevicePointer = unsigned long long;

struct Driver {
  Status (*init)(unsigned) = nullptr;
  Status (*deviceGet)(int*, int) = nullptr;
  Status (*contextCreate)(Handle*, unsigned, int) = nullptr;
  Status (*moduleLoadDataEx)(Handle*, const void*, unsigned, int*, void**) = nullptr;
  Status (*moduleGetFunction)(Handle*, Handle, const char*) = nullptr;
  Status (*functionSetAttribute)(Handle, int, int) = nullptr;
  Status (*allocate)(DevicePointer*, size_t) = nullptr;
  Status (*copyIn)(DevicePointer, const void*, size_t) = nullptr;
  Status (*copyOut)(void*, DevicePointer, size_t) = nullptr;
  Status (*launch)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void**, void**) = nullptr;
  Status (*launchCooperative)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void**) = nullptr;
  Status (*synchronize)() = nullptr;
  Status (*errorName)(Status, const char**) = nullptr;
};

constexpr int maxDynamicSharedAttribute = 8;
constexpr int jitErrorLogBuffer = 5, jitErrorLogBufferSize = 6;

struct Failure {
  std::string message;
};

// What the child writes: fault, message, printed text comes separately, then the buffers.
void put(int fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t written = write(fd, at, size);
    if (written <= 0) _exit(90);
    at += written;
    size -= static_cast<size_t>(written);
  }
}

void putText(int fd, const std::string& text) {
  uint64_t size = text.size();
  put(fd, &size, sizeof size);
  put(fd, text.data(), text.size());
}

const char* faultOf(Status status) {
  switch (status) {
    case 700: return "illegal-address";
    case 716: return "misaligned-address";
    case 717: return "illegal-address";  // invalid address space
    case 718: return "illegal-address";  // invalid program counter
    case 715: return "illegal-instruction";
    case 710: return "assert";
    case 714: return "stack-overflow";
    case 719: return "trap";
    case 801: return "unsupported";
    default: return "";
  }
}

class Child {
 public:
  Child(const Program& program, int fd) : program_(program), fd_(fd) {}

  [[noreturn]] void run(const std::string& library) {
    open(library);
    setUp();
    std::string fault, message;
    for (const Launch& launch : program_.launches) {
      Status status = launchOne(launch);
      if (status == 0) continue;
      fault = faultOf(status);
      message = nameOf(status);
      if (fault.empty()) fail("launch of " + launch.kernel + ": " + message);
      break;
    }
    finish(fault, message);
  }

 private:
  const Program& program_;
  int fd_;
  Driver driver_;
  Handle module_ = nullptr;
  std::vector<DevicePointer> buffers_;
  std::vector<uint64_t> textures_;
  void* library_ = nullptr;

  [[noreturn]] void fail(const std::string& message) {
    put(fd_, "E", 1);
    putText(fd_, message);
    _exit(0);
  }

  std::string nameOf(Status status) {
    const char* name = nullptr;
    if (driver_.errorName) driver_.errorName(status, &name);
    return name ? name : "CUDA error " + std::to_string(status);
  }

  void check(Status status, const char* what) {
    if (status != 0) fail(std::string(what) + ": " + nameOf(status));
  }

  template <class T>
  void find(void* library, T*& function, const char* name) {
    function = reinterpret_cast<T*>(dlsym(library, name));
    if (!function) fail(std::string("libcuda has no ") + name);
  }

  void open(const std::string& path) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) fail(std::string("engine is missing: ") + dlerror());
    library_ = library;
    find(library, driver_.errorName, "cuGetErrorName");
    find(library, driver_.init, "cuInit");
    find(library, driver_.deviceGet, "cuDeviceGet");
    find(library, driver_.contextCreate, "cuCtxCreate_v2");
    find(library, driver_.moduleLoadDataEx, "cuModuleLoadDataEx");
    find(library, driver_.moduleGetFunction, "cuModuleGetFunction");
    find(library, driver_.functionSetAttribute, "cuFuncSetAttribute");
    find(library, driver_.allocate, "cuMemAlloc_v2");
    find(library, driver_.copyIn, "cuMemcpyHtoD_v2");
    find(library, driver_.copyOut, "cuMemcpyDtoH_v2");
    find(library, driver_.launch, "cuLaunchKernel");
    find(library, driver_.launchCooperative, "cuLaunchCooperativeKernel");
    find(library, driver_.synchronize, "cuCtxSynchronize");
  }

  void setUp() {
    int device = 0;
    Handle context = nullptr;
    check(driver_.init(0), "cuInit");
    check(driver_.deviceGet(&device, 0), "cuDeviceGet");
    check(driver_.contextCreate(&context, 0, device), "cuCtxCreate");
    static char log[8192];
    int options[] = {jitErrorLogBuffer, jitErrorLogBufferSize};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    Status status = driver_.moduleLoadDataEx(&module_, program_.ptx.c_str(), 2, options, values);
    if (status != 0) fail("cuModuleLoadDataEx: " + nameOf(status) + "\n" + log);
    std::string error = makeTextures(library_, module_, program_.textures, textures_);
    if (!error.empty()) fail(error);
    for (const Buffer& buffer : program_.buffers) {
      DevicePointer& place = buffers_.emplace_back();
      check(driver_.allocate(&place, std::max<size_t>(buffer.bytes.size(), 1)), "cuMemAlloc");
      if (!buffer.bytes.empty()) check(driver_.copyIn(place, buffer.bytes.data(), buffer.bytes.size()), "cuMemcpyHtoD");
    }
  }

  // The status of the launch, or of the kernel that it ran.
  Status launchOne(const Launch& launch) {
    Handle function = nullptr;
    check(driver_.moduleGetFunction(&function, module_, launch.kernel.c_str()), ("cuModuleGetFunction " + launch.kernel).c_str());
    if (launch.shared > 48 * 1024)
      check(driver_.functionSetAttribute(function, maxDynamicSharedAttribute, static_cast<int>(launch.shared)), "cuFuncSetAttribute");
    std::vector<std::vector<uint64_t>> storage;
    std::vector<void*> pointers;
    for (const Argument& argument : launch.arguments) {
      std::vector<uint64_t>& words = storage.emplace_back(argument.bytes.size() / 8 + 2);
      if (argument.buffer >= 0) {
        words[0] = buffers_[argument.buffer] + argument.offset;
      } else if (argument.texture >= 0) {
        words[0] = textures_[argument.texture];
      } else {
        std::memcpy(words.data(), argument.bytes.data(), argument.bytes.size());
      }
    }
    for (auto& words : storage) pointers.push_back(words.data());
    const abi::Dim3 &g = launch.grid, &b = launch.block;
    Status status = launch.cooperative
                        ? driver_.launchCooperative(function, g.x, g.y, g.z, b.x, b.y, b.z, launch.shared, nullptr, pointers.data())
                        : driver_.launch(function, g.x, g.y, g.z, b.x, b.y, b.z, launch.shared, nullptr, pointers.data(), nullptr);
    return status != 0 ? status : driver_.synchronize();
  }

  [[noreturn]] void finish(const std::string& fault, const std::string& message) {
    fflush(nullptr);
    put(fd_, "R", 1);
    putText(fd_, fault);
    putText(fd_, message);
    for (size_t i = 0; i < buffers_.size(); i++) {
      std::vector<uint8_t> bytes(program_.buffers[i].bytes.size());
      if (fault.empty() && !bytes.empty()) check(driver_.copyOut(bytes.data(), buffers_[i], bytes.size()), "cuMemcpyDtoH");
      put(fd_, bytes.data(), bytes.size());
    }
    _exit(0);
  }
};

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) read = ends[0], write = ends[1];
  }
  ~Pipe() {
    if (read >= 0) close(read);
    if (write >= 0) close(write);
  }
  void closeWrite() {
    close(write);
    write = -1;
  }
};

bool readSome(int fd, std::string& into) {
  char chunk[65536];
  ssize_t got = read(fd, chunk, sizeof chunk);
  if (got > 0) into.append(chunk, static_cast<size_t>(got));
  return got > 0;
}

// Reads both pipes to their ends; false when time runs out.
bool drain(Pipe& result, Pipe& printed, std::string& resultBytes, std::string& printedText, unsigned seconds) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  pollfd ends[2] = {{result.read, POLLIN, 0}, {printed.read, POLLIN, 0}};
  std::string* sinks[2] = {&resultBytes, &printedText};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0 || poll(ends, 2, static_cast<int>(left)) <= 0) return false;
    for (int i = 0; i < 2; i++)
      if (ends[i].revents && !readSome(ends[i].fd, *sinks[i])) ends[i].fd = -1;
  }
  return true;
}

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  char tag() { return at_ < bytes_.size() ? bytes_[at_++] : '?'; }
  std::string text() {
    uint64_t size = 0;
    if (at_ + sizeof size > bytes_.size()) return {};
    std::memcpy(&size, bytes_.data() + at_, sizeof size);
    at_ += sizeof size;
    std::string result = bytes_.substr(at_, size);
    at_ += size;
    return result;
  }
  std::vector<uint8_t> take(size_t size) {
    std::vector<uint8_t> result(size);
    if (at_ + size <= bytes_.size()) std::memcpy(result.data(), bytes_.data() + at_, size);
    at_ += size;
    return result;
  }
  bool complete() const { return at_ == bytes_.size(); }

 private:
  const std::string& bytes_;
  size_t at_ = 0;
};

Outcome understand(const Program& program, const std::string& bytes) {
  Reader reader(bytes);
  char tag = reader.tag();
  if (tag == 'E') return broken(reader.text());
  if (tag != 'R') return broken("the engine's process ended without a result");
  Outcome outcome;
  outcome.fault = reader.text();
  outcome.message = reader.text();
  for (const Buffer& buffer : program.buffers) outcome.buffers.push_back(reader.take(buffer.bytes.size()));
  if (!reader.complete()) return broken("the engine's process ended in the middle of its result");
  return outcome;
}

}  // namespace

Outcome runDriver(const Program& program, const Engine& engine, const RunOptions& options) {
  Pipe result, printed;
  fflush(nullptr);
  pid_t child = fork();
  if (child < 0) return broken("fork failed");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(printed.write, STDOUT_FILENO);
    for (const auto& [name, value] : engine.environment) setenv(name.c_str(), value.c_str(), 1);
    Child(program, result.write).run(options.library);
  }
  result.closeWrite();
  printed.closeWrite();
  std::string bytes, text;
  bool inTime = drain(result, printed, bytes, text, options.timeoutSeconds);
  if (!inTime) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (!inTime) return broken("no result within " + std::to_string(options.timeoutSeconds) + " s");
  if (WIFSIGNALED(status)) return broken(std::string("the process died: ") + strsignal(WTERMSIG(status)));
  Outcome outcome = understand(program, bytes);
  outcome.printed = text;
  return outcome;
}

}  // namespace anywarp::tests
