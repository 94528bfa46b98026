// Which accumulators live in tiles, and their plain loads and stores. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/matrix_tiles.h"

#include <map>

#include <llvm/Analysis/VectorUtils.h>

#include "compiler/codegen/x86/tiles.h"
#include "compiler/ptx/fragments.h"

namespace anywarp::codegen {

using analysis::BlockId;
using analysis::Inst;
using analysis::Shape;
using ptx::Operand;

namespace {

using Quad = std::array<ptx::RegId, 4>;

bool fitsTiles(const Inst& inst) {
  if (inst.form != ptx::Form::Mma || inst.guard != ptx::noReg || !inst.has(ptx::Mod::M16n8k16) || inst.type(1) != ptx::Type::BF16) return false;
  return bool(ptx::matrixProduct(inst));
}

class HomeFinder {
 public:
  explicit HomeFinder(Analyzed& a) : a_(a), owner_(a.flat->registers.size(), none) {}

  void run() {
    for (BlockId x : a_.order.blocks) {
      if (a_.shapes.partial[x]) continue;
      const analysis::Block& block = a_.flat->blocks[x];
      for (uint32_t i = block.first; i < block.last; ++i)
        if (fitsTiles(a_.flat->instructions[i])) see(a_.flat->instructions[i]);
    }
    for (size_t q = 0; q < quads_.size(); ++q) pair(q);
    a_.tiles.assign(a_.flat->registers.size(), {});
    for (size_t q = 0; q < quads_.size(); ++q) {
      if (!good_[q] || home_[q] == none) continue;
      for (unsigned i = 0; i < 4; ++i) a_.tiles[quads_[q][i]] = {home_[q], uint8_t(4 * side_[q] + i)};
    }
  }

 private:
  static constexpr uint32_t none = ~0u;

  void see(const Inst& inst) {
    Quad quad, factor;
    for (unsigned i = 0; i < 4; ++i) {
      const Operand &c = inst.operands[3].elements[i], &f = inst.operands[1].elements[i];
      if (!c.isReg() || !f.isReg()) return;
      quad[i] = c.reg, factor[i] = f.reg;
    }
    if (!mayLiveInTile(quad)) return;
    uint32_t q = owner_[quad[0]];
    bool known = q != none && quads_[q] == quad;
    if (!known) {
      bool clash = false;
      for (ptx::RegId r : quad) {
        if (owner_[r] == none) continue;
        good_[owner_[r]] = 0;
        clash = true;
      }
      q = uint32_t(quads_.size());
      quads_.push_back(quad), factors_.push_back(factor), good_.push_back(!clash);
      home_.push_back(none), side_.push_back(0);
      for (ptx::RegId r : quad) owner_[r] = q;
    }
  }

  // Written in several places: carried around a loop. What is written once is best kept as a value.
  bool mayLiveInTile(const Quad& quad) const {
    for (unsigned i = 0; i < 4; ++i) {
      const analysis::Web& web = a_.webs.webs[quad[i]];
      if (web.defs < 2 || web.maybeUndefined || a_.flat->registers[quad[i]].type == ptx::Type::Pred) return false;
      if (ptx::bits(a_.flat->registers[quad[i]].type) != 32 || a_.shapes.registers[quad[i]].kind != Shape::Kind::Varying) return false;
      for (unsigned j = 0; j < i; ++j)
        if (quad[i] == quad[j]) return false;
    }
    return true;
  }

  // The next accumulator that is multiplied with the same A takes the other side.
  void pair(size_t q) {
    if (!good_[q]) return;
    auto [open, isNew] = open_.try_emplace(factors_[q], q);
    if (isNew) return;
    size_t left = open->second;
    home_[left] = home_[q] = a_.tileHomes++;
    side_[q] = 1;
    open_.erase(open);
  }

