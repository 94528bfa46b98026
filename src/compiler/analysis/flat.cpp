// Inlines direct calls and cuts a kernel into basic blocks (PTX ISA: Control Flow Instructions, Functions).
// SPDX-License-Identifier: Apache-2.0
#include "compiler/analysis/flat.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "compiler/ptx/validate.h"
#include "support/align.h"

namespace anywarp::analysis {
namespace {

using ptx::Operand;

constexpr size_t maxFlatInstructions = 400'000;

std::string_view mnemonicOf(const ptx::Instruction& inst) { return ptx::formInfo(inst.form).mnemonic; }

bool isBarrierWait(const ptx::Instruction& inst) {
  std::string_view m = mnemonicOf(inst);
  if (m != "bar" && m != "barrier") return false;
  return !inst.has(ptx::Mod::Warp) && !inst.has(ptx::Mod::Arrive) && !inst.has(ptx::Mod::Cluster);
}

// What a name inside one body means at this place of inlining.
struct Binding {
  std::vector<std::vector<Piece>> params, returns;  // inlined functions
};

class Flattener {
  using RegId = ptx::RegId;

 public:
  Flattener(const ptx::Module& module, FlatProgram& program) : module_(module), program_(program) {}

  Status run(uint32_t function) {
    findRecursion(function);
    if (Status s = flattenOne(function, program_.kernel, true); !s) return s;
    while (!pending_.empty()) {
      uint32_t f = *pending_.begin();
      pending_.erase(pending_.begin());
      if (program_.functions.count(f)) continue;
      if (Status s = flattenOne(f, program_.functions[f], false); !s) return s;
    }
    layoutShared();
    return {};
  }

 private:
  // --- bodies and the call graph -------------------------------------------------------------------------------------------

  Result<const ptx::Body*> body(uint32_t function) {
    auto& slot = bodies_[function];
    if (!slot) {
      auto parsed = ptx::parseCheckedBody(module_, module_.functions[function]);
      if (!parsed) return parsed.error();
      slot = std::move(*parsed);
    }
    return slot.get();
  }

  // Functions on a cycle of direct calls stay functions.
  void findRecursion(uint32_t root) {
    std::map<uint32_t, int> state;
    std::vector<uint32_t> path;
    struct Frame {
      uint32_t function;
      std::vector<uint32_t> callees;
      size_t next = 0;
    };
    std::vector<Frame> stack;
    auto push = [&](uint32_t f) {
      state[f] = 1;
      path.push_back(f);
      stack.push_back({f, callees(f)});
    };
    push(root);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next == top.callees.size()) {
        state[top.function] = 2;
        path.pop_back();
        stack.pop_back();
        continue;
      }
      uint32_t callee = top.callees[top.next++];
      if (state[callee] == 0) {
        push(callee);
      } else if (state[callee] == 1) {
        for (size_t i = path.size(); i-- > 0;) {
          recursive_.insert(path[i]);
          if (path[i] == callee) break;
        }
      }
    }
    recursive_.erase(root);
  }

  std::vector<uint32_t> callees(uint32_t function) {
    std::vector<uint32_t> result;
    if (!module_.functions[function].hasBody) return result;
    auto parsed = body(function);
    if (!parsed) return result;  // reported when it is flattened
    for (const auto& inst : (*parsed)->instructions) {
      if (mnemonicOf(inst) != "call" || inst.operands.size() < 2) continue;
      const Operand& callee = inst.operands[1];
      if (callee.kind == Operand::Kind::Symbol && callee.symbol.kind == ptx::SymbolKind::Function)
        result.push_back(callee.symbol.index);
    }
    return result;
  }

  // --- one function --------------------------------------------------------------------------------------------------------

  Status flattenOne(uint32_t function, Flat& flat, bool isEntry) {
    flat_ = &flat;
    carry_ = allocaTop_ = ptx::noReg;
    flat.module = &module_;
    flat.function = function;
    flat.isEntry = isEntry;
    const ptx::Function& f = module_.functions[function];
    Binding binding;
    if (!isEntry) {
      binding = newBinding(f);
      flat.params = binding.params;
      flat.returns = binding.returns;
    }
    current_ = newBlock();
    if (Status s = inlineBody(function, binding, noBlock, 0); !s) return s;
    findPredecessors(flat);
    return {};
  }

