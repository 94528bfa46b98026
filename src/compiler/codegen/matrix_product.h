// D = A * B + C on fragments of a warp: one function per form, shared by its uses in a module. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/lanes.h"
#include "compiler/ptx/fragments.h"

namespace anywarp::codegen {

constexpr unsigned warp = 32;  // lanes that share a fragment

// Registers of lanes: i32, float (f32) or double (f64). Only the distinct ones of a fragment.
struct MatrixOperands {
  llvm::SmallVector<Value*, 8> a, b, c;
  Value* metadata = nullptr;  // of a sparse A: i32 lanes
  unsigned selector = 0;
};

// The registers of D.
llvm::SmallVector<Value*, 8> emitProduct(PureEmitter& e, const ptx::MatrixProduct& product, const MatrixOperands& operands);

}  // namespace anywarp::codegen
