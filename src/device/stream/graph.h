// An executable graph: work with dependencies, prepared once and then run as one entry of a stream. SPDX-License-Identifier: Apache-2.0
// The caller fills in the tasks and calls seal(); from then on one run follows the other (Stream::graph sees to that), and between
// runs a task may be changed. Its workers start what has become ready, so a run costs its stream one entry.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "device/memory/transfer.h"
#include "device/sched/callbacks.h"
#include "device/sched/grid.h"
#include "device/sched/launch.h"
#include "device/sched/mutex.h"
#include "device/stream/event.h"

namespace anywarp::device {

class Context;
class GraphProgram;

enum class BranchKind : uint8_t { If, While, Switch };

struct GraphTask : Deferred {
  enum class Kind : uint8_t {
    Empty,
    Kernel,
    Copy,
    Fill,
    Call,       // `function` on a worker
    Host,       // `function` on a callback thread
    Record,     // `event`
    Wait,       // for the latest record of `event`
    Condition,  // until `condition`
    Branch,     // `bodies`, as *value says
  };

  Kind kind = Kind::Empty;
  bool enabled = true;
  int priority = 0;
  Context* context = nullptr;               // outlives the program
  std::vector<uint32_t> dependents;         // indices into the program
  uint32_t dependencies = 0;

  LaunchRequest launch;                     // of a kernel; set with setLaunch()
  Copy copy;
  Fill fill;
  std::function<void()> function;
  std::function<bool()> condition;
  std::shared_ptr<Event> event;
  BranchKind branch = BranchKind::If;
  std::shared_ptr<std::atomic<uint32_t>> value;
  std::vector<std::shared_ptr<GraphProgram>> bodies;

  // Keeps a copy of the parameters.
  void setLaunch(const LaunchRequest& request);

 private:
  friend class GraphProgram;
  struct AlignedFree {
    void operator()(uint8_t* p) const;
  };

  GraphProgram* program = nullptr;
  GraphTask* following = nullptr;           // ready ones
  std::atomic<uint32_t> left{0};            // dependencies that have not ended
  std::unique_ptr<uint8_t[], AlignedFree> params;
  Grid grid;
  uint64_t target = 0;                      // of a wait
  std::deque<uint64_t> records;             // of the event, one for each submitted run; under the program's mutex
  std::atomic<uint32_t> step{0};            // of a branch whose body may end before its start returns
  alignas(16) uint32_t workspace[4] = {};   // what cooperative groups find at %envreg1/2
};

// Runs of the programs that an executable graph had, one after the other.
struct GraphTurns {
  const std::shared_ptr<Gate> done = std::make_shared<Gate>();
  uint64_t submitted = 0;  // the caller submits one run at a time
};

class GraphProgram {
 public:
  explicit GraphProgram(size_t tasks, std::shared_ptr<GraphTurns> turns = std::make_shared<GraphTurns>());
  ~GraphProgram();
  GraphProgram(const GraphProgram&) = delete;
  GraphProgram& operator=(const GraphProgram&) = delete;

  size_t size() const { return count_; }
  GraphTask& task(size_t index) { return tasks_[index]; }
  // Reset at the start of every run.
  void addDefault(std::shared_ptr<std::atomic<uint32_t>> value, uint32_t start) { defaults_.emplace_back(std::move(value), start); }
  // Makes the tasks ready to run, again after any of them has changed its kind, kernel or shape.
  void seal();
  void seal(size_t task);

  // True when no run is submitted or running: tasks may be changed.
  bool idle() const { return turns_->done->reached(turns_->submitted); }
  void synchronize() const { turns_->done->wait(turns_->submitted); }

  // For Stream. `owner`: Grid::owner of its grids.
  void start(void (*ended)(void*), void* argument, const void* owner);

 private:
  friend class Stream;
  class Ready;

  void submitRecords();
  void reachRecord(GraphTask& task);
  void begin(GraphTask& task, Ready& ready);
  void beginGrid(GraphTask& task);
  void ended(GraphTask& task);
  void work(Ready& ready);
  void finish(GraphTask& task, Ready& ready);
  static bool advanceBranch(GraphTask& task);
  static GraphProgram* chosenBody(GraphTask& task);

  const size_t count_;
  std::unique_ptr<GraphTask[]> tasks_;
  std::vector<uint32_t> roots_;
  std::vector<std::pair<std::shared_ptr<std::atomic<uint32_t>>, uint32_t>> defaults_;
  std::atomic<uint64_t> left_{0};
  void (*ended_)(void*) = nullptr;
  void* argument_ = nullptr;
  const void* owner_ = nullptr;
  Mutex recordsMutex_;
  const std::shared_ptr<GraphTurns> turns_;
};

}  // namespace anywarp::device
