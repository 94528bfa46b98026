// Names and writes the numbered dump files. SPDX-License-Identifier: Apache-2.0
#include "support/dump.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/log.h"
#include "support/options.h"

namespace anywarp {
namespace {

struct StageName {
  const char* name;
  const char* suffix;
};
constexpr StageName stageNames[] = {{"ptx", ".1-ptx.ptx"},         {"analysis", ".2-analysis.txt"}, {"llvm", ".3-llvm.ll"},
                                    {"llvm-opt", ".4-llvm-opt.ll"}, {"asm", ".5-asm.s"},             {"object", ".6-object.o"},
                                    {"plan", ".7-plan.txt"}};
constexpr size_t longestName = 80;

unsigned wantedStages() {
  unsigned stages = 0;
  for (const std::string& wanted : options::dump()) {
    unsigned found = 0;
    for (unsigned i = 0; i < std::size(stageNames); ++i)
      if (wanted == "all" || wanted == stageNames[i].name) found |= 1u << i;
    if (!found) log::logOnce(log::Level::Warn, "dump-" + wanted, "ANYWARP_DUMP: there is no stage '{}'", wanted);
    stages |= found;
  }
  return stages;
}

// A kernel's name as part of a file name.
std::string fileName(std::string_view kernel) {
  std::string out;
  for (char c : kernel.substr(0, longestName)) out += isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' ? c : '-';
  return out;
}

bool writeFile(const std::string& path, std::string_view content, int flags) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) return false;
  while (!content.empty()) {
    ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    content.remove_prefix(static_cast<size_t>(written));
  }
  ::close(fd);
  return content.empty();
}

}  // namespace

KernelDump::KernelDump(std::string_view kernel) : kernel_(kernel), folder_(options::dumpDir()) {
  if (options::dump().empty()) return;
  const std::string& filter = options::dumpKernel();
  if (filter.empty() || kernel_.find(filter) != std::string::npos) stages_ = wantedStages();
}

KernelDump::KernelDump(std::string_view kernel, DumpStage only, std::string folder)
    : stages_(1u << static_cast<int>(only)), kernel_(kernel), folder_(std::move(folder)) {}

// The lock file also keeps the replay command; creating it exclusively makes numbers unique among processes.
bool KernelDump::claim() {
  if (!prefix_.empty()) return true;
  const std::string& folder = folder_;
  ::mkdir(folder.c_str(), 0755);
  for (unsigned number = 1; number < 10000; ++number) {
    std::string lock = fmt::format("{}/{:04}.replay", folder, number);
    if (writeFile(lock, "", O_EXCL)) {
      prefix_ = fmt::format("{}/{:04}.{}", folder, number, fileName(kernel_));
      return true;
    }
    if (errno != EEXIST) break;
  }
  log::logOnce(log::Level::Warn, "dump-dir", "cannot write dumps to {}: {}", folder, strerror(errno));
  stages_ = 0;
  return false;
}

std::string KernelDump::path(DumpStage stage) const {
  return prefix_.empty() ? "" : prefix_ + stageNames[static_cast<int>(stage)].suffix;
}

void KernelDump::write(DumpStage stage, std::string_view content) {
  if (!wants(stage) || !claim()) return;
  if (!writeFile(path(stage), content, O_TRUNC)) log::warn("cannot write {}: {}", path(stage), strerror(errno));
}

void KernelDump::replayCommand(std::string_view command) {
  if (prefix_.empty()) return;
  std::string lock = prefix_.substr(0, prefix_.size() - fileName(kernel_).size()) + "replay";
  writeFile(lock, std::string(command) + "\n", O_TRUNC);
  log::info("dumped {} to {}.*; replay: {}", kernel_, prefix_, command);
}

}  // namespace anywarp
