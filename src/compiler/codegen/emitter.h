// FunctionEmitter: LLVM code of one function over warp vectors. Control flow is in region.cpp; each other topic of PTX has a file
// named like its chapter. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/MDBuilder.h>

#include "compiler/codegen/kernel_state.h"

namespace anywarp::ptx {
struct Fragment;
}

namespace anywarp::codegen {

using analysis::BlockId;
using analysis::Inst;
using analysis::Shape;
using llvm::Value;

// Where a memory instruction goes: window + base + offset (+ lanes), in host addresses. The constant part is kept apart, so that
// it ends up in the addressing modes of the host.
struct Address {
  enum class Kind { Uniform, Strided, Indexed, Vector };
  Kind kind = Kind::Uniform;
  Value* window = nullptr;   // ptr: what the space's addresses are relative to, nullptr where they are host addresses
  Value* base = nullptr;     // Uniform, Strided, Indexed: i64
  int64_t offset = 0;        // bytes
  int64_t stride = 0;        // Strided: bytes from lane to lane
  Value* valid = nullptr;    // Strided: i1, false where the lanes are not on that line after all (then pointers() is right); or nullptr
  Value* index = nullptr;    // Indexed: lanes of i32 or i64
  int64_t scale = 1;         // Indexed
  bool isSigned = true;      // Indexed: how the index is extended
  uint32_t run = 0;          // Indexed, Vector: every run of so many lanes lies on a line; 0: none is known
  int64_t runStride = 0;     // of the index, or (Vector) in bytes
  int64_t likely = 0;        // Indexed: what the index mostly grows by from lane to lane; 0: nothing is known
  Value* low = nullptr;      // Strided with `valid`: 32-bit part of lane 0
  int64_t lowStride = 0;
  Value* lanes = nullptr;    // Vector: lanes of i64
  uint8_t alignLog2 = 0;     // known of window + base
  ptx::Space space = ptx::Space::Generic;
};

// How often the condition of a faster way does.
enum class Holds { Mostly, NearlyAlways, Always };

// To `fast` where `condition` holds, to `always`, which is right in any case, elsewhere.
void branchToFastWay(llvm::IRBuilder<>& b, Value* condition, llvm::BasicBlock* fast, llvm::BasicBlock* always, Holds holds);

// Whether a mask is known to have all lanes.
inline bool isFull(Value* mask) {
  auto* known = llvm::dyn_cast<llvm::Constant>(mask);
  return known && known->isAllOnesValue();
}

class FunctionEmitter {
 public:
  FunctionEmitter(KernelState& kernel, Analyzed& analyzed, llvm::Function& function);

  // region.cpp: the two kinds of functions.
  void emitRegion(uint32_t region);  // kernels; free plans have one region that all resume points enter
  void emitFunction();               // out-of-line functions
  // block_at_once.cpp: all regions and warps of a kernel that runsAtOnce().
  static void emitBlockAtOnce(KernelState& kernel, Analyzed& analyzed, llvm::Function& function);

 private:
  // --- region.cpp: control flow under masks
  void begin();
  std::vector<BlockId> findMeetings(const analysis::PendingSet& entry);
  void linearize(const analysis::PendingSet& entry);
  void emitBlocks(const std::vector<BlockId>& roots);
  void emitBlock(BlockId x);
  void emitTerminator(BlockId x);
  void emitGate(BlockId x);
  void beginRound(BlockId x, const analysis::PendingSet& waiting, uint32_t loop);
  void go(BlockId x, const analysis::PendingSet& waiting, BlockId target, Value* lanes);
  void emitSuspend(BlockId x, BlockId resume, Value* lanes);
  void parkFree(BlockId x, BlockId resume, Value* lanes);
  void endWarp(Value* next);
  llvm::BasicBlock* takeTurns(BlockId header, llvm::BasicBlock* again);
  void emitYield(const InterleavedLoop& loop);
  bool liveAtRegionEntry(ptx::RegId r) const;
  void remake(ptx::RegId r, std::vector<uint8_t>& made);
  void loadFrame(const std::vector<ptx::RegId>& registers, uint32_t region);
  void storeFrame(const std::vector<ptx::RegId>& registers, const std::vector<uint8_t>* modified);
  void placeMasks();
  Value* maskInMemory(BlockId x);
  Value* waitingAt(BlockId x);             // the lanes that wait to run x
  llvm::AllocaInst* waitingSlot(BlockId x);
  void setWaiting(BlockId x, Value* lanes);
  void addWaiting(BlockId x, Value* lanes);
  Value* conditionOf(const analysis::Block& block, bool& uniform);
  void warpSyncWait(BlockId x, const Inst& inst);
  void resumeBarrier(uint32_t region);

