// Reading the functions that a kernel may reach, and laying out their variables (PTX: State Spaces).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "compiler/ptx/validate.h"
#include "interp/machine.h"
#include "support/align.h"

namespace anywarp::interp {
namespace {

// Gives places to variables one after another.
class Packer {
 public:
  explicit Packer(uint64_t start = 0) : end_(start) {}

  // A parameter in a register has a place as well: it travels through the frame.
  uint64_t place(const ptx::Variable& variable) {
    return variable.space == ptx::Space::None ? place(8, 8) : place(variable.size, variable.align);
  }
  uint64_t place(uint64_t size, uint64_t align) {
    uint64_t offset = alignUp(end_, std::max<uint64_t>(align, 1));
    end_ = offset + size;
    return offset;
  }
  uint64_t end() const { return end_; }

 private:
  uint64_t end_;
};

// Collects what the operands of a body refer to.
struct References {
  std::vector<uint32_t> variables, functions;
  bool indirectCall = false;

  void visit(const ptx::Operand& operand) {
    bool symbol = operand.kind == ptx::Operand::Kind::Symbol || operand.hasSymbol;
    if (symbol && operand.symbol.kind == ptx::SymbolKind::ModuleVariable) variables.push_back(operand.symbol.index);
    if (symbol && operand.symbol.kind == ptx::SymbolKind::Function) functions.push_back(operand.symbol.index);
    for (const ptx::Operand& element : operand.elements) visit(element);
  }
  void visit(const ptx::Body& body) {
    for (const ptx::Instruction& instruction : body.instructions) {
      for (const ptx::Operand& operand : instruction.operands) visit(operand);
      if (instruction.form == ptx::Form::Call && instruction.operands.size() > 1 && instruction.operands[1].isReg())
        indirectCall = true;
    }
  }
};

class Loader {
 public:
  explicit Loader(Grid& grid) : grid_(grid), shared_(0) { grid_.sharedOffsets.assign(grid_.module.variables.size(), 0); }

  std::optional<Fault> load(uint32_t entry) {
    wanted_.push_back(entry);
    while (!wanted_.empty()) {
      uint32_t next = wanted_.back();
      wanted_.pop_back();
      if (auto fault = loadOne(next)) return fault;
    }
    placeDynamic();
    return std::nullopt;
  }

 private:
  Grid& grid_;
  Packer shared_;
  std::vector<uint32_t> wanted_;
  std::vector<bool> placed_ = std::vector<bool>(grid_.module.variables.size());

  std::optional<Fault> loadOne(uint32_t index) {
    const ptx::Function& function = grid_.module.functions[index];
    if (!function.hasBody || grid_.code.count(index)) return std::nullopt;
    auto body = ptx::parseCheckedBody(grid_.module, function);
    if (!body) return Fault{FaultKind::Invalid, body.error().message};
    auto code = std::make_unique<Code>();
    code->index = index;
    code->function = &function;
    code->body = std::move(*body);
    References references;
    references.visit(*code->body);
    for (uint32_t variable : references.variables) placeShared(variable);
    layOut(*code);
    grid_.code[index] = std::move(code);
    wanted_.insert(wanted_.end(), references.functions.begin(), references.functions.end());
    if (references.indirectCall) wantEveryFunction();
    return std::nullopt;
  }

  void wantEveryFunction() {
    for (uint32_t i = 0; i < grid_.module.functions.size(); i++)
      if (!grid_.module.functions[i].isEntry) wanted_.push_back(i);
  }

  void placeShared(uint32_t index) {
    const ptx::Variable& variable = grid_.module.variables[index];
    if (variable.space != ptx::Space::Shared || variable.unsized || placed_[index]) return;
    placed_[index] = true;
    grid_.sharedOffsets[index] = shared_.place(variable);
  }

  // Arrays of unspecified size all begin where the dynamic part does.
  void placeDynamic() {
    uint64_t align = 16;
    for (const ptx::Variable& variable : grid_.module.variables)
      if (variable.space == ptx::Space::Shared && variable.unsized) align = std::max(align, variable.align);
    grid_.staticShared = static_cast<uint32_t>(alignUp(shared_.end(), align));
    for (size_t i = 0; i < grid_.module.variables.size(); i++) {
      const ptx::Variable& variable = grid_.module.variables[i];
      if (variable.space == ptx::Space::Shared && variable.unsized) grid_.sharedOffsets[i] = grid_.staticShared;
    }
  }

  void layOut(Code& code) {
    Packer frame;
    Packer image;  // the parameter image of a kernel
    Packer& params = code.function->isEntry ? image : frame;
    for (const ptx::Variable& param : code.function->params) code.layout.params.push_back(params.place(param));
    for (const ptx::Variable& result : code.function->returns) code.layout.returns.push_back(frame.place(result));
    for (const ptx::Variable& variable : code.body->variables)
      code.layout.variables.push_back(variable.space == ptx::Space::Shared ? shared_.place(variable) : frame.place(variable));
    code.layout.bytes = alignUp(frame.end(), 16);
  }
};

}  // namespace

std::optional<Fault> loadCode(Grid& grid, uint32_t function) { return Loader(grid).load(function); }

}  // namespace anywarp::interp
