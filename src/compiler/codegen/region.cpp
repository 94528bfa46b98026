// Control flow under masks: regions that loop over the warps of a block, free plans, out-of-line functions.
// SPDX-License-Identifier: Apache-2.0
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Intrinsics.h>

#include <algorithm>

#include "compiler/analysis/meetings.h"
#include "compiler/analysis/operands.h"
#include "compiler/codegen/emitter.h"
#include "support/options.h"

namespace anywarp::codegen {

using analysis::noBlock;
using analysis::PendingSet;
using analysis::Terminator;
using analysis::Through;
using Kind = Shape::Kind;

namespace {

constexpr size_t stateSize = sizeof(abi::WarpState);

llvm::BasicBlock* block(llvm::Function& f, const llvm::Twine& name) { return llvm::BasicBlock::Create(f.getContext(), name, &f); }

}  // namespace

// Loads what every function needs of its block context.
void FunctionEmitter::begin() {
  if (k_.debug) {
    auto* type = k_.debug->createSubroutineType(k_.debug->getOrCreateTypeArray({}));
    subprogram_ = k_.debug->createFunction(k_.file, function_.getName(), function_.getName(), k_.file, 1, type, 1,
                                           llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition);
    function_.setSubprogram(subprogram_);
    b.SetCurrentDebugLocation(llvm::DILocation::get(k_.context(), 1, 0, subprogram_));
  }
  ctx_ = function_.getArg(0);
  auto pointer = [&](size_t offset, const char* name) { return field(ctx_, offset, b.getPtrTy(), name); };
  params_ = pointer(offsetof(abi::BlockContext, params), "params");
  symbols_ = pointer(offsetof(abi::BlockContext, symbols), "symbols");
  shared_ = pointer(offsetof(abi::BlockContext, shared), "shared");
  local_ = pointer(offsetof(abi::BlockContext, local), "local");
  localStride_ = field(ctx_, offsetof(abi::BlockContext, localStride), b.getInt64Ty(), "local.stride");
  frames_ = pointer(offsetof(abi::BlockContext, frames), "frames");
  states_ = pointer(offsetof(abi::BlockContext, warps), "warps");
  launch_ = pointer(offsetof(abi::BlockContext, launch), "launch");
  services_ = pointer(offsetof(abi::BlockContext, services), "services");
}

void FunctionEmitter::emitRegion(uint32_t region) {
  regionId_ = region;
  Value* first = function_.getArg(1);
  Value* last = function_.getArg(2);
  entry_ = block(function_, "entry");
  b.SetInsertPoint(entry_);
  begin();
  llvm::BasicBlock* head = block(function_, "warp");
  llvm::BasicBlock* run = block(function_, "warp.run");
  initBlock_ = block(function_, "warp.init");
  llvm::BasicBlock* start = block(function_, "warp.start");
  warpEnd_ = block(function_, "warp.end");
  b.CreateBr(head);

  b.SetInsertPoint(head);
  llvm::PHINode* warp = b.CreatePHI(b.getInt32Ty(), 2, "w");
  llvm::PHINode* result = b.CreatePHI(b.getInt32Ty(), 2, "result");
  warp->addIncoming(first, entry_);
  result->addIncoming(i32(abi::regionExited), entry_);
  warp_ = warp;
  Value* wide = b.CreateZExt(warp, b.getInt64Ty());
  state_ = b.CreateGEP(b.getInt8Ty(), states_, b.CreateMul(wide, i64(stateSize)));
  frame_ = b.CreateGEP(b.getInt8Ty(), frames_, b.CreateMul(wide, i64(k_.frameBytes)));

  b.SetInsertPoint(warpEnd_);
  warpNext_ = b.CreatePHI(b.getInt32Ty(), 4, "next");
  const analysis::Together& warps = k_.together;
  Value* merged = warpNext_;
  if (k_.free || !warps.agreed[region])
    merged = b.CreateSelect(b.CreateICmpEQ(warpNext_, i32(abi::regionExited)), result,
                            b.CreateSelect(b.CreateOr(b.CreateICmpEQ(result, i32(abi::regionExited)), b.CreateICmpEQ(result, warpNext_)),
                                           warpNext_, i32(abi::regionMixed)));
  Value* nextWarp = b.CreateAdd(warp, i32(1));
  llvm::BasicBlock* exit = block(function_, "exit");
  b.CreateCondBr(b.CreateICmpULT(nextWarp, last), head, exit);
  warp->addIncoming(nextWarp, warpEnd_);
  result->addIncoming(merged, warpEnd_);
  b.SetInsertPoint(exit);
  b.CreateRet(merged);

  b.SetInsertPoint(head);
  bool together = !k_.free && warps.entered[region];
  if (!k_.free && !together) {
    Value* pc = field(state_, offsetof(abi::WarpState, pc), b.getInt32Ty(), "pc", false);
    llvm::BasicBlock* skip = block(function_, "warp.skip");
    b.CreateCondBr(b.CreateICmpEQ(pc, i32(region)), run, skip);
    b.SetInsertPoint(skip);
    Value* n = b.CreateSelect(b.CreateICmpEQ(pc, i32(abi::regionExited)), i32(abi::regionExited), i32(abi::regionMixed));
    endWarp(n);
  } else {
    b.CreateBr(run);
  }
  b.SetInsertPoint(run);
  // For fault reports; volatile so that it stays inside the loop.
  b.CreateStore(warp_, b.CreateConstGEP1_64(b.getInt8Ty(), ctx_, offsetof(abi::BlockContext, runningWarp)), true);
  b.CreateBr(initBlock_);
  b.SetInsertPoint(initBlock_);
  b.CreateBr(start);
  b.SetInsertPoint(start);

  std::vector<BlockId> roots;
  if (k_.free) roots = k_.suspensions.resumePoints;
  else roots = {k_.suspensions.resumePoints[region]};
  const InterleavedLoop* turn = k_.interleavedRegion(region);
  if (turn) roots = turn->roots;
  order_ = std::make_unique<analysis::Order>(turn ? analysis::orderTurn(flat_, turn->loop) : analysis::orderBlocks(flat_, roots, Through::UntilSuspensions));
  PendingSet entrySet(roots.begin(), roots.end());
  if (turn && turn->loop.waits()) beginsAt_ = turn->loop.header;
  linearize(entrySet);
  for (BlockId x : order_->blocks)
    for (uint32_t i = flat_.blocks[x].first; i < flat_.blocks[x].last; ++i)
      analysis::forEachDef(flat_.instructions[i], [&](ptx::RegId& r) { modified_[r] = 1; });

  bool whole = k_.fullWarps && (!k_.lanesExit || region == 0 || together);  // at its start a whole warp is there
  liveAtEntry_ = whole && !k_.free ? allLanes() : maskFromBits(field(state_, offsetof(abi::WarpState, live), b.getInt32Ty(), "live", false));
  placeMasks();
  waiting_.assign(flat_.blocks.size(), nullptr);
  bodies_.assign(flat_.blocks.size(), nullptr);
  gates_.assign(flat_.blocks.size(), nullptr);
  if (k_.free) {
    lanePc_ = stackSlot(vectorOf(b.getInt32Ty()), "lane.pc");
    exited_ = stackSlot(vectorOf(b.getInt1Ty()), "exited");
    b.CreateStore(noLanes(), exited_);
    Value* pcs = b.CreateAlignedLoad(vectorOf(b.getInt32Ty()), b.CreateConstGEP1_64(b.getInt8Ty(), state_, offsetof(abi::WarpState, lanePc)), llvm::Align(4));
    b.CreateStore(pcs, lanePc_);
    Value* blocked = maskFromBits(field(state_, offsetof(abi::WarpState, blocked), b.getInt32Ty(), "blocked", false));
    Value* runnable = b.CreateAnd(liveAtEntry_, b.CreateNot(blocked));
    b.CreateStore(i32(uint32_t(abi::Suspend::None)), b.CreateConstGEP1_64(b.getInt8Ty(), state_, offsetof(abi::WarpState, suspend)));
    for (uint32_t r = 0; r < roots.size(); ++r) {
      Value* here = b.CreateAnd(runnable, b.CreateICmpEQ(pcs, splat(i32(r))));
      addWaiting(roots[r], here);
      resumeBarrier(r);
    }
  } else if (turn) {
    loadFrame(turn->live, region);
    for (size_t i = 0; i < roots.size(); ++i)
      addWaiting(roots[i], turn->masks == ~0u ? liveAtEntry_
                                              : maskFromBits(field(frame_, turn->masks + 4 * i, b.getInt32Ty(), "waiting", false)));
  } else {
    loadFrame(region ? a_.webs.liveIn[roots[0]] : std::vector<ptx::RegId>{}, region);
    addWaiting(roots[0], liveAtEntry_);
    mask_ = liveAtEntry_;
    enter(roots[0]);
    resumeBarrier(region);
  }
  emitBlocks(roots);
}

void FunctionEmitter::emitFunction() {
  region_ = false;
  // (ctx, warp, lanes as bits, offset of local memory, arguments, results)
  entry_ = block(function_, "entry");
  b.SetInsertPoint(entry_);
  begin();
  warp_ = function_.getArg(1);
  lspBase_ = function_.getArg(3);
  Value* wide = b.CreateZExt(warp_, b.getInt64Ty());
  state_ = b.CreateGEP(b.getInt8Ty(), states_, b.CreateMul(wide, i64(stateSize)));
  liveAtEntry_ = maskFromBits(function_.getArg(2));
  initBlock_ = block(function_, "init");
  llvm::BasicBlock* start = block(function_, "start");
  mask_ = liveAtEntry_;
  Value* room = b.CreateICmpUGT(b.CreateAdd(lspBase_, i64(flat_.localBytes)), localStride_);
  if (flat_.localBytes) trapIf(room, mask_, abi::TrapKind::StackOverflow, k_.ptx.functions[flat_.function].loc);
  b.CreateBr(initBlock_);
  b.SetInsertPoint(initBlock_);
  b.CreateBr(start);
  b.SetInsertPoint(start);
  results_ = function_.getArg(5);
  Value* args = function_.getArg(4);
  uint64_t offset = 0;
  for (auto& pieces : flat_.params)
    for (const analysis::Piece& p : pieces) {
      llvm::Type* t = vectorOf(b.getIntNTy(p.bytes * 8));
      Value* v = b.CreateAlignedLoad(t, b.CreateConstGEP1_64(b.getInt8Ty(), args, offset), llvm::Align(8));
      store(slot(p.reg), adapt(v, ptx::Type::None, flat_.registers[p.reg].type));
      offset += (uint64_t(p.bytes) * width_ + 63) & ~uint64_t(63);
    }
  order_ = std::make_unique<analysis::Order>(analysis::orderBlocks(flat_, {0}, Through::UntilSuspensions));
  linearize({0});
  placeMasks();
  waiting_.assign(flat_.blocks.size(), nullptr);
  bodies_.assign(flat_.blocks.size(), nullptr);
  gates_.assign(flat_.blocks.size(), nullptr);
  addWaiting(0, liveAtEntry_);
  warpEnd_ = block(function_, "return");
  emitBlocks({0});
  b.SetInsertPoint(warpEnd_);
  offset = 0;
  for (auto& pieces : flat_.returns)
    for (const analysis::Piece& p : pieces) {
      Value* v = adapt(readRegister(p.reg, true), ptx::Type::None, ptx::bitsType(p.bytes * 8));
      b.CreateAlignedStore(v, b.CreateConstGEP1_64(b.getInt8Ty(), results_, offset), llvm::Align(8));
      offset += (uint64_t(p.bytes) * width_ + 63) & ~uint64_t(63);
    }
  b.CreateRetVoid();
}

// --- order of the blocks -----------------------------------------------------------------------------------------------------

// Where masks need not be kept: there are several entries where lanes come back to a region, at places that depend on the lane.
std::vector<BlockId> FunctionEmitter::findMeetings(const PendingSet& entry) {
  if (entry.size() != 1 || beginsAt_ != noBlock || (k_.free && region_) || options::isPassOff("meetings")) return {};
  std::vector<uint8_t> leaves(flat_.blocks.size());
  if (region_)
    for (const InterleavedLoop& loop : k_.interleaved) leaves[loop.loop.header] = 1;
  return analysis::findMeetings(flat_, *order_, {entry.begin(), entry.end()}, leaves);
}

// The order of the blocks, and where lanes may wait meanwhile; `entry`: where they begin.
void FunctionEmitter::linearize(const PendingSet& entry) {
  std::vector<BlockId> meetings = findMeetings(entry);
  linear_ = std::make_unique<analysis::Linear>(flat_, *order_, a_.shapes, entry, k_.free && region_, std::vector<uint8_t>(), meetings, beginsAt_);
  std::vector<uint8_t> runsEmpty = findEmptyBlocks(entry);
  if (runsEmpty.empty()) return;
  std::replace_if(meetings.begin(), meetings.end(), [&](BlockId x) { return x != noBlock && runsEmpty[x]; }, noBlock);
  linear_ = std::make_unique<analysis::Linear>(flat_, *order_, a_.shapes, entry, false, std::move(runsEmpty), std::move(meetings), beginsAt_);
}

// --- blocks ------------------------------------------------------------------------------------------------------------------

void FunctionEmitter::emitBlocks(const std::vector<BlockId>& roots) {
  PendingSet set(roots.begin(), roots.end());
  if (beginsAt_ != noBlock) b.CreateBr(bodies_[beginsAt_] = block(function_, "b" + llvm::Twine(beginsAt_)));
  else go(noBlock, set, roots.size() == 1 ? roots[0] : noBlock, nullptr);
  for (BlockId x : order_->blocks) {
    if (bodies_[x]) emitBlock(x);
    if (gates_[x]) {
      emitGate(x);
      if (bodies_[x] && bodies_[x]->empty()) emitBlock(x);
    }
    if (k_.failed) break;
  }
  // A gate may have been asked for after its block was passed (back edges): finish those.
  for (bool again = true; again && !k_.failed;) {
    again = false;
    for (BlockId x : order_->blocks) {
      if (gates_[x] && gates_[x]->empty()) emitGate(x), again = true;
      if (bodies_[x] && bodies_[x]->empty()) emitBlock(x), again = true;
    }
  }
  // Passes that ask whether the masks can go look through the users from the last one on: that has the answer.
  if (masksHidden_) masksHidden_->setArgOperand(0, masks_);
}

// Masks that outlive a jump stay in memory where there are many: as values of LLVM they would meet in a phi at every join, in
// number like blocks times what waits, for which its passes take more than linear time.
//
// In volatile memory where loops are many too: to move one such store out of its loop, LICM looks at all that follows.
void FunctionEmitter::placeMasks() {
  constexpr size_t manyBlocks = 64, manyLoops = 64;
  if (order_->blocks.size() < manyBlocks) return;
  llvm::IRBuilder<> at(entry_, entry_->begin());
  llvm::Type* type = llvm::ArrayType::get(b.getIntNTy(width_), order_->blocks.size());
  masks_ = at.CreateAlloca(type, nullptr, "masks");
  // Empty whenever a warp's turn ends, so once is enough.
  llvm::IRBuilder<> init(entry_->getTerminator());
  init.CreateMemSet(masks_, init.getInt8(0), order_->blocks.size() * width_ / 8, llvm::Align(8));
  // LLVM is not to see through it.
  auto* opaque = llvm::FunctionType::get(init.getVoidTy(), {init.getPtrTy()}, false);
  masksHidden_ = init.CreateCall(opaque, llvm::InlineAsm::get(opaque, "", "r,~{memory}", true), {masks_});
  masksVolatile_ = order_->loops.size() >= manyLoops;
}

Value* FunctionEmitter::maskInMemory(BlockId x) {
  return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), masks_, uint64_t(order_->position[x]) * width_ / 8);
}

