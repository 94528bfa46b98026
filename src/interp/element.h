// Instructions on packed types do to each element what the scalar form does. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "interp/step.h"

namespace anywarp::interp {

// Applies `operation(bits...)` to the elements of the operands in `slots` and writes the result to slot 0, all of type `type`.
template <class Operation>
void eachElement1(Step& step, Type type, size_t a, Operation operation) {
  unsigned width = ptx::bits(type) / ptx::lanes(type);
  uint64_t x = step.bits(a, type), result = 0;
  for (unsigned i = 0; i < ptx::lanes(type); i++)
    result |= lowBits(operation(lowBits(x >> (i * width), width)), width) << (i * width);
  step.set(0, type, result);
}

template <class Operation>
void eachElement2(Step& step, Type type, size_t a, size_t b, Operation operation) {
  unsigned width = ptx::bits(type) / ptx::lanes(type);
  uint64_t x = step.bits(a, type), y = step.bits(b, type), result = 0;
  for (unsigned i = 0; i < ptx::lanes(type); i++)
    result |= lowBits(operation(lowBits(x >> (i * width), width), lowBits(y >> (i * width), width)), width) << (i * width);
  step.set(0, type, result);
}

template <class Operation>
void eachElement3(Step& step, Type type, size_t a, size_t b, size_t c, Operation operation) {
  unsigned width = ptx::bits(type) / ptx::lanes(type);
  uint64_t x = step.bits(a, type), y = step.bits(b, type), z = step.bits(c, type), result = 0;
  for (unsigned i = 0; i < ptx::lanes(type); i++)
    result |= lowBits(operation(lowBits(x >> (i * width), width), lowBits(y >> (i * width), width), lowBits(z >> (i * width), width)), width)
              << (i * width);
  step.set(0, type, result);
}

}  // namespace anywarp::interp
