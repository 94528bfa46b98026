// The order of work on a kernel: flatten, rename, find shapes, choose width and mode, lay out frames, emit regions.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/kernel_compiler.h"

#include <algorithm>
#include <optional>

#include "compiler/analysis/early_reads.h"
#include "compiler/analysis/likely.h"
#include "compiler/analysis/local_tables.h"
#include "compiler/analysis/lone_waits.h"
#include "compiler/analysis/one_lane.h"
#include "compiler/analysis/operands.h"
#include "compiler/analysis/parallelism.h"
#include "compiler/analysis/remade.h"
#include "compiler/analysis/repeated_rows.h"
#include "compiler/analysis/turns.h"
#include "compiler/codegen/block_at_once.h"
#include "compiler/codegen/emitter.h"
#include "compiler/codegen/inner_blocks.h"
#include "compiler/codegen/matrix_tiles.h"
#include "support/options.h"

namespace anywarp::codegen {

using analysis::BlockId;
using analysis::Flat;
using analysis::Inst;
using analysis::Terminator;
using analysis::Through;

namespace {

uint32_t alignUp(uint32_t v, uint32_t a) { return (v + a - 1) / a * a; }

// Instructions that tie the 32 lanes of a warp together.
bool needsWholeWarp(const Flat& flat) {
  for (const Inst& inst : flat.instructions) {
    if (inst.form == ptx::Form::Unknown) continue;
    ptx::Need need = ptx::formInfo(inst.form).needs;
    if (need == ptx::Need::Warp || need == ptx::Need::Matrix || need == ptx::Need::Cluster || need == ptx::Need::Tensor) return true;
  }
  return false;
}

// Whether code for ex2, sin and the like would be made so often that it is worth a call each time.
bool hasManyApproximations(const analysis::FlatProgram& program) {
  constexpr size_t many = 64;
  static constexpr std::string_view functions[] = {"ex2", "lg2", "sin", "cos", "tanh"};
  size_t count = 0;
  auto add = [&](const Flat& flat) {
    for (const Inst& inst : flat.instructions)
      count += inst.pseudo == analysis::Pseudo::None && inst.form != ptx::Form::Unknown &&
               std::find(std::begin(functions), std::end(functions), std::string_view(ptx::formInfo(inst.form).function)) != std::end(functions);
  };
  add(program.kernel);
  for (const auto& [f, flat] : program.functions) add(flat);
  return count > many && !options::isPassOff("call-approximations");
}

// Code that is made twice takes longer to make. Where masks cost little, there is less to gain.
bool mayHaveInnerBlocks(const compiler::CompileRequest& request, const llvm::Module& module, const analysis::FlatProgram& program) {
  constexpr size_t most = 200;  // instructions
  return program.kernel.instructions.size() <= most && !request.options.debugInfo && !options::isPassOff("inner-blocks") &&
         !HostTarget::parse(module.getTargetTriple(), request.options.features).avx512f;
}

class KernelCompiler {
 public:
  KernelCompiler(const compiler::CompileRequest& request, llvm::Module& module, analysis::FlatProgram& program,
                 const std::function<void(llvm::Function&)>& setAttributes)
      : k_{.module = module, .ptx = *request.module, .program = program, .options = request.options, .setAttributes = setAttributes}, request_(request) {}

