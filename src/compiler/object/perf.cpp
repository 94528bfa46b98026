// Appends lines `address size name` to /tmp/perf-PID.map. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/perf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "support/log.h"
#include "support/options.h"

namespace anywarp::object {

bool perfMapIsWanted() { return options::perf(); }

void perfMapAdd(uint64_t address, uint64_t size, std::string_view kernel, std::string_view symbol) {
  // Opened each time: after a fork the child has a file of its own.
  std::string path = fmt::format("/tmp/perf-{}.map", ::getpid());
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) return log::logOnce(log::Level::Warn, "perf-map", "cannot write {}", path);
  std::string line = kernel == symbol ? fmt::format("{:x} {:x} {}\n", address, size, symbol)
                                      : fmt::format("{:x} {:x} {} [{}]\n", address, size, symbol, kernel);
  [[maybe_unused]] ssize_t written = ::write(fd, line.data(), line.size());
  ::close(fd);
}

}  // namespace anywarp::object
