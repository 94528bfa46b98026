// Launch plans: one kernel compiled for one block shape, looked up in memory, on disk, and else compiled. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "abi/kernel.h"
#include "compiler/backend.h"
#include "compiler/ptx/ast.h"
#include "support/hash.h"
#include "support/result.h"

namespace anywarp::compiler {

// Options of a plan as this process wants them: CPU, features, width and level from the host and the environment.
PlanOptions defaultPlanOptions(abi::Dim3 block, bool smallGrid = true);

// The quick tier: code that is there at once, though slow. Null where it cannot do the kernel. Of what it returns, becameHot and plan
// are set here.
using QuickTier = std::shared_ptr<abi::CompiledKernel> (*)(const ptx::Module& module, uint32_t function, const PlanOptions& options);
void setQuickTier(QuickTier tier);  // null: there is none

// The plans of one loaded module, which must outlive it. Thread-safe; concurrent callers for the same plan wait for one compilation.
// Kernels that were handed out stay valid until the PlanCache is destroyed: no launch may run by then.
class PlanCache {
 public:
  explicit PlanCache(const ptx::Module& module);
  // Keeps the module where a compilation of it outlives the cache; nobody waits for that.
  explicit PlanCache(std::shared_ptr<const ptx::Module> module);
  ~PlanCache();
  PlanCache(const PlanCache&) = delete;
  PlanCache& operator=(const PlanCache&) = delete;

  // The plan of module.functions[function], an .entry, with default options. Fast (tens of ns) once it exists; blocks while it is
  // compiled. A failure is remembered: the same error comes back. The quick tier, where it can, gives a kernel without compilation;
  // when that has become hot it is compiled in the background, replaced, and the better one comes from here too.
  Result<const abi::CompiledKernel*> getPlan(uint32_t function, abi::Dim3 block, bool smallGrid = true);

  // The same with options of the caller's own (tests, `anywarp compile`), always compiled.
  Result<const abi::CompiledKernel*> getPlanWith(uint32_t function, const PlanOptions& options);

 private:
  struct Plan;

  Plan& findOrAdd(uint32_t function, const PlanOptions& options, bool isDefault);
  void make(Plan& plan);
  const Hash128& moduleHash();

  const ptx::Module& module_;
  std::shared_ptr<const ptx::Module> owned_;
  std::unique_ptr<std::atomic<Plan*>[]> plans_;  // per function, the newest first; only grows
  std::mutex addMutex_;
  std::once_flag hashOnce_;
  Hash128 hash_;
};

// Compiles without looking into any cache and without loading (`anywarp compile`, benchmarks of the compiler).
Result<CompiledObject> compileKernel(const CompileRequest& request);

// What this process has done so far.
struct PlanStatistics {
  uint64_t compiled = 0;           // by libanywarp-compiler.so
  uint64_t quick = 0;              // kernels that the quick tier has made
  uint64_t fromDisk = 0;           // cache hits
  uint64_t failed = 0;
  double compileMilliseconds = 0;
};
PlanStatistics planStatistics();

// Path of libanywarp-compiler.so, whether or not it has been opened.
std::string compilerPath();

}  // namespace anywarp::compiler
