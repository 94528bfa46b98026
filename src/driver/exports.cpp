// The exported symbols: each jumps through its slot of a table, which holds the function's body, or its tracer when calls are
// traced (ANYWARP_TRACE). That jump is all that tracing costs when it is off. SPDX-License-Identifier: Apache-2.0
#include <iterator>

#include "driver/trace.h"

extern "C" {
#define ANYWARP_BODY_Missing(symbol) CUresult missing_##symbol() __asm__(#symbol ".body");
#define ANYWARP_BODY_Done(symbol)
#define ANYWARP_API(base, version, symbol, stream, support) ANYWARP_BODY_##support(symbol)
#include "driver/api.def"
#undef ANYWARP_API
#undef ANYWARP_BODY_Missing
#undef ANYWARP_BODY_Done

// Named in the assembly below.
#define ANYWARP_BODY_Missing(symbol) reinterpret_cast<void*>(&missing_##symbol),
#define ANYWARP_BODY_Done(symbol) reinterpret_cast<void*>(&symbol),
#define ANYWARP_API(base, version, symbol, stream, support) ANYWARP_BODY_##support(symbol)
__attribute__((visibility("hidden"), used)) void* anywarp_driver_slots[] = {
#include "driver/api.def"
};
#undef ANYWARP_API
#undef ANYWARP_BODY_Missing
#undef ANYWARP_BODY_Done
}

namespace {

// How many rows stand before a symbol's own.
enum Row : size_t {
#define ANYWARP_API(base, version, symbol, stream, support) row_##symbol,
#include "driver/api.def"
#undef ANYWARP_API
};

}  // namespace

#if defined(__x86_64__)
#ifdef __CET__
#define ANYWARP_LANDING "endbr64\n"
#else
#define ANYWARP_LANDING
#endif
#define ANYWARP_JUMP ANYWARP_LANDING "jmp *anywarp_driver_slots+8*.Lanywarp_row(%rip)\n"
#elif defined(__aarch64__)
#define ANYWARP_JUMP                                                  \
  "bti c\n"                                                           \
  "adrp x16, anywarp_driver_slots+8*.Lanywarp_row\n"                  \
  "ldr x16, [x16, #:lo12:anywarp_driver_slots+8*.Lanywarp_row]\n"     \
  "br x16\n"
#endif

asm(".pushsection .text\n"
    ".set .Lanywarp_row, 0\n"
#define ANYWARP_API(base, version, symbol, stream, support) \
  ".p2align 4\n.globl " #symbol "\n.type " #symbol ", %function\n" #symbol ":\n" ANYWARP_JUMP ".size " #symbol ", . - " #symbol "\n" \
  ".set .Lanywarp_row, .Lanywarp_row+1\n"
#include "driver/api.def"
#undef ANYWARP_API
    ".popsection\n");

namespace anywarp::driver {
namespace {

#define ANYWARP_TRACER_Missing(symbol) Traced<&missing_##symbol, decltype(&missing_##symbol)>
#define ANYWARP_TRACER_Done(symbol) Traced<&symbol, decltype(&symbol)>

void* const tracers[] = {
#define ANYWARP_API(base, version, symbol, stream, support) reinterpret_cast<void*>(&ANYWARP_TRACER_##support(symbol)::template call<row_##symbol>),
#include "driver/api.def"
#undef ANYWARP_API
};

[[gnu::constructor]] void begin() {
  if (!traceRequested()) return;
  for (size_t row = 0; row < std::size(tracers); ++row) anywarp_driver_slots[row] = tracers[row];
}

}  // namespace
}  // namespace anywarp::driver
