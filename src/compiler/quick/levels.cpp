// Which CPU level runs here, and what was built for it. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "compiler/quick/lane_ops.h"

namespace anywarp::quick {

namespace {

struct Handler {
  const char* key;
  OpFn function;
};

}  // namespace

using Handlers = std::pair<const Handler*, const Handler*>;

#if defined(__x86_64__)
namespace x86_64_v3 { extern const LaneOps table; }
namespace x86_64_v4 { extern const LaneOps table; }
extern "C" {
extern const Handler anywarp_handlers_x86_64_v3[], anywarp_handlers_x86_64_v4[];
extern const uint64_t anywarp_handlers_x86_64_v3_count, anywarp_handlers_x86_64_v4_count;
}

Level hostLevel() {
  if (__builtin_cpu_supports("x86-64-v4")) return Level::V4;
  return __builtin_cpu_supports("x86-64-v3") ? Level::V3 : Level::None;
}

const LaneOps& laneOps(Level level) { return level == Level::V4 ? x86_64_v4::table : x86_64_v3::table; }

static Handlers handlers(Level level) {
  if (level == Level::V4) return {anywarp_handlers_x86_64_v4, anywarp_handlers_x86_64_v4 + anywarp_handlers_x86_64_v4_count};
  return {anywarp_handlers_x86_64_v3, anywarp_handlers_x86_64_v3 + anywarp_handlers_x86_64_v3_count};
}
#else
namespace generic { extern const LaneOps table; }
extern "C" {
extern const Handler anywarp_handlers_generic[];
extern const uint64_t anywarp_handlers_generic_count;
}

Level hostLevel() { return Level::Generic; }
const LaneOps& laneOps(Level) { return generic::table; }
static Handlers handlers(Level) { return {anywarp_handlers_generic, anywarp_handlers_generic + anywarp_handlers_generic_count}; }
#endif

OpFn findHandler(Level level, std::string_view key) {
  auto [first, last] = handlers(level);
  const Handler* found = std::lower_bound(first, last, key, [](const Handler& h, std::string_view k) { return h.key < k; });
  return found != last && found->key == key ? found->function : nullptr;
}

}  // namespace anywarp::quick
