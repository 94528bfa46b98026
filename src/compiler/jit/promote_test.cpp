// Registers in memory, brought into SSA form: values where paths part, meet and return. SPDX-License-Identifier: Apache-2.0
#include "compiler/jit/promote.h"

#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>

#include <cstdio>
#include <memory>
#include <string>

namespace anywarp::jit {
namespace {

// The first function of a module after promotion; calls of @use show what flows where.
class Promoted {
 public:
  explicit Promoted(const std::string& text) {
    llvm::SMDiagnostic error;
    module_ = llvm::parseAssemblyString("declare void @use(i32)\ndeclare i1 @choice()\n" + text, error, context_);
    EXPECT_TRUE(module_) << error.getMessage().str();
    if (!module_) return;
    for (llvm::Function& f : *module_)
      if (!f.isDeclaration()) function_ = &f;
    promoteRegisters(*function_);
    std::string why;
    llvm::raw_string_ostream out(why);
    EXPECT_FALSE(llvm::verifyFunction(*function_, &out)) << why;
  }

  template <class T>
  int count() const {
    int n = 0;
    for (llvm::BasicBlock& block : *function_)
      for (llvm::Instruction& i : block) n += llvm::isa<T>(i);
    return n;
  }

  // What the nth call of @use is given, as text.
  std::string use(int n = 0) const {
    for (llvm::BasicBlock& block : *function_)
      for (llvm::Instruction& i : block)
        if (auto* call = llvm::dyn_cast<llvm::CallInst>(&i); call && call->getCalledFunction()->getName() == "use" && n-- == 0) return print(*call->getArgOperand(0));
    return "none";
  }

  static std::string print(const llvm::Value& value) {
    auto* phi = llvm::dyn_cast<llvm::PHINode>(&value);
    std::string text;
    llvm::raw_string_ostream out(text);
    if (!phi) {
      value.printAsOperand(out, false);
      return text;
    }
    out << "phi";
    for (unsigned i = 0; i < phi->getNumIncomingValues(); ++i) {
      out << (i ? ", " : " ") << phi->getIncomingBlock(i)->getName() << ": ";
      if (phi->getIncomingValue(i) == phi) out << "itself";
      else if (llvm::isa<llvm::PHINode>(phi->getIncomingValue(i))) out << "another phi";
      else phi->getIncomingValue(i)->printAsOperand(out, false);
    }
    return text;
  }

 private:
  llvm::LLVMContext context_;
  std::unique_ptr<llvm::Module> module_;
  llvm::Function* function_ = nullptr;
};

TEST(PromoteTest, NothingOfTheVariableIsLeft) {
  Promoted p(R"(define void @f(i32 %a) {
    %x = alloca i32
    store i32 %a, ptr %x
    %1 = load i32, ptr %x
    %2 = add i32 %1, 1
    store i32 %2, ptr %x
    %3 = load i32, ptr %x
    call void @use(i32 %3)
    %unused = load i32, ptr %x
    ret void
  })");
  EXPECT_EQ(p.use(), "%1");
  EXPECT_EQ(p.count<llvm::AllocaInst>() + p.count<llvm::LoadInst>() + p.count<llvm::StoreInst>() + p.count<llvm::PHINode>(), 0);
}

constexpr const char* diamond = R"(define void @f(i32 %%a, i32 %%b) {
  entry:
    %%x = alloca i32
    store i32 %%a, ptr %%x
    %%c = call i1 @choice()
    br i1 %%c, label %%yes, label %%no
  yes:
    %s
    br label %%join
  no:
    br label %%join
  join:
    %%1 = load i32, ptr %%x
    call void @use(i32 %%1)
    ret void
  })";

std::string withYes(const char* text) {
  char buffer[1024];
  snprintf(buffer, sizeof buffer, diamond, text);
  return buffer;
}

TEST(PromoteTest, PathsMeetInAPhi) {
  Promoted p(withYes("store i32 %b, ptr %x"));
  EXPECT_EQ(p.use(), "phi no: %a, yes: %b");
}

TEST(PromoteTest, AJoinWithoutAStoreNeedsNoPhi) {
  Promoted p(withYes("call void @use(i32 0)"));
  EXPECT_EQ(p.use(1), "%a");
  EXPECT_EQ(p.count<llvm::PHINode>(), 0);
}

