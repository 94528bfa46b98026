// Calls that remain after inlining: recursion, function pointers, and the functions that the driver provides
// (PTX: call; CUDA: Formatted Output, Assertion, Dynamic Global Memory Allocation). SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <string_view>

#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/emitter.h"

namespace anywarp::codegen {

using ptx::Operand;
using ptx::Type;

// A vector in memory, for a callee that takes one value per lane.
Value* FunctionEmitter::spill(Value* v, llvm::Type* element, const char* name) {
  llvm::AllocaInst* at = stackSlot(vectorOf(element), name);
  b.CreateStore(v, at);
  return at;
}

void FunctionEmitter::emitCall(const Inst& inst) {
  const Operand& callee = inst.operands[1];
  if (callee.kind == Operand::Kind::Symbol) {
    const ptx::Function& f = k_.ptx.functions[callee.symbol.index];
    if (f.hasBody) return callOutOfLine(inst, callee.symbol.index, mask_);
    if (emitServiceCall(inst, f.name)) return;
    return unsupported(inst, "call of external function '" + f.name + "', which is defined nowhere");
  }
  // Through a pointer: every function that it may lead to, with the lanes that call it.
  Value* target = read(callee, Type::B64, true);
  Value* rest = mask_;
  size_t variables = k_.ptx.variables.size();
  const analysis::Inst& call = inst;
  for (uint32_t f : flat_.outOfLine) {
    auto it = k_.analyzed.find(f);
    if (it == k_.analyzed.end()) continue;
    size_t args = 0, results = 0;
    for (auto& pieces : it->second.flat->params) args += pieces.size();
    for (auto& pieces : it->second.flat->returns) results += pieces.size();
    if (args != call.operands[2].elements.size() || results != call.operands[0].elements.size()) continue;
    Value* handle = field(symbols_, (variables + f) * 8, b.getInt64Ty(), "function");
    Value* lanes = logicalAnd(rest, b.CreateICmpEQ(target, splat(handle)));
    llvm::BasicBlock* doIt = llvm::BasicBlock::Create(k_.context(), "call", &function_);
    llvm::BasicBlock* after = llvm::BasicBlock::Create(k_.context(), "called", &function_);
    b.CreateCondBr(anyLane(lanes), doIt, after);
    b.SetInsertPoint(doIt);
    callOutOfLine(inst, f, lanes);
    b.CreateBr(after);
    b.SetInsertPoint(after);
    rest = b.CreateAnd(rest, b.CreateNot(lanes));
  }
  trapIf(anyLane(rest), rest, abi::TrapKind::InvalidFunction, inst.loc);
}

void FunctionEmitter::callOutOfLine(const Inst& inst, uint32_t function, Value* lanes) {
  llvm::Function* callee = k_.functions.at(function);
  const analysis::Flat& flat = *k_.analyzed.at(function).flat;
  auto area = [&](const std::vector<std::vector<analysis::Piece>>& all, const char* name) {
    uint64_t bytes = 0;
    for (auto& pieces : all)
      for (const analysis::Piece& p : pieces) bytes += (uint64_t(p.bytes) * width_ + 63) & ~uint64_t(63);
    llvm::AllocaInst* at = stackSlot(llvm::ArrayType::get(b.getInt8Ty(), std::max<uint64_t>(bytes, 8)), name);
    at->setAlignment(llvm::Align(64));
    return at;
  };
  llvm::AllocaInst* args = area(flat.params, "args");
  llvm::AllocaInst* results = area(flat.returns, "results");
  uint64_t offset = 0;
  size_t i = 0;
  for (auto& pieces : flat.params)
    for (const analysis::Piece& p : pieces) {
      if (i >= inst.operands[2].elements.size()) break;
      Value* v = read(inst.operands[2].elements[i++], ptx::bitsType(p.bytes * 8), true);
      b.CreateAlignedStore(v, b.CreateConstGEP1_64(b.getInt8Ty(), args, offset), llvm::Align(8));
      offset += (uint64_t(p.bytes) * width_ + 63) & ~uint64_t(63);
    }
  Value* own = i64((flat_.localBytes + 15) & ~uint64_t(15));
  Value* stack = lspBase_ ? b.CreateAdd(lspBase_, own) : own;
  b.CreateCall(callee, {ctx_, warp_, maskBits(lanes), stack, args, results});
  offset = 0;
  i = 0;
  Value* before = mask_;
  mask_ = lanes;
  for (auto& pieces : flat.returns)
    for (const analysis::Piece& p : pieces) {
      if (i >= inst.operands[0].elements.size()) break;
      llvm::Type* t = vectorOf(b.getIntNTy(p.bytes * 8));
      Value* v = b.CreateAlignedLoad(t, b.CreateConstGEP1_64(b.getInt8Ty(), results, offset), llvm::Align(8));
      const Operand& to = inst.operands[0].elements[i++];
      // Other lanes may have got their result from another function.
      Type type = ptx::bitsType(p.bytes * 8);
      if (lanes != before) v = b.CreateSelect(lanes, v, read(to, type, true));
      write(to, type, v);
      offset += (uint64_t(p.bytes) * width_ + 63) & ~uint64_t(63);
    }
  mask_ = before;
}

bool FunctionEmitter::emitServiceCall(const Inst& inst, const std::string& name) {
  const auto& args = inst.operands[2].elements;
  const auto& results = inst.operands[0].elements;
  auto lanes64 = [&](size_t i) { return spill(read(args[i], Type::B64, true), b.getInt64Ty(), "arg"); };
  auto expect = [&](size_t a, size_t r) {
    if (args.size() == a && results.size() <= r) return true;
    unsupported(inst, name + " takes " + std::to_string(a) + " arguments, not " + std::to_string(args.size()));
    return false;
  };
  llvm::Type* ptr = b.getPtrTy();
  llvm::Type* word = b.getInt32Ty();
  llvm::Type* nothing = b.getVoidTy();
  if (name == "vprintf") {
    if (!expect(2, 1)) return true;
    llvm::AllocaInst* out = stackSlot(vectorOf(word), "printed");
    b.CreateStore(llvm::Constant::getNullValue(vectorOf(word)), out);
    Value *formats = lanes64(0), *values = lanes64(1);
    service(offsetof(abi::Services, printf), llvm::FunctionType::get(nothing, {ptr, word, word, ptr, ptr, ptr}, false),
            {ctx_, warp_, maskBits(mask_), formats, values, out});
    if (!results.empty()) write(results[0], Type::B32, b.CreateLoad(vectorOf(word), out));
    return true;
  }
  if (name == "__assertfail") {
    if (!expect(5, 0)) return true;
    Value *message = lanes64(0), *file = lanes64(1), *function = lanes64(3);
    Value* line = spill(read(args[2], Type::B32, true), word, "line");
    service(offsetof(abi::Services, assertFail), llvm::FunctionType::get(nothing, {ptr, word, word, ptr, ptr, ptr, ptr}, false),
            {ctx_, warp_, maskBits(mask_), message, file, line, function});
    return true;
  }
  if (name == "malloc") {
    if (!expect(1, 1)) return true;
    llvm::AllocaInst* out = stackSlot(vectorOf(b.getInt64Ty()), "pointers");
    b.CreateStore(llvm::Constant::getNullValue(vectorOf(b.getInt64Ty())), out);
    service(offsetof(abi::Services, malloc), llvm::FunctionType::get(nothing, {ptr, word, ptr, ptr}, false), {ctx_, maskBits(mask_), lanes64(0), out});
    if (!results.empty()) write(results[0], Type::B64, b.CreateLoad(vectorOf(b.getInt64Ty()), out));
    return true;
  }
  if (name == "free") {
    if (!expect(1, 0)) return true;
    service(offsetof(abi::Services, free), llvm::FunctionType::get(nothing, {ptr, word, ptr}, false), {ctx_, maskBits(mask_), lanes64(0)});
    return true;
  }
  return emitSystemCall(inst, name);
}

// Functions that the device does: a row of numbers per argument.
bool FunctionEmitter::emitSystemCall(const Inst& inst, const std::string& name) {
  static constexpr struct {
    std::string_view symbol;
    unsigned arguments;
  } calls[] = {
#define SYSTEM_CALL(name, symbol, arguments) {symbol, arguments},
#include "abi/system_calls.def"
#undef SYSTEM_CALL
  };
  auto* found = std::find_if(std::begin(calls), std::end(calls), [&](const auto& call) { return call.symbol == name; });
  if (found == std::end(calls)) return false;
  const auto& args = inst.operands[2].elements;
  const auto& results = inst.operands[0].elements;
  if (args.size() != found->arguments) {
    unsupported(inst, name + " takes " + std::to_string(found->arguments) + " words, not " + std::to_string(args.size()));
    return true;
  }
  llvm::Type *ptr = b.getPtrTy(), *word = b.getInt32Ty();
  llvm::AllocaInst* area = stackSlot(llvm::ArrayType::get(b.getInt64Ty(), std::max<size_t>(args.size(), 1) * abi::maxWarpWidth), "args");
  for (size_t i = 0; i < args.size(); ++i)
    b.CreateAlignedStore(read(args[i], Type::B64, true), b.CreateConstGEP1_64(b.getInt64Ty(), area, i * abi::maxWarpWidth), llvm::Align(8));
  llvm::AllocaInst* out = stackSlot(vectorOf(b.getInt64Ty()), "results");
  b.CreateStore(llvm::Constant::getNullValue(vectorOf(b.getInt64Ty())), out);
  service(offsetof(abi::Services, system), llvm::FunctionType::get(b.getVoidTy(), {ptr, word, word, word, ptr, ptr}, false),
          {ctx_, warp_, maskBits(mask_), i32(uint32_t(found - calls)), area, out});
  if (!results.empty()) write(results[0], Type::B64, b.CreateLoad(vectorOf(b.getInt64Ty()), out));
  return true;
}

}  // namespace anywarp::codegen
