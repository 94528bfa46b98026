// The steps of loading an object, in order: see Loading::run. SPDX-License-Identifier: Apache-2.0
#include "compiler/object/loader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "compiler/object/architecture.h"
#include "compiler/object/elf.h"
#include "compiler/object/gdb.h"
#include "compiler/object/perf.h"
#include "support/align.h"
#include "support/log.h"

// libgcc's; absent where nothing in the process unwinds.
extern "C" void __register_frame(void*) __attribute__((weak));
extern "C" void __deregister_frame(void*) __attribute__((weak));

namespace anywarp::object {
namespace {

constexpr uint64_t largestObject = uint64_t(1) << 30;
constexpr uint64_t ehFrameEnd = 4;  // the zero that ends a list of frames
constexpr uint64_t slotBytes = 8;
constexpr uint64_t notPlaced = ~uint64_t(0);

const Architecture* hostArchitecture() {
#if defined(__x86_64__)
  return &x86_64;
#elif defined(__aarch64__)
  return &aarch64;
#else
  return nullptr;
#endif
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (auto part : parts) text += part;
  return text;
}

}  // namespace

class Loading {
 public:
  Loading(std::string name, Resolver resolve, const Architecture* architecture)
      : name_(std::move(name)), resolve_(resolve), result_(new LoadedObject), host_(architecture) {}

  Result<std::unique_ptr<LoadedObject>> run(std::span<const uint8_t> file) {
    auto elf = readElf(file);
    if (!elf) return fail(elf.error().message);
    elf_ = std::move(*elf);
    Status done = checkMachine();
    if (done) done = resolveExternals();
    if (done) done = collectSlotsAndStubs();
    if (done) done = layOut();
    if (done) done = map();
    if (done) done = fillSlotsAndStubs();
    if (done) done = relocate();
    if (done) done = protect();
    if (!done) return done.error();
    keepSymbols();
    keepLines();
    announce();
    return std::move(result_);
  }

 private:
  // What each symbol of the object needs, and where it is.
  struct Target {
    uint64_t address = 0;
    uint64_t slot = notPlaced, stub = notPlaced;  // offsets within their tables
    bool isExternal = false;
  };

  Error fail(std::string_view what) const { return Error{ErrorKind::Invalid, joined({name_, ": ", what})}; }

  Status checkMachine() {
    if (!host_ || elf_.machine != host_->machine)
      return fail("object is for machine " + std::to_string(elf_.machine) + ", not for this host");
    return {};
  }

  Status resolveExternals() {
    targets_.resize(elf_.symbols.size());
    for (size_t i = 1; i < elf_.symbols.size(); ++i) {
      const Symbol& symbol = elf_.symbols[i];
      if (symbol.section == SHN_ABS) targets_[i].address = symbol.value;
      if (symbol.section != SHN_UNDEF || symbol.name == "_GLOBAL_OFFSET_TABLE_") continue;
      targets_[i].isExternal = true;
      targets_[i].address = reinterpret_cast<uint64_t>(resolve_(symbol.name));
      if (!targets_[i].address && symbol.binding != STB_WEAK)
        return fail(joined({"needs '", symbol.name, "', which compiled code may not call"}));
    }
    return {};
  }

  Status collectSlotsAndStubs() {
    for (const RelocationList& list : elf_.relocations) {
      const Section& section = elf_.sections[list.target];
      if (!section.isLoaded()) continue;
      for (const Relocation& entry : list.entries) {
        RelocationForm form = host_->form(entry.type);
        if (form.via == Via::Unknown) return fail("unknown relocation " + std::to_string(entry.type));
        if (section.header.sh_type == SHT_NOBITS || entry.offset > section.header.sh_size ||
            form.bytes > section.header.sh_size - entry.offset)
          return fail("relocation outside its section");
        Target& target = targets_[entry.symbol];
        bool viaStub = form.via == Via::Call && target.isExternal;
        if (viaStub && target.stub == notPlaced) stubBytes_ = (target.stub = stubBytes_) + host_->stubBytes;
        if ((viaStub || form.via == Via::Got) && target.slot == notPlaced) slotsBytes_ = (target.slot = slotsBytes_) + slotBytes;
      }
    }
    return {};
  }