Value* FunctionEmitter::waitingAt(BlockId x) {
  if (masks_ && linear_->everPending(x))
    return b.CreateBitCast(b.CreateLoad(b.getIntNTy(width_), maskInMemory(x), masksVolatile_), vectorOf(b.getInt1Ty()), "mask");
  return b.CreateLoad(vectorOf(b.getInt1Ty()), waitingSlot(x), "mask");
}

llvm::AllocaInst* FunctionEmitter::waitingSlot(BlockId x) {
  if (!waiting_[x]) {
    waiting_[x] = stackSlot(vectorOf(b.getInt1Ty()), "waiting");
    llvm::IRBuilder<> init(initBlock_, initBlock_->begin());
    init.CreateStore(noLanes(), waiting_[x]);
  }
  return waiting_[x];
}

void FunctionEmitter::setWaiting(BlockId x, Value* lanes) {
  if (masks_ && linear_->everPending(x)) {
    b.CreateStore(b.CreateBitCast(lanes, b.getIntNTy(width_)), maskInMemory(x), masksVolatile_);
    return;
  }
  b.CreateStore(lanes, waitingSlot(x));
}

void FunctionEmitter::addWaiting(BlockId x, Value* lanes) {
  if (linear_->meetsFrom(x) != noBlock) return;  // all of a block before: emitBlock
  setWaiting(x, linear_->everPending(x) ? b.CreateOr(waitingAt(x), lanes) : lanes);
}

