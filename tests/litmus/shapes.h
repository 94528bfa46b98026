// Litmus tests as data: what each thread does to shared variables, and which results the memory model forbids
// (PTX ISA: Memory Consistency Model). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace anywarp::litmus {

// Results of one run: up to four registers that threads have read, and the variables at the end.
struct Results {
  std::array<uint32_t, 4> r{};
  uint32_t x = 0, y = 0;
};

// Steps of a thread, one per line:
//   st VAR VALUE       st.release VAR VALUE        store (relaxed where nothing else is said)
//   ld REG VAR         ld.acquire REG VAR          load into r0..r3
//   st VAR REG                                     what a register holds
//   fence              fence.sc                    acquire-release, sequentially consistent
//   xchg REG VAR VALUE xchg.acq_rel ..., add ...   atomics
//   stweak VAR VALUE   ldweak REG VAR              plain accesses, ordered by others
//   st2 VAR VALUE      ld2 REG REG VAR             vectors of two and four words, each of them the value
//   st4 VAR VALUE      ld4 REG REG REG REG VAR
struct Shape {
  std::string name;
  std::vector<std::string> threads;
  bool (*forbidden)(const Results&);
};

const std::vector<Shape>& shapes();

}  // namespace anywarp::litmus
