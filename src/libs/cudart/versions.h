// The `versions` column of runtime_api.def: ANYWARP_IN_<column>(text) is its text in the runtimes that have the function.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/cudart/runtime_api.h"

#define ANYWARP_IN_All(...) __VA_ARGS__
#if ANYWARP_CUDART_MAJOR >= 12
#define ANYWARP_IN_Since12(...) __VA_ARGS__
#else
#define ANYWARP_IN_Since12(...)
#endif
#if ANYWARP_CUDART_MAJOR >= 13
#define ANYWARP_IN_Since13(...) __VA_ARGS__
#define ANYWARP_IN_Until12(...)
#else
#define ANYWARP_IN_Since13(...)
#define ANYWARP_IN_Until12(...) __VA_ARGS__
#endif
#if ANYWARP_CUDART_MAJOR == 12
#define ANYWARP_IN_Only12(...) __VA_ARGS__
#else
#define ANYWARP_IN_Only12(...)
#endif
#if ANYWARP_CUDART_MAJOR <= 11
#define ANYWARP_IN_Until11(...) __VA_ARGS__
#else
#define ANYWARP_IN_Until11(...)
#endif
