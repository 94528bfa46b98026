// What texture and surface instructions read alike: handles and geometries. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "interp/step.h"
#include "interp/texture.h"

namespace anywarp::interp {

struct Geometry {
  int axes = 1;
  bool layered = false, cube = false;
};
// False, with a fault, for geometries that are not there.
bool geometryOf(Step& step, Geometry& geometry);

// The handle that a register, a parameter or a module variable holds.
uint64_t handleOf(Step& step, const Operand& operand);
// Null where there is none of that handle.
const TextureObject* objectOf(Step& step, const Operand& operand);

// The elements of a vector operand, or the operand itself.
std::vector<Operand> elementsOf(const Operand& operand);

}  // namespace anywarp::interp