// Goes on from x. `target`: `lanes` certainly wait there.
void FunctionEmitter::go(BlockId x, const PendingSet& waiting, BlockId target, Value* lanes) {
  if (target != noBlock && lanes) addWaiting(target, lanes);
  analysis::Step step = linear_->choose(x, waiting, target);
  if (step.next == noBlock) {
    if (region_) endWarp(nullptr);
    else b.CreateBr(warpEnd_);
    return;
  }
  if (step.again != analysis::noLoop && linear_->mayWaitInside(step.again)) beginRound(x, waiting, step.again);
  auto& list = step.certain ? bodies_ : gates_;
  if (!list[step.next]) list[step.next] = block(function_, (step.certain ? "b" : "gate") + llvm::Twine(step.next));
  bool back = x != noBlock && order_->position[step.next] <= order_->position[x];
  b.CreateBr(back && region_ && !k_.free && k_.interleavedHeader(step.next) ? takeTurns(step.next, list[step.next]) : list[step.next]);
}

// Counts the rounds of an interleaved loop: the next one, or the next warp's turn.
llvm::BasicBlock* FunctionEmitter::takeTurns(BlockId header, llvm::BasicBlock* again) {
  llvm::BasicBlock*& turn = turns_[again];
  if (turn) return turn;
  const InterleavedLoop& loop = *k_.interleavedHeader(header);
  llvm::IRBuilder<>::InsertPointGuard guard(b);
  turn = block(function_, "turn" + llvm::Twine(header));
  b.SetInsertPoint(turn);
  if (loop.loop.waits() && again == gates_[header]) {  // a turn begins where lanes do wait
    llvm::BasicBlock* waits = block(function_, "waits");
    b.CreateCondBr(anyLane(waitingAt(header)), waits, again);
    b.SetInsertPoint(waits);
  }
  if (loop.loop.rounds > 1) {
    llvm::AllocaInst* rounds = stackSlot(b.getInt32Ty(), "rounds");
    llvm::IRBuilder<>(initBlock_, initBlock_->begin()).CreateStore(i32(loop.loop.rounds - 1), rounds);
    llvm::BasicBlock* handOver = block(function_, "hand.over");
    Value* left = b.CreateLoad(b.getInt32Ty(), rounds);
    b.CreateStore(b.CreateSub(left, i32(1)), rounds);
    b.CreateCondBr(b.CreateICmpNE(left, i32(0)), again, handOver);
    b.SetInsertPoint(handOver);
  }
  emitYield(loop);
  return turn;
}