  // What is to be known before code is made.
  Status prepare() {
    // Address 0 is an address like any other: it faults when it is used, not before.
    k_.setAttributes = [inner = k_.setAttributes](llvm::Function& f) {
      inner(f);
      f.addFnAttr(llvm::Attribute::NullPointerIsValid);
    };
    k_.host = HostTarget::parse(k_.module.getTargetTriple(), k_.options.features);
    rowsRepeat_ = analysis::rowsRepeat(k_.program, k_.options.block);
    k_.threads = rowsRepeat_ ? k_.options.block.x : k_.options.block.x * k_.options.block.y * k_.options.block.z;
    k_.params = analysis::paramLayout(request_.module->functions[request_.function]);
    chooseWidth();
    k_.callsApproximations = hasManyApproximations(k_.program);
    if (Status s = analyzeKernel(); !s) return s;
    for (auto& [f, flat] : k_.program.functions)
      if (Status s = analyze(k_.analyzed[f], flat); !s) return s;
    if (!k_.free) findTileHomes(kernel_, k_.host);
    atOnce_ = turnsAt_.empty() && runsAtOnce(k_, kernel_);
    if (atOnce_) k_.frame.assign(k_.program.kernel.registers.size(), {});
    else findRemade(), layOutFrames();
    k_.localBytes = k_.program.kernel.localBytes;
    return {};
  }

  Status run(const std::optional<analysis::FlatProgram>& asWritten, compiler::CompiledObject& object) {
    if (Status s = prepare(); !s) return s;
    startDebugInfo();
    declareFunctions();
    emit(asWritten, object);
    if (k_.failed) return k_.error;
    lowerTiles(k_.module);
    if (k_.debug) k_.debug->finalize();
    describe(object);
    return {};
  }

  const KernelState& state() const { return k_; }

 private:
  void setWidth(uint32_t width) {
    k_.width = width;
    k_.fullWarps = k_.threads % width == 0;
    k_.launch = {k_.options.block, width, k_.options.smallGrid, !options::isPassOff("invariants"), false};
  }

  void chooseWidth() {
    bool whole = needsWholeWarp(k_.program.kernel);
    for (auto& [f, flat] : k_.program.functions) whole |= needsWholeWarp(flat);
    uint32_t width = k_.options.width;
    if (width != 8 && width != 16 && width != 32) {
      width = 16;
      uint32_t bx = k_.options.block.x;
      // Rows of a block shorter than a warp: a width that divides them keeps thread indices affine.
      if (k_.threads != bx && bx % 16 && bx % 8 == 0) width = 8;
      mayChoose_ = !whole && width == 16;
      mayWiden_ = mayChoose_ && k_.threads >= 32 && (k_.threads == bx || bx % 32 == 0);
    }
    setWidth(whole ? 32 : width);
  }

  // Kernels that keep few values per lane gain from more lanes: longer runs of memory, more independent work. Others would spill.
  void fitWidth() {
    const bool mayNarrow = mayChoose_ && k_.host.avx2 && !k_.host.avx512f;
    if (!mayWiden_ && !mayNarrow) return;
    setWidth(mayWiden_ ? 32 : 16);
    finish(kernel_);
    uint32_t room = k_.host.avx512f ? 8 : 3;  // 32-bit values per lane that fit the host's registers beside temporaries
    const uint32_t held = pressure();
    if (mayWiden_ && (held <= room || isChain(held))) return;
    setWidth(mayNarrow && holdsMany(held) ? 8 : 16);
  }

  // Values that fit the host's registers, or nearly, by one vector each, and not by two.
  bool holdsMany(uint32_t held) const {
    constexpr uint32_t least = 16, most = 64;
    return held > least && held <= most && !options::isPassOff("fewer-lanes");
  }

  // A long chain of operations leaves most of the host idle, and more lanes are more chains: where the values are more than the host's
  // registers anyway, as they are with half the lanes.
  bool isChain(uint32_t held) const {
    const uint32_t hostRegisters = k_.host.avx512f ? 32 : 16;
    constexpr double fewAtOnce = 4;  // hosts keep eight under way
    if (!k_.host.avx2 || held <= hostRegisters || options::isPassOff("chains-widen")) return false;
    const double atOnce = analysis::parallelism(k_.program.kernel, kernel_.order);
    return atOnce > 0 && atOnce < fewAtOnce;
  }

