// IR to objects: pipelines, errors, attributes. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

#include <thread>

#include "compiler/jit/emit.h"

namespace anywarp::jit {
namespace {

constexpr const char* addVectors = R"(
define void @add(ptr %a, ptr %b) {
  %x = load <16 x float>, ptr %a, align 4
  %y = load <16 x float>, ptr %b, align 4
  %s = fadd <16 x float> %x, %y
  store <16 x float> %s, ptr %a, align 4
  ret void
})";

std::unique_ptr<llvm::Module> parse(llvm::LLVMContext& context, const char* text) {
  llvm::SMDiagnostic error;
  auto module = llvm::parseAssemblyString(text, error, context);
  EXPECT_TRUE(module) << error.getMessage().str();
  return module;
}

Result<std::vector<uint8_t>> compile(const char* text, const EmitOptions& options) {
  llvm::LLVMContext context;
  auto module = parse(context, text);
  Status prepared = prepareModule(*module, options);
  if (!prepared) return prepared.error();
  for (auto& function : *module)
    if (!function.isDeclaration()) setFunctionAttributes(function, options);
  return optimizeAndEmit(*module, options);
}

bool definesSymbol(const std::vector<uint8_t>& object, llvm::StringRef name) {
  llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "object"));
  if (!file) return false;
  for (auto& symbol : (*file)->symbols())
    if (auto symbolName = symbol.getName(); symbolName && *symbolName == name) return true;
  return false;
}

class Levels : public testing::TestWithParam<int> {};

TEST_P(Levels, EmitsAnObject) {
  EmitOptions options;
  options.optLevel = GetParam();
  auto object = compile(addVectors, options);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_TRUE(definesSymbol(*object, "add"));
}
INSTANTIATE_TEST_SUITE_P(All, Levels, testing::Values(0, 1, 2, 3));

TEST(EmitTest, BrokenIrIsAnError) {
  llvm::LLVMContext context;
  auto module = parse(context, addVectors);
  EmitOptions options;
  ASSERT_TRUE(prepareModule(*module, options));
  module->getFunction("add")->getEntryBlock().getTerminator()->eraseFromParent();
  auto object = optimizeAndEmit(*module, options);
  ASSERT_FALSE(object);
  EXPECT_NE(object.error().message.find("broken IR before optimisation"), std::string::npos);
}

TEST(EmitTest, UnknownTripleIsAnError) {
  EmitOptions options;
  options.triple = "pdp11-unknown-elf";
  auto object = compile(addVectors, options);
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::Unsupported);
}

TEST(EmitTest, BadInlineAssemblyIsAnErrorNotTheEnd) {
  auto object = compile(R"(define void @f() { call void asm sideeffect "no such instruction", ""() ret void })", {});
  EXPECT_FALSE(object);
}

TEST(EmitTest, WidestVectors) {
  EmitOptions options;
  options.features = "+avx2,+fma";
  EXPECT_EQ(vectorBits(options), 128u);
  options.features = "+avx,+avx2";
  EXPECT_EQ(vectorBits(options), 256u);
  options.features = "+avx,+avx512fp16,+avx512f";
  EXPECT_EQ(vectorBits(options), 512u);
}

TEST(EmitTest, FeaturesOfACpu) {
  EmitOptions options;
  options.triple = "x86_64-unknown-linux-gnu";
  options.cpu = "haswell";
  options.features = "-avx2";
  auto features = enabledFeatures(options);
  ASSERT_TRUE(features);
  EXPECT_NE((*features + ",").find("+avx,"), std::string::npos);
  EXPECT_EQ((*features + ",").find("+avx2,"), std::string::npos);
  options.cpu = "abacus";
  EXPECT_FALSE(enabledFeatures(options));
}

TEST(GuardTest, FatalErrorComesBack) {
  Status done = guarded([] { llvm::report_fatal_error("out of ideas", false); });
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("out of ideas"), std::string::npos);
  EXPECT_TRUE(guarded([] {}));
}

TEST(GuardTest, FatalErrorOfOneOfSeveralThreadsEndsTheirStarter) {
  int good = 0, after = 0;
  std::vector<std::function<void()>> works{[&] { ++good; }, [] { llvm::report_fatal_error("out of ideas", false); }};
  Status done = guarded([&] {
    (void)guardedTogether(works);
    ++after;
  });
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("out of ideas"), std::string::npos);
  EXPECT_EQ(after, 0);
  EXPECT_FALSE(guardedTogether(works));
  works.pop_back();
  EXPECT_TRUE(guarded([&] { EXPECT_TRUE(guardedTogether(works)); }));
  EXPECT_EQ(good, 3);
}

[[gnu::noinline]] uint64_t deep(uint64_t depth) {
  volatile char frame[1024];
  frame[depth & 1023] = 1;
  return depth == 0 ? frame[0] : deep(depth - 1) + frame[depth & 1023];
}

TEST(GuardTest, StackIsDeep) {
  uint64_t sum = 0;
  ASSERT_TRUE(guarded([&] { sum = deep(40000); }));
  EXPECT_GE(sum, 40000u);
}

TEST(GuardTest, ThreadsCompileAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      Status done = guarded([&] { good += compile(addVectors, {}) ? 1 : 0; });
      if (!done) good -= 100;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 4);
}

}  // namespace
}  // namespace anywarp::jit
