// AMX: products of accumulators that live in tile homes as tile instructions. In each run of blocks, a chain of products that begins with what a
// home holds and ends in it becomes: load the tile, multiply, store the tile. The factors go through memory once, in the layout that
// TDPBF16PS wants. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/x86/tiles.h"

#include <map>

#include <llvm/IR/Constants.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

#include "compiler/codegen/matrix_tiles.h"

namespace anywarp::codegen::x86 {

namespace intrinsic = llvm::Intrinsic;
using llvm::CallInst;
using llvm::Instruction;
using llvm::Value;

namespace {

constexpr unsigned scratchBytes = 512;  // of a factor: A 16 rows of 32 bytes, B 8 rows of 64
constexpr size_t mostScratches = 256;
// Tile registers: four accumulators, two A, two B.
constexpr unsigned accumulator = 0, factorA = 4, factorB = 6;

void promoteLocals(llvm::Function& function) {
  llvm::SmallVector<llvm::AllocaInst*, 64> locals;
  for (Instruction& inst : function.getEntryBlock())
    if (auto* local = llvm::dyn_cast<llvm::AllocaInst>(&inst); local && llvm::isAllocaPromotable(local)) locals.push_back(local);
  llvm::DominatorTree dominators(function);
  llvm::PromoteMemToReg(locals, dominators);
}

bool isCallOf(Value* v, llvm::StringRef name) {
  auto* call = llvm::dyn_cast<CallInst>(v);
  return call && call->getCalledFunction() && call->getCalledFunction()->getName() == name;
}

unsigned partOf(CallInst* call) { return unsigned(llvm::cast<llvm::ConstantInt>(call->getArgOperand(1))->getZExtValue()); }

using FactorA = std::array<Value*, 4>;
using FactorB = std::array<Value*, 4>;  // two registers of the left side, two of the right

// The products of one side of a home in a run, in order.
struct Chain {
  std::vector<CallInst*> products;
};

struct Home {
  Value* pointer = nullptr;
  std::array<CallInst*, 8> gets{}, puts{};
};

struct Tile {
  Home* home = nullptr;
  std::vector<FactorA> a;
  std::vector<FactorB> b;
};

// Blocks that run one after the other or end in a trap.
using Run = std::vector<llvm::BasicBlock*>;

bool onlyTraps(const llvm::BasicBlock* block) { return llvm::isa<llvm::UnreachableInst>(block->getTerminator()); }

llvm::BasicBlock* continuation(llvm::BasicBlock* block) {
  llvm::BasicBlock* next = nullptr;
  for (llvm::BasicBlock* successor : llvm::successors(block)) {
    if (onlyTraps(successor)) continue;
    if (next) return nullptr;
    next = successor;
  }
  return next && next->getSinglePredecessor() == block ? next : nullptr;
}

std::vector<Run> findRuns(llvm::Function& function) {
  llvm::SmallPtrSet<llvm::BasicBlock*, 32> inner;
  for (llvm::BasicBlock& block : function)
    if (llvm::BasicBlock* next = continuation(&block)) inner.insert(next);
  std::vector<Run> runs;
  for (llvm::BasicBlock& block : function) {
    if (inner.contains(&block)) continue;
    Run& run = runs.emplace_back();
    for (llvm::BasicBlock* at = &block; at; at = continuation(at)) run.push_back(at);
  }
  return runs;
}

class RunTiles {
 public:
  RunTiles(const Run& run, Instruction* entryPoint) : run_(run), entry_(entryPoint) {
    for (size_t i = 0; i < run.size(); ++i) order_[run[i]] = i;
  }

  // True where tile instructions were made.
  bool run() {
    forward();
    for (auto& [pointer, home] : homes_) tryHome(home);
    if (tiles_.empty()) return false;
    emit();
    return true;
  }

 private:
  // Values instead of memory between the accesses of a run: at most one get, before, and one put, behind all products, remain.
  void forward() {
    std::map<std::pair<Value*, unsigned>, Value*> known;
    for (llvm::BasicBlock* block : run_) forward(*block, known);
  }

