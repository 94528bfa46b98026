// What txq, suq and istypep answer. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/texture.h"
#include "device/texture/texture.h"

namespace anywarp::device {

uint32_t query(const TextureRecord& record, abi::TextureQuery query, uint32_t level);
bool isOfKind(const TextureRecord* record, abi::TextureQuery query);

}  // namespace anywarp::device
