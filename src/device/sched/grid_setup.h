// From a launch request to a grid, for streams and graphs alike. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device/sched/grid.h"
#include "device/sched/launch.h"

namespace anywarp::device {

// Fills in all but the parameters' address, which is request.params here. `workspace` serves whole-grid barriers.
void prepareGrid(Grid& grid, const LaunchRequest& request, uint32_t (&workspace)[4]);
// What differs from one run of a prepared grid to the next.
void refreshGrid(Grid& grid, uint32_t (&workspace)[4]);

}  // namespace anywarp::device