  BlockId newBlock() {
    flat_->blocks.emplace_back();
    return BlockId(flat_->blocks.size() - 1);
  }

  Block& block() { return flat_->blocks[current_]; }

  // Blocks are filled one at a time, so their instructions are contiguous.
  void open(BlockId b) {
    current_ = b;
    block().first = block().last = uint32_t(flat_->instructions.size());
    openBlock_ = true;
  }

  void close(Terminator terminator, std::vector<BlockId> successors, uint32_t line) {
    block().last = uint32_t(flat_->instructions.size());
    block().terminator = terminator;
    block().successors = std::move(successors);
    block().line = line;
    openBlock_ = false;
  }

  void emit(Inst inst) {
    flat_->instructions.push_back(std::move(inst));
    block().last = uint32_t(flat_->instructions.size());
  }

  ptx::RegId newRegister(ptx::Type type, std::string name) {
    flat_->registers.push_back({std::move(name), type});
    return ptx::RegId(flat_->registers.size() - 1);
  }

  std::vector<Piece> newPieces(const ptx::Variable& param) {
    std::vector<Piece> pieces = pieceLayout(param);
    for (Piece& p : pieces) p.reg = newRegister(ptx::bitsType(p.bytes * 8), param.name);
    return pieces;
  }

  // Copies the body of `function` into the current block and new ones; `ret` goes to `continuation` (noBlock: Exit).
  Status inlineBody(uint32_t function, const Binding& outer, BlockId continuation, int depth) {
    auto parsed = body(function);
    if (!parsed) return parsed.error();
    const ptx::Body& b = **parsed;
    Scope scope{function, &b, RegId(flat_->registers.size()), uint32_t(flat_->storage.size()), outer, {}, continuation, depth, {}, {}};
    flat_->registers.insert(flat_->registers.end(), b.registers.begin(), b.registers.end());
    addStorage(scope);
    findParamsInMemory(scope);

    std::map<uint32_t, std::vector<uint32_t>> labelsAt;
    for (uint32_t l = 0; l < b.labels.size(); ++l) labelsAt[b.labels[l].instruction].push_back(l);
    scope.labelBlocks.assign(b.labels.size(), noBlock);
    for (auto& [at, labels] : labelsAt) {
      BlockId target = newBlock();
      for (uint32_t l : labels) scope.labelBlocks[l] = target;
    }

    BlockId start = current_;
    open(start);
    storeParamsInMemory(scope);
    for (uint32_t i = 0; i < b.instructions.size(); ++i) {
      if (auto it = labelsAt.find(i); it != labelsAt.end()) {
        BlockId target = scope.labelBlocks[it->second.front()];
        if (openBlock_) close(Terminator::Jump, {target}, b.instructions[i].loc.line);
        open(target);
      } else if (!openBlock_) {
        open(newBlock());  // code that nothing reaches
      }
      if (flat_->instructions.size() > maxFlatInstructions)
        return Error{ErrorKind::Limit, place(b.instructions[i]) + "kernel has more than " + std::to_string(maxFlatInstructions) +
                                           " instructions after inlining"};
      if (Status s = copyInstruction(scope, b.instructions[i]); !s) return s;
    }
    uint32_t lastLine = b.instructions.empty() ? 0 : b.instructions.back().loc.line;
    for (auto& [at, labels] : labelsAt) {
      if (at < b.instructions.size()) continue;
      BlockId target = scope.labelBlocks[labels.front()];
      if (openBlock_) close(Terminator::Jump, {target}, lastLine);
      open(target);
    }
    if (openBlock_) leave(scope, lastLine);
    return {};
  }

  struct Scope {
    uint32_t function;
    const ptx::Body* body;
    RegId registerBase;
    uint32_t storageBase;
    const Binding& outer;
    std::vector<BlockId> labelBlocks;
    BlockId continuation;
    int depth;
    std::vector<std::vector<Piece>> locals;  // .param variables declared in the body
    std::map<uint32_t, uint32_t> inMemory;   // parameters whose address is taken: their place in Flat::storage
  };

  std::string place(const ptx::Instruction& inst) const {
    return module_.name + ":" + std::to_string(inst.loc.line) + ":" + std::to_string(inst.loc.column) + ": ";
  }

