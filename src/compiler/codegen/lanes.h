// Building blocks for values that are scalars or vectors of lanes alike. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/IntrinsicInst.h>

#include "compiler/codegen/pure.h"

namespace anywarp::codegen {

using llvm::Value;

// --- Shapes
unsigned laneCount(Value* v);                         // elements of a vector, 1 for a scalar
llvm::Type* shaped(Value* like, llvm::Type* element); // `element`, or a vector of it as long as `like`
llvm::Type* intShaped(PureEmitter& e, Value* like, unsigned bits);
llvm::Type* floatShaped(PureEmitter& e, Value* like);
llvm::Type* doubleShaped(PureEmitter& e, Value* like);
unsigned bitsOf(Value* v);                            // width of an element

// --- Constants of the type of `like`
Value* intConst(Value* like, uint64_t value);
Value* floatConst(Value* like, double value);
Value* floatBits(PureEmitter& e, Value* like, uint64_t bits);  // a float or double by its bits
// The value that every lane of `v` holds, when that is a constant.
const llvm::ConstantInt* knownInt(Value* v);
// The scalar that `v` broadcasts (or is), nullptr where lanes differ.
Value* uniformOf(Value* v);

// `v`, an integer of a host register, of which LLVM is not to know where it comes from.
Value* hidden(llvm::IRBuilder<>& b, Value* v);

// --- Integers and bits
Value* zext(PureEmitter& e, Value* v, unsigned bits);
Value* sext(PureEmitter& e, Value* v, unsigned bits);
Value* ext(PureEmitter& e, Value* v, unsigned bits, bool isSigned);
Value* trunc(PureEmitter& e, Value* v, unsigned bits);
Value* asInt(PureEmitter& e, Value* v);               // float lanes as integers of the same width
Value* asFloat(PureEmitter& e, Value* v);             // i32 -> float, i64 -> double
Value* absInt(PureEmitter& e, Value* v);              // |INT_MIN| wraps
Value* minMax(PureEmitter& e, bool max, bool isSigned, Value* a, Value* b);
// Packed halves: each lane of 2*n bits as two lanes of n bits (lane 2i is the low half), and back.
Value* unpack(PureEmitter& e, Value* v, unsigned elementBits);
Value* pack(PureEmitter& e, Value* v, unsigned packedBits);
// The low and high half of every lane, as integers of half the width; and the lane made of two halves.
Value* lowHalf(PureEmitter& e, Value* v);
Value* highHalf(PureEmitter& e, Value* v);
Value* joinHalves(PureEmitter& e, Value* low, Value* high);

// --- Calls
Value* call(PureEmitter& e, llvm::Intrinsic::ID id, llvm::ArrayRef<llvm::Type*> types, llvm::ArrayRef<Value*> args);
Value* call1(PureEmitter& e, llvm::Intrinsic::ID id, Value* a);           // overloaded on the argument's type
Value* call2(PureEmitter& e, llvm::Intrinsic::ID id, Value* a, Value* b);
// Runs `op` on groups of exactly `lanes` lanes (padded with zeros) and joins the results: for host instructions of one width.
Value* inGroups(PureEmitter& e, unsigned lanes, llvm::ArrayRef<Value*> args,
                llvm::function_ref<Value*(llvm::ArrayRef<Value*>)> op);
// An internal function of the module, made once per name: slow or long code that is not to be repeated at each use.
// `body` emits with a PureEmitter positioned in the function and returns its result.
Value* outOfLine(PureEmitter& e, llvm::StringRef name, llvm::ArrayRef<Value*> args, llvm::Type* result,
                 llvm::function_ref<Value*(PureEmitter&, llvm::ArrayRef<Value*>)> body, bool strictFp = false);

}  // namespace anywarp::codegen
