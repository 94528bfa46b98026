// The table of pure functions, read off instructions.def. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/dispatch.h"

#include "compiler/codegen/pure_functions.h"

namespace anywarp::codegen {

// Rows without code yet. The table never hands this out: formInfo() says `planned`.
Values planned(PureEmitter& e, const ptx::Instruction& inst, Args) { return e.unsupported(inst, "not supported yet"); }

// Rows that need to know where they are: data_movement.cpp emits them before the table is asked.
#define ANYWARP_PLACED(fn) \
  Values fn(PureEmitter& e, const ptx::Instruction& inst, Args) { return e.unsupported(inst, "is not an operation on values alone"); }
ANYWARP_PLACED(movValue)
ANYWARP_PLACED(movPack)
ANYWARP_PLACED(movUnpack)
ANYWARP_PLACED(movVector)
ANYWARP_PLACED(cvta)
ANYWARP_PLACED(isspacep)
ANYWARP_PLACED(createpolicy)
#undef ANYWARP_PLACED

PureFn pureFunction(ptx::Form form) {
#define ANYWARP_None(fn) &fn
#define ANYWARP_Memory(fn) nullptr
#define ANYWARP_Atomic(fn) nullptr
#define ANYWARP_Warp(fn) nullptr
#define ANYWARP_Barrier(fn) nullptr
#define ANYWARP_Control(fn) nullptr
#define ANYWARP_Call(fn) nullptr
#define ANYWARP_Special(fn) nullptr
#define ANYWARP_Texture(fn) nullptr
#define ANYWARP_Surface(fn) nullptr
#define ANYWARP_Matrix(fn) nullptr
#define ANYWARP_Async(fn) nullptr
#define ANYWARP_Cluster(fn) nullptr
#define ANYWARP_Tensor(fn) nullptr
  static constexpr PureFn table[ptx::formCount] = {
      nullptr,
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, fn) ANYWARP_##needs(fn),
#include "compiler/ptx/instructions.def"
#undef PTX_INST
  };
  return ptx::formInfo(form).planned ? nullptr : table[size_t(form)];
}

}  // namespace anywarp::codegen
