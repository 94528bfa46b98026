// Writing jumps over the functions of a static CUDA runtime. SPDX-License-Identifier: Apache-2.0
//
// An executable that nvcc linked with --cudart=static (its default) keeps the names of the runtime's functions in .symtab. Over the
// start of each goes a jump through a Record; the first call finds our function of that name. Nothing of the runtime that was
// linked in runs after that. Where the names were stripped away, those of the runtime's archive are taken (static_match.h).
#include "preload/interpose.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <initializer_list>
#include <iterator>
#include <string_view>

#include "preload/elf_image.h"
#include "preload/static_match.h"

namespace anywarp::preload {

char libraryFolder[4096];

// Which runtime was linked in, told by functions that only its versions have.
enum Runtime : unsigned { Cuda11, Cuda12, Cuda13, runtimeCount };

constexpr const char* runtimeSonames[runtimeCount] = {"libcudart.so.11.0", "libcudart.so.12", "libcudart.so.13"};

// One function of one runtime. The jump reads `target`, so it comes first.
struct Record {
  void* target;
  const char* name;
  Runtime runtime;
};

extern "C" __attribute__((visibility("hidden"))) void anywarpResolveEntry();
extern "C" __attribute__((visibility("hidden"), used)) void* anywarpResolve(Record* record);

namespace {

constexpr const char* names[] = {
#define ANYWARP_NAMES_Plain(name) #name,
#define ANYWARP_NAMES_Ptsz(name) #name, #name "_ptsz",
#define ANYWARP_NAMES_Ptds(name) #name, #name "_ptds",
#define RUNTIME_CALL(name, twin, versions, state) ANYWARP_NAMES_##twin(name)
#include "libs/cudart/runtime_api.def"
#undef RUNTIME_CALL
};
constexpr size_t nameCount = sizeof names / sizeof *names;

// Open-addressed hash of names, filled at first use.
constexpr size_t slots = 2048;
static_assert(nameCount * 2 < slots);
uint16_t table[slots];  // index + 1
Record records[runtimeCount][nameCount];

uint32_t hash(const char* s) {
  uint32_t h = 2166136261u;
  for (; *s; ++s) h = (h ^ static_cast<uint8_t>(*s)) * 16777619u;
  return h;
}

int find(const char* name) {
  for (size_t i = hash(name) % slots; table[i]; i = (i + 1) % slots)
    if (strcmp(names[table[i] - 1], name) == 0) return table[i] - 1;
  return -1;
}

void prepare() {
  if (records[0][0].name) return;
  for (size_t n = 0; n < nameCount; ++n) {
    size_t i = hash(names[n]) % slots;
    while (table[i]) i = (i + 1) % slots;
    table[i] = static_cast<uint16_t>(n + 1);
    for (unsigned r = 0; r < runtimeCount; ++r)
      records[r][n] = {reinterpret_cast<void*>(&anywarpResolveEntry), names[n], static_cast<Runtime>(r)};
  }
}

int notSupported() { return 801; }  // cudaErrorNotSupported

}  // namespace

// First call of a function: loads our runtime among the program's libraries and finds the function there.
void* anywarpResolve(Record* record) {
  char path[sizeof libraryFolder + 32];
  snprintf(path, sizeof path, "%s/%s", libraryFolder, runtimeSonames[record->runtime]);
  void* library = dlmopen(LM_ID_BASE, path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    dprintf(STDERR_FILENO, "anywarp: error: %s\n", dlerror());
    _exit(126);
  }
  void* target = dlsym(library, record->name);
  if (!target) target = reinterpret_cast<void*>(&notSupported);
  __atomic_store_n(&record->target, target, __ATOMIC_RELEASE);
  return target;
}

// The record arrives in a register that no call convention uses for arguments; all argument registers are kept.
#if defined(__x86_64__)
asm(R"(
.text
.hidden anywarpResolveEntry
.globl anywarpResolveEntry
.type anywarpResolveEntry, @function
anywarpResolveEntry:
  push %rbp
  mov %rsp, %rbp
  push %rax
  push %rdi
  push %rsi
  push %rdx
  push %rcx
  push %r8
  push %r9
  push %r10
  and $-16, %rsp
  sub $128, %rsp
  movaps %xmm0, (%rsp)
  movaps %xmm1, 16(%rsp)
  movaps %xmm2, 32(%rsp)
  movaps %xmm3, 48(%rsp)
  movaps %xmm4, 64(%rsp)
  movaps %xmm5, 80(%rsp)
  movaps %xmm6, 96(%rsp)
  movaps %xmm7, 112(%rsp)
  mov %r11, %rdi
  call anywarpResolve
  mov %rax, %r11
  movaps (%rsp), %xmm0
  movaps 16(%rsp), %xmm1
  movaps 32(%rsp), %xmm2
  movaps 48(%rsp), %xmm3
  movaps 64(%rsp), %xmm4
  movaps 80(%rsp), %xmm5
  movaps 96(%rsp), %xmm6
  movaps 112(%rsp), %xmm7
  lea -64(%rbp), %rsp
  pop %r10
  pop %r9
  pop %r8
  pop %rcx
  pop %rdx
  pop %rsi
  pop %rdi
  pop %rax
  pop %rbp
  jmp *%r11
.size anywarpResolveEntry, . - anywarpResolveEntry
)");

namespace {
constexpr size_t jumpBytes = 13;

// movabs $record, %r11; jmp *(%r11)
void writeJump(uint8_t* code, const Record* record) {
  const uint8_t load[] = {0x49, 0xbb};
  const uint8_t jump[] = {0x41, 0xff, 0x23};
  memcpy(code, load, 2);
  memcpy(code + 2, &record, 8);
  memcpy(code + 10, jump, 3);
}

constexpr size_t shortJumpBytes = 5;
constexpr uintptr_t shortJumpReach = 0x7fff0000;

void writeShortJump(uint8_t* code, const uint8_t* target) {
  int32_t distance = static_cast<int32_t>(target - (code + shortJumpBytes));
  code[0] = 0xe9;
  memcpy(code + 1, &distance, 4);
}

// What compilers and linkers put between functions: nop of any length, int3.
bool isPadding(const uint8_t* bytes, size_t count) {
  static const uint8_t filler[] = {0x90, 0xcc, 0x66, 0x0f, 0x1f, 0x2e, 0x84, 0x80, 0x40, 0x44, 0x00};
  for (size_t i = 0; i < count; ++i)
    if (!memchr(filler, bytes[i], sizeof filler)) return false;
  return true;
}
}  // namespace
#elif defined(__aarch64__)
asm(R"(
.text
.hidden anywarpResolveEntry
.globl anywarpResolveEntry
.type anywarpResolveEntry, %function
anywarpResolveEntry:
  stp x29, x30, [sp, #-224]!
  mov x29, sp
  stp x0, x1, [sp, #16]
  stp x2, x3, [sp, #32]
  stp x4, x5, [sp, #48]
  stp x6, x7, [sp, #64]
  str x8, [sp, #80]
  stp q0, q1, [sp, #96]
  stp q2, q3, [sp, #128]
  stp q4, q5, [sp, #160]
  stp q6, q7, [sp, #192]
  mov x0, x17
  bl anywarpResolve
  mov x16, x0
  ldp x0, x1, [sp, #16]
  ldp x2, x3, [sp, #32]
  ldp x4, x5, [sp, #48]
  ldp x6, x7, [sp, #64]
  ldr x8, [sp, #80]
  ldp q0, q1, [sp, #96]
  ldp q2, q3, [sp, #128]
  ldp q4, q5, [sp, #160]
  ldp q6, q7, [sp, #192]
  ldp x29, x30, [sp], #224
  br x16
.size anywarpResolveEntry, . - anywarpResolveEntry
)");

namespace {
constexpr size_t jumpBytes = 20;

// ldr x17, =record; ldr x16, [x17]; br x16
void writeJump(uint8_t* code, const Record* record) {
  const uint32_t text[] = {0x58000071, 0xf9400230, 0xd61f0200};
  memcpy(code, text, 12);
  memcpy(code + 12, &record, 8);
}

constexpr size_t shortJumpBytes = 4;
constexpr uintptr_t shortJumpReach = 0x7ff0000;

void writeShortJump(uint8_t* code, const uint8_t* target) {
  uint32_t branch = 0x14000000u | (static_cast<uint32_t>((target - code) >> 2) & 0x3ffffffu);
  memcpy(code, &branch, 4);
}

bool isPadding(const uint8_t*, size_t count) { return count == 0; }
}  // namespace
#endif

namespace {

// Functions without a size are written in assembler and open the shared runtime when they are called (XLA has them).
bool isDefinedFunction(const Elf64_Sym& s) {
  return ELF64_ST_TYPE(s.st_info) == STT_FUNC && s.st_size > 0 && s.st_shndx != SHN_UNDEF && s.st_shndx < SHN_LORESERVE;
}

bool mayBeRuntime(const char* name) { return strncmp(name, "cuda", 4) == 0 || strncmp(name, "__cuda", 6) == 0; }

struct Findings {
  bool registers = false;  // defines __cudaRegisterFatBinary: holds a whole static runtime
  bool imports = false;    // takes it from another object
  bool names = false;      // defines some function of a runtime
  bool has11 = false, has12 = false;
};

void look(const SymbolTable& t, Findings* f) {
  for (size_t i = 0; i < t.count; ++i) {
    const char* name = t.name(t.symbols[i]);
    if (!mayBeRuntime(name)) continue;
    bool defined = isDefinedFunction(t.symbols[i]);
    if (strcmp(name, "__cudaRegisterFatBinary") == 0) (defined ? f->registers : f->imports) = true;
    if (!defined) continue;
    if (strcmp(name, "cudaMallocPitch") == 0 || strcmp(name, "cudaFuncGetAttributes") == 0) f->names = true;
    if (strcmp(name, "cudaUnbindTexture") == 0) f->has11 = true;          // texture references ended with 11
    if (strcmp(name, "cudaGetDeviceProperties_v2") == 0) f->has12 = true;  // the suffix came with 12 and went with it
  }
}

// A page near an object's code for jumps out of functions that are too short to hold one.
class Trampolines {
 public:
  explicit Trampolines(uintptr_t near) : near_(near) {}

  uint8_t* add(const Record* record) {
    if (!page_ && !(page_ = map())) return nullptr;
    if (used_ + slotBytes > pageBytes) return nullptr;
    uint8_t* slot = page_ + used_;
    used_ += slotBytes;
    writeJump(slot, record);
    __builtin___clear_cache(reinterpret_cast<char*>(slot), reinterpret_cast<char*>(slot) + jumpBytes);
    return slot;
  }

  bool seal() { return !page_ || mprotect(page_, pageBytes, PROT_READ | PROT_EXEC) == 0; }

 private:
  static constexpr size_t pageBytes = 65536, slotBytes = 24;

  uint8_t* map() {
    for (uintptr_t distance = 0x100000; distance < shortJumpReach / 2; distance += 0x100000)
      for (uintptr_t address : {near_ + distance, near_ - distance}) {
        void* hint = reinterpret_cast<void*>(address & ~uintptr_t{0xffff});
        void* page = mmap(hint, pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (page == hint) return static_cast<uint8_t*>(page);
        if (page != MAP_FAILED) munmap(page, pageBytes);
      }
    return nullptr;
  }

  uintptr_t near_;
  uint8_t* page_ = nullptr;
  size_t used_ = 0;
};

bool writeEntry(uint8_t* code, size_t size, const Record* record, Trampolines& trampolines) {
  if (size >= jumpBytes) {
    writeJump(code, record);
    return true;
  }
  if (size < shortJumpBytes && !isPadding(code + size, shortJumpBytes - size)) return false;
  const uint8_t* slot = trampolines.add(record);
  if (slot) writeShortJump(code, slot);
  return slot != nullptr;
}

// The pages from the first function to the last; the runtime's functions lie together.
struct CodeRange {
  uintptr_t first = UINTPTR_MAX, end = 0;

  void add(uintptr_t address) {
    if (address < first) first = address;
    if (address + jumpBytes > end) end = address + jumpBytes;
  }

  bool protect(int access) const {
    uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    uintptr_t start = first & ~(page - 1);
    return mprotect(reinterpret_cast<void*>(start), ((end + page - 1) & ~(page - 1)) - start, access) == 0;
  }
};

// Calls body(address, size, index of the name) for every runtime function that the table defines.
constexpr unsigned anySection = 0;

template <class Body>
bool forEachFunction(const SymbolTable& t, uintptr_t bias, unsigned section, Body&& body) {
  for (size_t i = 0; i < t.count; ++i) {
    const Elf64_Sym& s = t.symbols[i];
    const char* name = t.name(s);
    if (!mayBeRuntime(name) || !isDefinedFunction(s) || (section != anySection && s.st_shndx != section)) continue;
    int n = find(name);
    if (n >= 0 && !body(bias + s.st_value, s.st_size, n)) return false;
  }
  return true;
}

bool patchAll(const SymbolTable& t, uintptr_t bias, Runtime runtime, unsigned section = anySection) {
  CodeRange range;
  Trampolines trampolines(bias + 0x1000);
  forEachFunction(t, bias, section, [&](uintptr_t address, size_t, int) { return range.add(address), true; });
  if (!range.end) return true;
  if (!range.protect(PROT_READ | PROT_WRITE | PROT_EXEC)) return false;
  bool written = forEachFunction(t, bias, section, [&](uintptr_t address, size_t size, int n) {
    return writeEntry(reinterpret_cast<uint8_t*>(address), size, &records[runtime][n], trampolines);
  });
  __builtin___clear_cache(reinterpret_cast<char*>(range.first), reinterpret_cast<char*>(range.end));
  return range.protect(PROT_READ | PROT_EXEC) && trampolines.seal() && written;
}

// The runtime asks the driver for its functions by this name, and tells the names of its own errors: of both, programs that use the
// driver alone have one at most.
bool holdsRuntimeTexts(const ElfImage& image) {
  static constexpr std::string_view texts[] = {std::string_view("cuGetProcAddress", 17), std::string_view("cudaErrorNoKernelImageForDevice", 32)};
  size_t seen = 0;
  for (std::string_view text : texts) {
    bool found = false;
    for (unsigned i = 0; !found && image.section(i); ++i) {
      const Elf64_Shdr& s = *image.section(i);
      const void* bytes = s.sh_type == SHT_PROGBITS ? image.at(s.sh_offset, s.sh_size) : nullptr;
      found = bytes && memmem(bytes, s.sh_size, text.data(), text.size());
    }
    seen += found;
  }
  return seen == std::size(texts);
}

// Linking with nvcc leaves one wrapper, of the empty device link, also where the program has no device code and no runtime.
bool holdsOnlyTheDeviceLink(const ElfImage& image) { return image.sectionBytes(".nvFatBinSegment") <= 24 && !holdsRuntimeTexts(image); }

// A static runtime opens the driver itself, so an object that holds one takes dlopen from elsewhere.
bool opensLibraries(const SymbolTable& dynamic) {
  for (size_t i = 0; i < dynamic.count; ++i)
    if (dynamic.symbols[i].st_shndx == SHN_UNDEF && strcmp(dynamic.name(dynamic.symbols[i]), "dlopen") == 0) return true;
  return false;
}

Verdict judge(const ElfImage& image, const SymbolTable& all, const Findings& found) {
  if (found.registers) return Verdict::Interposed;
  if (found.names) return Verdict::Stripped;  // of its local symbols
  bool complete = all.count != 0;
  return complete || found.imports || holdsOnlyTheDeviceLink(image) ? Verdict::NoCuda : Verdict::Stripped;
}

Runtime runtimeOf(const Findings& found) { return found.has11 ? Cuda11 : found.has12 ? Cuda12 : Cuda13; }

Verdict interposeWith(const char* archive, const ElfImage& image, uintptr_t bias) {
  RuntimeArchive runtime(archive);
  uint64_t address = 0;
  if (!runtime.isOpen() || !runtime.find(image, &address)) return Verdict::Stripped;
  SymbolTable symbols = runtime.symbols();
  Findings found;
  look(symbols, &found);
  prepare();
  return patchAll(symbols, bias + address, runtimeOf(found), runtime.codeSection()) ? Verdict::Interposed : Verdict::Unpatchable;
}

}  // namespace

Verdict interposeStripped(const char* path, uintptr_t bias) {
  ElfImage image(path);
  if (!image.isOpen()) return Verdict::Stripped;
  static char archive[4096];
  for (const char* list = namedRuntimeArchives(); nextArchive(&list, archive, sizeof archive);)
    if (Verdict verdict = interposeWith(archive, image, bias); verdict != Verdict::Stripped) return verdict;
  return Verdict::Stripped;
}

Verdict interpose(const char* path, uintptr_t bias) {
  ElfImage image(path);
  if (!image.isOpen()) return Verdict::NoCuda;
  // Without device code an object may still have the runtime linked in (bindings for other languages), which its symbols tell.
  bool deviceCode = image.hasSection(".nv_fatbin") || image.hasSection(".nvFatBinSegment");
  SymbolTable all = image.symbols(SHT_SYMTAB), dynamic = image.symbols(SHT_DYNSYM);
  if (!deviceCode && !all.count) {
    // It may never call the runtime, so nothing is refused; where it does, the driver's log tells why it fails.
    bool named = *namedRuntimeArchives() && opensLibraries(dynamic) && holdsRuntimeTexts(image);
    return named ? (interposeStripped(path, bias) == Verdict::Interposed ? Verdict::Interposed : Verdict::NoCuda) : Verdict::NoCuda;
  }
  Findings found;
  look(all, &found);
  look(dynamic, &found);
  if (Verdict verdict = judge(image, all, found); verdict != Verdict::Interposed) return deviceCode ? verdict : Verdict::NoCuda;
  prepare();
  Runtime runtime = runtimeOf(found);
  return patchAll(all, bias, runtime) && patchAll(dynamic, bias, runtime) ? Verdict::Interposed : Verdict::Unpatchable;
}

}  // namespace anywarp::preload
