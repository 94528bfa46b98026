// Flat kernels: an entry with every direct, non-recursive call inlined, as basic blocks that end at suspension points.
// Later stages see nothing else: parameters of inlined functions have become registers. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ptx/ast.h"
#include "compiler/ptx/instructions.h"
#include "support/result.h"

namespace anywarp::analysis {

using BlockId = uint32_t;
inline constexpr BlockId noBlock = ~0u;

// Local memory of each thread for alloca, in each function that uses it and is not inlined.
inline constexpr uint64_t allocaBytes = 8192;

enum class Terminator : uint8_t {
  Jump,     // successors[0]
  Branch,   // on `condition`: successors[0] when it holds, successors[1] otherwise
  Switch,   // brx.idx: successors[index], index in `condition`; out of range is undefined
  Exit,     // the thread is done (an out-of-line function: it returns)
  Suspend,  // the last instruction may wait; goes on at successors[0]
};

struct Block {
  uint32_t first = 0, last = 0;  // Flat::instructions [first, last)
  Terminator terminator = Terminator::Exit;
  ptx::RegId condition = ptx::noReg;
  bool negated = false;
  bool yields = false;           // other warps get their turn before this one goes on (cutBehindEarlyReads)
  uint32_t line = 0;             // of the terminator
  std::vector<BlockId> successors;
  std::vector<BlockId> within;   // successors reached without suspending (findSuspensions)
  std::vector<BlockId> predecessors;

  bool suspendsTo(BlockId successor) const {
    for (BlockId b : within)
      if (b == successor) return false;
    return true;
  }
};

// An instruction of a flat kernel: PTX's own, or a move between a register and a piece of a function parameter.
enum class Pseudo : uint8_t {
  None,
  PieceLoad,   // operands {dest reg, piece reg}: dest = piece >> shift, read as types[0]
  PieceStore,  // operands {piece reg, source}: bits [shift, shift + bits(types[0])) of piece = source
};
struct Inst : ptx::Instruction {
  Pseudo pseudo = Pseudo::None;
  uint32_t shift = 0;
  ptx::RegId carryIn = ptx::noReg, carryOut = ptx::noReg;  // the condition code register of extended precision; alloca's bytes in use
};

// A .shared or .local array of the kernel or of a function inlined into it, at its offset in the block's shared window or the
// thread's local memory.
struct Storage {
  std::string name;
  ptx::Space space = ptx::Space::None;
  uint64_t offset = 0, size = 0, align = 1;
};

// A run of bytes of a function parameter that one register carries.
struct Piece {
  ptx::RegId reg = ptx::noReg;
  uint32_t offset = 0, bytes = 0;
};

struct Flat {
  const ptx::Module* module = nullptr;
  uint32_t function = 0;
  bool isEntry = true;
  std::vector<ptx::Register> registers;
  std::vector<Storage> storage;            // FunctionVariable indices of operands lead here
  std::vector<Inst> instructions;
  std::vector<Block> blocks;               // block 0 is the entry
  uint64_t localBytes = 0;
  bool indirectCalls = false;
  std::vector<uint32_t> outOfLine;         // functions that calls left in this body may reach
  std::vector<std::vector<Piece>> params, returns;  // out-of-line functions only
};

// Of each block from its blocks' successors: those that can be reached from block 0.
void findPredecessors(Flat& flat);

// Where everything in a kernel's shared window lies: shared by the kernel and its out-of-line functions.
struct SharedLayout {
  std::map<uint32_t, uint64_t> moduleVariables;                        // module variable -> offset
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> functionVariables;  // (function, variable) -> offset
  uint64_t staticBytes = 0;
  uint64_t dynamicOffset = 0;              // of extern arrays: the end of the static part, aligned
  uint64_t dynamicAlign = 16;
};

// The offsets of a kernel's parameters in the packed image, and its total size.
struct ParamLayout {
  std::vector<uint64_t> offsets;
  uint64_t size = 0;
};
ParamLayout paramLayout(const ptx::Function& function);

// How the bytes of a function parameter are cut into registers: the same for every caller and callee of one signature.
std::vector<Piece> pieceLayout(const ptx::Variable& param);
bool sameSignature(const std::vector<ptx::Variable>& returnsA, const std::vector<ptx::Variable>& paramsA,
                   const std::vector<ptx::Variable>& returnsB, const std::vector<ptx::Variable>& paramsB);

// A kernel with the functions that stay functions (recursive ones, those called through pointers).
struct FlatProgram {
  Flat kernel;
  std::map<uint32_t, Flat> functions;
  SharedLayout shared;
};

Result<std::unique_ptr<FlatProgram>> flatten(const ptx::Module& module, uint32_t function);

}  // namespace anywarp::analysis