  // Code and stubs; constants and GOT; variables: three runs of pages in one mapping.
  Status layOut() {
    offsets_.assign(elf_.sections.size(), notPlaced);
    uint64_t at = 0, page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    place(at, [](const Section& s) { return s.isCode(); });
    stubs_ = at = alignUp(at, 16);
    at += stubBytes_;
    codeEnd_ = at = alignUp(at, page);
    place(at, [](const Section& s) { return !s.isCode() && !s.isWritable(); });
    slots_ = at = alignUp(at, slotBytes);
    at += slotsBytes_;
    constantsEnd_ = at = alignUp(at, page);
    place(at, [](const Section& s) { return !s.isCode() && s.isWritable(); });
    total_ = alignUp(at, page);
    if (total_ == 0 || total_ > largestObject) return fail("object of " + std::to_string(total_) + " bytes");
    return {};
  }

  template <class Filter>
  void place(uint64_t& at, Filter belongs) {
    for (size_t i = 0; i < elf_.sections.size(); ++i) {
      const Section& section = elf_.sections[i];
      if (!section.isLoaded() || !belongs(section) || at > largestObject) continue;
      offsets_[i] = at = alignUp(at, section.header.sh_addralign);
      at += section.header.sh_size + (section.name == ".eh_frame" ? ehFrameEnd : 0);
    }
  }