  Analyzed& a_;
  std::vector<uint32_t> owner_;  // by register: quad
  std::vector<Quad> quads_, factors_;
  std::vector<uint8_t> good_, side_;
  std::vector<uint32_t> home_;
  std::map<Quad, size_t> open_;
};

llvm::Function* marker(llvm::Module& module, const char* name, llvm::FunctionType* type, llvm::MemoryEffects effects) {
  if (llvm::Function* found = module.getFunction(name)) return found;
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  function->setMemoryEffects(effects);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->addFnAttr(llvm::Attribute::WillReturn);
  return function;
}

llvm::Type* lanesType(llvm::IRBuilder<>& b) { return llvm::FixedVectorType::get(b.getFloatTy(), 32); }

Value* rowPointer(llvm::IRBuilder<>& b, Value* home, unsigned part, unsigned row) {
  const unsigned byte = (part % 4 / 2 * 8 + row) * tileRowBytes + part / 4 * 32 + part % 2 * 16;
  return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), home, byte);
}

void expandGet(llvm::CallInst* call) {
  llvm::IRBuilder<> b(call);
  const unsigned part = unsigned(llvm::cast<llvm::ConstantInt>(call->getArgOperand(1))->getZExtValue());
  llvm::SmallVector<Value*, 8> rows;
  for (unsigned row = 0; row < 8; ++row)
    rows.push_back(b.CreateAlignedLoad(llvm::FixedVectorType::get(b.getFloatTy(), 4), rowPointer(b, call->getArgOperand(0), part, row), llvm::Align(16)));
  call->replaceAllUsesWith(llvm::concatenateVectors(b, rows));
  call->eraseFromParent();
}

void expandPut(llvm::CallInst* call) {
  llvm::IRBuilder<> b(call);
  const unsigned part = unsigned(llvm::cast<llvm::ConstantInt>(call->getArgOperand(1))->getZExtValue());
  for (unsigned row = 0; row < 8; ++row) {
    int lanes[4] = {int(4 * row), int(4 * row + 1), int(4 * row + 2), int(4 * row + 3)};
    b.CreateAlignedStore(b.CreateShuffleVector(call->getArgOperand(2), lanes), rowPointer(b, call->getArgOperand(0), part, row), llvm::Align(16));
  }
  call->eraseFromParent();
}

void expandAll(llvm::Module& module, const char* name, void (*expand)(llvm::CallInst*)) {
  llvm::Function* function = module.getFunction(name);
  if (!function) return;
  for (llvm::User* user : llvm::make_early_inc_range(function->users())) expand(llvm::cast<llvm::CallInst>(user));
  function->eraseFromParent();
}

}  // namespace

void findTileHomes(Analyzed& a, const HostTarget& host) {
  a.tileHomes = 0;
  a.tiles.assign(a.flat->registers.size(), {});
  if (host.amxBf16) HomeFinder(a).run();
}

Value* getTilePart(llvm::IRBuilder<>& b, Value* home, unsigned part) {
  auto* type = llvm::FunctionType::get(lanesType(b), {b.getPtrTy(), b.getInt32Ty()}, false);
  llvm::Module& module = *b.GetInsertBlock()->getModule();
  return b.CreateCall(marker(module, getTileName, type, llvm::MemoryEffects::argMemOnly(llvm::ModRefInfo::Ref)), {home, b.getInt32(part)});
}

void putTilePart(llvm::IRBuilder<>& b, Value* home, unsigned part, Value* v) {
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), lanesType(b)}, false);
  llvm::Module& module = *b.GetInsertBlock()->getModule();
  b.CreateCall(marker(module, putTileName, type, llvm::MemoryEffects::argMemOnly(llvm::ModRefInfo::ModRef)), {home, b.getInt32(part), v});
}

void lowerTiles(llvm::Module& module) {
  if (llvm::Function* put = module.getFunction(putTileName)) {
    llvm::SmallSetVector<llvm::Function*, 8> users;
    for (llvm::User* user : put->users()) users.insert(llvm::cast<llvm::CallInst>(user)->getFunction());
    for (llvm::Function* function : users) x86::useTiles(*function);
  }
  expandAll(module, getTileName, expandGet);
  expandAll(module, putTileName, expandPut);
}

}  // namespace anywarp::codegen
