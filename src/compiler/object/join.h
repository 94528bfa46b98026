// Several relocatable objects become one, as `ld -r` does it without merging sections. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace anywarp::object {

// Every section of every object, and one table of symbols: what one object defines globally the others find there, and what is
// named in `locals` is local to the whole. Objects of one machine; a global symbol that two of them define, groups of sections and more than 65,000 sections are Invalid.
Result<std::vector<uint8_t>> joinObjects(std::span<const std::vector<uint8_t>> files, const std::set<std::string, std::less<>>& locals = {});

}  // namespace anywarp::object