  // The most 32-bit lane values that live at the entry of a block.
  uint32_t pressure() const {
    using Kind = Shape::Kind;
    uint32_t most = 0;
    for (BlockId x : kernel_.order.blocks) {
      uint32_t here = 0;
      for (ptx::RegId r : kernel_.webs.liveIn[x]) {
        Kind kind = kernel_.shapes.registers[r].kind;
        if (kind == Kind::ExtendedVarying) ++here;
        if (kind == Kind::Varying) here += (ptx::bits(k_.program.kernel.registers[r].type) + 31) / 32;
      }
      most = std::max(most, here);
    }
    return most;
  }

  Status analyze(Analyzed& a, Flat& flat) {
    a.flat = &flat;
    analysis::findSuspensions(flat);
    if (Status s = rename(a); !s) return s;
    finish(a);
    return {};
  }

  // A list of what is live at the entry of each block is memory that a hostile kernel may want gigabytes of.
  Status rename(Analyzed& a) {
    constexpr uint64_t mostLiveValues = 64 << 20;
    analysis::WorkLimit limit(mostLiveValues);
    a.webs = analysis::renameWebs(*a.flat, &limit);
    if (!limit.isPassed()) return {};
    return Error{ErrorKind::Limit, request_.module->functions[a.flat->function].name + ": more than " + std::to_string(mostLiveValues) +
                                       " values live at the entries of its blocks"};
  }

  void finish(Analyzed& a) {
    Flat& flat = *a.flat;
    a.order = analysis::orderBlocks(flat, {0}, Through::Suspensions);
    a.shapes = analysis::findShapes(flat, a.webs, a.order, k_.launch);
    a.nans = k_.options.hostNans ? std::vector(flat.registers.size(), NanKind::None) : findHostNans(flat, k_.host);
    if (!options::isPassOff("likely-strides")) a.likely = analysis::findLikelyStrides(flat, a.webs, a.shapes, k_.launch);
    a.oneLane.clear();
    if (!k_.launch.free && !options::isPassOff("one-lane")) a.oneLane = analysis::findOneLaneBlocks(flat, a.webs, a.order, a.shapes);
    a.uses.assign(flat.registers.size(), 0);
    for (Inst& inst : flat.instructions)
      analysis::forEachUse(inst, flat.registers, [&](ptx::RegId& r) { ++a.uses[r]; });
    for (const analysis::Block& block : flat.blocks)
      if (block.condition != ptx::noReg) ++a.uses[block.condition];
    findLocal(a);
  }

  // Whether the code of an instruction may write its results inside a branch: effects under a guard, calls, services.
  static bool writesAside(const Inst& inst) {
    if (inst.pseudo != analysis::Pseudo::None) return false;
    if (inst.form == ptx::Form::Unknown) return true;
    switch (ptx::formInfo(inst.form).needs) {
      case ptx::Need::None: return false;
      case ptx::Need::Memory: case ptx::Need::Special: case ptx::Need::Warp: return inst.guard != ptx::noReg;
      default: return true;
    }
  }

  // Registers that need no place in memory until LLVM finds their values.
  static void findLocal(Analyzed& a) {
    Flat& flat = *a.flat;
    constexpr BlockId several = analysis::noBlock - 1;
    std::vector<BlockId> seenIn(flat.registers.size(), analysis::noBlock);
    auto see = [&](ptx::RegId r, BlockId x) { seenIn[r] = seenIn[r] == analysis::noBlock || seenIn[r] == x ? x : several; };
    for (auto* pieces : {&flat.params, &flat.returns})
      for (auto& list : *pieces)
        for (const analysis::Piece& p : list) see(p.reg, several);
    for (BlockId x = 0; x < flat.blocks.size(); ++x) {
      const analysis::Block& block = flat.blocks[x];
      if (block.condition != ptx::noReg) see(block.condition, x);
      for (ptx::RegId r : a.webs.liveIn[x]) see(r, several);
      for (uint32_t i = block.first; i < block.last; ++i) {
        Inst& inst = flat.instructions[i];
        bool aside = writesAside(inst);
        analysis::forEachUse(inst, flat.registers, [&](ptx::RegId& r) { see(r, x); });
        analysis::forEachDef(inst, [&](ptx::RegId& r) { see(r, aside ? several : x); });
      }
    }
    a.local.assign(flat.registers.size(), 0);
    for (ptx::RegId r = 0; r < flat.registers.size(); ++r) a.local[r] = seenIn[r] != several;
  }

