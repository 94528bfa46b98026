// Objects made by LLVM, loaded by the project's own loader: relocations, lines, names, damage. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "compiler/jit/emit.h"
#include "compiler/jit/parts.h"
#include "compiler/object/architecture.h"
#include "compiler/object/elf.h"
#include "compiler/object/join.h"
#include "compiler/object/loader.h"
#include "compiler/object/names.h"
#include "support/host_cpu.h"
#include "support/options.h"

namespace anywarp::object {
namespace {

std::vector<uint8_t> compile(const char* text, const jit::EmitOptions& options, unsigned parts = 1) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(text, diagnostic, context);
  EXPECT_TRUE(module) << diagnostic.getMessage().str();
  EXPECT_TRUE(jit::prepareModule(*module, options));
  auto object = parts > 1 ? jit::emitInParts(*module, options, parts) : jit::optimizeAndEmit(*module, options);
  EXPECT_TRUE(object) << object.error().message;
  return object ? *object : std::vector<uint8_t>();
}

std::vector<uint8_t> compile(const char* text, unsigned parts = 1) {
  jit::EmitOptions options;
  options.cpu = hostCpu().name;
  options.features = hostCpu().features;
  return compile(text, options, parts);
}

const void* resolve(std::string_view name) { return findHostFunction(name); }

template <class Function>
Function* functionOf(const LoadedObject& object, const char* name) {
  return reinterpret_cast<Function*>(const_cast<void*>(object.find(name)));
}

// Constants, a jump table, a global, an external call, an address of a function: every relocation LLVM makes for us.
constexpr const char* variety = R"(
@counter = global i32 5
@table = internal constant [4 x i32] [i32 10, i32 20, i32 30, i32 40]
@functions = internal constant [2 x ptr] [ptr @seven, ptr @eight]
declare double @fmod(double, double)
define i32 @seven() noinline { ret i32 7 }
define i32 @eight() noinline { ret i32 8 }
define i32 @bump() { %v = load i32, ptr @counter %n = add i32 %v, 1 store i32 %n, ptr @counter ret i32 %n }
define i32 @lookup(i64 %i) { %p = getelementptr [4 x i32], ptr @table, i64 0, i64 %i %v = load i32, ptr %p ret i32 %v }
define i32 @indirect(i64 %i) {
  %p = getelementptr [2 x ptr], ptr @functions, i64 0, i64 %i
  %f = load ptr, ptr %p
  %v = call i32 %f()
  ret i32 %v
}
define double @remainder(double %a, double %b) { %r = call double @fmod(double %a, double %b) %s = fadd double %r, 0.125 ret double %s }
define <4 x float> @vector(<4 x float> %a) { %r = fadd <4 x float> %a, <float 1.0, float 2.0, float 3.0, float 4.0> ret <4 x float> %r }
define i32 @choose(i32 %i, ptr %p) {
  switch i32 %i, label %other [ i32 0, label %a i32 1, label %b i32 2, label %c i32 3, label %d i32 4, label %e i32 5, label %f ]
a: store volatile i32 1, ptr %p ret i32 100
b: store volatile i32 2, ptr %p ret i32 101
c: store volatile i32 3, ptr %p ret i32 102
d: store volatile i32 4, ptr %p ret i32 103
e: store volatile i32 5, ptr %p ret i32 104
f: store volatile i32 6, ptr %p ret i32 105
other: ret i32 -1
})";

// The parameter: on how many threads the object is made.
class Parts : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, Parts, testing::Values(1, 2, 3, 20));

TEST_P(Parts, CodeOfEveryKindRuns) {
  auto loaded = LoadedObject::load(compile(variety, GetParam()), "variety", resolve);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const LoadedObject& object = **loaded;
  EXPECT_EQ(functionOf<int()>(object, "bump")(), 6);
  EXPECT_EQ(functionOf<int()>(object, "bump")(), 7);
  EXPECT_EQ(functionOf<int(long)>(object, "lookup")(2), 30);
  EXPECT_EQ(functionOf<int(long)>(object, "indirect")(1), 8);
  EXPECT_EQ(functionOf<double(double, double)>(object, "remainder")(7.5, 2), 1.625);
  int seen = 0;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(functionOf<int(int, int*)>(object, "choose")(i, &seen), 100 + i);
    EXPECT_EQ(seen, i + 1);
  }
  EXPECT_EQ(functionOf<int(int, int*)>(object, "choose")(6, &seen), -1);
  EXPECT_EQ(object.find("nothing"), nullptr);
}