  void addStorage(Scope& scope) {
    for (uint32_t v = 0; v < scope.body->variables.size(); ++v) {
      const ptx::Variable& var = scope.body->variables[v];
      scope.locals.emplace_back();
      Storage storage{var.name, var.space, 0, var.size, var.align};
      if (var.space == ptx::Space::Param) {
        scope.locals.back() = newPieces(var);
      } else if (var.space == ptx::Space::Local) {
        storage.offset = alignUp(flat_->localBytes, std::max<uint64_t>(var.align, 4));
        flat_->localBytes = storage.offset + var.size;
      } else if (var.space == ptx::Space::Shared) {
        sharedUses_.push_back({flat_, uint32_t(flat_->storage.size()), {scope.function, v}, var});
      }
      flat_->storage.push_back(std::move(storage));
    }
  }

  // A function's parameter whose address is taken lies in local memory (PTX: mov).
  void findParamsInMemory(Scope& scope) {
    if (scope.depth == 0 && flat_->isEntry) return;
    const auto& params = module_.functions[scope.function].params;
    for (const ptx::Instruction& inst : scope.body->instructions) {
      if (inst.form == ptx::Form::Call) continue;
      for (const Operand& o : inst.operands) {
        if (o.kind != Operand::Kind::Symbol || o.symbol.kind != ptx::SymbolKind::Parameter || o.symbol.index >= params.size()) continue;
        const ptx::Variable& param = params[o.symbol.index];
        auto [place, fresh] = scope.inMemory.try_emplace(o.symbol.index, uint32_t(flat_->storage.size()));
        if (!fresh) continue;
        Storage storage{param.name, ptx::Space::Local, alignUp(flat_->localBytes, std::max<uint64_t>(param.align, 4)), param.size, param.align};
        flat_->localBytes = storage.offset + storage.size;
        flat_->storage.push_back(std::move(storage));
      }
    }
  }

  void storeParamsInMemory(const Scope& scope) {
    for (auto [param, storage] : scope.inMemory)
      for (const Piece& piece : scope.outer.params[param]) {
        Inst store;
        store.form = ptx::Form::St;
        store.loc = module_.functions[scope.function].loc;
        store.types = {ptx::bitsType(piece.bytes * 8)};
        store.mods.push(ptx::Mod::Local);
        Operand address;
        address.kind = Operand::Kind::Address;
        address.hasSymbol = true;
        address.symbol = {ptx::SymbolKind::FunctionVariable, storage};
        address.offset = piece.offset;
        store.operands = {address, registerOperand(piece.reg), Operand{}};
        emit(std::move(store));
      }
  }

  // Leads operands that name such a parameter to its memory.
  static void redirect(const Scope& scope, Inst& inst) {
    bool any = false;
    for (Operand& o : inst.operands) {
      if (!(o.kind == Operand::Kind::Symbol || o.hasSymbol) || o.symbol.kind != ptx::SymbolKind::Parameter) continue;
      auto found = scope.inMemory.find(o.symbol.index);
      if (found == scope.inMemory.end()) continue;
      o.symbol = {ptx::SymbolKind::FunctionVariable, found->second};
      any = true;
    }
    if (!any) return;
    ptx::ModList mods;
    for (ptx::Mod mod : inst.mods)
      mods.push(mod == ptx::Mod::Param || mod == ptx::Mod::ParamFunc || mod == ptx::Mod::ParamEntry ? ptx::Mod::Local : mod);
    inst.mods = mods;
  }

  // --- memory that is taken while the function runs --------------------------------------------------------------------------

  // Bytes of the area below that are in use, of each thread.
  RegId allocaTop() {
    if (allocaTop_ == ptx::noReg) {
      allocaTop_ = newRegister(ptx::Type::B64, "alloca.top");
      Storage area{"alloca", ptx::Space::Local, alignUp(flat_->localBytes, 16), allocaBytes, 16};
      flat_->localBytes = area.offset + area.size;
      allocaStorage_ = uint32_t(flat_->storage.size());
      flat_->storage.push_back(std::move(area));
    }
    return allocaTop_;
  }

  // alloca gets the area as fourth operand; all three carry the bytes in use.
  void stackInstruction(Inst inst) {
    inst.carryIn = inst.carryOut = allocaTop();
    if (inst.form == ptx::Form::Stacksave) inst.carryOut = ptx::noReg;
    if (inst.form == ptx::Form::Stackrestore) inst.carryIn = ptx::noReg;
    if (inst.form == ptx::Form::Alloca) {
      Operand area;
      area.kind = Operand::Kind::Symbol;
      area.symbol = {ptx::SymbolKind::FunctionVariable, allocaStorage_};
      inst.operands.push_back(area);
    }
    emit(std::move(inst));
  }

