// One file per entry: header with key, size and checksum, then the blob. Written aside and renamed, so that readers see whole
// entries or none, whoever is killed when. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>

#include "support/log.h"
#include "support/options.h"

namespace anywarp::object {
namespace {

constexpr char magic[8] = {'A', 'N', 'Y', 'W', 'A', 'R', 'P', '1'};
constexpr std::string_view entrySuffix = ".kernel", asideSuffix = ".tmp";
constexpr uint64_t largestBlob = uint64_t(1) << 30;
constexpr time_t touchAfter = 60;         // seconds: younger entries are not marked as used again
constexpr time_t abandonedAfter = 3600;   // of files that their writer did not finish

struct EntryHeader {
  char magic[8];
  Hash128 key;
  uint64_t size;
  Hash128 checksum;
};

class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  bool read(void* to, size_t size) const {
    for (auto* p = static_cast<char*>(to); size;) {
      ssize_t got = ::read(fd_, p, size);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      p += got;
      size -= static_cast<size_t>(got);
    }
    return true;
  }
  bool write(const void* from, size_t size) const {
    for (auto* p = static_cast<const char*>(from); size;) {
      ssize_t put = ::write(fd_, p, size);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      p += put;
      size -= static_cast<size_t>(put);
    }
    return true;
  }

 private:
  int fd_;
};

std::string chooseDirectory() {
  if (!options::cache()) return "";
  if (!options::cacheDir().empty()) return options::cacheDir();
  if (options::cudaCacheDisable()) return "";
  if (!options::cudaCachePath().empty()) return options::cudaCachePath() + "/anywarp";
  if (!options::xdgCacheHome().empty()) return options::xdgCacheHome() + "/anywarp";
  if (!options::home().empty()) return options::home() + "/.cache/anywarp";
  return "";
}

uint64_t sizeLimit() {
  bool cudaOnly = !options::isSet("ANYWARP_CACHE_MAXSIZE") && options::cudaCacheMaxSize() != 0;
  return cudaOnly ? options::cudaCacheMaxSize() : options::cacheMaxSize();
}

bool makeDirectories(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS && errno != EACCES)
      return false;
    if (slash == std::string::npos) break;
  }
  return ::access(path.c_str(), W_OK | X_OK) == 0;
}

std::string entryPath(const std::string& directory, const Hash128& key) { return directory + "/" + key.hex() + std::string(entrySuffix); }

void markUsed(const File& file, const struct stat& info) {
  if (::time(nullptr) - info.st_mtime > touchAfter) ::futimens(file.fd(), nullptr);
}

bool isTrusted(const struct stat& info) {
  // What we read is run: only files that nobody else could have written.
  return S_ISREG(info.st_mode) && (info.st_uid == ::geteuid() || info.st_uid == 0) && !(info.st_mode & (S_IWGRP | S_IWOTH));
}

std::optional<std::vector<uint8_t>> readEntry(const File& file, const struct stat& info, const Hash128& key) {
  EntryHeader header;
  if (info.st_size < static_cast<off_t>(sizeof header) || !file.read(&header, sizeof header)) return std::nullopt;
  if (std::memcmp(header.magic, magic, sizeof magic) != 0 || header.key != key || header.size > largestBlob) return std::nullopt;
  if (header.size != static_cast<uint64_t>(info.st_size) - sizeof header) return std::nullopt;
  std::vector<uint8_t> blob(header.size);
  if (!file.read(blob.data(), blob.size()) || hashBytes(blob.data(), blob.size()) != header.checksum) return std::nullopt;
  return blob;
}

