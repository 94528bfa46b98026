// The header of a text test: comment lines that say how to launch and what to expect. SPDX-License-Identifier: Apache-2.0
//
//   launch: KERNEL grid=X[,Y,Z] block=X[,Y,Z] [shared=BYTES] [cooperative] [NAME=ARGUMENT]...
//     arguments stand in the order of the kernel's parameters; each is
//       TYPE:FILL(...)          a new buffer: iota(n[,start[,step]]), random(n[,seed]), special(n[,seed]), values(a,b,...), fill(n,value)
//       TYPE[n]                 a new buffer of n zeros
//       @NAME[+BYTES]           the buffer of an earlier argument
//       TYPE(value)             a scalar
//       struct(ARGUMENT;...)    a struct of scalars, each at its own alignment
//       texture(NAME)           the handle of a texture or surface
//   texture: ...                      texture_input.h
//   expect: NAME = ITEM, ITEM ...     all elements; an item is VALUE, VALUE*COUNT, FIRST..LAST; a last `...` leaves the rest open
//   expect: NAME[i] = VALUE
//   expect-fault: NAME [TEXT]         the launch faults like this (names of interp::FaultKind), its message holds TEXT
//   expect-print: TEXT                one line that the kernels print; all of them together, in any order
//   tolerance: NAME ulp N | abs X | rel X | any      any: not compared
//   nan: any                          NaNs are equal whatever their bits
//   engines: NAMES                    instead of all (with a reason beside it)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "program.h"

namespace anywarp::tests {

struct Tolerance {
  enum class Kind { Exact, Ulp, Absolute, Relative, Either, Any } kind = Kind::Exact;
  double amount = 0;
  double relative = 0;  // Either: `amount` absolute or this
  bool anyNaN = false;
};

// What a buffer must hold: bits for some of its elements.
struct Expectation {
  int buffer = 0;
  std::map<size_t, uint64_t> elements;
  int line = 0;
};

struct Spec {
  Program program;
  std::vector<Expectation> expectations;
  std::vector<Tolerance> tolerances;  // by buffer
  std::string fault, faultText;
  std::vector<std::string> printed;
  std::string engines;
};

// The error names the line.
Result<Spec> parseSpec(const std::string& name, const std::string& text);

// Fills: see above.
Result<std::vector<uint64_t>> makeFill(ptx::Type type, const std::string& fill, const std::vector<std::string>& args);
std::vector<uint64_t> randomBits(ptx::Type type, size_t count, uint64_t seed);
std::vector<uint64_t> specialBits(ptx::Type type, size_t count, uint64_t seed);
Result<uint64_t> parseValue(ptx::Type type, const std::string& text);
uint64_t floatBits(ptx::Type type, double value);  // the nearest value of a scalar floating type
std::string formatValue(ptx::Type type, uint64_t bits);

// Empty where equal within the tolerance; else the first differing elements in words.
std::string compareBuffers(const Buffer& shape, const Tolerance& tolerance, const std::vector<uint8_t>& expected, const std::string& expectedBy,
                           const std::vector<uint8_t>& actual, const std::string& actualBy, const Program* inputs = nullptr);
bool sameWithin(ptx::Type type, const Tolerance& tolerance, uint64_t a, uint64_t b);

}  // namespace anywarp::tests
