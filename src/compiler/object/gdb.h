// Tells gdb of compiled kernels (GDB manual: JIT Compilation Interface). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace anywarp::object {

struct GdbEntry;

// An object that gdb knows of as long as this lives.
class GdbRegistration {
 public:
  // A debugger is attached, or ANYWARP_GDB is set.
  static bool isWanted();

  explicit GdbRegistration(std::vector<uint8_t> image);
  ~GdbRegistration();
  GdbRegistration(const GdbRegistration&) = delete;
  GdbRegistration& operator=(const GdbRegistration&) = delete;

 private:
  std::vector<uint8_t> image_;
  GdbEntry* entry_;
};

}  // namespace anywarp::object