  // --- block_at_once.cpp
  bool atOnce() const { return slotInit_ != nullptr; }
  void beginWarp(uint32_t number, llvm::BasicBlock* entry, llvm::BasicBlock* init, const FunctionEmitter& first);
  llvm::BasicBlock* emitTurn(uint32_t region, llvm::BasicBlock* from);
  void noteLaneResults(Inst& inst);
  bool staysKnown(ptx::RegId r) const;

  // --- emitter.cpp: registers and operands
  void emitInstruction(const Inst& inst);
  void emitGuarded(const Inst& inst);
  void emitUnguarded(const Inst& inst);
  void emitPiece(const Inst& inst);
  void emitPure(const Inst& inst);
  Value* emitAffineComparison(const Inst& inst);
  Value* shown(ptx::RegId r, Value* v);   // as its bits are to be seen by the current instruction
  bool emitExtended(const Inst& inst, const Shape& shape);
  llvm::Type* laneType(ptx::Type type);
  llvm::Type* vectorOf(llvm::Type* element);
  Shape shapeOf(const ptx::Operand& o);
  // The value of an operand as `type`: a scalar for uniform ones where `vector` is false, otherwise one value per lane.
  Value* read(const ptx::Operand& o, ptx::Type type, bool vector);
  Value* readLaneZero(const ptx::Operand& o, ptx::Type type);  // Uniform, Affine, Extended
  Value* readRegister(ptx::RegId r, bool vector);
  Value* laneZero(ptx::RegId r);
  Value* immediate(const ptx::Operand& o, ptx::Type type);
  Value* adapt(Value* v, ptx::Type from, ptx::Type to);   // register <-> slot type
  void write(const ptx::Operand& o, ptx::Type type, Value* v);  // v as computed for `type`; scalar or lanes
  void writeRegister(ptx::RegId r, Value* v);
  void enter(BlockId x);                 // x is what is emitted now
  bool keepsOthers(ptx::RegId r) const;  // lanes that wait elsewhere while this block runs still need their value
  Value* affineLanes(Value* base, int64_t stride);
  Value* splat(Value* v);
  Value* iota(unsigned bits);
  Value* lanesOf(Value* v) { return v->getType()->isVectorTy() ? v : splat(v); }
  Value* logicalAnd(Value* a, Value* b);
  Value* anyLane(Value* mask);
  Value* maskBits(Value* mask);           // i32, one bit per lane
  Value* maskFromBits(Value* bits);
  Value* noLanes();
  Value* allLanes();
  Value* active() { return mask_; }       // lanes that execute the current instruction
  Value* symbolAddress(const ptx::Operand& o, ptx::Space& space);
  void unsupported(const Inst& inst, const std::string& why);
  Value* i32(uint32_t v) { return b.getInt32(v); }
  Value* i64(uint64_t v) { return b.getInt64(v); }
  Value* field(Value* structure, size_t offset, llvm::Type* type, const char* name, bool invariant = true);
  llvm::AllocaInst* stackSlot(llvm::Type* type, const char* name);
  Value* service(size_t offset, llvm::FunctionType* type, llvm::ArrayRef<Value*> args);
  Value* warpIndex32();

  // --- special_registers.cpp
  Value* special(ptx::SpecialReg reg, bool vector);
  Value* reservedShared();
  Value* threadIndex();                   // of lane 0 in the block
  void emitSpecial(const Inst& inst);
  void emitAlloca(const Inst& inst);