void FunctionEmitter::emitYield(const InterleavedLoop& loop) {
  auto store = [&](size_t offset, Value* v) { b.CreateStore(v, b.CreateConstGEP1_64(b.getInt8Ty(), state_, offset)); };
  storeFrame(loop.live, regionId_ ? &modified_ : nullptr);
  Value* live = noLanes();
  for (size_t i = 0; i < loop.roots.size(); ++i) {
    Value* lanes = waitingAt(loop.roots[i]);
    setWaiting(loop.roots[i], noLanes());
    if (loop.masks != ~0u) b.CreateStore(maskBits(lanes), b.CreateConstGEP1_64(b.getInt8Ty(), frame_, loop.masks + 4 * i));
    live = b.CreateOr(live, lanes);
  }
  store(offsetof(abi::WarpState, pc), i32(loop.region));
  store(offsetof(abi::WarpState, suspend), i32(uint32_t(abi::Suspend::Yield)));
  if (k_.lanesExit) store(offsetof(abi::WarpState, live), maskBits(live));
  endWarp(i32(loop.region));
}

bool FunctionEmitter::liveAtRegionEntry(ptx::RegId r) const {
  if (const InterleavedLoop* turn = k_.interleavedRegion(regionId_)) return std::binary_search(turn->live.begin(), turn->live.end(), r);
  return a_.webs.isLiveIn(k_.suspensions.resumePoints[regionId_], r);
}

