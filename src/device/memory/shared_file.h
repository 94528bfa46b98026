// Anonymous files that other processes can map: memory that is shared, and proof of which one it is. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "support/result.h"

namespace anywarp::device {

using FileId = std::array<uint8_t, 16>;

// A file of fixed size: sealed, so that nobody who maps it can be hurt by one who shrinks it. Closed with its owner; mappings stay.
class SharedFile {
 public:
  // Zeros. Random identity.
  static Result<SharedFile> make(size_t bytes);
  // The file that descriptor `number` of process `pid` is, if it is one of these with that identity and at least `bytes` long.
  static Result<SharedFile> open(int pid, int number, const FileId& id, size_t bytes);
  // A duplicate of a descriptor that the program passed from one process to another.
  static Result<SharedFile> adopt(int number);

  SharedFile() = default;
  SharedFile(SharedFile&& other) noexcept { *this = std::move(other); }
  SharedFile& operator=(SharedFile&& other) noexcept {
    std::swap(number_, other.number_);
    std::swap(bytes_, other.bytes_);
    std::swap(id_, other.id_);
    return *this;
  }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  ~SharedFile();

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  size_t bytes() const { return bytes_; }
  const FileId& id() const { return id_; }

  // Readable and writable, `bytes` from `offset` on, both multiples of the page size.
  Result<void*> map(size_t bytes, size_t offset = 0) const;
  // A descriptor for the program, which closes it.
  Result<int> duplicate() const;

 private:
  static Result<SharedFile> checked(int number, size_t bytes);

  int number_ = -1;
  size_t bytes_ = 0;
  FileId id_{};
};

}  // namespace anywarp::device
