// Support tables, made from the tables that the code is made from. SPDX-License-Identifier: Apache-2.0
#include "cli/coverage.h"

#include <array>
#include <cstdio>
#include <iostream>
#include <span>
#include <string_view>

#include "compiler/ptx/instructions.h"

namespace anywarp::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Function {
  const char* name;
  bool done;
};

constexpr bool Done = true, Missing = false;

constexpr Function driverFunctions[] = {
#define ANYWARP_API(base, version, symbol, stream, status) {#symbol, status},
#include "driver/api.def"
#undef ANYWARP_API
};

constexpr Function runtimeFunctions[] = {
#define RUNTIME_CALL(name, twin, versions, state) {#name, state},
#include "libs/cudart/runtime_api.def"
#undef RUNTIME_CALL
};

size_t countDone(std::span<const Function> functions) {
  size_t n = 0;
  for (const Function& f : functions) n += f.done;
  return n;
}

void print(const char* title, std::span<const Function> functions) {
  std::cout << title << ": " << countDone(functions) << " of " << functions.size() << " functions\n";
  for (const Function& f : functions) std::cout << (f.done ? "  yes  " : "  no   ") << f.name << "\n";
}

Json json(std::span<const Function> functions) {
  Json j;
  j["implemented"] = countDone(functions);
  j["all"] = functions.size();
  for (const Function& f : functions) j["functions"][f.name] = f.done;
  return j;
}

}  // namespace

void printApi() {
  print("driver API", driverFunctions);
  std::cout << "\n";
  print("runtime API", runtimeFunctions);
}

namespace {

// Rows of instructions.def and the chapters that they stand in.
struct Row {
  const char* chapter;  // a title: the rows of a chapter follow
  ptx::Form form;
};
constexpr Row rows[] = {
#define PTX_CHAPTER(title) {title, ptx::Form::Unknown},
#define PTX_INST(form, mnemonic, types, mods, operands, ptx_, sm, needs, function) {nullptr, ptx::Form::form},
#include "compiler/ptx/instructions.def"
#undef PTX_INST
};

// Rows that a text test executes, compiled and interpreted alike (made by tools/tested_forms.cpp from the tests).
const std::array<bool, ptx::formCount>& testedForms() {
  static const auto& marks = *[] {
    auto* all = new std::array<bool, ptx::formCount>{};
    for (ptx::Form form : {
#define TESTED(form) ptx::Form::form,
#include ANYWARP_TESTED_FORMS
#undef TESTED
             ptx::Form::Unknown})
      (*all)[size_t(form)] = true;
    return all;
  }();
  return marks;
}

// Clusters, bulk and tensor copies, wgmma, tcgen05, block-scaled matrices: the sets of Hopper and Blackwell.
bool isLaterSet(const ptx::FormInfo& f) {
  const std::string_view mnemonic = f.mnemonic, modifiers = f.modifiers;
  return f.needs == ptx::Need::Cluster || f.needs == ptx::Need::Tensor || mnemonic == "wgmma" || mnemonic == "tensormap" || f.sm >= 100 ||
         (mnemonic == "cp" && modifiers.find("Bulk") != modifiers.npos) || modifiers.find("BlockScale") != modifiers.npos;
}

// A row of the table is read by the parser; its function exists in the code generator and in the interpreter, or in neither.
struct State {
  bool parsed = true, compiled, interpreted, tested;
  bool whole() const { return compiled && interpreted && tested; }
};
State stateOf(ptx::Form form) {
  const bool done = !ptx::formInfo(form).planned;
  return {.compiled = done, .interpreted = done, .tested = done && testedForms()[size_t(form)]};
}

}  // namespace

void printPtx() {
  auto mark = [](bool yes) { return yes ? "yes" : "-"; };
  std::printf("%-30s %-20s %-7s %-9s %-12s %s\n", "form", "instruction", "parses", "compiles", "interpreted", "tested");
  size_t whole = 0, later = 0, all = 0;
  for (const Row& row : rows) {
    if (row.chapter) {
      std::printf("\n%s\n", row.chapter);
      continue;
    }
    const ptx::FormInfo& f = ptx::formInfo(row.form);
    const State s = stateOf(row.form);
    const bool missingLater = !s.compiled && isLaterSet(f);
    std::printf("  %-28s %-20s %-7s %-9s %-12s %s%s\n", f.name, f.mnemonic, mark(s.parsed), mark(s.compiled), mark(s.interpreted),
                mark(s.tested), missingLater ? "   (a later set)" : "");
    ++all;
    whole += s.whole();
    later += missingLater;
  }
  std::printf("\n%zu of %zu forms (%zu of the missing ones are of the later sets: clusters, bulk copies, wgmma, tcgen05, block-scaled "
              "matrices, sm_100)\n", whole, all, later);
}

Json ptxJson() {
  Json forms = Json::array();
  size_t whole = 0;
  const char* chapter = "";
  for (const Row& row : rows) {
    if (row.chapter) {
      chapter = row.chapter;
      continue;
    }
    const ptx::FormInfo& f = ptx::formInfo(row.form);
    const State s = stateOf(row.form);
    whole += s.whole();
    forms.push_back({{"form", f.name}, {"chapter", chapter}, {"mnemonic", f.mnemonic}, {"types", f.types}, {"modifiers", f.modifiers},
                     {"operands", f.operands}, {"ptx", f.ptx}, {"sm", f.sm}, {"parsed", s.parsed}, {"compiled", s.compiled},
                     {"interpreted", s.interpreted}, {"tested", s.tested}, {"later_set", isLaterSet(f)}});
  }
  return {{"done", whole}, {"all", forms.size()}, {"forms", forms}};
}

Json apiJson() { return {{"driver", json(driverFunctions)}, {"runtime", json(runtimeFunctions)}}; }

}  // namespace anywarp::cli
