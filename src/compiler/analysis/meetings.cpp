// Intervals of the order with one way in and one way out. SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/meetings.h"

#include <algorithm>

namespace anywarp::analysis {
namespace {

// Of nests nobody writes: how often a block is looked at.
constexpr uint64_t looksPerBlock = 64;

class MeetingFinder {
 public:
  MeetingFinder(const Flat& flat, const Order& order, const std::vector<BlockId>& entries, const std::vector<uint8_t>& leaves)
      : flat_(flat), order_(order), leaves_(leaves), limit_(looksPerBlock * order.blocks.size() + 1024), entered_(flat.blocks.size()) {
    for (BlockId x : entries) entered_[x] = 1;
  }

  // The block that all ways to `meeting` come through, as above.
  BlockId before(BlockId meeting) {
    const uint32_t end = order_.position[meeting];
    if (entered_[meeting] || flat_.blocks[meeting].predecessors.size() < 2) return noBlock;
    uint32_t begin = end;
    auto reaches = [&](BlockId x) {  // everything that leads to x lies before the meeting
      for (BlockId p : flat_.blocks[x].predecessors) {
        if (!order_.contains(p)) continue;
        if (order_.position[p] >= end) return false;
        begin = std::min(begin, order_.position[p]);
      }
      return true;
    };
    if (!reaches(meeting)) return noBlock;
    uint32_t lowestHeader = end;  // back edges lead here or behind it
    for (uint32_t at = end; at-- > begin;) {
      BlockId x = order_.blocks[at];
      if (!limit_.spend(1) || !staysWithin(x, at, end, begin, lowestHeader)) return noBlock;
      if (at == begin && lowestHeader > at) return x;
      if (entered_[x] || leaves_[x] || !reaches(x)) return noBlock;
    }
    return noBlock;
  }

 private:
  bool staysWithin(BlockId x, uint32_t at, uint32_t end, uint32_t& begin, uint32_t& lowestHeader) const {
    const Block& block = flat_.blocks[x];
    if (block.terminator == Terminator::Exit || block.terminator == Terminator::Suspend) return false;
    if (block.within.size() != block.successors.size()) return false;
    for (BlockId s : block.within) {
      if (!order_.contains(s) || onlyExits(flat_, s)) return false;
      const uint32_t to = order_.position[s];
      if (to > end) return false;
      if (to > at) continue;
      begin = std::min(begin, to);
      lowestHeader = std::min(lowestHeader, to);
    }
    return true;
  }

  const Flat& flat_;
  const Order& order_;
  const std::vector<uint8_t>& leaves_;
  WorkLimit limit_;
  std::vector<uint8_t> entered_;
};

}  // namespace

std::vector<BlockId> findMeetings(const Flat& flat, const Order& order, const std::vector<BlockId>& entries,
                                  const std::vector<uint8_t>& leaves) {
  std::vector<BlockId> result(flat.blocks.size(), noBlock);
  MeetingFinder finder(flat, order, entries, leaves);
  for (BlockId x : order.blocks) result[x] = finder.before(x);
  return result;
}

}  // namespace anywarp::analysis
