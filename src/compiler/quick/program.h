// Threaded code of the quick tier: a kernel as a list of operations on rows of 32 lanes, run by one function (run.cpp).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "abi/kernel.h"

namespace anywarp::quick {

inline constexpr uint32_t lanes = 32;

struct Op;

// Where in memory the elements of a matrix fragment lie that each lane holds: the line and the place in it.
struct FragmentPlaces {
  static constexpr unsigned maxElements = 16;
  uint8_t elements, perRegister;  // of a lane
  uint8_t lineLength;             // in elements, where no stride is given
  uint8_t line[lanes][maxElements], place[lanes][maxElements];
};

// The warp that runs. Prebuilt handlers read `bases` (codegen/handlers.h).
struct Warp {
  uint8_t* bases[2];         // this warp's rows; the kernel's constant rows
  abi::BlockContext* block;
  uint32_t index;            // in the block
};

// `mask`: lanes that execute it, at least one. Writes no other lane.
using OpFn = void (*)(Warp*, const Op*, uint32_t mask);

enum class OpKind : uint8_t {
  Plain,     // fn
  Jump,      // target[0]
  Branch,    // on the predicate in operands[0]: target[0] where it holds, else target[1]
  Switch,    // target[0] + index in operands[0]: an operation Jump each; target[1]: their number
  Exit,
  Barrier,   // fn arrives and waits; goes on behind it
  Yield,     // around a loop that waits for others: these run first
  Converge,  // fn, once the lanes that `members` names are all here (warp-synchronous instructions)
};

enum class AddressSpace : uint8_t { Flat, Shared, Local, Param };  // what an address is relative to

struct Op {
  static constexpr unsigned maxOperands = 10;
  static constexpr int32_t noOperand = -1;

  // Offsets of rows; bit 0: among the constants. First member: read by prebuilt handlers.
  int32_t operands[maxOperands];
  OpKind kind = OpKind::Plain;
  bool negated = false;             // Branch
  bool guardNegated = false;
  int32_t guard = noOperand;        // row of a predicate
  int32_t members = noOperand;      // Converge: row of lane masks; none: whoever is here
  OpFn fn = nullptr;
  uint64_t immediate = 0;           // what fn wants
  union {
    uint32_t target[2] = {0, 0};
    const FragmentPlaces* places;   // loadFragment, storeFragment
  };
  uint32_t line = 0;
  // Memory instructions.
  AddressSpace space = AddressSpace::Flat;
  uint8_t count = 1;                // elements of a vector
  uint8_t addressBytes = 0;         // of the register in operands[0]; 0: there is none
  bool subtracts = false;           // addBase
  uint8_t which = 0;                // fn's own
  uint8_t fences = 0;               // bits: 1 before (release), 2 behind (acquire)
  uint32_t symbol = ~0u;            // whose address is added
  uint32_t weight = 1;              // Jump, Branch: operations of the block that it ends
};

// Operands of an instruction that has more than an Op holds, for the prebuilt `fn` that reads them as it does an Op's.
struct WideOperands {
  int32_t operands[32];
  OpFn fn;
};

struct Program {
  std::vector<Op> ops;
  std::vector<uint8_t> constants;   // rows; lie at an address aligned to 64 in `constantRows`
  uint8_t* constantRows = nullptr;
  std::vector<std::unique_ptr<WideOperands>> wide;  // an Op's `immediate` is the address of one
  std::vector<std::unique_ptr<FragmentPlaces>> places;
  uint32_t rowBytes = 0;            // of a warp
};

// A kernel that needs no compiler.
struct Kernel : abi::CompiledKernel {
  std::string ownName;
  Program program;
  mutable std::atomic<uint64_t> executed{0};  // operations of warps, roughly
  mutable std::atomic<bool> isHot{false};
  mutable std::atomic<bool> isAwaited{false};
  bool (*isBeingCompiled)(const abi::CompiledKernel*) = nullptr;  // after becameHot
  mutable std::atomic<int64_t> awaitedUntil{0};  // microsecond of the monotonic clock after which nobody waits for the compiler; 0: nobody has
};

// abi::EntryFn of every quick kernel.
uint32_t runWarp(abi::BlockContext* block, uint32_t region, uint32_t begin, uint32_t end);

template <class T>
T* row(Warp* warp, int32_t operand) {
  return reinterpret_cast<T*>(warp->bases[operand & 1] + (operand & ~1));
}

}  // namespace anywarp::quick
