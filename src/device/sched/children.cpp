// Grids that kernels launch. SPDX-License-Identifier: Apache-2.0
#include "device/sched/children.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "device/context.h"
#include "device/sched/grid.h"
#include "device/sched/grid_setup.h"
#include "device/sched/pool.h"

namespace anywarp::device {
namespace {

constexpr size_t paramAlignment = 64, largestParams = 32 << 10;

// A family at work: the launches that are left, next one last, and the grid that runs.
struct Family {
  Grid* eldest = nullptr;
  void (*done)(Grid*) = nullptr;
  uint32_t workspace[4] = {};
  std::vector<Child> left;
  Child running;
  Grid grid;

  void add(std::vector<Child> children) {
    for (size_t i = children.size(); i-- > 0;) left.push_back(std::move(children[i]));
  }
  void next();
};

void ended(Grid* grid) {
  auto* family = static_cast<Family*>(grid->argument);
  if (Children* children = grid->children.exchange(nullptr, std::memory_order_acq_rel)) {
    family->add(children->take());
    delete children;
  }
  family->next();
}

void failed(Context& context, const Error& error) {
  Fault fault;
  fault.kind = FaultKind::OutOfResources;
  fault.message = "launch from a kernel: " + error.message;
  context.setFault(std::move(fault));
}

// Submits the next launch, or ends the family.
void Family::next() {
  Context& context = *eldest->context;
  if (context.fault()) left.clear();
  if (left.empty()) {
    auto* finish = done;
    Grid* parent = eldest;
    delete this;
    return finish(parent);
  }
  running = std::move(left.back());
  left.pop_back();
  Result<LaunchRequest> request = eldest->launcher->prepare(running.function, running.grid, running.block, running.sharedBytes);
  if (!request) {
    failed(context, request.error());
    return next();
  }
  request->params = running.params.get();
  grid.~Grid();
  new (&grid) Grid;
  grid.argument = this;
  grid.context = &context;
  grid.priority = eldest->priority;
  grid.owner = eldest->owner;
  grid.completed = ended;
  prepareGrid(grid, *request, workspace);
  refreshGrid(grid, workspace);
  Pool::instance().submit(grid);
}

}  // namespace

Grid::~Grid() { delete children.load(std::memory_order_acquire); }

void Child::AlignedFree::operator()(uint8_t* p) const { std::free(p); }

uint64_t Children::prepare(Child child, size_t bytes) {
  if (bytes > largestParams) return 0;
  size_t size = (std::max<size_t>(bytes, 1) + paramAlignment - 1) / paramAlignment * paramAlignment;
  child.params.reset(static_cast<uint8_t*>(std::aligned_alloc(paramAlignment, size)));
  if (!child.params) return 0;
  std::memset(child.params.get(), 0, size);
  child.paramBytes = bytes;
  auto address = reinterpret_cast<uint64_t>(child.params.get());
  Lock lock(mutex_);
  if (prepared_.size() + launched_.size() >= most) return 0;
  prepared_.emplace(address, std::move(child));
  return address;
}

bool Children::launch(uint64_t buffer, bool tail) {
  Lock lock(mutex_);
  auto found = prepared_.find(buffer);
  if (found == prepared_.end()) return false;
  found->second.tail = tail;
  launched_.push_back(std::move(found->second));
  prepared_.erase(found);
  return true;
}

bool Children::launch(uint64_t buffer, Child child, size_t bytes) {
  Lock lock(mutex_);
  auto found = prepared_.find(buffer);
  if (found == prepared_.end() || found->second.paramBytes < bytes) return false;
  child.params = std::move(found->second.params);
  launched_.push_back(std::move(child));
  prepared_.erase(found);
  return true;
}

std::vector<Child> Children::take() {
  Lock lock(mutex_);
  std::vector<Child> order;
  for (bool tail : {false, true})
    for (Child& child : launched_)
      if (child.tail == tail) order.push_back(std::move(child));
  launched_.clear();
  return order;
}

Children& childrenOf(Grid& grid) {
  Children* known = grid.children.load(std::memory_order_acquire);
  if (known) return *known;
  auto fresh = std::make_unique<Children>();
  return grid.children.compare_exchange_strong(known, fresh.get(), std::memory_order_acq_rel) ? *fresh.release() : *known;
}

void runDescendants(Grid& parent, void (*done)(Grid*)) {
  std::vector<Child> launched;
  if (parent.children.load(std::memory_order_acquire)) launched = std::unique_ptr<Children>(parent.children.exchange(nullptr))->take();
  if (launched.empty()) return done(&parent);
  auto* family = new Family;
  family->eldest = &parent;
  family->done = done;
  family->add(std::move(launched));
  family->next();
}

}  // namespace anywarp::device
