// Code for a large module on several threads at once. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/jit/emit.h"

namespace anywarp::jit {

// How many threads the code of `module` is worth, of those that other compilations leave: 1 for most kernels. Where more, those beyond
// the first are taken until the object ends.
class Threads {
 public:
  explicit Threads(const llvm::Module& module);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  unsigned count() const { return count_; }

 private:
  unsigned count_;
};

// Emits an optimised module by functions, `parts` of about the same size, and joins the objects. The module is left with its local
// functions made global. A crash in one of the threads ends what guarded() runs, as one here would.
Result<std::vector<uint8_t>> emitInParts(llvm::Module& module, const EmitOptions& options, unsigned parts);

}  // namespace anywarp::jit