TEST(PromoteTest, AVariableCopiedToItself) {
  Promoted p(withYes("%same = load i32, ptr %x\n store i32 %same, ptr %x"));
  EXPECT_EQ(p.use(), "%a");
}

TEST(PromoteTest, ALoopCarriesItsValue) {
  Promoted p(R"(define void @f(i32 %a) {
  entry:
    %x = alloca i32
    store i32 %a, ptr %x
    br label %loop
  loop:
    %1 = load i32, ptr %x
    call void @use(i32 %1)
    %next = add i32 %1, 1
    store i32 %next, ptr %x
    %c = call i1 @choice()
    br i1 %c, label %loop, label %end
  end:
    ret void
  })");
  EXPECT_EQ(p.use(), "phi loop: %next, entry: %a");
}

// The shape of a region: a loop over warps, where each warp begins with undefined registers.
constexpr const char* warpLoop = R"(define void @f(i32 %%a) {
  entry:
    %%x = alloca i32
    br label %%begin
  begin:
    store i32 undef, ptr %%x
    br label %%head
  head:
    %%enter = call i1 @choice()
    br i1 %%enter, label %%body, label %%end
  body:
    %s
  end:
    %%more = call i1 @choice()
    br i1 %%more, label %%begin, label %%exit
  exit:
    ret void
  })";

std::string inWarpLoop(const char* text) {
  char buffer[2048];
  snprintf(buffer, sizeof buffer, warpLoop, text);
  return buffer;
}

TEST(PromoteTest, ARegisterIsUndefinedAboveItsFirstBlock) {
  Promoted p(inWarpLoop(R"(%1 = load i32, ptr %x
    call void @use(i32 %1)
    store i32 %a, ptr %x
    br label %end)"));
  EXPECT_EQ(p.use(), "undef");
  EXPECT_EQ(p.count<llvm::PHINode>(), 0);
}

TEST(PromoteTest, ButALoopMayHaveWrittenIt) {
  Promoted p(inWarpLoop(R"(br label %loop
  loop:
    br label %inner
  inner:
    %1 = load i32, ptr %x
    call void @use(i32 %1)
    store i32 %a, ptr %x
    %again = call i1 @choice()
    br i1 %again, label %inner, label %outer
  outer:
    %round = call i1 @choice()
    br i1 %round, label %loop, label %end)"));
  EXPECT_EQ(p.use(), "phi inner: %a, loop: another phi");
}

TEST(PromoteTest, IrreducibleLoops) {
  Promoted p(R"(define void @f(i32 %a) {
  entry:
    %x = alloca i32
    br label %begin
  begin:
    store i32 undef, ptr %x
    %c = call i1 @choice()
    br i1 %c, label %left, label %right
  left:
    %1 = load i32, ptr %x
    call void @use(i32 %1)
    br label %right
  right:
    store i32 %a, ptr %x
    %again = call i1 @choice()
    br i1 %again, label %left, label %end
  end:
    ret void
  })");
  EXPECT_EQ(p.use(), "phi right: %a, begin: undef");
}

TEST(PromoteTest, UnreachableBlocksGo) {
  Promoted p(R"(define void @f(i32 %a) {
  entry:
    %x = alloca i32
    store i32 %a, ptr %x
    ret void
  island:
    %1 = load i32, ptr %x
    store i32 %1, ptr %x
    br label %island
  })");
  EXPECT_EQ(p.count<llvm::AllocaInst>() + p.count<llvm::BranchInst>(), 0);
}

TEST(PromoteTest, AVariableWhoseAddressIsUsedStays) {
  Promoted p(R"(declare void @take(ptr)
  define void @f(i32 %a) {
    %x = alloca i32
    store i32 %a, ptr %x
    call void @take(ptr %x)
    %1 = load i32, ptr %x
    call void @use(i32 %1)
    ret void
  })");
  EXPECT_EQ(p.count<llvm::AllocaInst>(), 1);
  EXPECT_EQ(p.use(), "%1");
}

}  // namespace
}  // namespace anywarp::jit