TEST_P(Parts, LocalFunctionsAndVariablesAreShared) {
  auto loaded = LoadedObject::load(compile(R"(
@count = internal global i32 40
@steps = internal unnamed_addr constant [2 x i32] [i32 1, i32 2]
define internal i32 @advance(i64 %i) noinline {
  %s = getelementptr [2 x i32], ptr @steps, i64 0, i64 %i  %step = load i32, ptr %s
  %v = load i32, ptr @count  %n = add i32 %v, %step  store i32 %n, ptr @count  ret i32 %n
}
define internal i32 @0(i64 %i) noinline { %v = call i32 @advance(i64 %i) %n = add i32 %v, 100 ret i32 %n }
define i32 @first() { %v = call i32 @advance(i64 0) ret i32 %v }
define i32 @second() { %v = call i32 @0(i64 1) ret i32 %v }
define i32 @third(i64 %i) { %s = getelementptr [2 x i32], ptr @steps, i64 0, i64 %i %v = load i32, ptr %s ret i32 %v }
)", GetParam()), "shared", resolve);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(functionOf<int()>(**loaded, "first")(), 41);
  EXPECT_EQ(functionOf<int()>(**loaded, "second")(), 143);
  EXPECT_EQ(functionOf<int()>(**loaded, "first")(), 44);
  EXPECT_EQ(functionOf<int(long)>(**loaded, "third")(1), 2);
}

TEST(JoinTest, RefusesWhatDoesNotGoTogether) {
  auto one = compile("define i32 @f() { ret i32 1 }"), two = compile("define i32 @f() { ret i32 2 }");
  auto joined = [](std::vector<std::vector<uint8_t>> files) { return joinObjects(files); };
  EXPECT_EQ(joined({one, two}).error().message, "cannot join objects: two define 'f'");
  EXPECT_EQ(joined({}).error().message, "cannot join objects: there are none");
  auto cut = one;
  cut.resize(100);
  EXPECT_FALSE(joined({one, cut}));
  auto foreign = compile("define i32 @g() { ret i32 2 }");
  foreign[18] ^= 1;  // e_machine
  EXPECT_EQ(joined({one, foreign}).error().message, "cannot join objects: they are for several machines");
}

TEST(JoinTest, OneObjectStaysWhatItIs) {
  std::vector<std::vector<uint8_t>> files{compile(variety)};
  auto whole = joinObjects(files);
  ASSERT_TRUE(whole) << whole.error().message;
  auto loaded = LoadedObject::load(*whole, "variety", resolve);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(functionOf<int(long)>(**loaded, "indirect")(1), 8);
}

TEST(JoinTest, LocalsAreLocal) {
  std::vector<std::vector<uint8_t>> files{compile("define i32 @f() { ret i32 7 } define hidden i32 @h() { ret i32 9 }"),
                                          compile("declare i32 @f() define i32 @g() { %v = call i32 @f() %n = add i32 %v, 1 ret i32 %n }")};
  auto whole = joinObjects(files, {"f"});
  ASSERT_TRUE(whole) << whole.error().message;
  auto elf = readElf(*whole);
  ASSERT_TRUE(elf) << elf.error().message;
  std::map<std::string_view, int> bindings;
  for (const Symbol& symbol : elf->symbols) bindings[symbol.name] = symbol.binding;
  EXPECT_EQ(bindings["f"], STB_LOCAL);
  EXPECT_EQ(bindings["g"], STB_GLOBAL);
  EXPECT_EQ(bindings["h"], STB_GLOBAL);
  auto loaded = LoadedObject::load(*whole, "locals", resolve);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(functionOf<int()>(**loaded, "g")(), 8);
}

TEST(LoaderTest, UnknownNamesAreRefused) {
  auto loaded = LoadedObject::load(compile("declare void @system(ptr) define void @f() { call void @system(ptr null) ret void }"), "k", resolve);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "k: needs 'system', which compiled code may not call");
}