  void leave(const Scope& scope, uint32_t line) {
    if (scope.continuation == noBlock)
      close(Terminator::Exit, {}, line);
    else
      close(Terminator::Jump, {scope.continuation}, line);
  }

  Status copyInstruction(Scope& scope, const ptx::Instruction& source) {
    Inst inst = remap(scope, source);
    std::string_view m = mnemonicOf(inst);
    uint32_t line = inst.loc.line;
    if (inst.form == ptx::Form::Unknown) {
      emit(std::move(inst));
      return {};
    }
    if (m == "bra") return branch(scope, inst);
    if (m == "brx") return branchIndexed(scope, inst);
    if (m == "ret" || m == "exit") {
      bool leaves = m == "ret" && scope.continuation != noBlock;
      if (m == "exit" && !flat_->isEntry)
        return Error{ErrorKind::Unsupported, place(inst) + "exit inside a recursive or indirectly called function is not supported"};
      if (inst.guard == ptx::noReg) {
        if (leaves) leave(scope, line);
        else close(Terminator::Exit, {}, line);
        return {};
      }
      BlockId target = scope.continuation;
      BlockId here = current_;
      if (!leaves) {
        target = newBlock();
        flat_->blocks[target].first = flat_->blocks[target].last = uint32_t(flat_->instructions.size());
        flat_->blocks[target].terminator = Terminator::Exit;
        flat_->blocks[target].line = line;
      }
      BlockId next = newBlock();
      current_ = here;
      block().condition = inst.guard;
      block().negated = inst.guardNegated;
      close(Terminator::Branch, {target, next}, line);
      open(next);
      return {};
    }
    if (m == "call") return call(scope, std::move(inst));
    if (m == "alloca" || m == "stacksave" || m == "stackrestore") {
      stackInstruction(std::move(inst));
      return {};
    }
    redirect(scope, inst);
    if (Status s; isParamAccess(scope, inst, s)) return s;
    bool waits = isBarrierWait(inst);
    emit(std::move(inst));
    if (waits) {
      BlockId next = newBlock();
      close(Terminator::Suspend, {next}, line);
      open(next);
    }
    return {};
  }

  Status branch(Scope& scope, const Inst& inst) {
    const Operand* label = nullptr;
    for (const Operand& o : inst.operands)
      if (o.kind == Operand::Kind::Label) label = &o;
    if (!label) return Error{ErrorKind::Invalid, place(inst) + "bra without a label"};
    BlockId target = scope.labelBlocks[label->label];
    if (inst.guard == ptx::noReg) {
      close(Terminator::Jump, {target}, inst.loc.line);
      return {};
    }
    BlockId next = newBlock();
    block().condition = inst.guard;
    block().negated = inst.guardNegated;
    if (target == next) close(Terminator::Jump, {next}, inst.loc.line);
    else close(Terminator::Branch, {target, next}, inst.loc.line);
    open(next);
    return {};
  }

  Status branchIndexed(Scope& scope, const Inst& inst) {
    // operands: index register, .branchtargets label
    if (inst.operands.size() < 2 || !inst.operands[0].isReg() || inst.operands[1].kind != Operand::Kind::Label ||
        inst.operands[1].label >= scope.body->branchTargets.size())
      return Error{ErrorKind::Invalid, place(inst) + "brx.idx needs an index register and a .branchtargets label"};
    std::vector<BlockId> targets;
    for (uint32_t l : scope.body->branchTargets[inst.operands[1].label].labels) targets.push_back(scope.labelBlocks[l]);
    if (targets.empty()) return Error{ErrorKind::Invalid, place(inst) + "empty .branchtargets"};
    BlockId next = noBlock;
    if (inst.guard != ptx::noReg) {  // @p brx: a branch around it
      BlockId doIt = newBlock();
      next = newBlock();
      block().condition = inst.guard;
      block().negated = inst.guardNegated;
      close(Terminator::Branch, {doIt, next}, inst.loc.line);
      open(doIt);
    }
    block().condition = inst.operands[0].reg;
    close(Terminator::Switch, std::move(targets), inst.loc.line);
    if (next != noBlock) open(next);
    return {};
  }

