// Building blocks for values that are scalars or vectors of lanes alike. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/lanes.h"

#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Module.h>

namespace anywarp::codegen {

using llvm::FixedVectorType;

unsigned laneCount(Value* v) {
  auto* vector = llvm::dyn_cast<FixedVectorType>(v->getType());
  return vector ? vector->getNumElements() : 1;
}

llvm::Type* shaped(Value* like, llvm::Type* element) {
  auto* vector = llvm::dyn_cast<FixedVectorType>(like->getType());
  return vector ? FixedVectorType::get(element, vector->getNumElements()) : element;
}

llvm::Type* intShaped(PureEmitter& e, Value* like, unsigned bits) { return shaped(like, e.b.getIntNTy(bits)); }
llvm::Type* floatShaped(PureEmitter& e, Value* like) { return shaped(like, e.b.getFloatTy()); }
llvm::Type* doubleShaped(PureEmitter& e, Value* like) { return shaped(like, e.b.getDoubleTy()); }
unsigned bitsOf(Value* v) { return v->getType()->getScalarSizeInBits(); }

Value* intConst(Value* like, uint64_t value) {
  return llvm::ConstantInt::get(like->getType(), llvm::APInt(64, value).zextOrTrunc(bitsOf(like)));
}

Value* floatConst(Value* like, double value) { return llvm::ConstantFP::get(like->getType(), value); }

Value* floatBits(PureEmitter& e, Value* like, uint64_t bits) {
  llvm::Type* element = like->getType()->getScalarType();
  llvm::APFloat value(element->getFltSemantics(), llvm::APInt(element->getScalarSizeInBits(), bits));
  return llvm::ConstantFP::get(like->getType(), value);
}

const llvm::ConstantInt* knownInt(Value* v) {
  Value* scalar = uniformOf(v);
  return scalar ? llvm::dyn_cast<llvm::ConstantInt>(scalar) : nullptr;
}

Value* uniformOf(Value* v) {
  if (!v->getType()->isVectorTy()) return v;
  return const_cast<Value*>(llvm::getSplatValue(v));
}

Value* hidden(llvm::IRBuilder<>& b, Value* v) {
  auto* same = llvm::FunctionType::get(v->getType(), {v->getType()}, false);
  return b.CreateCall(same, llvm::InlineAsm::get(same, "", "=r,0", false), {v});
}

Value* zext(PureEmitter& e, Value* v, unsigned bits) { return e.b.CreateZExtOrTrunc(v, intShaped(e, v, bits)); }
Value* sext(PureEmitter& e, Value* v, unsigned bits) { return e.b.CreateSExtOrTrunc(v, intShaped(e, v, bits)); }
Value* ext(PureEmitter& e, Value* v, unsigned bits, bool isSigned) { return isSigned ? sext(e, v, bits) : zext(e, v, bits); }
Value* trunc(PureEmitter& e, Value* v, unsigned bits) { return e.b.CreateTrunc(v, intShaped(e, v, bits)); }

Value* asInt(PureEmitter& e, Value* v) {
  if (v->getType()->isIntOrIntVectorTy()) return v;
  return e.b.CreateBitCast(v, intShaped(e, v, bitsOf(v)));
}

Value* asFloat(PureEmitter& e, Value* v) {
  if (v->getType()->isFPOrFPVectorTy()) return v;
  return e.b.CreateBitCast(v, bitsOf(v) == 64 ? doubleShaped(e, v) : floatShaped(e, v));
}

Value* absInt(PureEmitter& e, Value* v) { return e.b.CreateBinaryIntrinsic(llvm::Intrinsic::abs, v, e.b.getFalse()); }

Value* minMax(PureEmitter& e, bool max, bool isSigned, Value* a, Value* b) {
  using namespace llvm;
  return e.b.CreateBinaryIntrinsic(max ? (isSigned ? Intrinsic::smax : Intrinsic::umax)
                                       : (isSigned ? Intrinsic::smin : Intrinsic::umin), a, b);
}

Value* unpack(PureEmitter& e, Value* v, unsigned elementBits) {
  unsigned count = laneCount(v) * (bitsOf(v) / elementBits);
  return e.b.CreateBitCast(v, FixedVectorType::get(e.b.getIntNTy(elementBits), count));
}

Value* pack(PureEmitter& e, Value* v, unsigned packedBits) {
  unsigned count = laneCount(v) * bitsOf(v) / packedBits;
  llvm::Type* lane = e.b.getIntNTy(packedBits);
  return e.b.CreateBitCast(v, count == 1 ? lane : FixedVectorType::get(lane, count));
}

Value* lowHalf(PureEmitter& e, Value* v) { return trunc(e, v, bitsOf(v) / 2); }
Value* highHalf(PureEmitter& e, Value* v) { return trunc(e, e.b.CreateLShr(v, bitsOf(v) / 2), bitsOf(v) / 2); }

Value* joinHalves(PureEmitter& e, Value* low, Value* high) {
  unsigned half = bitsOf(low);
  return e.b.CreateOr(zext(e, low, 2 * half), e.b.CreateShl(zext(e, high, 2 * half), half));
}

Value* call(PureEmitter& e, llvm::Intrinsic::ID id, llvm::ArrayRef<llvm::Type*> types, llvm::ArrayRef<Value*> args) {
  return e.b.CreateIntrinsic(id, types, args);
}
Value* call1(PureEmitter& e, llvm::Intrinsic::ID id, Value* a) { return e.b.CreateUnaryIntrinsic(id, a); }
Value* call2(PureEmitter& e, llvm::Intrinsic::ID id, Value* a, Value* b) { return e.b.CreateBinaryIntrinsic(id, a, b); }

namespace {

// Lanes [from, from + count) of a vector; lanes past its end are zero.
Value* takeLanes(PureEmitter& e, Value* v, unsigned from, unsigned count) {
  unsigned have = laneCount(v);
  if (!v->getType()->isVectorTy()) {
    Value* zero = llvm::Constant::getNullValue(FixedVectorType::get(v->getType(), count));
    return e.b.CreateInsertElement(zero, v, uint64_t(0));
  }
  if (from == 0 && have == count) return v;
  llvm::SmallVector<int, 32> mask;
  for (unsigned i = 0; i < count; ++i) mask.push_back(from + i < have ? int(from + i) : int(have));
  return e.b.CreateShuffleVector(v, llvm::Constant::getNullValue(v->getType()), mask);
}

}  // namespace

Value* inGroups(PureEmitter& e, unsigned lanes, llvm::ArrayRef<Value*> args,
                llvm::function_ref<Value*(llvm::ArrayRef<Value*>)> op) {
  unsigned total = laneCount(args[0]);
  bool scalar = !args[0]->getType()->isVectorTy();
  llvm::SmallVector<Value*, 8> parts;
  for (unsigned from = 0; from < total; from += lanes) {
    llvm::SmallVector<Value*, 4> group;
    for (Value* arg : args) group.push_back(takeLanes(e, arg, from, lanes));
    parts.push_back(op(group));
  }
  if (scalar) return e.b.CreateExtractElement(parts[0], uint64_t(0));
  Value* joined = parts.size() == 1 ? parts[0] : llvm::concatenateVectors(e.b, parts);
  return laneCount(joined) == total ? joined : takeLanes(e, joined, 0, total);
}

Value* outOfLine(PureEmitter& e, llvm::StringRef name, llvm::ArrayRef<Value*> args, llvm::Type* result,
                 llvm::function_ref<Value*(PureEmitter&, llvm::ArrayRef<Value*>)> body, bool strictFp) {
  llvm::Function* caller = e.b.GetInsertBlock()->getParent();
  llvm::Module* module = caller->getParent();
  std::string fullName = ("anywarp." + name + "." + llvm::Twine(laneCount(args[0])) + (result->isVectorTy() ? "v" : "s")).str();
  llvm::Function* function = module->getFunction(fullName);
  if (!function) {
    llvm::SmallVector<llvm::Type*, 4> types;
    for (Value* arg : args) types.push_back(arg->getType());
    function = llvm::Function::Create(llvm::FunctionType::get(result, types, false), llvm::GlobalValue::InternalLinkage, fullName,
                                      module);
    // The same target as the caller: vectors are passed in registers.
    for (llvm::Attribute attribute : caller->getAttributes().getFnAttrs()) {
      if (attribute.isStringAttribute()) function->addFnAttr(attribute);
    }
    function->addFnAttr(llvm::Attribute::NoUnwind);
    function->addFnAttr(llvm::Attribute::NoInline);
    if (strictFp) function->addFnAttr(llvm::Attribute::StrictFP);
    llvm::IRBuilder<> builder(llvm::BasicBlock::Create(module->getContext(), "", function));
    PureEmitter inner(builder, e.width, e.host, [](const ptx::Instruction&, std::string_view) {});
    inner.canonicalNans = e.canonicalNans;
    inner.hostFlushes = e.hostFlushes;
    llvm::SmallVector<Value*, 4> parameters;
    for (llvm::Argument& parameter : function->args()) parameters.push_back(&parameter);
    builder.CreateRet(body(inner, parameters));
  }
  return e.b.CreateCall(function, args);
}

}  // namespace anywarp::codegen