constexpr const char* withLines = R"(
define void @kernel(ptr %p) !dbg !4 {
  store volatile i32 1, ptr %p, !dbg !6
  store volatile i32 2, ptr %p, !dbg !7
  store volatile i32 3, ptr %p, !dbg !8
  ret void, !dbg !8
}
define void @plain(ptr %p) { store volatile i32 1, ptr %p ret void }
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2, !3}
!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "test", emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "kernel.ptx", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !{i32 7, !"Dwarf Version", i32 VERSION}
!4 = distinct !DISubprogram(name: "kernel", file: !1, line: 10, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DISubroutineType(types: !{})
!6 = !DILocation(line: 11, scope: !4)
!7 = !DILocation(line: 70000, scope: !4)
!8 = !DILocation(line: 13, scope: !4)
)";

class Lines : public testing::TestWithParam<int> {};

TEST_P(Lines, AddressesHaveThem) {
  std::string text = withLines;
  text.replace(text.find("VERSION"), 7, std::to_string(GetParam()));
  auto loaded = LoadedObject::load(compile(text.c_str()), "kernel", resolve);
  ASSERT_TRUE(loaded) << loaded.error().message;
  auto start = reinterpret_cast<uintptr_t>((*loaded)->find("kernel"));
  std::vector<uint32_t> seen;
  for (uintptr_t at = start; at < start + 64; ++at) {
    uint32_t line = (*loaded)->lineOf(at);
    if (line == 0) break;
    if (seen.empty() || seen.back() != line) seen.push_back(line);
  }
  EXPECT_EQ(seen.front() == 10 ? std::vector<uint32_t>(seen.begin() + 1, seen.end()) : seen, (std::vector<uint32_t>{11, 70000, 13}));
  EXPECT_EQ((*loaded)->lineOf(reinterpret_cast<uintptr_t>((*loaded)->find("plain"))), 0u);
  EXPECT_EQ((*loaded)->lineOf(start - 100000), 0u);
}
INSTANTIATE_TEST_SUITE_P(Versions, Lines, testing::Values(2, 3, 4, 5));

TEST(JoinTest, EachPartHasItsLines) {
  std::string text = withLines;
  text.replace(text.find("VERSION"), 7, "5");
  text += R"(define void @other(ptr %p) !dbg !9 { store volatile i32 1, ptr %p, !dbg !10 ret void, !dbg !10 }
!9 = distinct !DISubprogram(name: "other", file: !1, line: 20, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!10 = !DILocation(line: 21, scope: !9)
)";
  auto loaded = LoadedObject::load(compile(text.c_str(), 3), "kernel", resolve);
  ASSERT_TRUE(loaded) << loaded.error().message;
  auto lineIn = [&](const char* function) { return (*loaded)->lineOf(reinterpret_cast<uintptr_t>((*loaded)->find(function)) + 1); };
  EXPECT_EQ(lineIn("kernel"), 11u);
  EXPECT_EQ(lineIn("other"), 21u);
  EXPECT_EQ(lineIn("plain"), 0u);
}

TEST(LoaderTest, DamagedObjectsNeverCrashTheLoader) {
  std::string text = withLines;
  text.replace(text.find("VERSION"), 7, "5");
  for (const char* source : {variety, text.c_str()}) {
    const std::vector<uint8_t> whole = compile(source);
    for (size_t size = 0; size < whole.size(); size += 7) (void)LoadedObject::load(std::span(whole).first(size), "cut", resolve);
    uint64_t random = 42;
    auto next = [&] { return (random = random * 6364136223846793005ull + 1442695040888963407ull) >> 33; };
    for (int i = 0; i < 20000; ++i) {
      auto changed = whole;
      size_t count = 1 + next() % 4;
      for (size_t j = 0; j < count; ++j) {
        size_t at = next() % changed.size();
        if (next() % 2) at = std::min(at, size_t(63)) + (next() % 2 ? changed.size() - 1024 : 0);  // headers more often
        changed[at % changed.size()] = next() % 3 ? static_cast<uint8_t>(next()) : 0xff;
      }
      (void)LoadedObject::load(changed, "damaged", resolve);
    }
  }
}

TEST(LoaderTest, PerfMapNamesFunctions) {
  setenv("ANYWARP_PERF", "1", 1);
  options::reload();
  auto loaded = LoadedObject::load(compile(variety), "variety", resolve);
  unsetenv("ANYWARP_PERF");
  options::reload();
  ASSERT_TRUE(loaded);
  std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map", line;
  std::ifstream map(path);
  bool found = false;
  while (std::getline(map, line)) found |= line.find("lookup [variety]") != std::string::npos;
  EXPECT_TRUE(found);
  unlink(path.c_str());
}