  Status analyzeKernel() {
    Flat& flat = k_.program.kernel;
    kernel_.flat = &flat;
    k_.suspensions = analysis::findSuspensions(flat);
    if (Status s = rename(kernel_); !s) return s;
    fitWidth();
    finish(kernel_);
    if (k_.threads > k_.width && analysis::cutBehindEarlyReads(flat, kernel_.shapes.partial)) {
      k_.suspensions = analysis::findSuspensions(flat);
      if (Status s = rename(kernel_); !s) return s;
      finish(kernel_);
    }
    k_.free = !runsInLockstep() && !waitsInLockstep();
    if (k_.free) {
      analysis::splitAtWarpSync(flat);
      k_.suspensions = analysis::findSuspensions(flat);
      for (BlockId x = 0; x < flat.blocks.size(); ++x) {
        const analysis::Block& block = flat.blocks[x];
        auto& points = k_.suspensions.resumePoints;
        if (block.first < block.last && analysis::isWarpSync(flat.instructions[block.first]) &&
            std::find(points.begin(), points.end(), x) == points.end())
          points.push_back(x);
      }
      if (Status s = rename(kernel_); !s) return s;
      k_.launch.free = true;
      finish(kernel_);
    }
    if (!k_.free) interleave();
    if (!k_.free && !options::isPassOff("turns-at-barriers")) {
      for (BlockId x : analysis::findTurnsAtBarriers(flat, kernel_.webs, kernel_.order, kernel_.shapes, k_.width)) turnsAt_.push_back(x);
    }
    const auto& points = k_.suspensions.resumePoints;
    k_.regionOf.assign(flat.blocks.size(), ~0u);
    for (uint32_t r = 0; r < points.size(); ++r) k_.regionOf[points[r]] = r;
    k_.suspendedAt.assign(points.size(), nullptr);
    for (const analysis::Block& block : flat.blocks)
      if (block.terminator == Terminator::Suspend && k_.regionOf[block.successors[0]] != ~0u)
        k_.suspendedAt[k_.regionOf[block.successors[0]]] = &flat.instructions[block.last - 1];
    k_.lanesExit = lanesExit();
    k_.localAlike = !k_.free && k_.program.functions.empty() && !options::isPassOff("local-tables") &&
                    analysis::localMemoryIsAlike(flat, kernel_.order, kernel_.shapes);
    k_.localByLanes = !k_.localAlike && k_.program.functions.empty() && !k_.options.debugInfo && !options::isPassOff("local-by-lanes") &&
                      analysis::localMemoryIsPrivate(flat, kernel_.order);
    k_.together = {std::vector<uint8_t>(points.size()), std::vector<uint8_t>(points.size())};
    if (!k_.free && k_.interleaved.empty() && !k_.suspensions.spins && !options::isPassOff("regions-together"))
      k_.together = analysis::findTogether(flat, kernel_.webs, kernel_.order, k_.suspensions, k_.launch, k_.threads);
    return {};
  }

  // Loops whose warps take turns: their headers become resume points.
  void interleave() {
    if (options::isPassOff("interleave") || k_.threads <= k_.width || !k_.interleaved.empty()) return;
    Flat& flat = k_.program.kernel;
    auto& points = k_.suspensions.resumePoints;
    auto loops = analysis::findInterleaved(flat, kernel_.webs, kernel_.order, kernel_.shapes, k_.width);
    std::erase_if(loops, [&](const analysis::Interleaved& l) { return std::find(points.begin(), points.end(), l.header) != points.end(); });
    if (loops.empty()) return;
    analysis::findPending(flat, kernel_.shapes, points, loops);
    for (const analysis::Interleaved& loop : loops) {
      const std::vector<BlockId> roots = analysis::turnRoots(loop);
      analysis::Order order = analysis::orderTurn(flat, loop);
      if (!analysis::Linear(flat, order, kernel_.shapes, {roots.begin(), roots.end()}, false).suspendsWhilePending().empty()) return;
    }
    addTurns(std::move(loops));
  }