  // --- operands ------------------------------------------------------------------------------------------------------------

  Inst remap(const Scope& scope, const ptx::Instruction& source) {
    Inst inst;
    static_cast<ptx::Instruction&>(inst) = source;
    if (inst.guard != ptx::noReg) inst.guard += scope.registerBase;
    for (Operand& o : inst.operands) remap(scope, o);
    switch (inst.form) {
      case ptx::Form::AddCc: case ptx::Form::SubCc: case ptx::Form::MadCc: inst.carryOut = carry(); break;
      case ptx::Form::Addc: case ptx::Form::Subc: case ptx::Form::Madc:
        inst.carryIn = carry();
        if (inst.has(ptx::Mod::Cc)) inst.carryOut = carry();
        break;
      default: break;
    }
    return inst;
  }

  // The condition code register, made when first used.
  RegId carry() {
    if (carry_ == ptx::noReg) carry_ = newRegister(ptx::Type::Pred, "cc");
    return carry_;
  }

  void remap(const Scope& scope, Operand& o) const {
    if (o.reg != ptx::noReg) o.reg += scope.registerBase;
    if ((o.kind == Operand::Kind::Symbol || o.hasSymbol) && o.symbol.kind == ptx::SymbolKind::FunctionVariable)
      o.symbol.index += scope.storageBase;
    for (Operand& e : o.elements) remap(scope, e);
  }

  // --- parameters of functions ---------------------------------------------------------------------------------------------

  const std::vector<Piece>* piecesOf(const Scope& scope, const ptx::SymbolRef& symbol) const {
    switch (symbol.kind) {
      case ptx::SymbolKind::Parameter:
        if (scope.depth == 0 && flat_->isEntry) return nullptr;
        return symbol.index < scope.outer.params.size() ? &scope.outer.params[symbol.index] : nullptr;
      case ptx::SymbolKind::ReturnParameter:
        return symbol.index < scope.outer.returns.size() ? &scope.outer.returns[symbol.index] : nullptr;
      case ptx::SymbolKind::FunctionVariable: {
        uint32_t v = symbol.index - scope.storageBase;
        return v < scope.locals.size() && !scope.locals[v].empty() ? &scope.locals[v] : nullptr;
      }
      default: return nullptr;
    }
  }

  // ld.param/st.param of a function's parameter becomes moves of pieces. False: not such an access.
  bool isParamAccess(const Scope& scope, const Inst& inst, Status& status) {
    std::string_view m = mnemonicOf(inst);
    if ((m == "ld" || m == "st") && inst.operands.size() >= 2) {
      const Operand& address = inst.operands[m == "ld" ? 1 : 0];
      const Operand& value = inst.operands[m == "ld" ? 0 : 1];
      if (address.kind != Operand::Kind::Address || !address.hasSymbol) return false;
      const std::vector<Piece>* pieces = piecesOf(scope, address.symbol);
      if (!pieces) return false;
      status = movePieces(inst, m == "ld", *pieces, address.offset, value);
      return true;
    }
    for (const Operand& o : inst.operands)
      if (o.kind == Operand::Kind::Symbol && piecesOf(scope, o.symbol)) {
        status = Error{ErrorKind::Unsupported, place(inst) + "the address of a function parameter is not supported"};
        return true;
      }
    return false;
  }

  Status movePieces(const Inst& inst, bool load, const std::vector<Piece>& pieces, int64_t offset, const Operand& value) {
    std::vector<Operand> single{value};
    const std::vector<Operand>& elements = value.kind == Operand::Kind::Vector ? value.elements : single;
    uint32_t bytes = ptx::bits(inst.type()) / 8;
    for (const Operand& element : elements) {
      if (element.kind == Operand::Kind::Discard) {
        offset += bytes;
        continue;
      }
      const Piece* piece = nullptr;
      for (const Piece& p : pieces)
        if (offset >= p.offset && offset + bytes <= p.offset + p.bytes) piece = &p;
      if (!piece)
        return Error{ErrorKind::Unsupported, place(inst) + "access to " + std::to_string(bytes) + " bytes at offset " +
                                                 std::to_string(offset) + " of a function parameter crosses its alignment"};
      Inst move;
      move.loc = inst.loc;
      move.guard = inst.guard;
      move.guardNegated = inst.guardNegated;
      move.types = {inst.type()};
      move.pseudo = load ? Pseudo::PieceLoad : Pseudo::PieceStore;
      move.shift = uint32_t(offset - piece->offset) * 8;
      Operand reg;
      reg.kind = Operand::Kind::Register;
      reg.reg = piece->reg;
      move.operands = load ? std::vector<Operand>{element, reg} : std::vector<Operand>{reg, element};
      emit(std::move(move));
      offset += bytes;
    }
    return {};
  }

