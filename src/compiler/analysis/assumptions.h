// A kernel in which some comparisons are known: what follows from that. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/analysis/flat.h"

namespace anywarp::analysis {

struct Assumption {
  ptx::RegId predicate = ptx::noReg;  // written once, without a guard
  bool value = false;
};

// By register: its one unguarded write; nullptr where there are several, or others than plain instructions.
std::vector<Inst*> findOnlyWrites(Flat& flat);

// Predicates made from them are known too, branches on them become jumps, selections moves.
void assume(Flat& flat, const std::vector<Assumption>& known);

}  // namespace anywarp::analysis