// Goes on below where lanes wait inside the loop, and elsewhere where none do.
void FunctionEmitter::beginRound(BlockId x, const PendingSet& waiting, uint32_t loop) {
  Value* inside = noLanes();
  for (BlockId w : waiting) {
    if (!order_->inLoop(w, loop)) continue;
    inside = b.CreateOr(inside, waitingAt(w));
  }
  llvm::BasicBlock* again = block(function_, "again");
  llvm::BasicBlock* leave = block(function_, "leave");
  b.CreateCondBr(anyLane(inside), again, leave);
  b.SetInsertPoint(leave);
  go(x, linear_->outside(loop, waiting), noBlock, nullptr);
  b.SetInsertPoint(again);
}

void FunctionEmitter::emitGate(BlockId x) {
  b.SetInsertPoint(gates_[x]);
  if (!bodies_[x]) bodies_[x] = block(function_, "b" + llvm::Twine(x));
  if (linear_->runsEmpty(x)) {
    b.CreateBr(bodies_[x]);
    return;
  }
  llvm::BasicBlock* skip = block(function_, "skip" + llvm::Twine(x));
  b.CreateCondBr(anyLane(waitingAt(x)), bodies_[x], skip);
  b.SetInsertPoint(skip);
  if (!masks_) setWaiting(x, noLanes());  // as is known here: no mask goes on to another round
  PendingSet rest = linear_->pending(x);
  rest.erase(x);
  go(x, rest, noBlock, nullptr);
}

void FunctionEmitter::emitBlock(BlockId x) {
  b.SetInsertPoint(bodies_[x]);
  enter(x);
  mayBeEmpty_ = linear_->runsEmpty(x);
  // Where no lane can be elsewhere, none can be missing.
  mask_ = atOnce() && !a_.shapes.partial[x] && !k_.lanesExit ? liveAtEntry_ : waitingAt(x);
  if (linear_->meetsFrom(x) == noBlock) setWaiting(x, noLanes());
  if (BlockId meeting = linear_->meetingOf(x); meeting != noBlock) setWaiting(meeting, mask_);
  const analysis::Block& blk = flat_.blocks[x];
  if (k_.free && region_ && blk.first < blk.last && analysis::isWarpSync(flat_.instructions[blk.first]))
    warpSyncWait(x, flat_.instructions[blk.first]);
  emitBodies(x);
  if (!k_.failed) emitTerminator(x);
}

Value* FunctionEmitter::conditionOf(const analysis::Block& blk, bool& uniform) {
  ptx::Operand o;
  o.kind = ptx::Operand::Kind::Register;
  o.reg = blk.condition;
  o.negated = blk.negated;
  uniform = a_.shapes.registers[blk.condition].isUniform();
  return read(o, ptx::Type::Pred, !uniform);
}

