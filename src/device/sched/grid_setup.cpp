// From a launch request to a grid. SPDX-License-Identifier: Apache-2.0
#include "device/sched/grid_setup.h"

#include <algorithm>
#include <iterator>

#include "abi/dimensions.h"
#include "device/context.h"
#include "device/sched/block.h"
#include "device/sched/services.h"

namespace anywarp::device {

namespace {

constexpr uint64_t chunksPerWorker = 16;
constexpr uint64_t chunksPerWorkerOfTurns = 4;  // neighbours that take turns are of one chunk
constexpr uint64_t largestChunk = 256;
constexpr uint64_t rowOfBlocks = 16;           // that take turns row by row, as far as the grid is that wide

std::atomic<uint64_t> lastGridId{0};

// Blocks that may wait for each other are taken one by one, so that none sits in a chunk behind one that waits for it.
uint32_t chunkFor(const Grid& grid, const LaunchRequest& request) {
  bool alone = grid.kernel->usesSpin || grid.residency == Residency::WholeGrid;
  if (alone) return 1;
  bool turns = Block::mayTakeTurns(*grid.kernel), rows = Block::hasRows(*grid.kernel, request.block);
  uint64_t large = std::max<uint64_t>(grid.total / (workerCount() * chunksPerWorkerOfTurns), 1);
  uint64_t chunk = turns ? large : grid.total / (workerCount() * chunksPerWorker), across = request.grid.x;
  if (rows) {
    chunk = std::max(chunk, std::min({across, rowOfBlocks, large}));
    if (chunk > across) chunk -= chunk % across;
  }
  return static_cast<uint32_t>(std::clamp<uint64_t>(chunk, 1, largestChunk));
}

}  // namespace

void prepareGrid(Grid& grid, const LaunchRequest& request, uint32_t (&workspace)[4]) {
  const abi::CompiledKernel& kernel = *request.kernel;
  grid.kernel = request.kernel;
  grid.residency = request.residency;
  grid.launcher = request.launcher;
  grid.total = abi::volume(request.grid);
  grid.chunk = chunkFor(grid, request);
  abi::LaunchInfo& info = grid.info;
  info = abi::LaunchInfo{};
  info.params = static_cast<const uint8_t*>(request.params);
  info.symbols = request.symbols;
  info.services = &services();
  info.owner = &grid;
  info.grid = request.grid;
  info.block = request.block;
  info.cluster = request.cluster;
  info.dynamicSharedBytes = request.dynamicSharedBytes;
  info.totalSharedBytes = kernel.staticSharedBytes + request.dynamicSharedBytes;
  info.smCount = static_cast<uint32_t>(grid.context->device().profile().smCount());
  if (request.residency == Residency::WholeGrid) {
    auto address = reinterpret_cast<uint64_t>(workspace);
    info.envreg[1] = static_cast<uint32_t>(address >> 32);
    info.envreg[2] = static_cast<uint32_t>(address);
  }
}

void refreshGrid(Grid& grid, uint32_t (&workspace)[4]) {
  grid.info.gridId = lastGridId.fetch_add(1, std::memory_order_relaxed) + 1;
  if (grid.residency != Residency::WholeGrid) return;
  std::fill(std::begin(workspace), std::end(workspace), 0u);
  workspace[0] = sizeof workspace;
}

}  // namespace anywarp::device
