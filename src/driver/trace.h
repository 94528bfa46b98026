// One line per driver call: arguments by their types, result, time (ANYWARP_TRACE). SPDX-License-Identifier: Apache-2.0
//
//   anywarp trace 4711 4711 0.001534 cuMemAlloc_v2([0x7f0200000000], 4096) = CUDA_SUCCESS 12.3us
//
// Process, thread, seconds since the process began to trace, call, result, duration. [x] is what an output parameter holds after a
// call that succeeded; "" text; {} a structure; everything else is a number or an address. The grammar is in docs/cli.md.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "abi/cuda_execution.h"
#include "abi/cuda_graph.h"
#include "abi/cuda_memory.h"
#include "abi/cuda_texture.h"

namespace anywarp::driver {

bool traceRequested();

class TraceLine {
 public:
  explicit TraceLine(size_t row);  // of api.def
  void ended(CUresult result);
  void write();

  // The index of the parameter decides whether void** is an output.
  template <class T>
  void argument(size_t index, T value);

 private:
  void separator();
  void number(uint64_t value);
  void number(int64_t value);
  void number(double value);
  void address(const volatile void* value);
  void text(const char* value);
  void open() { text_ += '['; }
  void close() { text_ += ']'; }
  bool isOutputPointer(size_t index) const;

  void special(CUresult value);
  void special(CUdevice_attribute value);
  void special(CUfunction value);
  void special(CUkernel value);
  void special(const CUlaunchConfig* value);
  void special(const CUDA_MEMCPY2D* value);
  void special(const CUDA_MEMCPY3D* value);

  template <class T>
  void value(T value);
  template <class T>
  static constexpr bool isSpecial = std::is_same_v<T, CUresult> || std::is_same_v<T, CUdevice_attribute> || std::is_same_v<T, CUfunction> ||
                                    std::is_same_v<T, CUkernel> || std::is_same_v<T, const CUlaunchConfig*> ||
                                    std::is_same_v<T, const CUDA_MEMCPY2D*> || std::is_same_v<T, const CUDA_MEMCPY3D*>;

  const size_t row_;
  const uint64_t began_;
  uint64_t ended_ = 0;
  CUresult result_ = CUDA_SUCCESS;
  std::string text_;
};

// What stands in the slot of `body` while calls are traced.
template <auto body, class Function>
struct Traced;
template <auto body, class... Arguments>
struct Traced<body, CUresult (*)(Arguments...)> {
  template <size_t row>
  static CUresult call(Arguments... arguments) {
    TraceLine line(row);
    CUresult result = body(arguments...);
    line.ended(result);
    size_t index = 0;
    (line.argument(index++, arguments), ...);
    line.write();
    return result;
  }
};

template <class T>
void TraceLine::argument(size_t index, T v) {
  separator();
  if constexpr (std::is_pointer_v<T>) {
    using Pointee = std::remove_pointer_t<T>;
    // A handle or an address that the call has filled in; const char** too.
    constexpr bool isOutput = !std::is_const_v<Pointee> && (std::is_arithmetic_v<Pointee> || std::is_enum_v<Pointee> || std::is_pointer_v<Pointee>) &&
                              !std::is_same_v<Pointee, char> && !std::is_same_v<Pointee, unsigned char>;
    if constexpr (isOutput) {
      if (result_ == CUDA_SUCCESS && v && (!std::is_same_v<T, void**> || isOutputPointer(index))) {
        open();
        value(*v);
        return close();
      }
    }
  }
  value(v);
}

template <class T>
void TraceLine::value(T v) {
  if constexpr (isSpecial<T>) special(v);
  else if constexpr (std::is_same_v<T, const char*>) text(v);
  else if constexpr (std::is_pointer_v<T>) address(reinterpret_cast<const volatile void*>(v));
  else if constexpr (std::is_same_v<T, CUdeviceptr>) v >> 32 ? address(reinterpret_cast<const void*>(v)) : number(static_cast<uint64_t>(v));
  else if constexpr (std::is_enum_v<T>) number(static_cast<uint64_t>(v));
  else if constexpr (std::is_floating_point_v<T>) number(static_cast<double>(v));
  else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) number(static_cast<int64_t>(v));
  else if constexpr (std::is_integral_v<T>) number(static_cast<uint64_t>(v));
  else text_ += "{...}";  // a structure by value
}

}  // namespace anywarp::driver