  // --- calls ---------------------------------------------------------------------------------------------------------------

  Status call(Scope& scope, Inst inst) {
    if (inst.operands.size() < 3) return Error{ErrorKind::Invalid, place(inst) + "malformed call"};
    const Operand callee = inst.operands[1];
    bool direct = callee.kind == Operand::Kind::Symbol && callee.symbol.kind == ptx::SymbolKind::Function;
    BlockId after = noBlock;
    bool inlined = direct && module_.functions[callee.symbol.index].hasBody && !recursive_.count(callee.symbol.index);
    if (inst.guard != ptx::noReg && inlined) {  // @p call: a branch around it
      BlockId doIt = newBlock();
      after = newBlock();
      block().condition = inst.guard;
      block().negated = inst.guardNegated;
      close(Terminator::Branch, {doIt, after}, inst.loc.line);
      open(doIt);
      inst.guard = ptx::noReg;
    }
    if (inlined) {
      if (Status s = inlineCall(scope, inst, callee.symbol.index); !s) return s;
    } else {
      // Arguments and results become flat lists of piece registers.
      flattenList(scope, inst.operands[0]);
      flattenList(scope, inst.operands[2]);
      if (direct && module_.functions[callee.symbol.index].hasBody) reach(callee.symbol.index);
      if (!direct) reachIndirect(scope, inst);
      emit(std::move(inst));
    }
    if (after != noBlock) {
      close(Terminator::Jump, {after}, inst.loc.line);
      open(after);
    }
    return {};
  }

  void reach(uint32_t function) {
    auto& list = flat_->outOfLine;
    if (std::find(list.begin(), list.end(), function) == list.end()) list.push_back(function);
    if (!program_.functions.count(function)) pending_.insert(function);
  }

  void reachIndirect(const Scope& scope, const Inst& inst) {
    flat_->indirectCalls = true;
    const ptx::Prototype* prototype = nullptr;
    if (inst.operands.size() > 3 && inst.operands[3].kind == Operand::Kind::Label &&
        inst.operands[3].label < scope.body->prototypes.size())
      prototype = &scope.body->prototypes[inst.operands[3].label];
    for (uint32_t f = 0; f < module_.functions.size(); ++f) {
      const ptx::Function& candidate = module_.functions[f];
      if (candidate.isEntry || !candidate.hasBody) continue;
      if (prototype && !sameSignature(prototype->returns, prototype->params, candidate.returns, candidate.params)) continue;
      reach(f);
    }
  }

  void flattenList(const Scope& scope, Operand& list) const {
    std::vector<Operand> flatList;
    for (const Operand& o : list.elements) {
      const std::vector<Piece>* pieces = o.kind == Operand::Kind::Symbol ? piecesOf(scope, o.symbol) : nullptr;
      if (!pieces) {
        flatList.push_back(o);
        continue;
      }
      for (const Piece& p : *pieces) {
        Operand reg;
        reg.kind = Operand::Kind::Register;
        reg.reg = p.reg;
        flatList.push_back(reg);
      }
    }
    list.kind = Operand::Kind::Vector;
    list.elements = std::move(flatList);
  }

  // Pieces for all that passes between a function and its callers. Those declared `.reg` are the first registers of the body, which
  // inlineBody() makes next.
  Binding newBinding(const ptx::Function& f) {
    Binding binding;
    for (const auto& p : f.params) binding.params.push_back(isRegister(p) ? std::vector<Piece>{} : newPieces(p));
    for (const auto& r : f.returns) binding.returns.push_back(isRegister(r) ? std::vector<Piece>{} : newPieces(r));
    auto next = RegId(flat_->registers.size());
    auto add = [&](const std::vector<ptx::Variable>& variables, std::vector<std::vector<Piece>>& all) {
      for (size_t i = 0; i < variables.size(); ++i)
        if (isRegister(variables[i])) all[i] = {{next++, 0, std::max(1u, ptx::bits(variables[i].type) / 8)}};
    };
    add(f.returns, binding.returns);
    add(f.params, binding.params);
    return binding;
  }

