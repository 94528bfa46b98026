// Anonymous files that other processes can map: memfd with seals, found through /proc. SPDX-License-Identifier: Apache-2.0
#include "device/memory/shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace anywarp::device {

namespace {

// A descriptor's target reads "/memfd:" and this, the identity in hexadecimal digits, and " (deleted)".
constexpr char prefix[] = "anywarp-";
constexpr unsigned wantedSeals = F_SEAL_SHRINK;

Error systemError(const std::string& what) {
  int number = errno;
  ErrorKind kind = number == ENOMEM || number == EMFILE || number == ENFILE || number == ENOSPC ? ErrorKind::OutOfMemory : ErrorKind::System;
  return {kind, what + ": " + std::strerror(number)};
}

std::string nameOf(const FileId& id) {
  constexpr char digits[] = "0123456789abcdef";
  std::string name = prefix;
  for (uint8_t byte : id) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

int digitValue(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

// False where the descriptor is no file of ours.
bool identityOf(int number, FileId& id) {
  char target[128];
  ssize_t length = readlink(("/proc/self/fd/" + std::to_string(number)).c_str(), target, sizeof target);
  if (length < 0) return false;
  std::string_view text(target, static_cast<size_t>(length));
  constexpr std::string_view start = "/memfd:anywarp-";
  if (text.substr(0, start.size()) != start || text.size() < start.size() + 2 * id.size()) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    int high = digitValue(text[start.size() + 2 * i]), low = digitValue(text[start.size() + 2 * i + 1]);
    if (high < 0 || low < 0) return false;
    id[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace

SharedFile::~SharedFile() {
  if (number_ >= 0) close(number_);
}

Result<SharedFile> SharedFile::make(size_t bytes) {
  SharedFile file;
  if (getrandom(file.id_.data(), file.id_.size(), 0) != static_cast<ssize_t>(file.id_.size())) return systemError("no random numbers");
  file.number_ = memfd_create(nameOf(file.id_).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file.number_ < 0) return systemError("cannot make shared memory");
  file.bytes_ = bytes;
  if (ftruncate(file.number_, static_cast<off_t>(bytes)) != 0) return systemError("cannot make " + std::to_string(bytes) + " bytes of shared memory");
  if (fcntl(file.number_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return systemError("cannot seal shared memory");
  return file;
}

// Takes over `number`.
Result<SharedFile> SharedFile::checked(int number, size_t bytes) {
  SharedFile file;
  file.number_ = number;
  struct stat status;
  int seals = fcntl(number, F_GET_SEALS);
  if (!identityOf(number, file.id_) || seals < 0 || (static_cast<unsigned>(seals) & wantedSeals) != wantedSeals || fstat(number, &status) != 0)
    return Error{ErrorKind::Invalid, "descriptor " + std::to_string(number) + " is no shared memory of this library's"};
  file.bytes_ = static_cast<size_t>(status.st_size);
  if (file.bytes_ < bytes) return Error{ErrorKind::Invalid, "shared memory is smaller than its handle says"};
  return file;
}

Result<SharedFile> SharedFile::open(int pid, int number, const FileId& id, size_t bytes) {
  if (pid <= 0 || number < 0) return Error{ErrorKind::Invalid, "no handle of this library's"};
  std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(number);
  char target[128];
  ssize_t length = readlink(path.c_str(), target, sizeof target);
  // Asked before it is opened: opening somebody's device or pipe could do something.
  std::string_view text(target, length > 0 ? static_cast<size_t>(length) : 0);
  if (text.find("/memfd:" + nameOf(id)) != 0) return Error{ErrorKind::NotFound, "process " + std::to_string(pid) + " has ended or has freed the memory"};
  int own = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (own < 0) return systemError("cannot open memory of process " + std::to_string(pid));
  auto file = checked(own, bytes);
  if (file && file->id_ != id) return Error{ErrorKind::NotFound, "process " + std::to_string(pid) + " has freed the memory"};
  return file;
}

Result<SharedFile> SharedFile::adopt(int number) {
  int own = fcntl(number, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return Error{ErrorKind::Invalid, "descriptor " + std::to_string(number) + " is not open"};
  return checked(own, 0);
}

Result<void*> SharedFile::map(size_t bytes, size_t offset) const {
  if (offset > bytes_ || bytes > bytes_ - offset) return Error{ErrorKind::Invalid, "mapping beyond the end of shared memory"};
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, number_, static_cast<off_t>(offset));
  if (memory == MAP_FAILED) return systemError("cannot map " + std::to_string(bytes) + " bytes of shared memory");
  return memory;
}

Result<int> SharedFile::duplicate() const {
  int number = fcntl(number_, F_DUPFD_CLOEXEC, 0);
  if (number < 0) return systemError("no more descriptors");
  return number;
}

}  // namespace anywarp::device
