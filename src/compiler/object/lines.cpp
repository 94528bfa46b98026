// Runs line programs: headers, then opcodes that append rows. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/lines.h"

#include <algorithm>
#include <cstring>

namespace anywarp::object {
namespace {

// Standard opcodes and the extended ones that matter.
enum : uint8_t {
  opExtended = 0, opCopy = 1, opAdvancePc = 2, opAdvanceLine = 3, opConstAddPc = 8, opFixedAdvancePc = 9,
  extendedEndSequence = 1, extendedSetAddress = 2,
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool atEnd() const { return failed_ || at_ >= bytes_.size(); }
  bool failed() const { return failed_; }

  template <class T>
  T number() {
    T value{};
    if (auto from = take(sizeof(T)); from.size() == sizeof(T)) std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }
  std::span<const uint8_t> take(uint64_t size) {
    if (failed_ || size > bytes_.size() - at_) {
      failed_ = true;
      return {};
    }
    auto taken = bytes_.subspan(at_, size);
    at_ += size;
    return taken;
  }
  uint64_t uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      uint8_t byte = number<uint8_t>();
      if (shift < 64) value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value;
    }
  }
  int64_t sleb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; ) {
      uint8_t byte = number<uint8_t>();
      if (shift < 64) value |= uint64_t(byte & 0x7f) << shift;
      shift += 7;
      if (byte & 0x80) continue;
      if (shift < 64 && byte & 0x40) value |= ~uint64_t(0) << shift;
      return static_cast<int64_t>(value);
    }
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

struct Header {
  uint8_t minInstructionLength = 1, lineRange = 1, opcodeBase = 1;
  int8_t lineBase = 0;
  std::span<const uint8_t> standardLengths;  // operands of standard opcode i + 1
};

struct State {
  uint64_t address = 0;
  int64_t line = 1;
};

class Program {
 public:
  Program(const Header& header, std::span<const uint8_t> code, std::vector<LineRow>& rows)
      : header_(header), code_(code), rows_(rows) {}

  void run() {
    while (!code_.atEnd()) step();
  }

 private:
  void step() {
    uint8_t opcode = code_.number<uint8_t>();
    if (opcode >= header_.opcodeBase) return special(opcode);
    switch (opcode) {
      case opExtended: return extended();
      case opCopy: return append(state_.line);
      case opAdvancePc: return advance(code_.uleb());
      case opAdvanceLine: state_.line += code_.sleb(); return;
      case opConstAddPc: return advance((255 - header_.opcodeBase) / header_.lineRange);
      case opFixedAdvancePc: state_.address += code_.number<uint16_t>(); return;
      default:
        for (unsigned i = 0; i < header_.standardLengths[opcode - 1]; ++i) code_.uleb();
    }
  }

  void special(uint8_t opcode) {
    unsigned adjusted = opcode - header_.opcodeBase;
    advance(adjusted / header_.lineRange);
    state_.line += header_.lineBase + static_cast<int>(adjusted % header_.lineRange);
    append(state_.line);
  }

  void extended() {
    Reader body(code_.take(code_.uleb()));
    switch (body.number<uint8_t>()) {
      case extendedEndSequence:
        rows_.push_back({state_.address, 0});
        state_ = {};
        return;
      case extendedSetAddress: state_.address = body.number<uint64_t>(); return;
    }
  }

  void advance(uint64_t operations) { state_.address += operations * header_.minInstructionLength; }

  // Code without a line of its own (line 0) stays with the line before it.
  void append(int64_t line) {
    if (line > 0 && line <= UINT32_MAX) rows_.push_back({state_.address, static_cast<uint32_t>(line)});
  }

  const Header& header_;
  Reader code_;
  State state_;
  std::vector<LineRow>& rows_;
};

void readUnit(std::span<const uint8_t> bytes, std::vector<LineRow>& rows) {
  Reader unit(bytes);
  uint16_t version = unit.number<uint16_t>();
  if (version < 2 || version > 5) return;
  if (version >= 5) unit.take(2);  // sizes of addresses and segment selectors
  Reader fields(unit.take(unit.number<uint32_t>()));
  Header header;
  header.minInstructionLength = fields.number<uint8_t>();
  if (version >= 4) fields.take(1);  // operations per instruction: 1 on hosts without VLIW
  fields.take(1);                    // default_is_stmt
  header.lineBase = fields.number<int8_t>();
  header.lineRange = fields.number<uint8_t>();
  header.opcodeBase = fields.number<uint8_t>();
  if (header.lineRange == 0 || header.opcodeBase == 0) return;
  header.standardLengths = fields.take(header.opcodeBase - 1);
  if (fields.failed() || unit.failed()) return;
  uint64_t headerSize = version >= 5 ? 8 : 6;
  uint32_t fieldsSize;
  std::memcpy(&fieldsSize, bytes.data() + headerSize - 4, 4);
  Program(header, bytes.subspan(headerSize + fieldsSize), rows).run();
}

}  // namespace

std::vector<LineRow> readLineTable(std::span<const uint8_t> section) {
  std::vector<LineRow> rows;
  Reader units(section);
  while (!units.atEnd()) {
    uint64_t size = units.number<uint32_t>();
    if (size >= 0xfffffff0) break;  // 64-bit DWARF: LLVM writes it only where asked to
    readUnit(units.take(size), rows);
  }
  // Of rows at one address the last counts, but the end of a sequence not where another begins.
  std::stable_sort(rows.begin(), rows.end(), [](const LineRow& a, const LineRow& b) {
    return a.address != b.address ? a.address < b.address : a.line == 0 && b.line != 0;
  });
  std::vector<LineRow> kept;
  for (const LineRow& row : rows) {
    if (!kept.empty() && kept.back().address == row.address) kept.pop_back();
    if (kept.empty() || kept.back().line != row.line) kept.push_back(row);
  }
  return kept;
}

uint32_t findLine(std::span<const LineRow> rows, uint64_t address) {
  auto after = std::upper_bound(rows.begin(), rows.end(), address, [](uint64_t a, const LineRow& row) { return a < row.address; });
  return after == rows.begin() ? 0 : std::prev(after)->line;
}

}  // namespace anywarp::object
