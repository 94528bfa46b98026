// LLVM IR in, relocatable ELF object out. SPDX-License-Identifier: Apache-2.0
// The way of a kernel through this folder:
//   Status done = jit::guarded([&] {                      // LLVM's fatal errors and deep recursion end here, not in the process
//     llvm::LLVMContext context; llvm::Module module(name, context);
//     jit::prepareModule(module, emit);                   // triple, data layout: before any IR is made
//     ... make functions; jit::setFunctionAttributes(*function, emit) on each ...
//     object = jit::optimizeAndEmit(module, emit);
//   });
// One LLVMContext per compilation; several threads may compile at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "support/crash_guard.h"
#include "support/result.h"

namespace llvm {
class Function;
class Module;
class TargetMachine;
}  // namespace llvm

namespace anywarp {
class KernelDump;
}

namespace anywarp::jit {

struct EmitOptions {
  std::string triple;            // "": this host
  std::string cpu, features;     // LLVM names
  std::string enabled;           // enabledFeatures(): what `features` leaves to the CPU's name too; "": `features` says it all
  int optLevel = 2;              // 0..3
  KernelDump* dump = nullptr;    // receives the stages llvm, llvm-opt, asm and object
};

// Where the time went, in milliseconds.
struct EmitTimes {
  double optimize = 0, emit = 0;
};

// Sets triple and data layout.
Status prepareModule(llvm::Module& module, const EmitOptions& options);

// What every generated function carries: CPU, features, the widest vectors of the host, probes of large stack frames.
void setFunctionAttributes(llvm::Function& function, const EmitOptions& options);

// Every feature that cpu and features together switch on, "+a,+b,...": what code generation may ask for by name, also where
// only a CPU was given. Nothing for a CPU that LLVM does not know.
Result<std::string> enabledFeatures(const EmitOptions& options);

// Where the CPU has gathers but its name does not praise them: LLVM would branch on each of a warp's lanes instead.
// Needs options.enabled.
void preferGathers(EmitOptions& options);

// Bits of the host's widest vector register, from the feature string: 512, 256 or 128.
unsigned vectorBits(const EmitOptions& options);

// Optimises `module` in place and emits it. Broken IR is an error with the verifier's words.
Result<std::vector<uint8_t>> optimizeAndEmit(llvm::Module& module, const EmitOptions& options, EmitTimes* times = nullptr);

// Runs `work` on a thread with a large stack, all signals blocked. A fatal error inside LLVM ends `work` at once (its destructors do
// not run: what it holds is leaked) and is returned, and so does a crash once protectWith() has been called. Nested calls run in place.
Status guarded(const std::function<void()>& work);
// The same with a thread for each of `works`, at once, also from within guarded(), which ends where one of them crashes.
Status guardedTogether(std::span<const std::function<void()>> works);

// Has `run` look after the threads of guarded(): handlers of signals belong to the library that opened this one.
void protectWith(crash::RunFn run);

}  // namespace anywarp::jit
