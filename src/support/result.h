// Result<T>: a value or an Error, the only way a function of ours fails. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace anywarp {

// What went wrong, coarse enough for a CUresult to be chosen in one place (driver/errors.cpp).
enum class ErrorKind {
  Invalid,      // the input breaks its format or its manual
  Unsupported,  // valid CUDA that we lack
  NotFound,     // a name, a file, an image for this device
  OutOfMemory,
  Limit,        // valid, but beyond a documented limit
  System,       // the host refused (mmap, open, fork...)
};

struct Error {
  ErrorKind kind = ErrorKind::Invalid;
  std::string message;  // "place: what, with both values", lower case, no full stop
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace anywarp