  // --- data_movement.cpp
  void emitMove(const Inst& inst);
  void emitAddressConversion(const Inst& inst);
  Address address(const Inst& inst, const ptx::Operand& o, ptx::Space space);
  Value* localWindows();                  // lanes of i64: where the threads' local memories begin
  Value* pointer(const Address& a);       // ptr: of lane 0 (Uniform, Strided), of index 0 (Indexed)
  Value* pointers(const Address& a);      // lanes of i64
  Value* spansWithoutWrap(Value* low, int64_t span, bool isSigned);
  Address nearlyStrided(const Address& a, uint64_t bytes);
  Address shifted(Address a, int64_t bytes);

  // --- memory.cpp
  void emitMemory(const Inst& inst);
  void emitLoad(const Inst& inst);
  void emitStore(const Inst& inst);
  llvm::SmallVector<Value*, 8> loadLanes(const Inst& inst, const Address& a, llvm::Type* element, unsigned count);
  bool isOneLane(BlockId x) const { return !a_.oneLane.empty() && a_.oneLane[x]; }
  bool hasOneLane(const Inst& inst) const;
  Address ofOneLane(const Address& a);
  void storeLanes(const Inst& inst, const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values);
  Value* gatherPointers(const Address& a);
  Value* constantOffsets(const Address& a);  // block_at_once.cpp: lanes of i64 from the window on; nullptr: they are not constant
  Value* gather(const Address& a, llvm::Type* element);
  void scatter(const Address& a, Value* value);
  void checkAlignment(const Inst& inst, const Address& a, unsigned bytes, bool later = false);
  void flushMisaligned();
  void compilerFence();
  void trapIf(Value* condition, Value* lanes, abi::TrapKind kind, const ptx::SourceLoc& loc, Value* address = nullptr);
  void trapIf(Value* condition, Value* lanes, abi::TrapKind kind, Value* line, Value* address);
  Value* firstAddress(const Address& a, Value* lanes);

  // --- empty_blocks.cpp
  std::vector<uint8_t> findEmptyBlocks(const analysis::PendingSet& entry);
  bool mayRunEmpty(BlockId x);
  void noteReadable(const Inst& inst, const ptx::Operand& o, const Address& a, unsigned bytes);
  Value* isReadable(const ptx::Operand& o, const Address& a, unsigned bytes);
  void forgetReadable(ptx::RegId r);
  Value* readable(Value* place);

  // --- whole_accesses.cpp
  static bool isWhole(const Inst& inst, unsigned size, unsigned count);
  llvm::SmallVector<Value*, 8> loadWholes(const Inst& inst, const Address& a, llvm::Type* element, unsigned count);
  void storeWholes(const Inst& inst, const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values);

  // --- lane_loops.cpp
  Value* perLane(Value* mask, llvm::ArrayRef<Value*> args, llvm::Type* result,
                 llvm::function_ref<Value*(llvm::ArrayRef<Value*>)> body, bool unrolled = false);

  // --- full_masks.cpp
  bool masksCost() const;
  bool isMaskedAccess(const Inst& inst) const;
  bool wantsFullCopy(const analysis::Block& block);
  bool wantsLineCopy(const analysis::Block& block) const;
  void emitBody(const analysis::Block& block);
  void emitBodies(BlockId x);
  void emitForBothMasks(llvm::function_ref<void(bool full)> body);
  void emitTwoWays(Value* condition, Holds holds, llvm::function_ref<void()> fast, llvm::function_ref<void()> always, llvm::ArrayRef<ptx::RegId> joined);
  Value* allLanesAreThere();
  Value* loadSome(llvm::Type* vector, Value* p, Value* mask);
  void storeSome(Value* value, Value* p, unsigned count);
  void storeNarrow(Value* value, Value* p, Value* mask);

