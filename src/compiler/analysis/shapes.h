// Shapes: what is known of a register across the lanes of a warp (uniform, affine in the lane, varying), and which branches
// may part the lanes. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/kernel.h"
#include "compiler/analysis/flow.h"
#include "compiler/analysis/webs.h"

namespace anywarp::analysis {

struct Shape {
  enum class Kind : uint8_t {
    Unknown,          // nothing reaches it yet
    Uniform,          // one value
    Affine,           // base + lane * stride, modulo the width
    Extended,         // 64 bits: base + scale * extend(low + lane * stride), low of 32 bits that may wrap between lanes
    ExtendedVarying,  // 64 bits: base + scale * extend(low), low of 32 bits varying
    Varying,
  };
  Kind kind = Kind::Unknown;
  bool isSigned = false;     // Extended*: sign extension
  uint8_t alignLog2 = 0;     // Uniform, Affine: the (base) value is a multiple of 2^alignLog2; with `run`: of the first of each run
  uint8_t run = 0;           // Varying, ExtendedVarying: every run of so many lanes lies on a line of `stride`; 0: none is known
  int64_t stride = 0;
  int64_t scale = 1;
  // Uniform, Affine (and Varying with `run`) of 32 bits or less: bounds of the value over all lanes, as a number whose low bits are the register.
  int64_t low = unbounded, high = unbounded;
  static constexpr int64_t unbounded = INT64_MIN;

  bool bounded() const { return low != unbounded; }
  bool isUniform() const { return kind == Kind::Uniform; }
  bool isScalarBased() const { return kind == Kind::Uniform || kind == Kind::Affine || kind == Kind::Extended; }
  bool operator==(const Shape&) const = default;
  static Shape uniform(uint8_t align = 0) { return {Kind::Uniform, false, align}; }
  static Shape varying() { return {Kind::Varying}; }
};

// Runs shorter than a warp that are looked for.
inline constexpr uint32_t shortestRun = 8, longestRun = 16;

// What of a launch the code is specialised for.
struct LaunchShape {
  abi::Dim3 block;
  uint32_t width = 32;
  bool smallGrid = true;
  bool invariants = true;  // what several paths compute alike keeps its shape (invariants.h)
  bool free = false;  // lanes may be at different places between two resumptions: only values that never change are uniform
};

struct Shapes {
  std::vector<Shape> registers;
  std::vector<uint8_t> divergent;  // by block: its branch may part lanes
  std::vector<uint8_t> partial;    // by block: live lanes may be elsewhere while it runs
};

// Special registers have their shape from here, for analysis and code generation alike.
Shape specialShape(ptx::SpecialReg reg, const LaunchShape& launch);

Shapes findShapes(Flat& flat, const Webs& webs, const Order& order, const LaunchShape& launch);

}  // namespace anywarp::analysis
