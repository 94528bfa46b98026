// min and max of floating point lanes by PTX's rules. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"

namespace anywarp::codegen {

struct MinMaxRules {
  bool max;
  bool propagateNan;  // .NaN: NaN where an operand is one; else the other operand
  bool xorSign;       // .xorsign.abs: of magnitudes, with the product of the signs
};

// Of two or three float or double operands (absent ones: nullptr). -0 is less than +0; a NaN result is canonical.
Value* minMaxOf(PureEmitter& e, Args operands, MinMaxRules rules);

}  // namespace anywarp::codegen