  // Loops in which some lanes of a warp wait, and the others wait for these.
  bool waitsInLockstep() {
    if (!k_.suspensions.spins || options::isPassOff("lone-waits")) return false;
    auto loops = analysis::findLoneWaits(k_.program.kernel, kernel_.shapes, k_.suspensions);
    const bool found = !loops.empty();
    addTurns(std::move(loops));
    return found;
  }

  // The headers of loops that take turns become resume points.
  void addTurns(std::vector<analysis::Interleaved> loops) {
    auto& points = k_.suspensions.resumePoints;
    for (analysis::Interleaved& loop : loops) {
      InterleavedLoop& l = k_.interleaved.emplace_back();
      l.region = uint32_t(points.size());
      points.push_back(loop.header);
      l.roots = analysis::turnRoots(loop);
      for (BlockId x : l.roots) l.live.insert(l.live.end(), kernel_.webs.liveIn[x].begin(), kernel_.webs.liveIn[x].end());
      std::sort(l.live.begin(), l.live.end());
      l.live.erase(std::unique(l.live.begin(), l.live.end()), l.live.end());
      l.loop = std::move(loop);
    }
  }

  // No region has lanes elsewhere when it reaches a barrier.
  bool runsInLockstep() {
    Flat& flat = k_.program.kernel;
    for (BlockId root : k_.suspensions.resumePoints) {
      analysis::Order order = analysis::orderBlocks(flat, {root}, Through::UntilSuspensions);
      if (!analysis::Linear(flat, order, kernel_.shapes, {root}, false).suspendsWhilePending().empty()) return false;
    }
    return true;
  }

  // Some lanes of a warp may be gone while others go on.
  bool lanesExit() const {
    const Flat& flat = k_.program.kernel;
    for (BlockId x : kernel_.order.blocks) {
      const analysis::Block& block = flat.blocks[x];
      if (block.terminator == Terminator::Exit && kernel_.shapes.partial[x]) return true;
      // Where some of a warp's lanes are, a branch that these take alike parts them from the others too.
      if (!kernel_.shapes.divergent[x] && !kernel_.shapes.partial[x]) continue;
      for (BlockId s : block.successors)
        if (analysis::onlyExits(flat, s)) return true;
    }
    return false;
  }

  void findRemade() {
    if (!k_.free && !options::isPassOff("remade")) k_.remade = analysis::findRemade(k_.program.kernel, kernel_.webs, kernel_.shapes);
  }

