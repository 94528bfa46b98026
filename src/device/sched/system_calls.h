// The service behind abi/system_calls.def. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"

namespace anywarp::device {

void systemCall(abi::BlockContext* context, uint32_t warp, uint32_t mask, uint32_t which, const uint64_t* arguments, uint64_t* results);

}  // namespace anywarp::device