  // --- lane_patterns.cpp
  // Where each run of lanes begins (of lane 0, whether active or not), and whether it is where it seems to be.
  struct LaneRuns {
    unsigned lanes = 0;                    // of each; 0: there is none
    int64_t stride = 0;                    // bytes
    llvm::SmallVector<Value*, 4> pointers;
    Value* valid = nullptr;                // i1; nullptr: always
  };
  using LaneValues = llvm::SmallVector<Value*, 8>;
  int64_t spacing(const Address& a, unsigned size, unsigned count) const;
  bool isSpacedAccess(const Inst& inst) const;
  LaneValues loadSpaced(const Address& a, llvm::Type* element, unsigned count, int64_t spacing);
  void storeSpaced(const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values, int64_t spacing);
  Value* ofFirstActive(Value* lanes, unsigned first, unsigned count);
  LaneRuns laneRuns(const Address& a, unsigned bytes);
  LaneValues loadRuns(const LaneRuns& runs, llvm::Type* element, unsigned count);
  void storeRuns(const LaneRuns& runs, llvm::Type* element, llvm::ArrayRef<Value*> values);
  Value* laneMajor(llvm::ArrayRef<Value*> values);
  Value* maskOfElements(Value* mask, unsigned count);
  Value* piece(Value* v, unsigned first, unsigned count);
  LaneValues valuesEitherWay(Value* condition, llvm::function_ref<LaneValues()> yes, llvm::function_ref<LaneValues()> no,
                             Holds holds = Holds::Mostly);

  // --- lane_rows.cpp
  struct RowPart {
    const Inst* inst;
    int64_t offset;                        // bytes
    unsigned count;                        // elements
  };
  struct Row {
    std::vector<RowPart> parts;            // by offset
    int64_t offset = 0;
    unsigned count = 0;                    // elements
  };
  int64_t lineStride(const Inst& inst, unsigned address) const;
  Row rowAt(const Inst& inst, const analysis::Block& block);
  bool isRowAccess(const Inst& inst, const analysis::Block& block);
  LaneValues loadRow(const Inst& inst, const Address& a, llvm::Type* element);
  LaneValues loadPairs(const Address& a, llvm::Type* element);
  LaneValues loadTransposed(const Address& a, llvm::Type* element, unsigned count);

  // --- store_rows.cpp
  struct StoreRow {
    std::vector<RowPart> parts;            // in the order of the program
    std::vector<LaneValues> values;        // of those that have been passed
    int64_t offset = 0;
    unsigned count = 0;                    // elements
  };
  void findStoreRows(const analysis::Block& block);
  void addStoreRows(const std::vector<RowPart>& stores);
  bool storeInRow(const Inst& inst, const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values);
  void storeTransposed(const Address& a, llvm::Type* element, llvm::ArrayRef<Value*> values);

  // --- local_memory.cpp
  bool isLocalByLanes(const Inst& inst) const { return k_.localByLanes && inst.space() == ptx::Space::Local; }
  Value* localOfWarp();                   // ptr
  void loadLocalByLanes(const Inst& inst);
  void storeLocalByLanes(const Inst& inst);
  Value* localOffset(const Inst& inst, const ptx::Operand& at, unsigned bytes);
  Address localWord(Value* offset, unsigned size);

  // --- async_copy.cpp
  void emitAsync(const Inst& inst);
  void emitAsyncCopy(const Inst& inst);
  void emitBulkCopy(const Inst& inst);

  // --- mbarrier.cpp
  void emitMbarrier(const Inst& inst);
  void emitMbarrierInit(const Inst& inst, const Address& a);
  void emitMbarrierTest(const Inst& inst, const Address& a);
  void emitMbarrierUpdate(const Inst& inst, const Address& a);
  void storeMbarrier(const Inst& inst, const Address& a, Value* word);

  // --- atomics.cpp
  void emitAtomic(const Inst& inst);
  void emitFence(const Inst& inst);

  // --- texture.cpp
  void emitTexture(const Inst& inst);
  void emitTextureQuery(const Inst& inst);
  void emitSurface(const Inst& inst);
  void writeTexels(const Inst& inst, Value* results);
  bool isUniformHandle(const ptx::Operand& o);
  enum class TextureMemory : unsigned { Handles, Samplers, Operands, Results };
  Value* textureMemory(TextureMemory which);
  Value* textureHandles(const ptx::Operand& o, bool uniform, TextureMemory which);
  Value* laneRows(llvm::ArrayRef<const ptx::Operand*> rows);

