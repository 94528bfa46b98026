// Large copies and fills in parts that workers can take one by one. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "device/memory/transfer.h"

namespace anywarp::device {

uint64_t partsOf(const Copy& copy);
uint64_t partsOf(const Fill& fill);
void transferPart(const Copy& copy, uint64_t part, uint64_t parts);
void transferPart(const Fill& fill, uint64_t part, uint64_t parts);

}  // namespace anywarp::device
