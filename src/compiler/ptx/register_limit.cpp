// Writing .maxnreg into PTX text. SPDX-License-Identifier: Apache-2.0
#include "compiler/ptx/register_limit.h"

#include <algorithm>
#include <vector>

#include "compiler/ptx/ast.h"

namespace anywarp::ptx {

std::string limitRegisters(std::string text, uint32_t limit) {
  if (limit == 0) return text;
  Result<std::unique_ptr<Module>> module = parseModule(text, "ptx");
  if (!module) return text;
  std::vector<size_t> places;
  for (const Function& function : (*module)->functions)
    if (function.isEntry && function.hasBody && !function.maxnreg) places.push_back(static_cast<size_t>(function.bodyText.data() - (*module)->text.data()));
  std::sort(places.rbegin(), places.rend());
  for (size_t place : places)
    if (size_t brace = text.rfind('{', place); brace != std::string::npos) text.insert(brace, ".maxnreg " + std::to_string(limit) + "\n");
  return text;
}

}  // namespace anywarp::ptx
