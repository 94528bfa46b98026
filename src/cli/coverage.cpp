// Support tables, made from the tables that the code is made from. SPDX-License-Identifier: Apache-2.0
#include "cli/coverage.h"

#include <cstdio>
#include <iostream>
#include <span>

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

void printPtx() {
  size_t done = 0, all = 0;
  for (const ptx::FormInfo& form : ptx::allForms()) done += !form.planned, ++all;
  std::cout << "PTX instruction forms: " << done << " of " << all << " are compiled\n";
  for (const ptx::FormInfo& f : ptx::allForms())
    std::printf("%s %-22s %-14s %-34s %s\n", f.planned ? "  no " : "  yes", f.name, f.mnemonic, f.types, f.modifiers);
}

Json ptxJson() {
  Json forms = Json::array();
  for (const ptx::FormInfo& f : ptx::allForms())
    forms.push_back({{"form", f.name}, {"mnemonic", f.mnemonic}, {"types", f.types}, {"modifiers", f.modifiers},
                     {"operands", f.operands}, {"ptx", f.ptx}, {"sm", f.sm}, {"compiled", !f.planned}});
  return {{"forms", forms}};
}

Json apiJson() { return {{"driver", json(driverFunctions)}, {"runtime", json(runtimeFunctions)}}; }

}  // namespace anywarp::cli