bool writeEntry(const std::string& path, const Hash128& key, std::span<const uint8_t> blob) {
  static std::atomic<uint64_t> serial{0};
  std::string aside = path + "." + std::to_string(::getpid()) + "." + std::to_string(serial++) + std::string(asideSuffix);
  EntryHeader header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.key = key;
  header.size = blob.size();
  header.checksum = hashBytes(blob.data(), blob.size());
  bool written;
  {
    File file(aside, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return false;
    written = file.write(&header, sizeof header) && file.write(blob.data(), blob.size());
  }
  if (written && ::rename(aside.c_str(), path.c_str()) == 0) return true;
  int why = errno;
  ::unlink(aside.c_str());
  errno = why;
  return false;
}

struct Found {
  std::string name;
  uint64_t bytes;
  timespec used;
  bool isEntry;
};

// Every file in the directory that is ours by its name.
std::vector<Found> listDirectory(const std::string& directory) {
  std::vector<Found> all;
  DIR* stream = ::opendir(directory.c_str());
  if (!stream) return all;
  while (dirent* item = ::readdir(stream)) {
    std::string_view name = item->d_name;
    bool isEntry = name.ends_with(entrySuffix), isAside = name.ends_with(asideSuffix) && name.find(entrySuffix) != name.npos;
    struct stat info;
    if ((isEntry || isAside) && ::fstatat(::dirfd(stream), item->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
      all.push_back({std::string(name), static_cast<uint64_t>(info.st_size), info.st_mtim, isEntry});
  }
  ::closedir(stream);
  return all;
}

// Removes what was abandoned and, beyond the limit, what was used least recently. Returns the bytes that stay.
uint64_t evict(const std::string& directory, uint64_t limit) {
  std::vector<Found> entries;
  uint64_t total = 0;
  time_t now = ::time(nullptr);
  for (Found& found : listDirectory(directory)) {
    if (!found.isEntry) {
      if (now - found.used.tv_sec > abandonedAfter) ::unlink((directory + "/" + found.name).c_str());
      continue;
    }
    total += found.bytes;
    entries.push_back(std::move(found));
  }
  if (total <= limit) return total;
  std::sort(entries.begin(), entries.end(), [](const Found& a, const Found& b) {
    return a.used.tv_sec != b.used.tv_sec ? a.used.tv_sec < b.used.tv_sec : a.used.tv_nsec < b.used.tv_nsec;
  });
  // A little below the limit, so that not every store has to look again.
  uint64_t wanted = limit - limit / 8;
  for (const Found& entry : entries) {
    if (total <= wanted) break;
    ::unlink((directory + "/" + entry.name).c_str());
    total -= entry.bytes;
  }
  return total;
}

// Looks at the directory at the first store and whenever this process's own stores may have filled it.
void keepWithinLimit(const std::string& directory, uint64_t added) {
  static std::mutex& mutex = *new std::mutex;
  static std::string& known = *new std::string;  // the directory that `estimate` is about
  static uint64_t estimate = 0;
  std::lock_guard lock(mutex);
  uint64_t limit = sizeLimit();
  bool isKnown = known == directory;
  estimate += added;
  if (isKnown && estimate <= limit) return;
  estimate = evict(directory, limit);
  known = directory;
}

}  // namespace

std::string cacheDirectory() { return chooseDirectory(); }

std::optional<std::vector<uint8_t>> cacheFind(const Hash128& key) {
  std::string directory = chooseDirectory();
  if (directory.empty()) return std::nullopt;
  std::string path = entryPath(directory, key);
  File file(path, O_RDONLY);
  struct stat info;
  if (!file || ::fstat(file.fd(), &info) != 0) return std::nullopt;
  if (!isTrusted(info)) {
    log::logOnce(log::Level::Warn, "cache-foreign", "cache entry {} could have been written by another user, not used", path);
    return std::nullopt;
  }
  auto blob = readEntry(file, info, key);
  if (blob) {
    markUsed(file, info);
  } else {
    log::debug("cache entry {} is damaged, removed", path);
    ::unlink(path.c_str());
  }
  return blob;
}

void cacheStore(const Hash128& key, std::span<const uint8_t> blob) {
  std::string directory = chooseDirectory();
  if (directory.empty() || blob.size() > sizeLimit() || blob.size() > largestBlob) return;
  if (!makeDirectories(directory) || !writeEntry(entryPath(directory, key), key, blob)) {
    log::logOnce(log::Level::Warn, "cache-write", "cannot write to the cache {}: {}; compiled kernels are not kept", directory,
                 strerror(errno));
    return;
  }
  keepWithinLimit(directory, blob.size() + sizeof(EntryHeader));
}

CacheStats cacheStats() {
  CacheStats stats{chooseDirectory(), 0, 0, sizeLimit()};
  if (stats.directory.empty()) return stats;
  for (const Found& found : listDirectory(stats.directory)) {
    stats.entries += found.isEntry;
    stats.bytes += found.bytes;
  }
  return stats;
}

uint64_t cacheClear() {
  std::string directory = chooseDirectory();
  uint64_t removed = 0;
  if (directory.empty()) return removed;
  for (const Found& found : listDirectory(directory))
    if (::unlink((directory + "/" + found.name).c_str()) == 0) removed += found.isEntry;
  return removed;
}

}  // namespace anywarp::object
