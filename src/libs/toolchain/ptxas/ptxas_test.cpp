// The command line of our ptxas, its messages and what it writes. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "libs/toolchain/ptxas/assemble.h"
#include "libs/toolchain/ptxas/command_line.h"

namespace fs = std::filesystem;
using namespace anywarp::toolchain;

namespace {

constexpr char good[] = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry kernel(.param .u64 p) {
  .reg .b32 %r<3>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [p];
  mov.u32 %r1, 7;
  st.global.u32 [%rd1], %r1;
  ret;
}
)";

std::string replace(std::string text, const std::string& from, const std::string& to) { return text.replace(text.find(from), from.size(), to); }

class Ptxas : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/ptxas-test-XXXXXX";
    folder_ = mkdtemp(folder);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ + "/" + name; }
  std::string write(const char* name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Assembles `text` with these options before the names of the files.
  PtxasOutcome assemble(const std::string& text, std::vector<std::string> options = {"-arch=sm_80"}) const {
    options.insert(options.end(), {write("in.ptx", text), "-o", path("out.cubin")});
    return runPtxas(options);
  }

  std::string folder_;
};

TEST_F(Ptxas, OutputIsThePtxEndedByZero) {
  PtxasOutcome done = assemble(good);
  EXPECT_EQ(done.exitCode, 0);
  EXPECT_EQ(done.messages, "");
  EXPECT_EQ(read(path("out.cubin")), good + std::string(1, '\0'));
}

TEST_F(Ptxas, AcceptsWhatCompilersWrite) {
  PtxasOutcome done = assemble(good, {"-lineinfo", "-v", "--opt-level", "0", "--fmad=false", "-m64", "-O3", "--gpu-name=sm_90a"});
  EXPECT_EQ(done.exitCode, 0) << done.messages;
  EXPECT_EQ(done.messages, "ptxas info    : Compiling entry function 'kernel' for 'sm_90a'\n");
  EXPECT_EQ(assemble(good, {"-arch", "sm_80", "-m", "64", "-maxrregcount", "32", "-c", "-g", "-w"}).exitCode, 0);
}

TEST_F(Ptxas, ALimitOnRegistersIsWrittenIntoTheKernels) {
  EXPECT_EQ(assemble(good, {"-arch=sm_80", "--maxrregcount", "40"}).exitCode, 0);
  EXPECT_NE(read(path("out.cubin")).find("kernel(.param .u64 p) .maxnreg 40\n{"), std::string::npos) << read(path("out.cubin"));
  EXPECT_EQ(assemble(good, {"-arch=sm_80", "--maxrregcount", "many"}).exitCode, 255);
}

TEST_F(Ptxas, ReadsOptionsFromAFile) {
  std::string file = write("options", "-arch=sm_80\n-v");
  EXPECT_EQ(assemble(good, {"-optf", file}).messages, "ptxas info    : Compiling entry function 'kernel' for 'sm_80'\n");
  EXPECT_EQ(assemble(good, {"-optf", path("none")}).exitCode, 255);
}

TEST_F(Ptxas, TextOnTheCommandLine) {
  PtxasOutcome done = runPtxas(std::vector<std::string>{"--input-as-string", good, "-arch=sm_80", "-o", path("out.cubin")});
  EXPECT_EQ(done.exitCode, 0) << done.messages;
  EXPECT_EQ(read(path("out.cubin")), good + std::string(1, '\0'));
}

TEST_F(Ptxas, NamesFileLineAndReason) {
  PtxasOutcome done = assemble(replace(good, "mov.u32 %r1, 7", "mov.u32 %r9, 7"));
  EXPECT_EQ(done.exitCode, 255);
  EXPECT_TRUE(done.messages.starts_with("ptxas " + path("in.ptx") + ", line 8; error   : ")) << done.messages;
  EXPECT_NE(done.messages.find("%r9"), std::string::npos) << done.messages;
  EXPECT_NE(done.messages.find("\nptxas fatal   : "), std::string::npos) << done.messages;
  EXPECT_FALSE(fs::exists(path("out.cubin")));
}

TEST_F(Ptxas, RefusesInstructionsThatAreNone) {
  PtxasOutcome done = assemble(replace(good, "mov.u32", "mow.u32"));
  EXPECT_EQ(done.exitCode, 255);
  EXPECT_NE(done.messages.find("line 8; error   : "), std::string::npos) << done.messages;
}

TEST_F(Ptxas, RefusesTypesThatDoNotFit) {
  PtxasOutcome done = assemble(replace(good, "st.global.u32 [%rd1], %r1", "add.s32 %r2, %r1, %rd1"));
  EXPECT_EQ(done.exitCode, 255);
  EXPECT_NE(done.messages.find("line 9; error   : "), std::string::npos) << done.messages;
}

TEST_F(Ptxas, ArchitectureMustFit) {
  EXPECT_EQ(assemble(good, {"-arch=sm_75"}).exitCode, 255);
  EXPECT_EQ(assemble(replace(good, "sm_80", "sm_90a"), {"-arch=sm_90"}).exitCode, 255);
  EXPECT_EQ(assemble(replace(good, "sm_80", "sm_90a"), {"-arch=sm_100a"}).exitCode, 255);
  EXPECT_EQ(assemble(replace(good, "sm_80", "sm_90a"), {"-arch=sm_90a"}).exitCode, 0);
  EXPECT_EQ(assemble(good, {"-arch=sm_100a"}).exitCode, 0);
  EXPECT_EQ(assemble(replace(good, ".version 8.0", ".version 9.9"), {"-arch=sm_80"}).exitCode, 0) << "newer than we are, but nothing new in it";
}

TEST_F(Ptxas, WrongCommandLines) {
  const std::string input = write("in.ptx", good);
  const std::vector<std::vector<std::string>> wrong = {
      {}, {"--no-such-option", input}, {input, input}, {input, "-o"}, {"-arch=80", input}, {"-m32", input}, {"--fmad=perhaps", input}, {path("none.ptx")},
      {"-o", path("no/folder"), "-arch=sm_80", input}};
  for (const auto& arguments : wrong) {
    PtxasOutcome done = runPtxas(arguments);
    EXPECT_EQ(done.exitCode, 255) << testing::PrintToString(arguments);
    EXPECT_TRUE(done.messages.starts_with("ptxas fatal   : ")) << done.messages;
  }
}

TEST_F(Ptxas, VersionNamesARelease) {
  PtxasOutcome done = runPtxas(std::vector<std::string>{"--version"});
  EXPECT_EQ(done.exitCode, 0);
  EXPECT_NE(done.standard.find("release 13.0, V13.0"), std::string::npos) << done.standard;
}

}  // namespace
