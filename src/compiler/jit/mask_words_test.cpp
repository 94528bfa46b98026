// Masks in words: each lane's bit, whatever takes it. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/mask_words.h"

#include <gtest/gtest.h>
#include <llvm/Analysis/ConstantFolding.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

#include <memory>
#include <string>

namespace anywarp::jit {
namespace {

// A function @f of one word after the pass.
class Spread {
 public:
  explicit Spread(const std::string& text, bool masksAccesses = true) {
    llvm::SMDiagnostic error;
    module_ = llvm::parseAssemblyString(text, error, context_);
    EXPECT_TRUE(module_) << error.getMessage().str();
    if (!module_) return;
    function_ = module_->getFunction("f");
    spreadMaskWords(*function_, masksAccesses);
    std::string why;
    llvm::raw_string_ostream out(why);
    EXPECT_FALSE(llvm::verifyFunction(*function_, &out)) << why;
  }

  std::string text() const {
    std::string text;
    llvm::raw_string_ostream out(text);
    function_->print(out);
    return text;
  }

  // What it returns for a word; it has one block without memory accesses.
  llvm::Constant* of(uint64_t low, uint64_t high = 0) {
    llvm::Argument* word = function_->getArg(0);
    const unsigned bits = word->getType()->getIntegerBitWidth();
    word->replaceAllUsesWith(llvm::ConstantInt::get(context_, llvm::APInt(128, {low, high}).trunc(bits)));
    for (llvm::Instruction& inst : llvm::instructions(*function_)) {
      if (auto* end = llvm::dyn_cast<llvm::ReturnInst>(&inst)) return llvm::dyn_cast<llvm::Constant>(end->getReturnValue());
      llvm::Constant* value = llvm::ConstantFoldInstruction(&inst, module_->getDataLayout());
      EXPECT_TRUE(value) << text();
      if (!value) return nullptr;
      inst.replaceAllUsesWith(value);
    }
    return nullptr;
  }

 private:
  llvm::LLVMContext context_;
  std::unique_ptr<llvm::Module> module_;
  llvm::Function* function_ = nullptr;
};

constexpr uint64_t low = 0x8badf00dc0ffee11, high = 0x123456789abcdef0;

bool bitAt(unsigned i) { return i < 64 ? low >> i & 1 : high >> (i - 64) & 1; }

// Lanes first .. first + count of a word, as wide as `lane`.
void expectLanes(unsigned width, unsigned first, unsigned count, unsigned lane) {
  const std::string mask = "<" + std::to_string(width) + " x i1>", part = "<" + std::to_string(count) + " x i1>",
                    lanes = "<" + std::to_string(count) + " x i" + std::to_string(lane) + ">";
  std::string picked;
  for (unsigned i = 0; i < count; ++i) picked += (i ? ", i32 " : "i32 ") + std::to_string(first + i);
  Spread spread("define " + lanes + " @f(i" + std::to_string(width) + " %w) {\n  %m = bitcast i" + std::to_string(width) + " %w to " + mask +
                "\n  %p = shufflevector " + mask + " %m, " + mask + " poison, <" + std::to_string(count) + " x i32> <" + picked + ">\n  %s = sext " + part +
                " %p to " + lanes + "\n  ret " + lanes + " %s\n}\n");
  EXPECT_EQ(spread.text().find("to " + mask), std::string::npos) << spread.text();
  llvm::Constant* value = spread.of(low, high);
  ASSERT_TRUE(value);
  for (unsigned i = 0; i < count; ++i) {
    auto* one = llvm::dyn_cast<llvm::ConstantInt>(value->getAggregateElement(i));
    ASSERT_TRUE(one);
    EXPECT_EQ(one->getSExtValue(), bitAt(first + i) ? -1 : 0) << width << " bits, " << count << " from " << first << ", lanes of " << lane << ", " << i;
  }
}

TEST(MaskWords, LanesOfEveryWidth) {
  for (unsigned width : {8, 16, 32, 64, 128})
    for (unsigned lane : {8, 16, 32, 64}) {
      expectLanes(width, 0, width, lane);
      expectLanes(width, width / 2, width / 2, lane);
      expectLanes(width, width / 2 - 1, 3, lane);
      expectLanes(width, width - 4, 4, lane);
    }
}

TEST(MaskWords, AllButVectorsStayWords) {
  Spread spread(R"(define i32 @f(i32 %w) {
  %m = bitcast i32 %w to <32 x i1>
  %n = xor <32 x i1> %m, <)" + [] { std::string ones; for (int i = 0; i < 32; ++i) ones += i ? ", i1 true" : "i1 true"; return ones; }() + R"(>
  %some = freeze <32 x i1> %n
  %lane = extractelement <32 x i1> %some, i64 4
  %chosen = select i1 %lane, <32 x i1> %some, <32 x i1> %m
  %r = bitcast <32 x i1> %chosen to i32
  ret i32 %r
})");
  EXPECT_EQ(spread.text().find("x i1"), std::string::npos) << spread.text();
}

// A word that was a mask before it is one again.
TEST(MaskWords, ThereAndBack) {
  Spread spread(R"(define <32 x i8> @f(i32 %w) {
  %m = bitcast i32 %w to <32 x i1>
  %again = bitcast <32 x i1> %m to i32
  %n = bitcast i32 %again to <32 x i1>
  %s = sext <32 x i1> %n to <32 x i8>
  ret <32 x i8> %s
})");
  llvm::Constant* value = spread.of(low);
  ASSERT_TRUE(value);
  for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(llvm::cast<llvm::ConstantInt>(value->getAggregateElement(i))->isZero(), !bitAt(i)) << i;
}

TEST(MaskWords, AccessesThatTheHostLacksKeepTheirBits) {
  const std::string text = R"(declare <32 x i32> @llvm.masked.load.v32i32.p0(ptr, i32, <32 x i1>, <32 x i32>)
define <32 x i32> @f(i32 %w, ptr %p) {
  %m = bitcast i32 %w to <32 x i1>
  %v = call <32 x i32> @llvm.masked.load.v32i32.p0(ptr %p, i32 4, <32 x i1> %m, <32 x i32> zeroinitializer)
  ret <32 x i32> %v
})";
  EXPECT_NE(Spread(text, false).text().find("bitcast i32 %w to <32 x i1>"), std::string::npos);
  EXPECT_NE(Spread(text, true).text().find("icmp eq <32 x i32>"), std::string::npos);
}

}  // namespace
}  // namespace anywarp::jit