  void layOutFrames() {
    const Flat& flat = k_.program.kernel;
    k_.frame.assign(flat.registers.size(), {});
    const auto& points = k_.suspensions.resumePoints;
    std::vector<ptx::RegId> live;
    for (uint32_t r = k_.free ? 0 : 1; r < points.size(); ++r)
      live.insert(live.end(), kernel_.webs.liveIn[points[r]].begin(), kernel_.webs.liveIn[points[r]].end());
    for (const InterleavedLoop& l : k_.interleaved) live.insert(live.end(), l.live.begin(), l.live.end());
    std::sort(live.begin(), live.end());
    live.erase(std::unique(live.begin(), live.end()), live.end());
    if (!k_.remade.empty()) std::erase_if(live, [&](ptx::RegId r) { return k_.remade[r] != ~0u; });
    auto bytesOf = [&](ptx::RegId r) { return std::max(4u, ptx::bits(flat.registers[r].type) / 8); };
    // Lanes first, on cache lines of their own; then scalars, packed.
    for (ptx::RegId r : live) {
      using Kind = Shape::Kind;
      Kind kind = kernel_.shapes.registers[r].kind;
      if (kind == Kind::Uniform || kind == Kind::Affine) continue;
      if (inTile(r)) continue;
      uint32_t bytes = 64;  // Extended*: the scalar part, then the 32-bit part
      bool predicate = flat.registers[r].type == ptx::Type::Pred;
      if (kind == Kind::Varying) bytes = predicate ? 4 : alignUp(bytesOf(r) * k_.width, 64);
      if (kind == Kind::ExtendedVarying) bytes = 64 + alignUp(4 * k_.width, 64);
      if (kind == Kind::Extended) bytes = 128;
      k_.frameBytes = alignUp(k_.frameBytes, bytes >= 64 ? 64 : 4);
      k_.frame[r].offset = k_.frameBytes;
      k_.frameBytes += bytes;
    }
    for (InterleavedLoop& l : k_.interleaved) {
      if (l.roots.size() == 1) continue;
      l.masks = k_.frameBytes = alignUp(k_.frameBytes, 4);
      k_.frameBytes += 4 * uint32_t(l.roots.size());
    }
    for (ptx::RegId r : live) {
      if (k_.frame[r].offset != ~0u || inTile(r)) continue;
      uint32_t bytes = std::min(16u, bytesOf(r));
      k_.frameBytes = alignUp(k_.frameBytes, bytes);
      k_.frame[r].offset = k_.frameBytes;
      k_.frameBytes += bytesOf(r);
    }
    k_.frameBytes = alignUp(k_.frameBytes, 64);
    if (kernel_.tileHomes && (points.size() > 1 || !k_.interleaved.empty())) {
      k_.tilesOffset = k_.frameBytes;
      k_.frameBytes += kernel_.tileHomes * tileHomeBytes;
    }
  }

  bool inTile(ptx::RegId r) const { return !kernel_.tiles.empty() && kernel_.tiles[r].home != ~0u; }

  void startDebugInfo() {
    k_.module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
    k_.module.addModuleFlag(llvm::Module::Warning, "Dwarf Version", 4);
    debug_ = std::make_unique<llvm::DIBuilder>(k_.module);
    k_.debug = debug_.get();
    k_.file = debug_->createFile(k_.ptx.name.empty() ? "kernel.ptx" : k_.ptx.name, ".");
    auto emission = k_.options.debugInfo ? llvm::DICompileUnit::FullDebug : llvm::DICompileUnit::LineTablesOnly;
    k_.unit = debug_->createCompileUnit(llvm::dwarf::DW_LANG_C, k_.file, "anywarp", true, "", 0, "", emission);
  }

  void declareFunctions() {
    auto& c = k_.context();
    llvm::Type* ptr = llvm::PointerType::getUnqual(c);
    llvm::Type* i32 = llvm::Type::getInt32Ty(c);
    llvm::Type* i64 = llvm::Type::getInt64Ty(c);
    auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(c), {ptr, i32, i32, i64, ptr, ptr}, false);
    for (auto& [f, flat] : k_.program.functions) {
      auto* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, k_.ptx.functions[f].name, k_.module);
      k_.setAttributes(*function);
      k_.functions[f] = function;
    }
  }

  void emit(const std::optional<analysis::FlatProgram>& asWritten, compiler::CompiledObject& object) {
    for (auto& [f, flat] : k_.program.functions) {
      FunctionEmitter(k_, k_.analyzed.at(f), *k_.functions[f]).emitFunction();
      if (k_.failed) return;
    }
    std::vector<llvm::Function*> regions;
    emitRegions("", regions);
    if (k_.failed) return;
    emitEntry(asWritten, regions, object);
  }

