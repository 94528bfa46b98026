// Rows by linear scan: a register's row is free again behind the last place that may read it. Lanes that are elsewhere keep what is
// theirs, as every write is for the lanes that execute it alone. SPDX-License-Identifier: Apache-2.0
#include "compiler/quick/rows.h"

#include <algorithm>

#include "compiler/analysis/operands.h"
#include "compiler/quick/program.h"

namespace anywarp::quick {

uint32_t rowBytes(ptx::Type type) {
  if (type == ptx::Type::Pred) return 4;
  return std::max(64u, lanes * ((ptx::bits(type) + 7) / 8));
}

namespace {

struct Interval {
  uint32_t first = ~0u, last = 0;
  ptx::RegId reg = 0;
  void see(uint32_t at) {
    first = std::min(first, at);
    last = std::max(last, at);
  }
};

std::vector<Interval> findIntervals(analysis::Flat& flat, const analysis::Webs& webs, const std::vector<analysis::BlockId>& order) {
  std::vector<Interval> all(flat.registers.size());
  for (ptx::RegId r = 0; r < all.size(); ++r) all[r].reg = r;
  uint32_t at = 0;
  for (analysis::BlockId x : order) {
    const analysis::Block& block = flat.blocks[x];
    for (ptx::RegId r : webs.liveIn[x]) all[r].see(at);
    for (uint32_t i = block.first; i < block.last; ++i) {
      ++at;
      analysis::Inst& inst = flat.instructions[i];
      auto see = [&](ptx::RegId& r) { all[r].see(at); };
      analysis::forEachUse(inst, flat.registers, see);
      analysis::forEachDef(inst, see);
    }
    ++at;
    if (block.condition != ptx::noReg) all[block.condition].see(at);
    for (analysis::BlockId s : block.successors)
      for (ptx::RegId r : webs.liveIn[s]) all[r].see(at);
    ++at;
  }
  return all;
}

}  // namespace

RowLayout layOutRows(analysis::Flat& flat, const analysis::Webs& webs, const std::vector<analysis::BlockId>& order) {
  std::vector<Interval> intervals = findIntervals(flat, webs, order);
  std::erase_if(intervals, [](const Interval& i) { return i.first == ~0u; });
  std::sort(intervals.begin(), intervals.end(), [](const Interval& a, const Interval& b) { return a.first < b.first; });
  RowLayout layout;
  layout.offsets.assign(flat.registers.size(), 0);
  struct Busy {
    uint32_t last, offset;
  };
  // By the size of a lane's value, as rows of different sizes have a lane's bytes at different places: rows in use, rows that are free.
  struct Size {
    uint32_t bits;
    std::vector<Busy> busy;  // a heap, the first that ends on top
    std::vector<uint32_t> free;
  };
  std::vector<Size> sizes;
  auto later = [](const Busy& a, const Busy& b) { return a.last > b.last; };
  for (const Interval& interval : intervals) {
    ptx::Type type = flat.registers[interval.reg].type;
    uint32_t bits = ptx::bits(type), bytes = rowBytes(type);
    auto size = std::find_if(sizes.begin(), sizes.end(), [&](const Size& s) { return s.bits == bits; });
    if (size == sizes.end()) size = sizes.insert(size, Size{bits, {}, {}});
    while (!size->busy.empty() && size->busy.front().last < interval.first) {
      size->free.push_back(size->busy.front().offset);
      std::pop_heap(size->busy.begin(), size->busy.end(), later);
      size->busy.pop_back();
    }
    uint32_t offset;
    if (!size->free.empty()) {
      offset = size->free.back();
      size->free.pop_back();
    } else {
      if (bytes >= 64) layout.bytes = (layout.bytes + 63) & ~63u;
      offset = layout.bytes;
      layout.bytes += bytes;
    }
    layout.offsets[interval.reg] = offset;
    size->busy.push_back({interval.last, offset});
    std::push_heap(size->busy.begin(), size->busy.end(), later);
  }
  layout.bytes = (layout.bytes + 63) & ~63u;
  return layout;
}

}  // namespace anywarp::quick
