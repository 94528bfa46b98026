// Runs pure instructions as compiled code, on scalars and on vectors of several lengths, for several host levels, against
// plain references. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace anywarp::codegen::testing {

// What the instruction does to one thread: sources in (bit patterns, one per source slot, then the carry-in), results out.
using Reference = std::function<void(const uint64_t* in, uint64_t* out)>;
// Whether a result that differs from the reference's is right all the same.
using Accept = std::function<bool(const uint64_t* in, uint64_t got, uint64_t want)>;

struct Case {
  std::string opcode;
  Reference reference;
  Accept accept = nullptr;
  std::vector<std::pair<unsigned, uint64_t>> constants = {}; // source index -> the same known value in every lane
  int uniform = -1;                                      // source index that is a broadcast scalar
  bool optional = false;                                 // optional sources are present
  unsigned form = 0;                                     // which of the rows that accept the opcode
  std::vector<std::pair<unsigned, uint32_t>> selects = {};  // operand slot -> Operand::select
  // Sources that are to be drawn from this range instead of all bit patterns.
  std::vector<std::pair<unsigned, std::vector<uint64_t>>> inputs = {};
};

// Compiles and runs them all. Failures name host level, lanes, opcode, sources and both results.
void check(const std::vector<Case>& cases);

inline float f32(uint64_t bits) { return std::bit_cast<float>(uint32_t(bits)); }
inline double f64(uint64_t bits) { return std::bit_cast<double>(bits); }
inline uint64_t bits(float v) { return std::bit_cast<uint32_t>(v); }
inline uint64_t bits(double v) { return std::bit_cast<uint64_t>(v); }
inline bool isNan32(uint64_t v) { return (v & 0x7fffffff) > 0x7f800000; }
inline bool isNan64(uint64_t v) { return (v & ~(1ull << 63)) > 0x7ff0000000000000ull; }

// Any NaN for any NaN.
bool anyNan32(const uint64_t* in, uint64_t got, uint64_t want);
bool anyNan64(const uint64_t* in, uint64_t got, uint64_t want);

}  // namespace anywarp::codegen::testing