  static bool isRegister(const ptx::Variable& v) { return v.space == ptx::Space::None; }

  Status inlineCall(Scope& scope, const Inst& inst, uint32_t function) {
    if (scope.depth > 200) return Error{ErrorKind::Limit, place(inst) + "calls nest deeper than 200"};
    const ptx::Function& f = module_.functions[function];
    if (inst.operands[2].elements.size() != f.params.size() || inst.operands[0].elements.size() != f.returns.size())
      return Error{ErrorKind::Invalid, place(inst) + "call of " + f.name + " has " +
                                           std::to_string(inst.operands[2].elements.size()) + " arguments and " +
                                           std::to_string(inst.operands[0].elements.size()) + " results, it needs " +
                                           std::to_string(f.params.size()) + " and " + std::to_string(f.returns.size())};
    // Parameters are passed by value: fresh registers, so that two calls never share one.
    const bool allocates = usesAlloca(function);
    const RegId top = allocates ? newRegister(ptx::Type::B64, "alloca.saved") : ptx::noReg;
    Binding binding = newBinding(f);
    for (size_t i = 0; i < f.params.size(); ++i)
      if (Status s = copyPieces(scope, inst, inst.operands[2].elements[i], binding.params[i], true, f.params[i]); !s) return s;
    if (allocates) emitMove(inst, top, allocaTop(), ptx::Type::B64);
    BlockId continuation = newBlock();
    BlockId entry = newBlock();
    close(Terminator::Jump, {entry}, inst.loc.line);
    current_ = entry;
    int depth = scope.depth + 1;
    if (Status s = inlineBody(function, binding, continuation, depth); !s) return s;
    open(continuation);
    if (allocates) emitMove(inst, allocaTop(), top, ptx::Type::B64);
    for (size_t i = 0; i < f.returns.size(); ++i)
      if (Status s = copyPieces(scope, inst, inst.operands[0].elements[i], binding.returns[i], false, f.returns[i]); !s) return s;
    return {};
  }

  bool usesAlloca(uint32_t function) {
    auto parsed = body(function);
    return parsed && std::any_of((*parsed)->instructions.begin(), (*parsed)->instructions.end(),
                                 [](const ptx::Instruction& i) { return i.form == ptx::Form::Alloca || i.form == ptx::Form::Stackrestore; });
  }

  static Operand registerOperand(RegId reg) {
    Operand o;
    o.kind = Operand::Kind::Register;
    o.reg = reg;
    return o;
  }

  void emitMove(const Inst& at, RegId to, RegId from, ptx::Type type) {
    Inst move;
    move.form = ptx::Form::Mov;
    move.loc = at.loc;
    move.types = {type};
    move.operands = {registerOperand(to), registerOperand(from)};
    emit(std::move(move));
  }

  // Between a call's operand (a .param variable, register or immediate) and the callee's pieces.
  Status copyPieces(const Scope& scope, const Inst& call, const Operand& operand, const std::vector<Piece>& pieces, bool in,
                    const ptx::Variable& declared) {
    const std::vector<Piece>* theirs = operand.kind == Operand::Kind::Symbol ? piecesOf(scope, operand.symbol) : nullptr;
    if (operand.kind == Operand::Kind::Discard) return {};
    for (size_t i = 0; i < pieces.size(); ++i) {
      Operand outer = operand;
      if (theirs) {
        if (i >= theirs->size() || (*theirs)[i].bytes != pieces[i].bytes)
          return Error{ErrorKind::Invalid, place(call) + "argument and parameter have different sizes"};
        outer = Operand{};
        outer.kind = Operand::Kind::Register;
        outer.reg = (*theirs)[i].reg;
      } else if (i > 0) {
        return Error{ErrorKind::Invalid, place(call) + "a register cannot be passed for a parameter of several words"};
      }
      Operand inner;
      inner.kind = Operand::Kind::Register;
      inner.reg = pieces[i].reg;
      Inst move;
      move.loc = call.loc;
      move.types = {isRegister(declared) ? declared.type : ptx::bitsType(pieces[i].bytes * 8)};
      if (isRegister(declared)) {
        move.form = ptx::Form::Mov;
        move.operands = in ? std::vector<Operand>{inner, outer} : std::vector<Operand>{outer, inner};
        emit(std::move(move));
        continue;
      }
      move.pseudo = in ? Pseudo::PieceStore : Pseudo::PieceLoad;
      move.operands = in ? std::vector<Operand>{inner, outer} : std::vector<Operand>{outer, inner};
      emit(std::move(move));
    }
    return {};
  }

