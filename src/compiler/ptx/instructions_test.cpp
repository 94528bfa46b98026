// Tests of instructions.def: every row can be spelled and decodes to itself. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/instructions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "compiler/ptx/instruction_columns.h"

namespace anywarp::ptx {
namespace {

template <class E, size_t N>
E firstOf(const EnumSet<E, N>& set, const EnumSet<E, N>& avoid = {}) {
  for (size_t i = 1; i < size_t(E::Count); ++i)
    if (set.has(E(i)) && !avoid.has(E(i))) return E(i);
  return E::None;
}

// The shortest opcode of a row: required modifiers, the first choice elsewhere, the first type of each set.
std::string spelled(Form form) {
  const FormRow& row = formRow(form);
  std::string text = formInfo(form).mnemonic;
  for (size_t i = 1; i < modCount; ++i)
    if (row.mods.required.has(Mod(i))) text += std::string(".") + spelling(Mod(i));
  for (uint8_t i = 0; i < row.mods.oneOfCount; ++i)
    text += std::string(".") + spelling(firstOf(row.mods.oneOf[i], row.mods.required));
  for (uint8_t i = 0; i < row.types.count; ++i) text += std::string(".") + spelling(firstOf(row.types.positions[i]));
  return text;
}

std::set<std::string> namesOf(const std::string& opcode) {
  std::set<std::string> names;
  for (Form form : decodeOpcode(opcode).forms) names.insert(formInfo(form).name);
  return names;
}

using Names = std::set<std::string>;

TEST(Instructions, EveryRowDecodesToItself) {
  for (size_t i = 1; i < formCount; ++i) {
    const std::string opcode = spelled(Form(i));
    EXPECT_TRUE(namesOf(opcode).count(formInfo(Form(i)).name)) << opcode << " is not " << formInfo(Form(i)).name;
  }
}

TEST(Instructions, RowsAreInTheOrderOfTheForms) {
  EXPECT_STREQ(allForms()[0].name, "AddInt");
  EXPECT_EQ(allForms().size(), formCount - 1);
  EXPECT_STREQ(formInfo(Form::ShflSync).mnemonic, "shfl");
  EXPECT_EQ(formInfo(Form::ShflSync).needs, Need::Warp);
  EXPECT_EQ(formInfo(Form::ShflSync).slots, 6u);
  EXPECT_FALSE(formInfo(Form::ShflSync).planned);
  EXPECT_TRUE(formInfo(Form::WgmmaMma).planned);
}

TEST(Instructions, RealSpellings) {
  EXPECT_EQ(namesOf("add.s32"), Names{"AddInt"});
  EXPECT_EQ(namesOf("add.cc.u32"), Names{"AddCc"});
  EXPECT_EQ(namesOf("add.rn.ftz.f32"), Names{"AddF32"});
  EXPECT_EQ(namesOf("mov.b64"), (Names{"Mov", "MovPack", "MovUnpack"}));
  EXPECT_EQ(namesOf("ld.global.nc.L1::no_allocate.L2::256B.v4.f32"), Names{"Ld"});
  EXPECT_EQ(namesOf("cvt.rzi.ftz.s32.f32"), Names{"CvtFloatToInt"});
  EXPECT_EQ(namesOf("bar.warp.sync"), Names{"BarWarpSync"});
  EXPECT_EQ(namesOf("atom.acquire.gpu.global.cas.b32"), Names{"AtomCas"});
  EXPECT_EQ(namesOf("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster.L2::cache_hint"),
            Names{"CpAsyncBulkTensorLoad"});
  EXPECT_EQ(namesOf("tcgen05.mma.cta_group::2.kind::mxf8f6f4.block_scale"), Names{"Tcgen05Mma"});
  EXPECT_EQ(namesOf("wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16"), Names{"WgmmaMma"});
}

// The rows against the manual's table of contents.
struct ManualEntry {
  std::string chapter, instruction;
};
std::vector<ManualEntry> manualEntries() {
  std::vector<ManualEntry> entries;
  auto add = [&](const char* chapter, const char* instructions) {
    std::istringstream words(instructions);
    for (std::string word; words >> word;) entries.push_back({chapter, word});
  };
#define PTX_MANUAL(chapter, instructions) add(chapter, instructions);
#include "compiler/ptx/manual.def"
#undef PTX_MANUAL
  return entries;
}

struct ChapterRow {
  std::string chapter;
  Form form;
};
std::vector<ChapterRow> rowsByChapter() {
  std::vector<ChapterRow> rows;
  std::string chapter;
#define PTX_CHAPTER(title) chapter = title;
#define PTX_INST(form, mnemonic, types, mods, operands, ptx, sm, needs, function) rows.push_back({chapter, Form::form});
#include "compiler/ptx/instructions.def"
#undef PTX_INST
  return rows;
}

bool isNamed(const ManualEntry& entry, const ChapterRow& row) {
  if (entry.chapter != row.chapter) return false;
  std::istringstream parts(entry.instruction);
  std::string part;
  std::getline(parts, part, '.');
  if (part != formInfo(row.form).mnemonic) return false;
  const ModSet mentioned = mod_column::mentioned(formRow(row.form).mods);
  while (std::getline(parts, part, '.')) {
    const Mod mod = modFromSpelling(part);
    if (mod == Mod::None || !mentioned.has(mod)) return false;
  }
  return true;
}

TEST(Instructions, EveryInstructionOfTheManualHasARow) {
  const auto rows = rowsByChapter();
  for (const ManualEntry& entry : manualEntries())
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const ChapterRow& row) { return isNamed(entry, row); }))
        << entry.chapter << ": " << entry.instruction;
}

TEST(Instructions, EveryRowIsInTheManual) {
  const auto entries = manualEntries();
  for (const ChapterRow& row : rowsByChapter())
    EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [&](const ManualEntry& entry) { return isNamed(entry, row); }))
        << row.chapter << ": " << formInfo(row.form).name;
}

TEST(Instructions, NonsenseDecodesToNothing) {
  for (const char* opcode : {"", ".", "add", "add.", "add.f31", "add.rn.rz.f32", "add.s32.s32", "ld.v2.v4.u32", "frob.s32", "setp.s32",
                             "atom.global.s32", "mul.wide.s64", "shl.f32", "add..s32", "add.ftz.s32"})
    EXPECT_TRUE(decodeOpcode(opcode).forms.empty()) << opcode;
}

TEST(Instructions, TooManyTokensDecodeToNothing) {
  std::string opcode = "ld";
  for (int i = 0; i < 1000; ++i) opcode += ".global";
  EXPECT_TRUE(decodeOpcode(opcode + ".u32").forms.empty());
  opcode = "add";
  for (int i = 0; i < 1000; ++i) opcode += ".s32";
  EXPECT_TRUE(decodeOpcode(opcode).forms.empty());
}

}  // namespace
}  // namespace anywarp::ptx
