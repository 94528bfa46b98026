// Events that several processes record and wait for: two counters in memory that they share. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "device/memory/shared_file.h"
#include "support/result.h"

namespace anywarp::device {

// A record whose process has ended before it was reached counts as reached: nobody waits for the dead.
class SharedEvent {
 public:
  static constexpr size_t fileBytes = 4096;

  static Result<std::shared_ptr<SharedEvent>> make();
  static Result<std::shared_ptr<SharedEvent>> open(SharedFile file);
  ~SharedEvent();
  SharedEvent(const SharedEvent&) = delete;
  SharedEvent& operator=(const SharedEvent&) = delete;

  const SharedFile& file() const { return file_; }

  // Announces a record, and reaches it.
  uint64_t submitRecord();
  void reach(uint64_t record);

  // How often it has been recorded, and whether that record is reached.
  uint64_t recorded() const;
  bool reached(uint64_t record) const;
  bool complete() const { return reached(recorded()); }
  void wait(uint64_t record) const;
  // reached(), and now and then a look whether the recording process lives: for conditions that are asked again and again.
  bool reachedOrLost(uint64_t record, uint32_t& asked) const;

 private:
  struct Page;
  SharedEvent(SharedFile file, Page* page) : file_(std::move(file)), page_(page) {}
  void giveUpOnDead() const;

  const SharedFile file_;
  Page* const page_;
};

}  // namespace anywarp::device