  void forward(llvm::BasicBlock& block, std::map<std::pair<Value*, unsigned>, Value*>& known) {
    for (Instruction& inst : llvm::make_early_inc_range(block)) {
      if (isCallOf(&inst, getTileName)) {
        auto* call = llvm::cast<CallInst>(&inst);
        Value*& value = known[{call->getArgOperand(0), partOf(call)}];
        if (value) {
          call->replaceAllUsesWith(value);
          call->eraseFromParent();
          continue;
        }
        value = call;
        homeOf(call).gets[partOf(call)] = call;
      } else if (isCallOf(&inst, putTileName)) {
        auto* call = llvm::cast<CallInst>(&inst);
        CallInst*& earlier = homeOf(call).puts[partOf(call)];
        if (earlier) earlier->eraseFromParent();
        earlier = call;
        known[{call->getArgOperand(0), partOf(call)}] = call->getArgOperand(2);
      } else if (isCallOf(&inst, tileProductName)) {
        last_ = &inst;
      }
    }
  }

  Home& homeOf(CallInst* call) {
    auto [found, isNew] = homes_.try_emplace(call->getArgOperand(0));
    found->second.pointer = call->getArgOperand(0);
    return found->second;
  }

  // The product whose results are exactly these four values.
  CallInst* productOf(llvm::ArrayRef<Value*> values) {
    CallInst* product = nullptr;
    for (unsigned i = 0; i < 4; ++i) {
      auto* part = llvm::dyn_cast<llvm::ExtractValueInst>(values[i]);
      if (!part || part->getNumIndices() != 1 || part->getIndices()[0] != i || !part->hasOneUse()) return nullptr;
      if (!isCallOf(part->getAggregateOperand(), tileProductName)) return nullptr;
      auto* call = llvm::cast<CallInst>(part->getAggregateOperand());
      if (!order_.contains(call->getParent()) || (product && product != call)) return nullptr;
      product = call;
    }
    return product->hasNUses(4) ? product : nullptr;
  }

  bool findChain(const Home& home, unsigned side, Chain& chain) {
    std::array<Value*, 4> values;
    for (unsigned i = 0; i < 4; ++i) {
      if (!home.gets[4 * side + i] || !home.puts[4 * side + i] || !home.gets[4 * side + i]->hasOneUse()) return false;
      values[i] = home.puts[4 * side + i]->getArgOperand(2);
    }
    while (values[0] != home.gets[4 * side]) {
      CallInst* product = productOf(values);
      if (!product) return false;
      chain.products.insert(chain.products.begin(), product);
      for (unsigned i = 0; i < 4; ++i) values[i] = product->getArgOperand(6 + i);
    }
    for (unsigned i = 0; i < 4; ++i)
      if (values[i] != home.gets[4 * side + i]) return false;
    return !chain.products.empty();
  }

  void tryHome(Home& home) {
    Chain sides[2];
    if (!findChain(home, 0, sides[0]) || !findChain(home, 1, sides[1])) return;
    if (sides[0].products.size() != sides[1].products.size()) return;
    Tile tile;
    tile.home = &home;
    for (size_t n = 0; n < sides[0].products.size(); ++n) {
      CallInst *left = sides[0].products[n], *right = sides[1].products[n];
      FactorA a;
      for (unsigned i = 0; i < 4; ++i) {
        a[i] = left->getArgOperand(i);
        if (a[i] != right->getArgOperand(i)) return;
      }
      tile.a.push_back(a);
      tile.b.push_back({left->getArgOperand(4), left->getArgOperand(5), right->getArgOperand(4), right->getArgOperand(5)});
    }
    std::map<FactorA, Value*> distinctA = scratchA_, distinctB = scratchB_;
    for (const FactorA& a : tile.a) distinctA[a];
    for (const FactorB& b : tile.b) distinctB[b];
    if (distinctA.size() + distinctB.size() > mostScratches) return;
    scratchA_ = distinctA, scratchB_ = distinctB;
    tiles_.push_back(tile);
    for (Chain& chain : sides) dead_.insert(dead_.end(), chain.products.begin(), chain.products.end());
  }

  // --- factors in memory

