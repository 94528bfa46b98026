// Small kernels with barriers as one function in which every warp of the block has code of its own. SPDX-License-Identifier: Apache-2.0
//
// Nothing returns to the scheduler at a barrier: the code of the last warp up to there goes on with the first warp behind it. The warp's
// number is a constant, so most of what is made from thread indices is one too, and what lives across a barrier is a value like others
// instead of a place in a frame.
#include "compiler/codegen/block_at_once.h"

#include <llvm/ADT/SetVector.h>

#include <algorithm>

#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"
#include "compiler/ir_marks.h"
#include "support/options.h"

namespace anywarp::codegen {

using analysis::PendingSet;
using analysis::Through;

namespace {

constexpr uint32_t mostWarps = 16;
constexpr size_t mostInstructions = 1280;  // of all warps together

llvm::BasicBlock* block(llvm::Function& f, const char* name) { return llvm::BasicBlock::Create(f.getContext(), name, &f); }

uint32_t warpsOf(const KernelState& k) { return (k.threads + k.width - 1) / k.width; }

}  // namespace

bool runsAtOnce(const KernelState& k, const Analyzed& kernel) {
  const auto& points = k.suspensions.resumePoints;
  if (k.free || points.size() < 2 || !k.interleaved.empty() || kernel.tileHomes || k.options.debugInfo || options::isPassOff("block-at-once"))
    return false;
  const analysis::Together& together = k.together;
  auto all = [](const std::vector<uint8_t>& flags) { return std::all_of(flags.begin(), flags.end(), [](uint8_t f) { return f != 0; }); };
  const uint32_t warps = warpsOf(k);
  if (warps > mostWarps || !all(together.entered) || !all(together.agreed)) return false;
  size_t instructions = 0;
  for (BlockId root : points)
    for (BlockId x : analysis::orderBlocks(*kernel.flat, {root}, Through::UntilSuspensions).blocks)
      instructions += kernel.flat->blocks[x].last - kernel.flat->blocks[x].first + 1;
  return instructions * warps <= mostInstructions;
}

void FunctionEmitter::emitBlockAtOnce(KernelState& k, Analyzed& a, llvm::Function& function) {
  llvm::BasicBlock* entry = block(function, "entry");
  llvm::BasicBlock* init = block(function, "init");
  llvm::BasicBlock* exit = block(function, "exit");
  std::vector<llvm::BasicBlock*> starts;
  for (size_t r = 0; r < k.suspensions.resumePoints.size(); ++r) starts.push_back(block(function, "region"));

  std::vector<std::unique_ptr<FunctionEmitter>> warps;
  for (uint32_t w = 0; w < warpsOf(k); ++w) {
    warps.push_back(std::make_unique<FunctionEmitter>(k, a, function));
    warps[w]->beginWarp(w, entry, init, *warps[0]);
  }
  llvm::IRBuilder<>(entry).CreateBr(init);
  llvm::IRBuilder<>(init).CreateBr(starts[0]);
  llvm::IRBuilder<> atExit(exit);
  atExit.CreateRet(atExit.getInt32(abi::regionExited));

  for (uint32_t r = 0; r < starts.size(); ++r) {
    llvm::BasicBlock* at = starts[r];
    for (auto& warp : warps) {
      at = warp->emitTurn(r, at);
      if (k.failed) return;
    }
    // All want the same: what the last one wants.
    const llvm::PHINode& wanted = *warps.back()->warpNext_;
    llvm::SmallSetVector<llvm::ConstantInt*, 4> places;
    for (const llvm::Use& v : wanted.incoming_values()) places.insert(llvm::cast<llvm::ConstantInt>(v.get()));
    auto target = [&](llvm::ConstantInt* next) { return next->equalsInt(abi::regionExited) ? exit : starts[next->getZExtValue()]; };
    llvm::IRBuilder<> b(at);
    if (places.empty()) {
      b.CreateUnreachable();
    } else if (places.size() == 1) {
      b.CreateBr(target(places[0]));
    } else {
      llvm::SwitchInst* next = b.CreateSwitch(warps.back()->warpNext_, target(places[0]));
      for (size_t i = 1; i < places.size(); ++i) next->addCase(places[i], target(places[i]));
    }
  }
}

// What is the same in all turns of warp `number`.
void FunctionEmitter::beginWarp(uint32_t number, llvm::BasicBlock* entry, llvm::BasicBlock* init, const FunctionEmitter& first) {
  entry_ = entry;
  slotInit_ = init;
  ofLanes_.assign(flat_.registers.size(), 0);
  b.SetInsertPoint(entry_);
  if (&first == this) {
    begin();
    auto* size = llvm::ConstantAsMetadata::get(b.getInt64(k_.program.shared.dynamicOffset));
    llvm::cast<llvm::LoadInst>(shared_)->setMetadata(sharedWindowMark, llvm::MDNode::get(k_.context(), {size}));
  } else {
    subprogram_ = first.subprogram_;
    ctx_ = first.ctx_, params_ = first.params_, symbols_ = first.symbols_, shared_ = first.shared_, local_ = first.local_;
    localStride_ = first.localStride_, frames_ = first.frames_, states_ = first.states_, launch_ = first.launch_, services_ = first.services_;
    if (subprogram_) b.SetCurrentDebugLocation(llvm::DILocation::get(k_.context(), 1, 0, subprogram_));
  }
  warp_ = i32(number);
  state_ = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), states_, uint64_t(number) * sizeof(abi::WarpState));
  frame_ = frames_;
  const uint32_t lanes = std::min(width_, k_.threads - number * width_);
  llvm::SmallVector<llvm::Constant*, 32> live;
  for (uint32_t lane = 0; lane < width_; ++lane) live.push_back(b.getInt1(lane < lanes));
  liveAtEntry_ = llvm::ConstantVector::get(live);
}

