// The litmus tests: message passing, store buffering, load buffering and their relatives. SPDX-License-Identifier: Apache-2.0
#include "shapes.h"

namespace anywarp::litmus {

const std::vector<Shape>& shapes() {
  using R = const Results&;
  static const auto& all = *new std::vector<Shape>{
      {"MP+release+acquire", {"st x 1\nst.release y 1", "ld.acquire r0 y\nld r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"MP+weak+release+acquire", {"stweak x 1\nst.release y 1", "ld.acquire r0 y\nldweak r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"MP+fences", {"st x 1\nfence\nst y 1", "ld r0 y\nfence\nld r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"MP+weak+fences", {"stweak x 1\nfence\nst y 1", "ld r0 y\nfence\nldweak r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"MP+xchg", {"st x 1\nxchg.release r2 y 1", "xchg.acquire r0 y 5\nld r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"MP+add", {"st x 1\nfence\nadd r2 y 1", "add.acquire r0 y 0\nld r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"SB+fence.sc", {"st x 1\nfence.sc\nld r0 y", "st y 1\nfence.sc\nld r1 x"}, [](R v) { return v.r[0] == 0 && v.r[1] == 0; }},
      {"SB+xchg+fence.sc", {"xchg r2 x 1\nfence.sc\nld r0 y", "xchg r3 y 1\nfence.sc\nld r1 x"}, [](R v) { return v.r[0] == 0 && v.r[1] == 0; }},
      {"LB+data", {"ld r0 x\nst y r0", "ld r1 y\nst x r1"}, [](R v) { return v.r[0] != 0 || v.r[1] != 0; }},
      {"LB+acquire", {"ld.acquire r0 x\nst y 1", "ld.acquire r1 y\nst x 1"}, [](R v) { return v.r[0] == 1 && v.r[1] == 1; }},
      {"LB+fences", {"ld r0 x\nfence\nst y 1", "ld r1 y\nfence\nst x 1"}, [](R v) { return v.r[0] == 1 && v.r[1] == 1; }},
      {"IRIW+fence.sc", {"st x 1", "st y 1", "ld r0 x\nfence.sc\nld r1 y", "ld r2 y\nfence.sc\nld r3 x"},
       [](R v) { return v.r[0] == 1 && v.r[1] == 0 && v.r[2] == 1 && v.r[3] == 0; }},
      {"2+2W+fence.sc", {"st x 1\nfence.sc\nst y 2", "st y 1\nfence.sc\nst x 2"}, [](R v) { return v.x == 1 && v.y == 1; }},
      {"2+2W+release", {"st x 1\nst.release y 2", "st y 1\nst.release x 2"}, [](R v) { return v.x == 1 && v.y == 1; }},
      {"S", {"st x 2\nst.release y 1", "ld.acquire r0 y\nst x 1"}, [](R v) { return v.r[0] == 1 && v.x == 2; }},
      {"R+fence.sc", {"st x 1\nfence.sc\nst y 1", "st y 2\nfence.sc\nld r0 x"}, [](R v) { return v.y == 2 && v.r[0] == 0; }},
      {"WRC", {"st x 1", "ld r0 x\nfence\nst y 1", "ld.acquire r1 y\nld r2 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 1 && v.r[2] == 0; }},
      {"ISA2", {"st x 1\nst.release y 1", "ld.acquire r0 y\nst.release z 1", "ld.acquire r1 z\nld r2 x"},
       [](R v) { return v.r[0] == 1 && v.r[1] == 1 && v.r[2] == 0; }},
      {"CoRR", {"st x 1", "ld r0 x\nld r1 x"}, [](R v) { return v.r[0] == 1 && v.r[1] == 0; }},
      {"CoRR+two writers", {"st x 1", "st x 2", "ld r0 x\nld r1 x", "ld r2 x\nld r3 x"},
       [](R v) { return v.r[0] == 1 && v.r[1] == 2 && v.r[2] == 2 && v.r[3] == 1; }},
      {"CoWW", {"st x 1\nst x 2", "ld r0 x"}, [](R v) { return v.x != 2; }},
      {"CoWR", {"st x 1\nld r0 x", "st x 2"}, [](R v) { return v.r[0] == 0 || (v.r[0] == 2 && v.x == 1); }},
      {"CoRW", {"ld r0 x\nst x 1", "st x 2"}, [](R v) { return v.r[0] == 1 || (v.r[0] == 2 && v.x == 2); }},
      {"whole v2", {"st2 x 1\nst2 x 2\nst2 x 3", "ld2 r0 r1 x\nld2 r2 r3 x"}, [](R v) { return v.r[0] != v.r[1] || v.r[2] != v.r[3]; }},
      {"whole v4", {"st4 x 1\nst4 x 2\nst4 x 3", "ld4 r0 r1 r2 r3 x"},
       [](R v) { return v.r[0] != v.r[1] || v.r[1] != v.r[2] || v.r[2] != v.r[3]; }},
      {"atomicity", {"add r0 x 1", "add r1 x 1", "add r2 x 1"}, [](R v) { return v.x != 3; }},
  };
  return all;
}

}  // namespace anywarp::litmus