  // --- warp.cpp
  void emitWarp(const Inst& inst);
  void emitShuffle(const Inst& inst);
  void emitVote(const Inst& inst);
  void emitMatch(const Inst& inst);
  void emitRedux(const Inst& inst);
  Value* permute(Value* v, Value* index);
  Value* maskOperand(const ptx::Operand& o, bool vector);

  // --- matrix.cpp, matrix_memory.cpp
  struct MatrixLines {
    Value *base, *bytes;  // ptr of the first row or column, i64 from one to the next
  };
  void emitMatrix(const Inst& inst);
  void emitMatrixProduct(const Inst& inst);
  void emitMovmatrix(const Inst& inst);
  void emitLdmatrix(const Inst& inst);
  void emitStmatrix(const Inst& inst);
  void emitWmmaLoad(const Inst& inst);
  void emitWmmaStore(const Inst& inst);
  llvm::SmallVector<Value*, 8> readFragment(const Inst& inst, unsigned slot, const ptx::Fragment& fragment);
  void writeFragment(const Inst& inst, unsigned slot, const ptx::Fragment& fragment, llvm::ArrayRef<Value*> registers);
  llvm::SmallVector<Value*, 32> matrixRows(const Inst& inst, unsigned slot, unsigned rows);
  MatrixLines matrixLines(const Inst& inst, unsigned slot, const ptx::Fragment& fragment);
  Value* linePointer(const MatrixLines& lines, unsigned line, unsigned byte);

  // --- barrier.cpp
  void emitBarrierArrive(const Inst& inst);
  void describeBarrier(const Inst& inst);
  Value* barrierNumber(const ptx::Operand& o);

  // --- calls.cpp
  void emitCall(const Inst& inst);
  bool emitSystemCall(const Inst& inst, const std::string& name);
  bool emitServiceCall(const Inst& inst, const std::string& name);
  void callOutOfLine(const Inst& inst, uint32_t function, Value* lanes);
  Value* spill(Value* v, llvm::Type* element, const char* name);

  KernelState& k_;
  Analyzed& a_;
  analysis::Flat& flat_;
  llvm::Function& function_;
  llvm::IRBuilder<> b;
  PureEmitter pure_;
  unsigned width_;

  // Where a register lives: on the stack (and from there in registers of the host), or, in free plans, where it outlives a turn of
  // its warp, in the warp's frame.
  struct Slot {
    Value* value = nullptr;        // Uniform, Affine: lane 0; Extended*: base; Varying: lanes
    Value* low = nullptr;          // Extended: lane 0, ExtendedVarying: lanes
    llvm::Type *type = nullptr, *lowType = nullptr;
    bool inFrame = false;
    int tilePart = -1;             // `value` is a tile home
    bool direct = false;           // used in one block only: `value` and `low` are the values themselves
    Value *known = nullptr, *knownLow = nullptr;  // constants that it has wherever it is read
  };
  Value* load(const Slot& s) { return s.known ? s.known : s.tilePart >= 0 ? loadTile(s) : s.direct ? s.value : ofFrame(s, b.CreateAlignedLoad(s.type, s.value, llvm::Align(4))); }
  Value* loadLow(const Slot& s) { return s.knownLow ? s.knownLow : s.direct ? s.low : ofFrame(s, b.CreateAlignedLoad(s.lowType, s.low, llvm::Align(4))); }
  void store(Slot& s, Value* v) {
    if (s.tilePart >= 0) storeTile(s, v);
    else if (s.direct) s.value = v;
    else ofFrame(s, b.CreateAlignedStore(v, s.value, llvm::Align(4)));
  }
  void storeLow(Slot& s, Value* v) {
    if (s.direct) s.low = v;
    else ofFrame(s, b.CreateAlignedStore(v, s.low, llvm::Align(4)));
  }
  Value* loadTile(const Slot& s);
  void storeTile(const Slot& s, Value* v);
  Value* tileHome(uint32_t home);
  // Frames are ours alone: no access of the program touches them. Tells LLVM so, on both sides.
  template <class Access>
  Access* ofFrame(const Slot& s, Access* access) {
    if (s.inFrame) access->setMetadata(llvm::LLVMContext::MD_alias_scope, frameScope());
    return access;
  }
  template <class Access>
  Access* ofProgram(Access* access) {
    if (k_.free) access->setMetadata(llvm::LLVMContext::MD_noalias, frameScope());
    return access;
  }
  llvm::MDNode* frameScope();
  std::vector<Slot> slots_;
  llvm::AllocaInst* tiles_ = nullptr;  // homes on the stack
  std::vector<Value*> homes_;          // by home: where it lies
  Slot& slot(ptx::RegId r);

