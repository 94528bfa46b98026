// Pure instructions: operands in, results out, on scalars (uniform) or on one vector lane per thread.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>

namespace anywarp::ptx {
struct Instruction;
}

namespace anywarp::codegen {

// What the host's instruction set offers to code generation.
struct HostTarget {
  bool x86 = false, aarch64 = false;
  bool sse41 = false, avx = false, avx2 = false, fma = false, f16c = false;
  bool avx512f = false, avx512bw = false, avx512dq = false, avx512vl = false;
  bool avx512fp16 = false, avx512bf16 = false, avx512bitalg = false, avx512vpopcntdq = false, avx512cd = false;
  bool gfni = false, avx512vbmi = false;
  bool amxBf16 = false;
  bool neon = false, fullfp16 = false;
  unsigned vectorBits = 128;

  // From an LLVM triple and feature string ("+avx512f,+fma,..."), as in PlanOptions::features. The list must be complete: what a
  // CPU name implies is not looked up.
  static HostTarget parse(std::string_view triple, std::string_view features);
};

// One result per destination slot (plus the carry where the row has .cc); empty: unsupported() was called.
using Values = llvm::SmallVector<llvm::Value*, 2>;
// One value per source slot, nullptr for an absent optional one (plus the carry-in for addc, subc, madc).
// Either all are scalars (the result is scalar) or all are vectors of the same number of lanes (any number).
// LLVM types by slot type: Pred i1, F32 float, F64 double, everything else iN of its width (f16, bf16, packed, fp8, tf32...).
using Args = llvm::ArrayRef<llvm::Value*>;

// What the functions below emit with.
class PureEmitter {
 public:
  // Called for a form that is not compiled; the kernel is to be refused.
  using Report = std::function<void(const ptx::Instruction&, std::string_view why)>;

  PureEmitter(llvm::IRBuilder<>& builder, unsigned width, const HostTarget& host, Report report)
      : b(builder), width(width), host(host), report_(std::move(report)) {}

  llvm::IRBuilder<>& b;
  unsigned width;  // lanes of a warp vector; informative: the functions look at the argument types
  const HostTarget& host;

  // Every f32/f16/bf16 result that is a NaN is made PTX's canonical one (0x7fffffff, 0x7fff). It costs two host instructions per
  // operation; left false, arithmetic keeps the host's NaN payloads, and who uses it calls canonicalNan() where the bits of a register
  // can be seen (nan_bits.h). min, max and conversions are canonical in any case.
  bool canonicalNans = false;
  // The host runs this kernel with subnormals flushed (x86: MXCSR FTZ and DAZ), so .ftz on f32 costs nothing. Only right when the
  // kernel's every f32 instruction is .ftz and it computes nothing in f64.
  bool hostFlushes = false;
  // ex2, lg2, sin, cos and tanh of lanes are functions that are called: in kernels with many of them, code that is made once.
  bool callsApproximations = false;

  Values unsupported(const ptx::Instruction& inst, std::string_view why) {
    report_(inst, why);
    return {};
  }

  // Values whose subnormals are known to be flushed already (results of .ftz operations).
  llvm::DenseSet<const llvm::Value*> flushed;

 private:
  Report report_;
};

// A float value (or lanes of it) with every NaN replaced by PTX's canonical f32 NaN 0x7fffffff.
llvm::Value* canonicalNan(PureEmitter& e, llvm::Value* f32);

using PureFn = Values (*)(PureEmitter&, const ptx::Instruction&, Args);

}  // namespace anywarp::codegen
