// Files of one page: a header, then uuid and bytes of each device (unit: usage.h). SPDX-License-Identifier: Apache-2.0
#include "device/usage/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "support/options.h"

namespace anywarp::device {
namespace {

constexpr uint64_t magic = 0x3147535557594e41;  // "ANYWUSG1"
constexpr int mostDevices = 64;                 // as profile.h; entries beyond it are not told
constexpr size_t pageBytes = 4096;

struct Entry {
  Uuid uuid;
  std::atomic<uint64_t> bytes;
};
struct Page {
  uint64_t magic;
  uint64_t pid;
  uint64_t startTime;  // of the process, in ticks since the host was started: process ids come again
  Entry devices[mostDevices];
};
static_assert(sizeof(Page) <= pageBytes);

// Field 22 of /proc/PID/stat, after the name in parentheses, which may hold anything. 0: there is no such process.
uint64_t startTimeOf(pid_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t n = read(file, text, sizeof text - 1);
  close(file);
  text[n > 0 ? n : 0] = 0;
  const char* at = strrchr(text, ')');
  for (int field = 2; at && field < 22; ++field) at = strchr(at + 1, ' ');
  uint64_t ticks = 0;
  if (at) std::from_chars(at + 1, text + std::max<ssize_t>(n, 0), ticks);
  return ticks;
}

bool isOwnFolder(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() && (info.st_mode & 022) == 0;
}

// Not created: "" or the folder that a file of this process belongs into.
std::string chosenFolder() {
  const std::string& runtime = options::xdgRuntimeDir();
  if (!runtime.empty() && isOwnFolder(runtime)) return runtime + "/anywarp";
  return "/dev/shm/anywarp-" + std::to_string(geteuid());
}

struct Writer {
  std::mutex mutex;
  std::atomic<Page*> page{nullptr};
  std::array<Uuid, mostDevices> uuids{};
  bool failed = false, watchesForks = false;
};
Writer& writer() {
  static Writer& w = *new Writer;
  return w;
}

// The parent's page is still mapped in the child, and still the parent's.
void forgetAfterFork() {
  new (&writer().mutex) std::mutex;  // another thread of the parent may have held it
  writer().page.store(nullptr, std::memory_order_relaxed);
  writer().failed = false;
}

Page* makePage() {
  std::string folder = chosenFolder();
  mkdir(folder.c_str(), 0700);
  if (!isOwnFolder(folder)) return nullptr;
  readUsage();  // removes what the dead have left
  std::string path = folder + "/" + std::to_string(getpid());
  unlink(path.c_str());
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return nullptr;
  // Allocated now: a page that cannot be had later would be a signal.
  bool allocated = posix_fallocate(file, 0, pageBytes) == 0;
  void* mapped = allocated ? mmap(nullptr, pageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  close(file);
  if (mapped == MAP_FAILED) {
    unlink(path.c_str());
    return nullptr;
  }
  Page* page = static_cast<Page*>(mapped);
  page->pid = static_cast<uint64_t>(getpid());
  page->startTime = startTimeOf(getpid());
  for (int i = 0; i < mostDevices; ++i) page->devices[i].uuid = writer().uuids[static_cast<size_t>(i)];
  page->magic = magic;
  return page;
}

Page* ownPage() {
  Writer& w = writer();
  if (Page* page = w.page.load(std::memory_order_acquire)) return page;
  std::lock_guard lock(w.mutex);
  if (w.failed || w.page.load(std::memory_order_relaxed)) return w.page.load(std::memory_order_relaxed);
  if (!w.watchesForks) w.watchesForks = pthread_atfork(nullptr, nullptr, forgetAfterFork) == 0;
  Page* page = makePage();
  w.failed = !page;
  w.page.store(page, std::memory_order_release);
  return page;
}

bool isTold(int ordinal) { return ordinal >= 0 && ordinal < mostDevices; }

// Nothing: no file of ours, or its process has ended.
bool readPage(const std::string& path, pid_t pid, Page& page) {
  int file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return false;
  ssize_t n = pread(file, static_cast<void*>(&page), sizeof page, 0);
  close(file);
  return n == static_cast<ssize_t>(sizeof page) && page.magic == magic && page.pid == static_cast<uint64_t>(pid) &&
         page.startTime == startTimeOf(pid);
}

ProcessUsage usageOf(pid_t pid, const Page& page) {
  ProcessUsage usage{pid, {}};
  for (const Entry& entry : page.devices)
    if (uint64_t bytes = entry.bytes.load(std::memory_order_relaxed)) usage.devices.push_back({entry.uuid, bytes});
  return usage;
}

}  // namespace

void nameDevice(int ordinal, const Uuid& uuid) {
  if (!isTold(ordinal)) return;
  std::lock_guard lock(writer().mutex);
  writer().uuids[static_cast<size_t>(ordinal)] = uuid;
  if (Page* page = writer().page.load(std::memory_order_relaxed)) page->devices[ordinal].uuid = uuid;
}

void tellUsage(int ordinal, uint64_t bytes) {
  if (!isTold(ordinal)) return;
  if (Page* page = ownPage()) page->devices[ordinal].bytes.store(bytes, std::memory_order_relaxed);
}

std::vector<ProcessUsage> readUsage() {
  std::vector<ProcessUsage> all;
  std::string folder = usageFolder();
  DIR* files = folder.empty() ? nullptr : opendir(folder.c_str());
  if (!files) return all;
  while (const dirent* file = readdir(files)) {
    const std::string name = file->d_name;
    int pid = 0;
    auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size() || pid <= 0) continue;
    Page page{};
    if (readPage(folder + "/" + name, pid, page))
      all.push_back(usageOf(pid, page));
    else if (startTimeOf(pid) == 0)
      unlink((folder + "/" + name).c_str());
  }
  closedir(files);
  std::sort(all.begin(), all.end(), [](const ProcessUsage& a, const ProcessUsage& b) { return a.pid < b.pid; });
  return all;
}

std::string usageFolder() {
  std::string folder = chosenFolder();
  return isOwnFolder(folder) ? folder : "";
}

}  // namespace anywarp::device