// Which lanes are active may be known in one copy of a block's code and not in another.
void FunctionEmitter::noteLaneResults(Inst& inst) {
  bool ofLanes = inst.pseudo == analysis::Pseudo::None && ptx::formInfo(inst.form).needs != ptx::Need::None;
  analysis::forEachUse(inst, flat_.registers, [&](ptx::RegId& r) { ofLanes |= ofLanes_[r] != 0; });
  analysis::forEachDef(inst, [&](ptx::RegId& r) { ofLanes_[r] |= ofLanes; });
}

// Has the register, once it is written, the value that is written now wherever it is read?
bool FunctionEmitter::staysKnown(ptx::RegId r) const {
  const analysis::Web& web = a_.webs.webs[r];
  return atOnce() && web.defs == 1 && !web.maybeUndefined && !ofLanes_[r];
}

Value* FunctionEmitter::constantOffsets(const Address& a) {
  using Kind = Address::Kind;
  auto isConstant = [](Value* v) { return v && llvm::isa<llvm::Constant>(v); };
  if (!atOnce() || !a.window || !isConstant(a.base)) return nullptr;
  llvm::Type* wide = vectorOf(b.getInt64Ty());
  auto extended = [&](Value* lanes) { return lanes->getType() == wide ? lanes : a.isSigned ? b.CreateSExt(lanes, wide) : b.CreateZExt(lanes, wide); };
  Value* first = b.CreateAdd(a.base, i64(uint64_t(a.offset)));
  Value* offsets = nullptr;
  if (a.kind == Kind::Indexed && isConstant(a.index)) {
    offsets = b.CreateAdd(splat(first), b.CreateMul(extended(a.index), splat(i64(uint64_t(a.scale)))));
  } else if (a.kind == Kind::Strided && !a.valid) {
    offsets = affineLanes(first, a.stride);
  } else if (a.kind == Kind::Strided && isConstant(a.low)) {
    Value* low = a.isSigned ? b.CreateSExt(a.low, b.getInt64Ty()) : b.CreateZExt(a.low, b.getInt64Ty());
    Value* rest = b.CreateSub(first, b.CreateMul(low, i64(uint64_t(a.scale))));
    offsets = b.CreateAdd(splat(rest), b.CreateMul(extended(affineLanes(a.low, a.lowStride)), splat(i64(uint64_t(a.scale)))));
  }
  return isConstant(offsets) ? offsets : nullptr;
}

// The code of this warp from a suspension point to the next, behind `from`; the block where it ends.
llvm::BasicBlock* FunctionEmitter::emitTurn(uint32_t region, llvm::BasicBlock* from) {
  regionId_ = region;
  b.SetInsertPoint(from);
  llvm::StoreInst* running = b.CreateStore(warp_, b.CreateConstGEP1_64(b.getInt8Ty(), ctx_, offsetof(abi::BlockContext, runningWarp)), true);
  running->setMetadata(runningWarpMark, llvm::MDNode::get(k_.context(), {}));
  initBlock_ = block(function_, "warp.init");
  llvm::BasicBlock* start = block(function_, "warp.start");
  warpEnd_ = block(function_, "warp.end");
  b.CreateBr(initBlock_);
  b.SetInsertPoint(initBlock_);
  b.CreateBr(start);
  b.SetInsertPoint(warpEnd_);
  warpNext_ = b.CreatePHI(b.getInt32Ty(), 4, "next");
  b.SetInsertPoint(start);

  const BlockId root = k_.suspensions.resumePoints[region];
  order_ = std::make_unique<analysis::Order>(analysis::orderBlocks(flat_, {root}, Through::UntilSuspensions));
  linearize({root});
  masks_ = nullptr;
  masksHidden_ = nullptr;
  placeMasks();
  waiting_.assign(flat_.blocks.size(), nullptr);
  bodies_.assign(flat_.blocks.size(), nullptr);
  gates_.assign(flat_.blocks.size(), nullptr);
  addWaiting(root, liveAtEntry_);
  mask_ = liveAtEntry_;
  enter(root);
  emitBlocks({root});
  return warpEnd_;
}

}  // namespace anywarp::codegen