  Status map() {
    void* memory = ::mmap(nullptr, total_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return Error{ErrorKind::OutOfMemory, joined({name_, ": no memory to load the kernel: ", strerror(errno)})};
    result_->base_ = static_cast<uint8_t*>(memory);
    result_->mappedBytes_ = total_;
    result_->codeBytes_ = codeEnd_;
    for (size_t i = 0; i < elf_.sections.size(); ++i)
      if (offsets_[i] != notPlaced && !elf_.sections[i].bytes.empty())
        std::memcpy(result_->base_ + offsets_[i], elf_.sections[i].bytes.data(), elf_.sections[i].bytes.size());
    for (size_t i = 0; i < elf_.symbols.size(); ++i) {
      const Symbol& symbol = elf_.symbols[i];
      if (symbol.name == "_GLOBAL_OFFSET_TABLE_") targets_[i].address = base() + slots_;
      if (symbol.section != SHN_UNDEF && symbol.section < elf_.sections.size() && offsets_[symbol.section] != notPlaced)
        targets_[i].address = base() + offsets_[symbol.section] + symbol.value;
    }
    return {};
  }

  Status fillSlotsAndStubs() {
    for (const Target& target : targets_) {
      if (target.slot != notPlaced) std::memcpy(result_->base_ + slots_ + target.slot, &target.address, slotBytes);
      if (target.stub != notPlaced)
        host_->writeStub(result_->base_ + stubs_ + target.stub, base() + stubs_ + target.stub, base() + slots_ + target.slot);
    }
    return {};
  }

  Status relocate() {
    for (const RelocationList& list : elf_.relocations) {
      if (!elf_.sections[list.target].isLoaded()) continue;
      for (const Relocation& entry : list.entries) {
        uint64_t offset = offsets_[list.target] + entry.offset;
        if (!apply(entry, result_->base_ + offset, base() + offset))
          return fail(joined({"'", elf_.symbols[entry.symbol].name, "' is out of reach of a relocation"}));
      }
    }
    return {};
  }

  bool apply(const Relocation& entry, uint8_t* at, uint64_t place) const {
    RelocationForm form = host_->form(entry.type);
    if (form.via == Via::Nothing) return true;
    const Target& target = targets_[entry.symbol];
    uint64_t symbol = target.address;
    if (form.via == Via::Got) symbol = base() + slots_ + target.slot;
    if (form.via == Via::Call && target.stub != notPlaced) symbol = base() + stubs_ + target.stub;
    return host_->apply(entry.type, {at, place, symbol, entry.addend});
  }

  Status protect() {
    uint8_t* base = result_->base_;
    bool done = (codeEnd_ == 0 || ::mprotect(base, codeEnd_, PROT_READ | PROT_EXEC) == 0) &&
                (constantsEnd_ == codeEnd_ || ::mprotect(base + codeEnd_, constantsEnd_ - codeEnd_, PROT_READ) == 0);
    if (!done) return Error{ErrorKind::System, joined({name_, ": cannot make code executable: ", strerror(errno)})};
    __builtin___clear_cache(reinterpret_cast<char*>(base), reinterpret_cast<char*>(base + codeEnd_));
    return {};
  }

  void keepSymbols() {
    for (size_t i = 0; i < elf_.symbols.size(); ++i) {
      const Symbol& symbol = elf_.symbols[i];
      bool isPlaced = symbol.section != SHN_UNDEF && symbol.section < offsets_.size() && offsets_[symbol.section] != notPlaced;
      if (isPlaced && (symbol.type == STT_FUNC || symbol.type == STT_OBJECT) && !symbol.name.empty())
        result_->symbols_.emplace(symbol.name, reinterpret_cast<const void*>(targets_[i].address));
    }
  }

  // A section that is not loaded, with its relocations applied as far as they are known and inside it.
  std::vector<uint8_t> relocatedCopy(uint32_t index) const {
    std::vector<uint8_t> copy(elf_.sections[index].bytes.begin(), elf_.sections[index].bytes.end());
    for (const RelocationList& list : elf_.relocations)
      if (list.target == index)
        for (const Relocation& entry : list.entries) {
          RelocationForm form = host_->form(entry.type);
          if (form.via == Via::Symbol && entry.offset <= copy.size() && form.bytes <= copy.size() - entry.offset)
            (void)apply(entry, copy.data() + entry.offset, entry.offset);
        }
    return copy;
  }

  void keepLines() {
    std::vector<LineRow>& lines = result_->lines_;
    for (uint32_t i = 0; i < elf_.sections.size(); ++i) {
      if (elf_.sections[i].name != ".debug_line" || elf_.sections[i].isLoaded()) continue;
      std::vector<LineRow> rows = readLineTable(relocatedCopy(i));
      auto middle = lines.insert(lines.end(), rows.begin(), rows.end());
      std::inplace_merge(lines.begin(), middle, lines.end(), [](const LineRow& a, const LineRow& b) { return a.address < b.address; });
    }
  }

  void announce() {
    for (size_t i = 0; i < elf_.sections.size(); ++i)
      if (elf_.sections[i].name == ".eh_frame" && offsets_[i] != notPlaced && __register_frame) {
        result_->ehFrames_.push_back(result_->base_ + offsets_[i]);
        __register_frame(result_->base_ + offsets_[i]);
      }
    if (GdbRegistration::isWanted()) result_->gdb_ = std::make_unique<GdbRegistration>(debugImage());
    if (perfMapIsWanted())
      for (size_t i = 0; i < elf_.symbols.size(); ++i)
        if (elf_.symbols[i].type == STT_FUNC && targets_[i].address && !targets_[i].isExternal)
          perfMapAdd(targets_[i].address, elf_.symbols[i].size, name_, elf_.symbols[i].name);
  }

  // The file as a debugger wants it: sections know their addresses, debug sections are relocated.
  std::vector<uint8_t> debugImage() const {
    std::vector<uint8_t> image(elf_.file.begin(), elf_.file.end());
    Elf64_Ehdr header;
    std::memcpy(&header, image.data(), sizeof header);
    for (uint32_t i = 0; i < elf_.sections.size(); ++i) {
      Elf64_Shdr section = elf_.sections[i].header;
      section.sh_addr = offsets_[i] != notPlaced ? base() + offsets_[i] : 0;
      std::memcpy(image.data() + header.e_shoff + i * sizeof section, &section, sizeof section);
      if (elf_.sections[i].isLoaded() || elf_.sections[i].bytes.empty()) continue;
      std::vector<uint8_t> content = relocatedCopy(i);
      std::memcpy(image.data() + section.sh_offset, content.data(), content.size());
    }
    return image;
  }

  uint64_t base() const { return reinterpret_cast<uint64_t>(result_->base_); }

  std::string name_;
  Resolver resolve_;
  std::unique_ptr<LoadedObject> result_;
  ElfObject elf_;
  const Architecture* host_;
  std::vector<Target> targets_;
  std::vector<uint64_t> offsets_;  // of each section in the mapping
  uint64_t stubBytes_ = 0, slotsBytes_ = 0, stubs_ = 0, slots_ = 0, codeEnd_ = 0, constantsEnd_ = 0, total_ = 0;
};

Result<std::unique_ptr<LoadedObject>> LoadedObject::load(std::span<const uint8_t> file, std::string name, Resolver resolve,
                                                         const Architecture* architecture) {
  return Loading(std::move(name), resolve, architecture ? architecture : hostArchitecture()).run(file);
}

LoadedObject::~LoadedObject() {
  for (const void* frames : ehFrames_)
    if (__deregister_frame) __deregister_frame(const_cast<void*>(frames));
  gdb_.reset();
  if (base_) ::munmap(base_, mappedBytes_);
}

const void* LoadedObject::find(std::string_view symbol) const {
  auto found = symbols_.find(symbol);
  return found == symbols_.end() ? nullptr : found->second;
}

uint32_t LoadedObject::lineOf(uintptr_t address) const {
  auto start = reinterpret_cast<uintptr_t>(base_);
  return address >= start && address < start + codeBytes_ ? findLine(lines_, address) : 0;
}

}  // namespace anywarp::object
