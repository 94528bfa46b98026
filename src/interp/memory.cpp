// State spaces: where an address leads and whether the thread may go there (PTX: State Spaces; Generic Addressing).
// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "interp/step.h"

namespace anywarp::interp {
namespace {

bool within(uint64_t address, uint64_t size, const void* begin, uint64_t length) {
  uint64_t first = reinterpret_cast<uint64_t>(begin);
  return address >= first && size <= length && address - first <= length - size;
}

bool inWindow(uint64_t offset, uint64_t size, uint64_t length) { return size <= length && offset <= length - size; }

uint8_t* pointer(uint64_t address) { return reinterpret_cast<uint8_t*>(address); }

}  // namespace

bool DeviceMemory::allows(uint64_t address, uint64_t size, bool write) const {
  for (const Range& range : ranges)
    if (within(address, size, pointer(range.begin), range.size)) return range.writable || !write;
  auto after = heap.upper_bound(address);
  if (after == heap.begin()) return false;
  const auto& [begin, bytes] = *std::prev(after);
  return within(address, size, pointer(begin), bytes.size());
}

uint8_t* Step::memory(Space space, uint64_t address, uint64_t size, bool write) {
  const char* verb = write ? "write" : "read";
  auto illegal = [&](const char* where) -> uint8_t* {
    fault(FaultKind::IllegalAddress, "illegal " + std::string(verb) + " of " + std::to_string(size) + " bytes at " + where + " address " + hex(address));
    return nullptr;
  };
  if (size > 0 && address % size != 0) {
    fault(FaultKind::MisalignedAddress, "misaligned " + std::string(verb) + " of " + std::to_string(size) + " bytes at address " + hex(address));
    return nullptr;
  }
  bool kernel = thread.frame().code->function->isEntry;
  switch (space) {
    case Space::Shared: {
      uint64_t offset = lowBits(address, 32);
      return inWindow(offset, size, block().sharedExtent()) ? block().shared() + offset : illegal("shared");
    }
    case Space::Param:
      if (kernel && inWindow(address, size, grid.params.size()) && !write) return grid.params.data() + address;
      [[fallthrough]];
    case Space::Local:
      return inWindow(address, size, grid.launch.localBytes) ? thread.local + address : illegal("local");
    case Space::Global:
    case Space::Const:
      return grid.launch.memory->allows(address, size, write) ? pointer(address) : illegal("global");
    default: break;
  }
  bool mine = within(address, size, block().shared(), block().sharedExtent()) ||
              within(address, size, thread.local, grid.launch.localBytes) ||
              (!write && within(address, size, grid.params.data(), grid.params.size())) ||
              grid.launch.memory->allows(address, size, write);
  return mine ? pointer(address) : illegal("generic");
}

uint64_t Step::genericAddress(Space space, uint64_t address) {
  switch (space) {
    case Space::Shared: return reinterpret_cast<uint64_t>(block().shared()) + lowBits(address, 32);
    case Space::Local: return reinterpret_cast<uint64_t>(thread.local) + address;
    case Space::Param:
      if (thread.frame().code->function->isEntry) return reinterpret_cast<uint64_t>(grid.params.data()) + address;
      return reinterpret_cast<uint64_t>(thread.local) + address;
    default: return address;
  }
}

Space Step::symbolSpace(const ptx::SymbolRef& symbol) const {
  switch (symbol.kind) {
    case ptx::SymbolKind::ModuleVariable: return grid.module.variables[symbol.index].space;
    case ptx::SymbolKind::FunctionVariable: {
      Space space = thread.frame().code->body->variables[symbol.index].space;
      return space == Space::Param ? Space::Local : space;  // arguments being prepared live in the caller's frame
    }
    case ptx::SymbolKind::Parameter: return thread.frame().code->function->isEntry ? Space::Param : Space::Local;
    case ptx::SymbolKind::ReturnParameter: return Space::Local;
    case ptx::SymbolKind::Function: return Space::Global;
  }
  return Space::None;
}

uint64_t Step::symbolAddress(const ptx::SymbolRef& symbol) const {
  const Frame& frame = thread.frame();
  const FrameLayout& layout = frame.code->layout;
  auto inFrame = [&](uint64_t offset, Space space) { return space == Space::Local ? frame.local + offset : offset; };
  Space space = symbolSpace(symbol);
  switch (symbol.kind) {
    case ptx::SymbolKind::ModuleVariable:
      return space == Space::Shared ? grid.sharedOffsets[symbol.index] : grid.launch.symbols[symbol.index];
    case ptx::SymbolKind::FunctionVariable: return inFrame(layout.variables[symbol.index], space);
    case ptx::SymbolKind::Parameter: return inFrame(layout.params[symbol.index], space);
    case ptx::SymbolKind::ReturnParameter: return inFrame(layout.returns[symbol.index], space);
    case ptx::SymbolKind::Function: return grid.launch.symbols[grid.module.variables.size() + symbol.index];
  }
  return 0;
}

uint64_t Step::address(const Operand& operand) const {
  uint64_t base = 0;
  if (operand.kind == Operand::Kind::Symbol || operand.hasSymbol) {
    base = symbolAddress(operand.symbol);
  } else if (operand.reg != ptx::noReg) {
    base = thread.frame().registers[operand.reg].lo;
  }
  return base + static_cast<uint64_t>(operand.offset);
}

// A symbol says itself where it is; otherwise the instruction does.
Space Step::spaceOf(const Operand& operand, Space named) const {
  return operand.hasSymbol || operand.kind == Operand::Kind::Symbol ? symbolSpace(operand.symbol) : named;
}

uint64_t Step::load(const uint8_t* place, unsigned bytes) const {
  uint64_t value = 0;
  std::memcpy(&value, place, bytes);
  return value;
}

void Step::store(uint8_t* place, unsigned bytes, uint64_t bits) const { std::memcpy(place, &bits, bytes); }

}  // namespace anywarp::interp