  void emitRegions(const std::string& kind, std::vector<llvm::Function*>& regions) {
    auto& c = k_.context();
    auto* i32 = llvm::Type::getInt32Ty(c);
    const std::string name = k_.ptx.functions[request_.function].name + kind;
    auto* regionType = llvm::FunctionType::get(i32, {llvm::PointerType::getUnqual(c), i32, i32}, false);
    size_t count = k_.free || atOnce_ ? 1 : k_.suspensions.resumePoints.size();
    for (uint32_t r = 0; r < count && !k_.failed; ++r) {
      const std::string part = atOnce_ ? ".block" : ".region" + std::to_string(r);
      auto* function = llvm::Function::Create(regionType, llvm::GlobalValue::InternalLinkage, name + part, k_.module);
      k_.setAttributes(*function);
      regions.push_back(function);
      if (atOnce_) FunctionEmitter::emitBlockAtOnce(k_, kernel_, *function);
      else FunctionEmitter(k_, kernel_, *function).emitRegion(r);
    }
  }

  // The entry: region id -> region.
  void emitEntry(const std::optional<analysis::FlatProgram>& asWritten, const std::vector<llvm::Function*>& regions, compiler::CompiledObject& object) {
    auto& c = k_.context();
    llvm::Type* ptr = llvm::PointerType::getUnqual(c);
    llvm::Type* i32 = llvm::Type::getInt32Ty(c);
    object.entrySymbol = k_.ptx.functions[request_.function].name;
    auto* entryType = llvm::FunctionType::get(i32, {ptr, i32, i32, i32}, false);
    auto* entry = llvm::Function::Create(entryType, llvm::GlobalValue::ExternalLinkage, object.entrySymbol, k_.module);
    k_.setAttributes(*entry);
    llvm::IRBuilder<> b(llvm::BasicBlock::Create(c, "entry", entry));
    auto block = [&](const llvm::Twine& of) { return llvm::BasicBlock::Create(c, of, entry); };
    auto callRegion = [&](llvm::Function* f) {
      auto* call = b.CreateCall(f, {entry->getArg(0), entry->getArg(2), entry->getArg(3)});
      call->setTailCallKind(llvm::CallInst::TCK_Tail);
      b.CreateRet(call);
    };
    auto chooseRegion = [&](const std::vector<llvm::Function*>& of) {
      if (of.size() == 1) return callRegion(of[0]);
      auto* bad = block("bad");
      auto* choose = b.CreateSwitch(entry->getArg(1), bad, unsigned(of.size()));
      b.SetInsertPoint(bad);
      b.CreateRet(b.getInt32(abi::regionMixed));
      for (uint32_t r = 0; r < of.size(); ++r) {
        auto* at = block("region" + llvm::Twine(r));
        choose->addCase(b.getInt32(r), at);
        b.SetInsertPoint(at);
        callRegion(of[r]);
      }
    };
    std::vector<llvm::Function*> inner;
    if (llvm::Value* isInner = emitInnerBlocks(asWritten, b, entry, inner)) {
      auto *inside = block("inner"), *always = block("any");
      b.CreateCondBr(isInner, inside, always);
      b.SetInsertPoint(inside);
      chooseRegion(inner);
      b.SetInsertPoint(always);
    }
    chooseRegion(regions);
  }

  // --- inner blocks

  bool wantsInnerBlocks() const { return k_.fullWarps && !k_.free && k_.program.functions.empty() && !k_.suspensions.spins; }

  // Whether the device can run either kernel by the description of this one.
  bool runsLike(const KernelCompiler& other) const {
    const KernelState& k = other.k_;
    return !k.free && k_.width == k.width && k_.suspensions.resumePoints == k.suspensions.resumePoints && !k.suspensions.spins && rowsRepeat_ == other.rowsRepeat_ &&
           k_.interleaved.empty() && k.interleaved.empty() && turnsAt_ == other.turnsAt_ && atOnce_ == other.atOnce_;
  }

