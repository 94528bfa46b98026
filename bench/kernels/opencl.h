// The kernels of the set through OpenCL, where a platform for this CPU is installed (PoCL). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <functional>
#include <vector>

#include "kernels/data.h"

namespace bench {

struct OpenClArgument {
  bool buffer = false;
  const void* data = nullptr;  // of a buffer: identity and initial contents
  size_t bytes = 0;
  unsigned char value[8] = {};
};

template <class T>
OpenClArgument openClArgument(const Shared<T>& data) {
  return {true, data->host.data(), data->host.size() * sizeof(T), {}};
}
template <class T>
OpenClArgument openClArgument(const T& scalar) {
  OpenClArgument argument;
  argument.bytes = sizeof scalar;
  std::memcpy(argument.value, &scalar, sizeof scalar);
  return argument;
}

// Nothing where there is no platform.
std::function<void()> makeOpenCl(const char* kernel, const Launch& shape, const std::vector<OpenClArgument>& arguments);

template <class... Args>
std::function<void()> openCl(const char* kernel, const Launch& shape, const Args&... arguments) {
  return makeOpenCl(kernel, shape, {openClArgument(arguments)...});
}

}  // namespace bench
