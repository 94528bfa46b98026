// BlockContext::runningWarp while compiled code lets one lane alone touch memory, so that a fault knows its thread. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::abi {

// Marked values hold the lane above the warp; others are the warp.
inline constexpr uint32_t runningLaneMark = 0x80000000u;
inline constexpr uint32_t runningLaneShift = 16;

inline constexpr bool oneLaneRuns(uint32_t running) { return (running & runningLaneMark) != 0; }
inline constexpr uint32_t warpOfRunning(uint32_t running) { return oneLaneRuns(running) ? running & 0xffffu : running; }
inline constexpr uint32_t laneOfRunning(uint32_t running) { return (running & ~runningLaneMark) >> runningLaneShift; }

}  // namespace anywarp::abi
