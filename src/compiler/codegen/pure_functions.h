// The emitting function of every pure row of instructions.def, one per name in its last column. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/pure.h"

namespace anywarp::codegen {

#define ANYWARP_PURE_None(fn) Values fn(PureEmitter& e, const ptx::Instruction& inst, Args args);
#define ANYWARP_PURE_Memory(fn)
#define ANYWARP_PURE_Atomic(fn)
#define ANYWARP_PURE_Warp(fn)
#define ANYWARP_PURE_Barrier(fn)
#define ANYWARP_PURE_Control(fn)
#define ANYWARP_PURE_Call(fn)
#define ANYWARP_PURE_Special(fn)
#define ANYWARP_PURE_Texture(fn)
#define ANYWARP_PURE_Surface(fn)
#define ANYWARP_PURE_Matrix(fn)
#define ANYWARP_PURE_Async(fn)
#define ANYWARP_PURE_Cluster(fn)
#define ANYWARP_PURE_Tensor(fn)
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, fn) ANYWARP_PURE_##needs(fn)
#include "compiler/ptx/instructions.def"
#undef PTX_INST
#undef ANYWARP_PURE_None
#undef ANYWARP_PURE_Memory
#undef ANYWARP_PURE_Atomic
#undef ANYWARP_PURE_Warp
#undef ANYWARP_PURE_Barrier
#undef ANYWARP_PURE_Control
#undef ANYWARP_PURE_Call
#undef ANYWARP_PURE_Special
#undef ANYWARP_PURE_Texture
#undef ANYWARP_PURE_Surface
#undef ANYWARP_PURE_Matrix
#undef ANYWARP_PURE_Async
#undef ANYWARP_PURE_Cluster
#undef ANYWARP_PURE_Tensor

}  // namespace anywarp::codegen