void FunctionEmitter::emitTerminator(BlockId x) {
  const analysis::Block& blk = flat_.blocks[x];
  if (subprogram_) b.SetCurrentDebugLocation(llvm::DILocation::get(k_.context(), blk.line, 0, subprogram_));
  PendingSet waiting = linear_->pending(x);
  waiting.erase(x);
  auto leave = [&](Value* lanes) {
    if (exited_) b.CreateStore(b.CreateOr(b.CreateLoad(exited_->getAllocatedType(), exited_), lanes), exited_);
  };
  // All active lanes go to `s`.
  auto jump = [&](BlockId s) {
    if (blk.suspendsTo(s)) {
      emitSuspend(x, s, mask_);
    } else if (analysis::onlyExits(flat_, s)) {
      leave(mask_);
      go(x, waiting, noBlock, nullptr);
    } else if (mayBeEmpty_) {
      addWaiting(s, mask_);
      waiting.insert(s);
      go(x, waiting, noBlock, nullptr);
    } else {
      PendingSet w = waiting;
      w.insert(s);
      go(x, w, s, mask_);
    }
  };
  // Some lanes go to `s`; where control goes on is decided once all sides are known.
  auto part = [&](BlockId s, Value* lanes) {
    if (blk.suspendsTo(s)) {
      parkFree(x, s, lanes);
    } else if (analysis::onlyExits(flat_, s)) {
      leave(lanes);
    } else {
      addWaiting(s, lanes);
      waiting.insert(s);
    }
  };
  switch (blk.terminator) {
    case Terminator::Exit:
      leave(mask_);
      return go(x, waiting, noBlock, nullptr);
    case Terminator::Suspend:
      return emitSuspend(x, blk.successors[0], mask_);
    case Terminator::Jump: return jump(blk.successors[0]);
    case Terminator::Branch: {
      bool uniform;
      Value* condition = conditionOf(blk, uniform);
      if (blk.successors[0] == blk.successors[1]) return jump(blk.successors[0]);
      if (uniform) {
        llvm::BasicBlock* yes = block(function_, "yes");
        llvm::BasicBlock* no = block(function_, "no");
        b.CreateCondBr(b.CreateFreeze(condition), yes, no);
        b.SetInsertPoint(yes);
        jump(blk.successors[0]);
        b.SetInsertPoint(no);
        jump(blk.successors[1]);
        return;
      }
      part(blk.successors[0], logicalAnd(mask_, condition));
      part(blk.successors[1], logicalAnd(mask_, b.CreateNot(condition)));
      return go(x, waiting, noBlock, nullptr);
    }
    case Terminator::Switch: {
      ptx::Operand o;
      o.kind = ptx::Operand::Kind::Register;
      o.reg = blk.condition;
      bool uniform = a_.shapes.registers[blk.condition].isUniform();
      Value* index = read(o, ptx::Type::U32, !uniform);
      if (uniform) {
        std::vector<llvm::BasicBlock*> cases;
        for (size_t i = 0; i < blk.successors.size(); ++i) cases.push_back(block(function_, "case"));
        llvm::SwitchInst* sw = b.CreateSwitch(b.CreateFreeze(index), cases[0], unsigned(cases.size()));
        for (size_t i = 1; i < cases.size(); ++i) sw->addCase(b.getInt32(uint32_t(i)), cases[i]);
        for (size_t i = 0; i < cases.size(); ++i) {
          b.SetInsertPoint(cases[i]);
          jump(blk.successors[i]);
        }
        return;
      }
      Value* rest = mask_;
      for (size_t i = 1; i < blk.successors.size(); ++i) {
        Value* here = logicalAnd(mask_, b.CreateICmpEQ(index, splat(i32(uint32_t(i)))));
        rest = b.CreateAnd(rest, b.CreateNot(here));
        part(blk.successors[i], here);
      }
      part(blk.successors[0], rest);
      return go(x, waiting, noBlock, nullptr);
    }
  }
}

// --- suspension --------------------------------------------------------------------------------------------------------------

