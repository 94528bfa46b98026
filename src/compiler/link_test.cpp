// Linking PTX modules as text. SPDX-License-Identifier: Apache-2.0
#include "compiler/link.h"

#include <gtest/gtest.h>

namespace anywarp::compiler {
namespace {

constexpr const char* head = ".version 7.8\n.target sm_80\n.address_size 64\n";

std::string linked(std::vector<std::string> texts) {
  std::vector<fatbin::PtxSource> sources;
  for (std::string& text : texts) sources.push_back({head + text, "", ""});
  Result<std::string> result = linkText(sources);
  return result ? *result : "error: " + result.error().message;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Link, ExternVariableMeetsItsDefinition) {
  std::string text = linked({".extern .global .align 4 .u32 x;\n.visible .entry k() { ret; }", ".visible .global .align 4 .u32 x = 7;"});
  EXPECT_EQ(count(text, ".extern"), 0u) << text;
  EXPECT_EQ(count(text, ".visible .global .align 4 .u32 x = 7;"), 1u) << text;
}

TEST(Link, PrivateNamesStayApart) {
  std::string text = linked({".global .u32 s = 1;\n.visible .entry a() { mov.u64 %rd1, s; ret; }", ".global .u32 s = 2;\n.visible .entry b() { mov.u64 %rd1, s; ret; }"});
  EXPECT_NE(text.find("s$m0 = 1"), std::string::npos) << text;
  EXPECT_NE(text.find("mov.u64 %rd1, s$m0;"), std::string::npos) << text;
  EXPECT_NE(text.find("s$m1 = 2"), std::string::npos) << text;
  EXPECT_NE(text.find("mov.u64 %rd1, s$m1;"), std::string::npos) << text;
}

TEST(Link, WeakYieldsToStrong) {
  std::string text = linked({".weak .func f() { trap; ret; }\n.visible .entry k() { ret; }", ".visible .func f() { ret; }\n.visible .entry l() { ret; }"});
  EXPECT_EQ(count(text, "trap"), 0u) << text;
  EXPECT_EQ(count(text, ".func f"), 1u) << text;
}

TEST(Link, TwoStrongDefinitionsAreAnError) {
  std::string text = linked({".visible .entry k() { ret; }", ".visible .entry k() { ret; }"});
  EXPECT_EQ(text, "error: link: k is defined in module 0 and in module 1");
}

TEST(Link, LargestCommonWins) {
  std::string text = linked({".common .global .b8 c[4];\n.visible .entry k() { ret; }", ".common .global .b8 c[64];\n.visible .entry l() { ret; }"});
  EXPECT_EQ(count(text, "c[4]"), 0u) << text;
  EXPECT_EQ(count(text, "c[64]"), 1u) << text;
}

TEST(Link, FilesAreRenumbered) {
  std::string text = linked({".file 1 \"a.cu\"\n.visible .entry k() { .loc 1 5 0\n ret; }", ".file 1 \"b.cu\"\n.visible .entry l() { .loc 1 6 0\n ret; }"});
  EXPECT_NE(text.find(".file 2 \"b.cu\""), std::string::npos) << text;
  EXPECT_NE(text.find(".loc 2 6 0"), std::string::npos) << text;
}

TEST(Link, UnusedLibraryIsLeftOut) {
  std::string text = linked({".visible .entry k() { ret; }", ".visible .func helper() { ret; }"});
  EXPECT_EQ(count(text, "helper"), 0u) << text;
}

TEST(Link, LibraryThatIsDeclaredIsTaken) {
  std::string text = linked({".extern .func helper();\n.visible .entry k() { call helper, (); ret; }", ".visible .func helper() { ret; }"});
  EXPECT_EQ(count(text, ".visible .func helper"), 1u) << text;
}

TEST(Link, NewestVersionAndHighestTargetWin) {
  std::vector<fatbin::PtxSource> sources = {{".version 7.8\n.target sm_80\n.visible .entry a() { ret; }", "", ""},
                                            {".version 8.4\n.target sm_90a // here\n.visible .entry b() { ret; }", "", ""}};
  Result<std::string> text = linkText(sources);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->rfind(".version 8.4\n.target sm_90a\n", 0), 0u) << *text;
}

TEST(Link, InitialiserDoesNotEndTheStatement) {
  std::string text = linked({".visible .global .u32 t[2] = {1, 2}, u = 3;\n.visible .entry k() { ret; }", ".visible .entry l() { ret; }"});
  EXPECT_EQ(count(text, "t[2] = {1, 2}, u = 3;"), 1u) << text;
}

TEST(Link, DamagedTextIsAnError) {
  EXPECT_EQ(linked({".visible .entry k() {", ".visible .entry l() { ret; }"}), "error: link: module 0: last statement has no end");
}

}  // namespace
}  // namespace anywarp::compiler
