// A stack of our own, on which the calling thread runs a function. SPDX-License-Identifier: Apache-2.0
#include "device/sched/own_stack.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

// (function, argument, top): calls function(argument) with the stack pointer at `top`, which is aligned to 16.
extern "C" void anywarpCallOnStack(void (*function)(void*), void* argument, void* top) __attribute__((visibility("hidden")));

#if defined(__x86_64__)
asm(R"(
  .text
  .globl anywarpCallOnStack
  .hidden anywarpCallOnStack
  .type anywarpCallOnStack, @function
anywarpCallOnStack:
  .cfi_startproc
  endbr64
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq %rdx, %rsp
  movq %rdi, %rax
  movq %rsi, %rdi
  callq *%rax
  movq %rbp, %rsp
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .size anywarpCallOnStack, . - anywarpCallOnStack
)");
#elif defined(__aarch64__)
asm(R"(
  .text
  .globl anywarpCallOnStack
  .hidden anywarpCallOnStack
  .type anywarpCallOnStack, %function
anywarpCallOnStack:
  .cfi_startproc
  stp x29, x30, [sp, #-16]!
  .cfi_def_cfa_offset 16
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov x29, sp
  .cfi_def_cfa_register x29
  mov sp, x2
  mov x8, x0
  mov x0, x1
  blr x8
  mov sp, x29
  .cfi_def_cfa_register sp
  ldp x29, x30, [sp], #16
  .cfi_def_cfa_offset 0
  ret
  .cfi_endproc
  .size anywarpCallOnStack, . - anywarpCallOnStack
)");
#else
extern "C" void anywarpCallOnStack(void (*)(void*), void*, void*) {}
#endif

namespace anywarp::device {

namespace {

#if defined(__x86_64__) || defined(__aarch64__)
constexpr bool canChangeStacks = true;
#else
constexpr bool canChangeStacks = false;
#endif

struct StackCall {
  void (*function)(void*);
  void* argument;
#if defined(__SANITIZE_ADDRESS__)
  const void* callerStack = nullptr;
  size_t callerBytes = 0;
#endif
};

// AddressSanitizer wants to know on which stack a thread is.
void enter(void* argument) {
  auto& call = *static_cast<StackCall*>(argument);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &call.callerStack, &call.callerBytes);
#endif
  call.function(call.argument);
#if defined(__SANITIZE_ADDRESS__)
  void* own = nullptr;
  __sanitizer_start_switch_fiber(&own, call.callerStack, call.callerBytes);
#endif
}

}  // namespace

bool OwnStack::make(size_t bytes, size_t guardBytes) {
  if (!canChangeStacks) return false;
  void* memory = mmap(nullptr, bytes + guardBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (mprotect(static_cast<char*>(memory) + guardBytes, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(memory, bytes + guardBytes);
    return false;
  }
  memory_ = reinterpret_cast<uintptr_t>(memory);
  bytes_ = bytes;
  guard_ = guardBytes;
  return true;
}

void OwnStack::run(void (*function)(void*), void* argument) const {
  StackCall call{function, argument};
#if defined(__SANITIZE_ADDRESS__)
  void* own = nullptr;
  __sanitizer_start_switch_fiber(&own, reinterpret_cast<void*>(memory_ + guard_), bytes_);
#endif
  anywarpCallOnStack(enter, &call, reinterpret_cast<void*>(memory_ + guard_ + bytes_));
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(own, nullptr, nullptr);
#endif
}

}  // namespace anywarp::device
