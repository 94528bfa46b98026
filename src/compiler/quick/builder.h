// Translates a flat kernel into threaded code. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include "compiler/analysis/flat.h"
#include "compiler/quick/lane_ops.h"
#include "compiler/quick/rows.h"

namespace anywarp::quick {

// Of a lane's value in its row; predicates have bits.
inline unsigned bytesOf(ptx::Type type) { return type == ptx::Type::Pred ? 0 : std::max(1u, ptx::bits(type) / 8); }

class Builder {
 public:
  Builder(const ptx::Module& module, analysis::FlatProgram& program, const RowLayout& rows, abi::Dim3 block, Level level);

  // False: `why()` says what needs the compiler.
  bool build(const std::vector<analysis::BlockId>& order, Program& out);
  const std::string& why() const { return why_; }

 private:
  using Inst = analysis::Inst;
  using Operand = ptx::Operand;
  using Type = ptx::Type;

  // builder.cpp: blocks, rows, constants
  void emitBlock(analysis::BlockId x);
  void emitTerminator(analysis::BlockId x);
  void emitBarrier(const Inst& inst);
  void emitInst(const Inst& inst);
  bool refuse(const std::string& why);
  bool refuse(const Inst& inst);
  Op& add(OpFn fn);
  int32_t constantRow(uint64_t bits, unsigned bytes);  // bytes 0: a predicate
  int32_t threadRows(unsigned dimension);              // constant rows of a thread index, warp by warp
  int32_t temporary(unsigned bytes);                   // of a lane; 0: a predicate
  enum class RowBlock : uint8_t { Coordinates, Texels };
  int32_t rowBlock(RowBlock which);                    // temporary rows of 4 bytes a lane, one behind the other: 12 and 8
  int32_t registerRow(ptx::RegId r) const { return int32_t(rows_.offsets[r]); }
  // The row that holds an operand as `type`; adds what makes it.
  int32_t source(const Operand& o, Type type);
  int32_t special(ptx::SpecialReg reg, unsigned& bytes);
  int32_t symbol(const Operand& o);
  // The row that an instruction writes for an operand, and what is still to be done to get it into the register.
  struct Destination {
    int32_t row = Op::noOperand, target = Op::noOperand;
    unsigned targetBytes = 0, bytes = 0;
    bool isSigned = false;
  };
  Destination destination(const Operand& o, Type type);
  void finish(const Destination& d);

  // instructions.cpp, matrices.cpp, mbarriers.cpp, textures.cpp
  void emitPure(const Inst& inst);
  void emitMove(const Inst& inst);
  void emitVectorMove(const Operand& to, const Operand& from, Type type);
  void emitPiece(const Inst& inst);
  void emitAddressConversion(const Inst& inst);
  void emitMemory(const Inst& inst);
  void emitLoad(const Inst& inst);
  void emitStore(const Inst& inst);
  void emitAtomic(const Inst& inst);
  void emitAtomicElement(const Inst& inst, const Operand& operand, const Operand* to, const Op& where);
  void emitWarp(const Inst& inst);
  void emitAsync(const Inst& inst);
  void emitMbarrier(const Inst& inst);
  void emitPendingCount(const Inst& inst);
  void emitMatrix(const Inst& inst);
  void emitProduct(const Inst& inst);
  void emitFragment(const Inst& inst);
  void emitTexture(const Inst& inst);
  void emitTextureQuery(const Inst& inst);
  void emitSurface(const Inst& inst);
  int32_t handleRow(const Operand& o);
  void copyRow(int32_t to, int32_t from, unsigned bytes);
  // All lanes of the warp that have not exited take part.
  void converge(Op& op, int32_t members) { op.kind = OpKind::Converge, op.members = members; }
  void emitSpecialInst(const Inst& inst);
  void emitCall(const Inst& inst);
  bool address(const Inst& inst, const Operand& o, Op& op) { return address(inst, o, inst.space(), op); }
  bool address(const Inst& inst, const Operand& o, ptx::Space space, Op& op);
  Op& addAccess(OpFn fn, const Op& where);  // `where`: what address() has found

  const ptx::Module& module_;
  analysis::FlatProgram& program_;
  analysis::Flat& flat_;
  const RowLayout& rows_;
  abi::Dim3 block_;
  Level level_;
  const LaneOps& ops_;
  analysis::ParamLayout params_;

  Program* out_ = nullptr;
  std::vector<uint32_t> begins_;  // by block: its first operation
  std::map<std::pair<uint64_t, unsigned>, int32_t> constants_;
  std::map<unsigned, int32_t> threads_;
  uint32_t rowEnd_ = 0;           // of the rows so far
  std::map<std::pair<unsigned, uint32_t>, int32_t> temporaries_;  // by size and number
  std::array<uint32_t, 5> nextTemporary_{};  // by size
  std::array<int32_t, 2> rowBlocks_{Op::noOperand, Op::noOperand};
  const Inst* inst_ = nullptr;    // that operations are being added for
  uint32_t blockBegan_ = 0;
  std::string why_;
};

}  // namespace anywarp::quick
