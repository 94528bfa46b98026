// Joins objects: sections one after the other, symbols and relocations numbered anew. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/join.h"

#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "compiler/object/elf.h"
#include "support/align.h"

namespace anywarp::object {
namespace {

constexpr uint32_t llvmAddressTable = 0x6fff4c03;  // SHT_LLVM_ADDRSIG: numbers of symbols, for linkers that fold code

Error cannot(const std::string& why) { return Error{ErrorKind::Invalid, "cannot join objects: " + why}; }

class Names {
 public:
  uint32_t add(std::string_view name) {
    if (name.empty()) return 0;
    auto offset = static_cast<uint32_t>(text_.size());
    text_.append(name).push_back('\0');
    return offset;
  }
  std::span<const uint8_t> bytes() const { return {reinterpret_cast<const uint8_t*>(text_.data()), text_.size()}; }

 private:
  std::string text_ = std::string(1, '\0');
};

class Joining {
 public:
  explicit Joining(const std::set<std::string, std::less<>>& locals) : locals_(locals) {}

  Result<std::vector<uint8_t>> run(std::span<const std::vector<uint8_t>> files) {
    if (files.empty()) return cannot("there are none");
    for (const auto& file : files) {
      auto read = readElf(file);
      if (!read) return read.error();
      if (read->machine != (parts_.empty() ? read->machine : parts_[0].elf.machine)) return cannot("they are for several machines");
      parts_.push_back({std::move(*read), {}, {}});
    }
    Status done = numberSections();
    if (done) done = numberSymbols();
    if (!done) return done.error();
    return written(files[0]);
  }

 private:
  struct Part {
    ElfObject elf;
    std::vector<uint32_t> sections, symbols;  // its numbers in the whole; 0: left out
  };
  struct Kept {
    Elf64_Shdr header{};
    std::span<const uint8_t> bytes;
  };

  // What is carried over as it is. Relocations follow with new numbers, names and symbols are tables of the whole.
  static bool isKept(const Section& section) {
    uint32_t type = section.header.sh_type;
    return type != SHT_NULL && type != SHT_SYMTAB && type != SHT_STRTAB && type != SHT_RELA && type != llvmAddressTable;
  }

  Status numberSections() {
    kept_.emplace_back();
    for (Part& part : parts_)
      for (const Section& section : part.elf.sections) {
        bool keeps = isKept(section);
        if (section.header.sh_type == SHT_GROUP) return cannot("one has groups of sections");
        part.sections.push_back(keeps ? static_cast<uint32_t>(kept_.size()) : 0);
        if (!keeps) continue;
        kept_.push_back({section.header, section.bytes});
        Elf64_Shdr& header = kept_.back().header;
        header.sh_name = sectionNames_.add(section.name);
        header.sh_flags &= ~uint64_t(SHF_LINK_ORDER);
        header.sh_link = header.sh_info = 0;
      }
    // A table of relocations for each, the table of symbols, two tables of names.
    if (2 * kept_.size() + 3 >= SHN_LORESERVE) return cannot("too many sections");
    return {};
  }

  Elf64_Sym translated(const Part& part, const Symbol& symbol) {
    Elf64_Sym raw{};
    raw.st_name = symbolNames_.add(symbol.name);
    raw.st_info = ELF64_ST_INFO(becomesLocal(symbol) ? STB_LOCAL : symbol.binding, symbol.type);
    raw.st_other = becomesLocal(symbol) ? STV_DEFAULT : symbol.visibility;
    raw.st_shndx = static_cast<uint16_t>(symbol.section == SHN_ABS || symbol.section == SHN_UNDEF ? symbol.section : part.sections[symbol.section]);
    raw.st_value = symbol.value;
    raw.st_size = symbol.size;
    return raw;
  }

  static bool isDefined(const Symbol& symbol) { return symbol.section != SHN_UNDEF; }
  bool becomesLocal(const Symbol& symbol) const { return isDefined(symbol) && locals_.contains(symbol.name); }

  // Local ones first, as the format wants it.
  Status numberSymbols() {
    symbols_.emplace_back();
    for (Part& part : parts_) part.symbols.assign(part.elf.symbols.size(), 0);
    addSymbols([](const Symbol& s) { return s.binding == STB_LOCAL; });
    Status done = addNamed([&](const Symbol& s) { return becomesLocal(s); });
    firstGlobal_ = static_cast<uint32_t>(symbols_.size());
    if (done) done = addNamed([&](const Symbol& s) { return isDefined(s) && !becomesLocal(s); });
    if (done) done = addNamed([](const Symbol& s) { return !isDefined(s); });
    return done;
  }

  template <class Filter>
  void addSymbols(Filter belongs) {
    for (Part& part : parts_)
      for (size_t i = 1; i < part.elf.symbols.size(); ++i) {
        if (!belongs(part.elf.symbols[i])) continue;
        part.symbols[i] = static_cast<uint32_t>(symbols_.size());
        symbols_.push_back(translated(part, part.elf.symbols[i]));
      }
  }

