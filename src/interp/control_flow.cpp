// Branches, calls, returns, exit (PTX: Control Flow Instructions; Function and Kernel Declarations).
// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "interp/system_calls.h"

namespace anywarp::interp {
namespace {

// Operands of call.
enum CallSlot : size_t { Returned, Callee, Passed, Prototype };

uint64_t sizeOf(const ptx::Variable& param) { return param.space == Space::None ? ptx::bytes(param.type) : param.size; }

// Copies between a variable or register named in a call's list and bytes.
void readArgument(Step& step, const Operand& operand, const ptx::Variable& param, uint8_t* to) {
  if (operand.kind == Operand::Kind::Symbol) {
    const uint8_t* from = step.thread.local + step.symbolAddress(operand.symbol);
    std::memcpy(to, from, param.size);
    return;
  }
  Value value = step.wide(operand, param.type);
  std::memcpy(to, &value, std::min<uint64_t>(sizeOf(param), sizeof value));
}

void writeResult(Step& step, const Operand& operand, const ptx::Variable& param, const uint8_t* from) {
  if (operand.kind == Operand::Kind::Symbol) {
    std::memcpy(step.thread.local + step.symbolAddress(operand.symbol), from, param.size);
    return;
  }
  uint64_t value = 0;
  std::memcpy(&value, from, std::min<uint64_t>(sizeOf(param), 8));
  step.set(operand, param.type, value);
}

// Parameters declared `.reg` are the callee's first registers, results before arguments.
ptx::RegId registerOf(const ptx::Function& function, bool isResult, size_t index) {
  ptx::RegId reg = 0;
  auto isRegister = [](const ptx::Variable& variable) { return variable.space == Space::None; };
  const auto& list = isResult ? function.returns : function.params;
  if (!isResult)
    for (const ptx::Variable& result : function.returns) reg += isRegister(result);
  for (size_t i = 0; i < index; i++) reg += isRegister(list[i]);
  return isRegister(list[index]) ? reg : ptx::noReg;
}

// Moves the arguments that the callee wants in registers from its frame to them.
void fillRegisters(Thread& thread) {
  const Code& code = *thread.frame().code;
  for (size_t i = 0; i < code.function->params.size(); i++) {
    ptx::RegId reg = registerOf(*code.function, false, i);
    if (reg == ptx::noReg) continue;
    uint64_t size = std::min<uint64_t>(ptx::bytes(code.function->params[i].type), 8);
    std::memcpy(&thread.frame().registers[reg].lo, thread.local + thread.frame().local + code.layout.params[i], size);
  }
}

// And results from registers to the frame.
void spillResults(Thread& thread) {
  const Code& code = *thread.frame().code;
  for (size_t i = 0; i < code.function->returns.size(); i++) {
    ptx::RegId reg = registerOf(*code.function, true, i);
    if (reg == ptx::noReg) continue;
    uint64_t size = std::min<uint64_t>(ptx::bytes(code.function->returns[i].type), 8);
    std::memcpy(thread.local + thread.frame().local + code.layout.returns[i], &thread.frame().registers[reg].lo, size);
  }
}

int functionWithHandle(const Step& step, uint64_t handle) {
  size_t first = step.grid.module.variables.size();
  for (size_t i = 0; i < step.grid.module.functions.size(); i++)
    if (handle != 0 && step.grid.launch.symbols[first + i] == handle) return static_cast<int>(i);
  return -1;
}

int calledFunction(Step& step) {
  const Operand& callee = step.operand(Callee);
  if (!callee.isReg()) return static_cast<int>(callee.symbol.index);
  uint64_t handle = step.bits(callee, Type::U64);
  int function = functionWithHandle(step, handle);
  if (function < 0) step.fault(FaultKind::IllegalAddress, "call of " + hex(handle) + ", which is no function");
  return function;
}

void callSystem(Step& step, const ptx::Function& function) {
  std::vector<uint64_t> args;
  const auto& passed = step.operand(Passed).elements;
  for (size_t i = 0; i < passed.size() && i < function.params.size(); i++) {
    uint64_t value = 0;
    readArgument(step, passed[i], function.params[i], reinterpret_cast<uint8_t*>(&value));
    args.push_back(value);
  }
  uint64_t result = 0;
  if (!systemCall(step, function.name, args, &result)) return step.unsupported("call of " + function.name + ", which has no body");
  const auto& returned = step.operand(Returned).elements;
  if (!returned.empty() && !function.returns.empty())
    writeResult(step, returned[0], function.returns[0], reinterpret_cast<const uint8_t*>(&result));
}

}  // namespace

void bra(Step& step) { step.jump(step.operand(0).label); }

void brxIdx(Step& step) {
  const auto& targets = step.thread.frame().code->body->branchTargets[step.operand(1).label].labels;
  uint64_t index = step.bits(0, Type::U32);
  if (index >= targets.size())
    return step.fault(FaultKind::IllegalInstruction, "branch index " + std::to_string(index) + " of " + std::to_string(targets.size()) + " targets");
  step.jump(targets[index]);
}

void call(Step& step) {
  int index = calledFunction(step);
  if (index < 0) return;
  const ptx::Function& function = step.grid.module.functions[static_cast<size_t>(index)];
  if (!function.hasBody) return callSystem(step, function);
  const Code& callee = *step.grid.code.at(static_cast<uint32_t>(index));
  const auto& passed = step.operand(Passed).elements;
  if (passed.size() != function.params.size())
    return step.fault(FaultKind::Invalid, "call of " + function.name + " with " + std::to_string(passed.size()) + " arguments, it takes " +
                                              std::to_string(function.params.size()));
  uint64_t local = step.thread.frame().end();
  if (local + callee.layout.bytes > step.grid.launch.localBytes) return step.fault(FaultKind::StackOverflow, "stack overflow in call of " + function.name);
  for (size_t i = 0; i < passed.size(); i++)
    readArgument(step, passed[i], function.params[i], step.thread.local + local + callee.layout.params[i]);
  if (!pushFrame(step.thread, callee)) return step.fault(FaultKind::StackOverflow, "stack overflow in call of " + function.name);
  fillRegisters(step.thread);
  step.stay();
}

// Back in the caller, the call's instruction says where results go.
void returnFromCall(Thread& thread) {
  if (thread.frames.size() == 1) return exitThread(thread);
  const Code& callee = *thread.frame().code;
  uint64_t local = thread.frame().local;
  spillResults(thread);
  popFrame(thread);
  Step caller(*thread.block->grid, thread);
  const auto& returned = caller.operand(Returned).elements;
  for (size_t i = 0; i < returned.size() && i < callee.layout.returns.size(); i++)
    writeResult(caller, returned[i], callee.function->returns[i], thread.local + local + callee.layout.returns[i]);
  thread.frame().pc++;
}

void ret(Step& step) {
  step.stay();
  returnFromCall(step.thread);
}

void exit(Step& step) { step.exit(); }

}  // namespace anywarp::interp
