// What programs set of a stream. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <unordered_map>

#include "abi/cuda_types.h"

namespace anywarp::driver {

// What programs set of a stream: hints to caches and to threads that wait, which they read back. Without effect here.
class StreamAttributes {
 public:
  // False where streams have no such attribute that could be set.
  bool get(CUstreamAttrID attribute, CUstreamAttrValue& value) const;
  bool set(CUstreamAttrID attribute, const CUstreamAttrValue& value);
  void copyFrom(const StreamAttributes& other);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<int, CUstreamAttrValue> values_;  // those that were set
};

}  // namespace anywarp::driver