// The AArch64 half, looked at from any host: instructions are decoded here, by the encodings of the Arm manual.
class Aarch64Test : public testing::Test {
 protected:
  void SetUp() override {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    jit::EmitOptions options;
    options.triple = "aarch64-unknown-linux-gnu";
    auto loaded = LoadedObject::load(compile(variety, options), "variety", resolve, &aarch64);
    ASSERT_TRUE(loaded) << loaded.error().message;
    object_ = std::move(*loaded);
  }
  const uint32_t* code(const char* function) const { return static_cast<const uint32_t*>(object_->find(function)); }

  // Where `adrp x, page` and the instruction that adds the low bits lead: add, or a load of `scale` bytes.
  static uint64_t addressAt(const uint32_t* adrp) {
    uint64_t page = reinterpret_cast<uint64_t>(adrp) & ~uint64_t(0xfff);
    int64_t pages = static_cast<int64_t>(uint64_t(*adrp >> 5 & 0x7ffff) << 45 | uint64_t(*adrp >> 29 & 3) << 43) >> 43;
    uint32_t next = adrp[1];
    unsigned scale = (next & 0x1f000000) == 0x11000000 ? 0 : next >> 30;
    return page + static_cast<uint64_t>(pages) * 4096 + (uint64_t(next >> 10 & 0xfff) << scale);
  }
  static const uint32_t* findAdrp(const uint32_t* at) {
    while ((*at & 0x9f000000) != 0x90000000) ++at;
    return at;
  }
  std::unique_ptr<LoadedObject> object_;
};

TEST_F(Aarch64Test, AddressesOfVariables) {
  // counter is global: its address comes from a slot of the GOT.
  uint64_t slot = addressAt(findAdrp(code("bump")));
  EXPECT_EQ(*reinterpret_cast<const uint64_t*>(slot), reinterpret_cast<uint64_t>(object_->find("counter")));
  uint64_t table = addressAt(findAdrp(code("lookup")));
  EXPECT_EQ(reinterpret_cast<const uint32_t*>(table)[3], 40u);
}

TEST_F(Aarch64Test, CallsOutsideGoThroughStubs) {
  const uint32_t* at = code("remainder");
  while (*at >> 26 != 0x25) ++at;  // bl
  auto* stub = at + (static_cast<int32_t>(*at << 6) >> 6);
  EXPECT_EQ(stub[2], 0xd61f0200u);  // br x16
  EXPECT_EQ(*reinterpret_cast<const uint64_t*>(addressAt(stub)), reinterpret_cast<uint64_t>(resolve("fmod")));
}

struct JitDescriptor {
  uint32_t version, action;
  void *relevant, *first;
};
extern "C" JitDescriptor __jit_debug_descriptor;

TEST(LoaderTest, GdbSeesObjectsWhileTheyLive) {
  setenv("ANYWARP_GDB", "1", 1);
  options::reload();
  auto loaded = LoadedObject::load(compile(variety), "variety", resolve);
  unsetenv("ANYWARP_GDB");
  options::reload();
  ASSERT_TRUE(loaded);
  struct Entry {
    Entry *next, *previous;
    const uint8_t* file;
    uint64_t size;
  };
  auto* entry = static_cast<Entry*>(__jit_debug_descriptor.first);
  ASSERT_NE(entry, nullptr);
  auto image = readElf({entry->file, entry->size});
  ASSERT_TRUE(image);
  bool hasCode = false;
  for (auto& section : image->sections)
    if (section.isCode() && section.isLoaded()) hasCode |= section.header.sh_addr == reinterpret_cast<uint64_t>((*loaded)->code().data());
  EXPECT_TRUE(hasCode);
  loaded->reset();
  EXPECT_EQ(__jit_debug_descriptor.first, nullptr);
}

TEST(HostCpuTest, AgreesWithItself) {
  EXPECT_FALSE(hostCpu().name.empty());
  EXPECT_FALSE(hostCpu().model.empty());
  EXPECT_EQ(featuresOfLevel("x86-64-v3").find("+avx512f"), std::string::npos);
  EXPECT_NE(featuresOfLevel("x86-64-v4").find("+avx512f"), std::string::npos);
  EXPECT_EQ(featuresOfLevel("unheard-of"), "");
}

}  // namespace
}  // namespace anywarp::object