  llvm::BasicBlock* entry_ = nullptr;
  Value *ctx_ = nullptr, *params_ = nullptr, *symbols_ = nullptr, *shared_ = nullptr, *local_ = nullptr, *localStride_ = nullptr;
  Value *services_ = nullptr, *launch_ = nullptr, *frames_ = nullptr, *states_ = nullptr;
  Value* warp_ = nullptr;         // i32
  Value* state_ = nullptr;        // WarpState*
  Value* frame_ = nullptr;
  Value* mask_ = nullptr;
  // i1, i32, i64: found in this block, not yet acted on
  Value *misaligned_ = nullptr, *misalignedLine_ = nullptr, *misalignedAddress_ = nullptr;
  unsigned misalignedTests_ = 0;
  bool showsBits_ = true;         // the current instruction can tell one NaN from another
  Value* guard_ = nullptr;        // of the current instruction: i1, or lanes; nullptr: none
  llvm::BasicBlock* initBlock_ = nullptr;  // runs before each warp
  llvm::BasicBlock* slotInit_ = nullptr;   // where all turns of a warp are in one function: runs before the first
  Value* lspBase_ = nullptr;      // i64: offset of this function's local memory in the thread's
  Value* liveAtEntry_ = nullptr;

  std::unique_ptr<analysis::Order> order_;
  std::unique_ptr<analysis::Linear> linear_;
  std::vector<llvm::BasicBlock*> bodies_, gates_;
  std::vector<llvm::AllocaInst*> waiting_;  // by block: lanes that wait to run it; or, in large functions:
  llvm::AllocaInst* masks_ = nullptr;       // those masks in memory, by position
  llvm::CallInst* masksHidden_ = nullptr;   // what hides them from LLVM
  bool masksVolatile_ = false;
  bool mayBeEmpty_ = false;                 // no lane may be active in the current block
  bool offLines_ = false;                   // code for accesses that may lie anywhere, beside that for lines
  struct Nearby {
    llvm::AllocaInst* known;  // i1: what lies between the bounds can be read
    int64_t low, high;        // bytes from the register's value on
  };
  llvm::DenseMap<const Inst*, llvm::SmallVector<Value*, 8>> rowParts_;  // what was loaded for instructions that are still to come
  std::vector<StoreRow> storeRows_;         // of the block
  llvm::DenseMap<const Inst*, unsigned> storeRowOf_;
  std::map<ptx::RegId, Nearby> nearby_;     // by register that blocks without lanes read from
  BlockId beginsAt_ = analysis::noBlock;  // what runs first, where the order does not say it
  std::map<llvm::BasicBlock*, llvm::BasicBlock*> turns_;  // before the header of an interleaved loop: goes on there or hands over
  std::vector<uint8_t> modified_;
  llvm::BasicBlock* warpEnd_ = nullptr;
  llvm::PHINode* warpNext_ = nullptr;
  llvm::AllocaInst* lanePc_ = nullptr;
  llvm::AllocaInst* exited_ = nullptr;
  Value* results_ = nullptr;      // out-of-line functions
  llvm::DISubprogram* subprogram_ = nullptr;
  llvm::MDNode* frameScope_ = nullptr;
  llvm::AllocaInst* textureMemory_[4] = {};
  BlockId current_ = 0;
  std::vector<uint32_t> liveElsewhere_;  // by register: blockSerial_ where lanes that wait at other blocks read it
  std::vector<uint8_t> liveAlways_;
  std::vector<uint8_t> ofLanes_;         // atOnce(), by register: made from which lanes are active
  uint32_t blockSerial_ = 0;
  unsigned unrolledLoops_ = 0;
  bool region_ = true;
  uint32_t regionId_ = 0;
};

}  // namespace anywarp::codegen