  Value* newScratch() {
    llvm::IRBuilder<> b(entry_);
    auto* scratch = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), scratchBytes), nullptr, "tile.factor");
    scratch->setAlignment(llvm::Align(64));
    return scratch;
  }

  bool isBefore(Instruction* x, Instruction* y) {
    return x->getParent() == y->getParent() ? x->comesBefore(y) : order_[x->getParent()] < order_[y->getParent()];
  }

  // Right behind the last of the values, so that they need not be kept.
  Instruction* behind(llvm::ArrayRef<Value*> values) {
    Instruction* latest = nullptr;
    for (Value* v : values) {
      auto* inst = llvm::dyn_cast<Instruction>(v);
      if (!inst || !order_.contains(inst->getParent()) || llvm::isa<llvm::PHINode>(inst)) continue;
      if (!latest || isBefore(latest, inst)) latest = inst;
    }
    return latest ? latest->getNextNode() : &*run_[0]->getFirstInsertionPt();
  }

  static void storeLanes(llvm::IRBuilder<>& b, Value* v, unsigned first, unsigned count, Value* scratch, unsigned byte) {
    llvm::SmallVector<int, 8> lanes;
    for (unsigned i = 0; i < count; ++i) lanes.push_back(int(first + i));
    b.CreateAlignedStore(b.CreateShuffleVector(v, lanes), b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), scratch, byte), llvm::Align(16));
  }

  // Four lanes hold 16 bytes of a row: registers 0 and 1 its first half (rows 0-7, 8-15), 2 and 3 its second.
  Value* storeA(const FactorA& a) {
    Value* scratch = newScratch();
    llvm::IRBuilder<> b(behind(a));
    for (unsigned r = 0; r < 4; ++r)
      for (unsigned row = 0; row < 8; ++row) storeLanes(b, a[r], 4 * row, 4, scratch, 32 * (row + r % 2 * 8) + r / 2 * 16);
    return scratch;
  }

  // A row holds two neighbours in k of each of 16 columns, in the order of the columns in a home: even ones of eight, then odd ones.
  Value* storeB(const FactorB& factor) {
    Value* scratch = newScratch();
    llvm::IRBuilder<> b(behind(factor));
    llvm::SmallVector<int, 32> order;
    for (unsigned i = 0; i < 32; ++i) {
      const unsigned position = i % 8, column = position < 4 ? 2 * position : 2 * (position - 4) + 1;
      order.push_back(int(4 * column + i / 8));
    }
    for (unsigned r = 0; r < 4; ++r) {
      Value* rows = b.CreateShuffleVector(factor[r], order);
      for (unsigned row = 0; row < 4; ++row) storeLanes(b, rows, 8 * row, 8, scratch, 64 * (row + r % 2 * 4) + r / 2 * 32);
    }
    return scratch;
  }

  // --- products

  void emit() {
    for (auto& [a, scratch] : scratchA_) scratch = storeA(a);
    for (auto& [b, scratch] : scratchB_) scratch = storeB(b);
    llvm::IRBuilder<> b(last_->getNextNode());
    b_ = &b;
    // Rows of tiles have the same A factors.
    std::vector<std::vector<Tile*>> rows;
    std::map<std::vector<FactorA>, size_t> rowOf;
    for (Tile& tile : tiles_) {
      auto [found, isNew] = rowOf.try_emplace(tile.a, rows.size());
      if (isNew) rows.emplace_back();
      rows[found->second].push_back(&tile);
    }
    for (size_t r = 0; r < rows.size();) {
      const bool two = r + 1 < rows.size() && sameColumns(rows[r], rows[r + 1]);
      for (size_t c = 0; c < rows[r].size(); c += 2) {
        const size_t columns = std::min<size_t>(2, rows[r].size() - c);
        // Columns of a row may differ in length only where the row does: A factors are part of the row.
        multiply(llvm::ArrayRef<Tile*>(&rows[r][c], columns), two ? llvm::ArrayRef<Tile*>(&rows[r + 1][c], columns) : llvm::ArrayRef<Tile*>());
      }
      r += two ? 2 : 1;
    }
    for (Tile& tile : tiles_)
      for (CallInst* put : tile.home->puts) put->eraseFromParent();
    for (CallInst* product : llvm::reverse(dead_)) eraseProduct(product);
    for (Tile& tile : tiles_)
      for (CallInst* get : tile.home->gets) get->eraseFromParent();
  }

  static bool sameColumns(const std::vector<Tile*>& x, const std::vector<Tile*>& y) {
    if (x.size() != y.size()) return false;
    for (size_t i = 0; i < x.size(); ++i)
      if (x[i]->b != y[i]->b) return false;
    return true;
  }

  static void eraseProduct(CallInst* product) {
    for (llvm::User* user : llvm::make_early_inc_range(product->users())) {
      auto* part = llvm::cast<Instruction>(user);
      part->replaceAllUsesWith(llvm::PoisonValue::get(part->getType()));
      part->eraseFromParent();
    }
    product->replaceAllUsesWith(llvm::PoisonValue::get(product->getType()));
    product->eraseFromParent();
  }

  void multiply(llvm::ArrayRef<Tile*> upper, llvm::ArrayRef<Tile*> lower) {
    const llvm::ArrayRef<Tile*> rows[2] = {upper, lower};
    for (unsigned i = 0; i < 2; ++i)
      for (unsigned j = 0; j < rows[i].size(); ++j) load(accumulator + 2 * i + j, rows[i][j]->home->pointer, 64);
    for (size_t k = 0; k < upper[0]->a.size(); ++k) {
      for (unsigned j = 0; j < upper.size(); ++j) load(factorB + j, scratchB_[upper[j]->b[k]], 64);
      for (unsigned i = 0; i < 2; ++i) {
        if (rows[i].empty()) continue;
        load(factorA + i, scratchA_[rows[i][0]->a[k]], 32);
        for (unsigned j = 0; j < rows[i].size(); ++j)
          b_->CreateIntrinsic(intrinsic::x86_tdpbf16ps, {}, {b_->getInt8(accumulator + 2 * i + j), b_->getInt8(factorA + i), b_->getInt8(factorB + j)});
      }
    }
    for (unsigned i = 0; i < 2; ++i)
      for (unsigned j = 0; j < rows[i].size(); ++j)
        b_->CreateIntrinsic(intrinsic::x86_tilestored64, {}, {b_->getInt8(accumulator + 2 * i + j), rows[i][j]->home->pointer, b_->getInt64(64)});
  }

  void load(unsigned tile, Value* from, uint64_t stride) {
    b_->CreateIntrinsic(intrinsic::x86_tileloadd64, {}, {b_->getInt8(uint8_t(tile)), from, b_->getInt64(stride)});
  }

  const Run& run_;
  llvm::DenseMap<llvm::BasicBlock*, size_t> order_;
  Instruction* entry_;
  Instruction* last_ = nullptr;
  llvm::IRBuilder<>* b_ = nullptr;
  std::map<Value*, Home> homes_;
  std::vector<Tile> tiles_;
  std::vector<CallInst*> dead_;
  std::map<FactorA, Value*> scratchA_;
  std::map<FactorB, Value*> scratchB_;
};