void FunctionEmitter::emitSuspend(BlockId x, BlockId resume, Value* lanes) {
  const analysis::Block& blk = flat_.blocks[x];
  if (k_.free) {
    parkFree(x, resume, lanes);
    PendingSet waiting = linear_->pending(x);
    waiting.erase(x);
    return go(x, waiting, noBlock, nullptr);
  }
  if (!region_)
    return k_.fail(ErrorKind::Unsupported, {blk.line, 1}, std::string(blk.terminator == Terminator::Suspend ? "a barrier" : "a loop that waits for other threads") +
                                                                         " inside a recursive or indirectly called function is not supported");
  auto store = [&](size_t offset, Value* v) { b.CreateStore(v, b.CreateConstGEP1_64(b.getInt8Ty(), state_, offset)); };
  uint32_t next = k_.regionOf[resume];
  if (blk.terminator == Terminator::Suspend) describeBarrier(flat_.instructions[blk.last - 1]);
  else store(offsetof(abi::WarpState, suspend), i32(uint32_t(abi::Suspend::Yield)));
  if (!atOnce()) storeFrame(a_.webs.liveIn[resume], regionId_ ? &modified_ : nullptr);
  // Where all warps arrive, nobody looks at what each of them wants.
  if (!k_.together.entered[next]) {
    store(offsetof(abi::WarpState, pc), i32(next));
    if (k_.lanesExit) store(offsetof(abi::WarpState, live), maskBits(lanes));
  }
  endWarp(i32(next));
}

// Free plans: `lanes` stay at `resume` until this warp is run again (after a barrier: until it completes).
void FunctionEmitter::parkFree(BlockId x, BlockId resume, Value* lanes) {
  const analysis::Block& blk = flat_.blocks[x];
  uint32_t point = k_.regionOf[resume];
  Value* pcs = b.CreateLoad(lanePc_->getAllocatedType(), lanePc_);
  b.CreateStore(b.CreateSelect(lanes, splat(i32(point)), pcs), lanePc_);
  if (blk.terminator == Terminator::Suspend) {
    Value* before = mask_;
    mask_ = lanes;
    describeBarrier(flat_.instructions[blk.last - 1]);
    mask_ = before;
  } else {
    Value* at = b.CreateConstGEP1_64(b.getInt8Ty(), state_, offsetof(abi::WarpState, suspend));
    Value* old = b.CreateLoad(b.getInt32Ty(), at);
    b.CreateStore(b.CreateSelect(anyLane(lanes), i32(uint32_t(abi::Suspend::Yield)), old), at);
  }
}

// A warp-synchronous instruction of a free plan waits until the lanes of its member mask are all here.
void FunctionEmitter::warpSyncWait(BlockId x, const Inst& inst) {
  unsigned slot = 0;
  for (unsigned i = 0; i < inst.operands.size(); ++i)
    if (ptx::slotRole(inst, i) == ptx::SlotRole::Source && !inst.operands[i].isNone()) slot = i;
  bool everyone = ptx::formInfo(inst.form).needs == ptx::Need::Matrix;
  Value* members = everyone ? splat(i32(~0u)) : read(inst.operands[slot], ptx::Type::B32, true);
  Value* live = b.CreateAnd(liveAtEntry_, b.CreateNot(b.CreateLoad(exited_->getAllocatedType(), exited_)));
  Value* needed = b.CreateAnd(members, splat(maskBits(live)));
  Value* missing = b.CreateICmpNE(b.CreateAnd(needed, splat(b.CreateNot(maskBits(mask_)))), llvm::Constant::getNullValue(needed->getType()));
  Value* waits = logicalAnd(mask_, missing);
  Value* pcs = b.CreateLoad(lanePc_->getAllocatedType(), lanePc_);
  b.CreateStore(b.CreateSelect(waits, splat(i32(k_.regionOf[x])), pcs), lanePc_);
  mask_ = b.CreateAnd(mask_, b.CreateNot(waits));
  Value* yields = b.CreateConstGEP1_64(b.getInt8Ty(), state_, offsetof(abi::WarpState, suspend));
  b.CreateStore(b.CreateSelect(anyLane(waits), i32(uint32_t(abi::Suspend::Yield)), b.CreateLoad(b.getInt32Ty(), yields)), yields);
  llvm::BasicBlock* together = block(function_, "together");
  llvm::BasicBlock* apart = block(function_, "apart");
  b.CreateCondBr(anyLane(mask_), together, apart);
  b.SetInsertPoint(apart);
  PendingSet waiting = linear_->pending(x);
  waiting.erase(x);
  // Only earlier blocks may be waited for: whatever is left in order, then the end of this turn.
  go(x, waiting, noBlock, nullptr);
  b.SetInsertPoint(together);
}

// The result of barrier.red is there when its lanes go on.
void FunctionEmitter::resumeBarrier(uint32_t region) {
  const Inst* inst = k_.suspendedAt[region];
  if (!inst || ptx::slotRole(*inst, 0) != ptx::SlotRole::Dest) return;
  BlockId at = k_.suspensions.resumePoints[region];
  enter(at);
  mask_ = k_.free ? waitingAt(at) : liveAtEntry_;
  Value* id = b.CreateZExt(barrierNumber(inst->operands[1]), b.getInt64Ty());
  Value* at8 = b.CreateGEP(b.getInt32Ty(), b.CreateConstGEP1_64(b.getInt8Ty(), ctx_, offsetof(abi::BlockContext, barrierResult)), id);
  Value* result = b.CreateLoad(b.getInt32Ty(), at8);
  ptx::Type type = ptx::slotType(*inst, 0);
  if (type == ptx::Type::Pred) result = b.CreateICmpNE(result, i32(0));
  write(inst->operands[0], type, result);
}