  // Those that other parts may mean by name: one for each name.
  template <class Filter>
  Status addNamed(Filter belongs) {
    for (Part& part : parts_)
      for (size_t i = 1; i < part.elf.symbols.size(); ++i) {
        const Symbol& symbol = part.elf.symbols[i];
        if (symbol.binding == STB_LOCAL || !belongs(symbol)) continue;
        auto [found, isNew] = named_.emplace(symbol.name, static_cast<uint32_t>(symbols_.size()));
        if (!isNew && isDefined(symbol)) return cannot("two define '" + std::string(symbol.name) + "'");
        if (isNew) symbols_.push_back(translated(part, symbol));
        part.symbols[i] = found->second;
      }
    return {};
  }

  static std::vector<uint8_t> bytesOf(const void* data, size_t size) {
    auto begin = static_cast<const uint8_t*>(data);
    return {begin, begin + size};
  }

  // `name`: its place in the table of names.
  uint32_t append(uint32_t name, uint32_t type, std::vector<uint8_t> bytes, uint64_t entry) {
    made_.push_back(std::move(bytes));
    Kept section;
    section.header.sh_name = name;
    section.header.sh_type = type;
    section.header.sh_addralign = entry ? 8 : 1;
    section.header.sh_entsize = entry;
    section.header.sh_size = made_.back().size();
    section.bytes = made_.back();
    kept_.push_back(section);
    return static_cast<uint32_t>(kept_.size() - 1);
  }

  void appendRelocations() {
    std::vector<uint32_t> tables;
    uint32_t name = sectionNames_.add(".rela");
    for (const Part& part : parts_)
      for (const RelocationList& list : part.elf.relocations) {
        if (part.sections[list.target] == 0 || list.entries.empty()) continue;
        std::vector<Elf64_Rela> entries;
        for (const Relocation& entry : list.entries)
          entries.push_back({entry.offset, ELF64_R_INFO(uint64_t(part.symbols[entry.symbol]), entry.type), entry.addend});
        uint32_t table = append(name, SHT_RELA, bytesOf(entries.data(), entries.size() * sizeof(Elf64_Rela)), sizeof(Elf64_Rela));
        kept_[table].header.sh_info = part.sections[list.target];
        kept_[table].header.sh_flags = SHF_INFO_LINK;
        tables.push_back(table);
      }
    uint32_t symbols = append(sectionNames_.add(".symtab"), SHT_SYMTAB, bytesOf(symbols_.data(), symbols_.size() * sizeof(Elf64_Sym)), sizeof(Elf64_Sym));
    auto names = symbolNames_.bytes();
    kept_[symbols].header.sh_link = append(sectionNames_.add(".strtab"), SHT_STRTAB, bytesOf(names.data(), names.size()), 0);
    kept_[symbols].header.sh_info = firstGlobal_;
    for (uint32_t table : tables) kept_[table].header.sh_link = symbols;
  }

  std::vector<uint8_t> written(std::span<const uint8_t> first) {
    appendRelocations();
    uint32_t name = sectionNames_.add(".shstrtab");
    auto names = sectionNames_.bytes();
    uint32_t namesIndex = append(name, SHT_STRTAB, bytesOf(names.data(), names.size()), 0);

    Elf64_Ehdr header;
    std::memcpy(&header, first.data(), sizeof header);
    std::vector<uint8_t> out(sizeof header);
    for (Kept& section : kept_) {
      uint64_t alignment = section.header.sh_addralign ? section.header.sh_addralign : 1;
      out.resize(alignUp(out.size(), alignment));
      section.header.sh_offset = &section == kept_.data() ? 0 : out.size();
      out.insert(out.end(), section.bytes.begin(), section.bytes.end());
    }
    out.resize(alignUp(out.size(), 8));
    header.e_shoff = out.size();
    header.e_shnum = static_cast<uint16_t>(kept_.size());
    header.e_shstrndx = static_cast<uint16_t>(namesIndex);
    for (const Kept& section : kept_) {
      auto begin = reinterpret_cast<const uint8_t*>(&section.header);
      out.insert(out.end(), begin, begin + sizeof section.header);
    }
    std::memcpy(out.data(), &header, sizeof header);
    return out;
  }

  const std::set<std::string, std::less<>>& locals_;
  std::vector<Part> parts_;
  std::vector<Kept> kept_;
  std::deque<std::vector<uint8_t>> made_;  // what sections of the whole are views into
  std::vector<Elf64_Sym> symbols_;
  std::map<std::string_view, uint32_t> named_;
  uint32_t firstGlobal_ = 0;
  Names sectionNames_, symbolNames_;
};

}  // namespace

Result<std::vector<uint8_t>> joinObjects(std::span<const std::vector<uint8_t>> files, const std::set<std::string, std::less<>>& locals) {
  return Joining(locals).run(files);
}

}  // namespace anywarp::object
