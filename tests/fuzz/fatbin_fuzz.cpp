// Any bytes as a fat binary, a cubin, an archive or text: an error at worst. What it takes as PTX goes through the linker too.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include "compiler/fatbin/fatbin.h"
#include "compiler/link.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace anywarp;
  std::vector<uint8_t> bytes(data, data + size);  // exactly as long as the input: any byte beyond is seen
  Result<fatbin::Program> program = fatbin::readProgram(bytes, 90);
  if (!program) return 0;
  std::vector<fatbin::PtxSource> twice = {program->modules[0], program->modules[0]};
  (void)compiler::linkText(twice);
  return 0;
}