// Ends the turn of this warp: `next` is the region it wants, nullptr when nothing waits any more.
void FunctionEmitter::endWarp(Value* next) {
  auto store = [&](size_t offset, Value* v) { b.CreateStore(v, b.CreateConstGEP1_64(b.getInt8Ty(), state_, offset)); };
  if (!next && k_.free) {
    Value* live = b.CreateAnd(liveAtEntry_, b.CreateNot(b.CreateLoad(exited_->getAllocatedType(), exited_)));
    store(offsetof(abi::WarpState, live), maskBits(live));
    b.CreateAlignedStore(b.CreateLoad(lanePc_->getAllocatedType(), lanePc_),
                         b.CreateConstGEP1_64(b.getInt8Ty(), state_, offsetof(abi::WarpState, lanePc)), llvm::Align(4));
    next = b.CreateSelect(anyLane(live), i32(abi::regionMixed), i32(abi::regionExited));
  } else if (!next) {
    if (!k_.together.agreed[regionId_]) {
      store(offsetof(abi::WarpState, pc), i32(abi::regionExited));
      store(offsetof(abi::WarpState, live), i32(0));
    }
    next = i32(abi::regionExited);
  }
  warpNext_->addIncoming(next, b.GetInsertBlock());
  b.CreateBr(warpEnd_);
}

// --- frames ------------------------------------------------------------------------------------------------------------------

// What is not in the frame: computed once more, from what never changes in a thread.
void FunctionEmitter::remake(ptx::RegId r, std::vector<uint8_t>& made) {
  if (made[r] || k_.remade[r] == ~0u) return;
  made[r] = 1;
  Inst& inst = flat_.instructions[k_.remade[r]];
  analysis::forEachUse(inst, flat_.registers, [&](ptx::RegId& used) { remake(used, made); });
  emitInstruction(inst);
}

void FunctionEmitter::loadFrame(const std::vector<ptx::RegId>& registers, uint32_t region) {
  if (!k_.remade.empty()) {
    std::vector<uint8_t> made(flat_.registers.size());
    mask_ = liveAtEntry_;
    for (ptx::RegId r : registers) remake(r, made);
  }
  const Inst* barrier = k_.suspendedAt[region];
  for (ptx::RegId r : registers) {
    uint32_t offset = k_.frame[r].offset;
    if (offset == ~0u) continue;
    if (barrier && ptx::slotRole(*barrier, 0) == ptx::SlotRole::Dest && barrier->operands[0].reg == r) continue;
    Slot& s = slot(r);
    auto load = [&](Value* to, llvm::Type* t, uint32_t at) {
      bool lanes = t->isVectorTy();
      Value* p = b.CreateConstGEP1_64(b.getInt8Ty(), frame_, at);
      if (lanes && t->getScalarType()->isIntegerTy(1))
        b.CreateStore(maskFromBits(b.CreateAlignedLoad(b.getInt32Ty(), p, llvm::Align(4))), to);
      else if (t->isIntegerTy(1))
        b.CreateStore(b.CreateTrunc(b.CreateAlignedLoad(b.getInt8Ty(), p, llvm::Align(1)), b.getInt1Ty()), to);
      else
        b.CreateStore(b.CreateAlignedLoad(t, p, llvm::Align(lanes ? 32 : 4)), to);
    };
    load(s.value, s.type, offset);
    if (s.low) load(s.low, s.lowType, offset + 64);
  }
}

void FunctionEmitter::storeFrame(const std::vector<ptx::RegId>& registers, const std::vector<uint8_t>* modified) {
  for (ptx::RegId r : registers) {
    uint32_t offset = k_.frame[r].offset;
    if (offset == ~0u) continue;
    bool inFrame = modified && !(*modified)[r] && liveAtRegionEntry(r);
    if (inFrame) continue;
    Slot& s = slot(r);
    auto store = [&](Value* from, llvm::Type* t, uint32_t at) {
      bool lanes = t->isVectorTy();
      Value* v = b.CreateLoad(t, from);
      Value* p = b.CreateConstGEP1_64(b.getInt8Ty(), frame_, at);
      if (lanes && t->getScalarType()->isIntegerTy(1)) b.CreateAlignedStore(maskBits(v), p, llvm::Align(4));
      else if (t->isIntegerTy(1)) b.CreateAlignedStore(b.CreateZExt(v, b.getInt8Ty()), p, llvm::Align(1));
      else b.CreateAlignedStore(v, p, llvm::Align(lanes ? 32 : 4));
    };
    store(s.value, s.type, offset);
    if (s.low) store(s.low, s.lowType, offset + 64);
  }
}

}  // namespace anywarp::codegen