// Palette 1: rows and bytes per row of each tile register.
Value* tileConfiguration(llvm::Module& module) {
  constexpr const char* name = "anywarp.tile.configuration";
  if (llvm::GlobalVariable* found = module.getGlobalVariable(name, true)) return found;
  uint8_t bytes[64] = {1};
  for (unsigned tile = 0; tile < 8; ++tile) {
    bytes[16 + 2 * tile] = tile < factorA || tile >= factorB ? 64 : 32;
    bytes[48 + tile] = tile < factorB ? 16 : 8;
  }
  auto* data = llvm::ConstantDataArray::get(module.getContext(), llvm::ArrayRef<uint8_t>(bytes));
  auto* variable = new llvm::GlobalVariable(module, data->getType(), true, llvm::GlobalValue::InternalLinkage, data, name);
  variable->setAlignment(llvm::Align(64));
  return variable;
}

}  // namespace

void useTiles(llvm::Function& function) {
  promoteLocals(function);
  Instruction* entry = &*function.getEntryBlock().getFirstInsertionPt();
  bool any = false;
  for (const Run& run : findRuns(function)) any |= RunTiles(run, entry).run();
  if (!any) return;
  llvm::IRBuilder<> begin(function.getEntryBlock().getTerminator());
  begin.CreateIntrinsic(intrinsic::x86_ldtilecfg, {}, {tileConfiguration(*function.getParent())});
  for (llvm::BasicBlock& block : function)
    if (llvm::isa<llvm::ReturnInst>(block.getTerminator())) llvm::IRBuilder<>(block.getTerminator()).CreateIntrinsic(intrinsic::x86_tilerelease, {}, {});
}

}  // namespace anywarp::codegen::x86