  // --- shared memory -------------------------------------------------------------------------------------------------------

  void layoutShared() {
    SharedLayout& layout = program_.shared;
    auto place = [&](uint64_t size, uint64_t align) {
      uint64_t at = alignUp(layout.staticBytes, std::max<uint64_t>(align, 1));
      layout.staticBytes = at + size;
      return at;
    };
    // Module variables first, in order of declaration, if this kernel or its functions may use them.
    std::set<uint32_t> used = usedModuleShared();
    for (uint32_t v : used) {
      const ptx::Variable& var = module_.variables[v];
      if (!isDynamic(var)) layout.moduleVariables[v] = place(var.size, var.align);
    }
    for (auto& use : sharedUses_) {
      if (isDynamic(use.variable)) continue;
      auto [it, fresh] = layout.functionVariables.try_emplace(use.key, 0);
      if (fresh) it->second = place(use.variable.size, use.variable.align);
      use.flat->storage[use.storage].offset = it->second;
    }
    uint64_t align = 16;
    for (uint32_t v : used)
      if (isDynamic(module_.variables[v])) align = std::max(align, module_.variables[v].align);
    layout.dynamicAlign = align;
    layout.dynamicOffset = alignUp(layout.staticBytes, align);
    for (uint32_t v : used)
      if (isDynamic(module_.variables[v])) layout.moduleVariables[v] = layout.dynamicOffset;
    for (auto& use : sharedUses_)
      if (isDynamic(use.variable)) use.flat->storage[use.storage].offset = layout.dynamicOffset;
  }

  static bool isDynamic(const ptx::Variable& v) { return v.unsized || (v.linkage == ptx::Linkage::Extern && v.size == 0); }

  std::set<uint32_t> usedModuleShared() const {
    std::set<uint32_t> used;
    auto visit = [&](const Operand& o, auto& self) -> void {
      if ((o.kind == Operand::Kind::Symbol || o.hasSymbol) && o.symbol.kind == ptx::SymbolKind::ModuleVariable &&
          module_.variables[o.symbol.index].space == ptx::Space::Shared)
        used.insert(o.symbol.index);
      for (const Operand& e : o.elements) self(e, self);
    };
    auto scan = [&](const Flat& flat) {
      for (const Inst& inst : flat.instructions)
        for (const Operand& o : inst.operands) visit(o, visit);
    };
    scan(program_.kernel);
    for (const auto& [f, flat] : program_.functions) scan(flat);
    return used;
  }

  struct SharedUse {
    Flat* flat;
    uint32_t storage;
    std::pair<uint32_t, uint32_t> key;
    ptx::Variable variable;
  };

  const ptx::Module& module_;
  FlatProgram& program_;
  Flat* flat_ = nullptr;
  BlockId current_ = 0;
  RegId carry_ = ptx::noReg, allocaTop_ = ptx::noReg;
  uint32_t allocaStorage_ = 0;
  bool openBlock_ = false;
  std::map<uint32_t, std::unique_ptr<ptx::Body>> bodies_;
  std::set<uint32_t> recursive_, pending_;
  std::vector<SharedUse> sharedUses_;
};

}  // namespace

void findPredecessors(Flat& flat) {
  std::vector<uint8_t> reached(flat.blocks.size());
  std::vector<BlockId> work{0};
  reached[0] = 1;
  while (!work.empty()) {
    const BlockId x = work.back();
    work.pop_back();
    for (BlockId s : flat.blocks[x].successors)
      if (!reached[s]) reached[s] = 1, work.push_back(s);
  }
  for (Block& block : flat.blocks) block.predecessors.clear();
  for (BlockId x = 0; x < flat.blocks.size(); ++x)
    if (reached[x])
      for (BlockId s : flat.blocks[x].successors) flat.blocks[s].predecessors.push_back(x);
}

Result<std::unique_ptr<FlatProgram>> flatten(const ptx::Module& module, uint32_t function) {
  auto program = std::make_unique<FlatProgram>();
  if (Status s = Flattener(module, *program).run(function); !s) return s.error();
  return program;
}

}  // namespace anywarp::analysis
