// One entry of a stream: its memory. SPDX-License-Identifier: Apache-2.0
#include "device/stream/operation.h"

#include <cstdlib>
#include <cstring>

#include "device/stream/graph.h"

namespace anywarp::device {

void Operation::AlignedFree::operator()(uint8_t* p) const { std::free(p); }

const uint8_t* Operation::keepParams(const void* image, size_t bytes) {
  uint8_t* to = params;
  if (bytes > inlineParams) {
    if (bytes > largeParamBytes) {
      largeParamBytes = (bytes + 63) / 64 * 64;
      largeParams.reset(static_cast<uint8_t*>(std::aligned_alloc(64, largeParamBytes)));
    }
    to = largeParams.get();
  }
  if (bytes && to) std::memcpy(to, image, bytes);
  return to;
}

void Operation::clear() {
  function = nullptr;
  condition = nullptr;
  event.reset();
  gate.reset();
  program.reset();
  keepAlive.reset();
}

}  // namespace anywarp::device