  // Code for inner blocks in `regions`, and the test for them; nullptr: there is none.
  llvm::Value* emitInnerBlocks(const std::optional<analysis::FlatProgram>& asWritten, llvm::IRBuilder<>& b, llvm::Function* entry, std::vector<llvm::Function*>& regions) {
    if (!asWritten || !wantsInnerBlocks()) return nullptr;
    analysis::FlatProgram program = *asWritten;
    llvm::Value* isInner = nullptr;
    constexpr unsigned rounds = 2;  // what is chosen by comparisons may be compared itself
    for (unsigned round = 0; round < rounds; ++round) {
      const InnerBlocks inner = findInnerBlocks(b, entry->getArg(0), program.kernel, k_.options.block, k_.params);
      if (inner.known.empty()) break;
      analysis::assume(program.kernel, inner.known);
      isInner = isInner ? b.CreateAnd(isInner, inner.isInner) : inner.isInner;
    }
    if (!isInner || llvm::isa<llvm::Constant>(isInner)) return nullptr;
    compiler::CompileRequest request = request_;
    request.options.width = k_.width;
    KernelCompiler compiler(request, k_.module, program, k_.setAttributes);
    if (!compiler.prepare() || !compiler.runsLike(*this)) return nullptr;
    compiler.k_.debug = k_.debug, compiler.k_.file = k_.file, compiler.k_.unit = k_.unit;
    compiler.emitRegions(".inner", regions);
    if (compiler.k_.failed) {
      for (llvm::Function* f : regions) f->eraseFromParent();
      return nullptr;
    }
    k_.frameBytes = std::max(k_.frameBytes, compiler.k_.frameBytes);
    return isInner;
  }

  void describe(compiler::CompiledObject& object) {
    object.mode = k_.free ? abi::PlanMode::Free : abi::PlanMode::Lockstep;
    object.width = k_.width;
    object.regionCount = uint32_t(k_.suspensions.resumePoints.size());
    object.frameBytes = k_.frameBytes;
    bool recursive = !k_.program.functions.empty();
    uint64_t local = k_.localBytes;
    if (recursive) local += 16384;  // local memory of the functions below it, all depths together
    object.localBytes = uint32_t((local + 15) & ~uint64_t(15));
    object.staticSharedBytes = uint32_t(k_.program.shared.dynamicOffset);
    object.usesSpin = k_.suspensions.spins;
    object.rowsRepeat = rowsRepeat_;
    object.regions.resize(object.regionCount);
    for (uint32_t r = 0; r < object.regionCount; ++r) {
      if (const InterleavedLoop* turn = k_.interleavedRegion(r))
        object.regions[r] = {0, k_.program.kernel.blocks[k_.suspensions.resumePoints[r]].line, turn->loop.waits() ? 0u : 1u};
      const Inst* inst = k_.suspendedAt[r];
      if (!inst) continue;
      bool plain = analysis::isPlainBarrier(*inst);
      bool turns = std::find(turnsAt_.begin(), turnsAt_.end(), k_.suspensions.resumePoints[r]) != turnsAt_.end();
      object.regions[r] = {plain, inst->loc.line, plain && turns ? abi::turnsAtBarrier : 0};
    }
  }

  KernelState k_;
  const compiler::CompileRequest& request_;
  Analyzed kernel_;
  bool mayChoose_ = false, mayWiden_ = false;
  bool atOnce_ = false;           // one function for all regions and warps
  std::vector<BlockId> turnsAt_;  // resume points where blocks may take turns
  bool rowsRepeat_ = false;
  std::unique_ptr<llvm::DIBuilder> debug_;
};

}  // namespace

Status compileToIr(const compiler::CompileRequest& request, llvm::Module& module, compiler::CompiledObject& object,
                   const std::function<void(llvm::Function&)>& setAttributes, std::string* analysisText) {
  auto program = analysis::flatten(*request.module, request.function);
  if (!program) return program.error();
  std::optional<analysis::FlatProgram> asWritten;  // analyses cut and rename what they work on
  if (mayHaveInnerBlocks(request, module, **program)) asWritten = **program;
  return KernelCompiler(request, module, **program, setAttributes).run(asWritten, object);
}

}  // namespace anywarp::codegen
