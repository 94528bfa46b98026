// Maps a relocatable object and makes it runnable: layout, GOT, stubs, relocation, protection. SPDX-License-Identifier: Apache-2.0
// Code is never writable and executable at once. Nothing in a broken or hostile object makes the loader itself fail or write
// elsewhere (what its code does once called is another matter: cache entries carry a checksum and must be the user's own).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/object/lines.h"
#include "support/result.h"

namespace anywarp::object {

// The address of a name that an object does not define, or nullptr.
using Resolver = const void* (*)(std::string_view name);

class GdbRegistration;
struct Architecture;

class LoadedObject {
 public:
  // `name` appears in messages, in gdb and perf. Objects of another architecture than the host's can be looked at, not run.
  static Result<std::unique_ptr<LoadedObject>> load(std::span<const uint8_t> file, std::string name, Resolver resolve,
                                                    const Architecture* architecture = nullptr);
  ~LoadedObject();
  LoadedObject(const LoadedObject&) = delete;
  LoadedObject& operator=(const LoadedObject&) = delete;

  // Address of a function or variable that the object defines, nullptr where there is none.
  const void* find(std::string_view symbol) const;

  // Source line of an address in the object's code, 0 where there is none. Safe in signal handlers.
  uint32_t lineOf(uintptr_t address) const;

  std::span<const uint8_t> code() const { return {base_, codeBytes_}; }

 private:
  friend class Loading;
  LoadedObject() = default;

  uint8_t* base_ = nullptr;
  size_t mappedBytes_ = 0, codeBytes_ = 0;
  std::vector<const void*> ehFrames_;
  std::map<std::string, const void*, std::less<>> symbols_;
  std::vector<LineRow> lines_;
  std::unique_ptr<GdbRegistration> gdb_;
};

}  // namespace anywarp::object
