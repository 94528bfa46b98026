// f32 arithmetic with f16 or bf16 operands (PTX: Mixed Precision Floating-Point Instructions). SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/half_lanes.h"
#include "compiler/codegen/pure_functions.h"
#include "compiler/codegen/rounding.h"
#include "compiler/ptx/ast.h"

namespace anywarp::codegen {

using ptx::Instruction;
using ptx::Mod;

namespace {

Values finish(PureEmitter& e, const Instruction& inst, Value* v) {
  if (inst.has(Mod::Sat)) return {saturate(e, v)};
  return {e.canonicalNans ? canonicalNan(e, v) : v};
}

Value* widened(PureEmitter& e, const Instruction& inst, Value* v) { return halvesToFloat(e, v, inst.type(1)); }

}  // namespace

Values addMixed(PureEmitter& e, const Instruction& inst, Args args) {
  return finish(e, inst, addFloat(e, widened(e, inst, args[0]), args[1], roundingOf(inst)));
}

Values subMixed(PureEmitter& e, const Instruction& inst, Args args) {
  return finish(e, inst, subFloat(e, widened(e, inst, args[0]), args[1], roundingOf(inst)));
}

Values fmaMixed(PureEmitter& e, const Instruction& inst, Args args) {
  return finish(e, inst,
                fmaFloat(e, widened(e, inst, args[0]), widened(e, inst, args[1]), args[2], roundingOf(inst)));
}

}  // namespace anywarp::codegen
