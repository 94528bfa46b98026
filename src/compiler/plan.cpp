// The key, the look-up, the making of a plan: memory, disk, compiler. SPDX-License-Identifier: Apache-2.0
#include "compiler/plan.h"

#include <chrono>
#include <optional>

#include "compiler/background.h"
#include "compiler/builtins/builtins.h"
#include "compiler/object/cache.h"
#include "compiler/object/loader.h"
#include "compiler/object/names.h"
#include "compiler/plan_backend.h"
#include "compiler/plan_quick.h"
#include "compiler/plan_serialize.h"
#include "support/dump.h"
#include "support/host_cpu.h"
#include "support/log.h"
#include "support/options.h"
#include "support/version.h"

namespace anywarp::compiler {
namespace {

struct Counters {
  std::atomic<uint64_t> compiled{0}, quick{0}, fromDisk{0}, failed{0}, microseconds{0};
};

Counters& counters() {
  static Counters& all = *new Counters;
  return all;
}

class Stopwatch {
 public:
  uint64_t microseconds() const {
    auto passed = std::chrono::steady_clock::now() - start_;
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(passed).count());
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A kernel that can run: what the device sees, with what it points to.
struct LoadedKernel : abi::CompiledKernel {
  std::string ownName;
  std::vector<abi::RegionInfo> ownRegions;
  std::unique_ptr<object::LoadedObject> code;
};

uint32_t locate(const abi::CompiledKernel* kernel, uintptr_t hostPc) {
  return static_cast<const LoadedKernel*>(kernel)->code->lineOf(hostPc);
}

const void* resolveName(std::string_view name) {
  const void* builtin = builtins::findBuiltin(name);
  return builtin ? builtin : object::findHostFunction(name);
}

Result<std::unique_ptr<LoadedKernel>> loadKernel(CompiledObject compiled, const std::string& name) {
  auto code = object::LoadedObject::load(compiled.object, name, resolveName);
  if (!code) return code.error();
  const void* entry = (*code)->find(compiled.entrySymbol);
  if (!entry) return Error{ErrorKind::Invalid, name + ": the object does not define '" + compiled.entrySymbol + "'"};
  auto kernel = std::make_unique<LoadedKernel>();
  kernel->ownName = name;
  kernel->ownRegions = std::move(compiled.regions);
  kernel->code = std::move(*code);
  kernel->entry = reinterpret_cast<abi::EntryFn>(const_cast<void*>(entry));
  kernel->mode = compiled.mode;
  kernel->width = compiled.width;
  kernel->regionCount = compiled.regionCount;
  kernel->frameBytes = compiled.frameBytes;
  kernel->localBytes = compiled.localBytes;
  kernel->staticSharedBytes = compiled.staticSharedBytes;
  kernel->usesSpin = compiled.usesSpin;
  kernel->rowsRepeat = compiled.rowsRepeat;
  kernel->regions = kernel->ownRegions.empty() ? nullptr : kernel->ownRegions.data();
  kernel->name = kernel->ownName.c_str();
  kernel->locate = locate;
  return kernel;
}

// Everything that the code depends on. Host CPU features are in it: home directories are shared between machines.
Hash128 planKey(const Hash128& module, uint32_t function, const PlanOptions& options) {
  static const std::string& ownBuild = *new std::string(buildId(reinterpret_cast<const void*>(&planKey)));
  Hasher key;
  key.text("plan").number(abi::kernelAbiVersion).text(version()).text(ownBuild).text(compilerBuildId());
  key.number(module.low).number(module.high).number(function);
  for (uint32_t extent : {options.block.x, options.block.y, options.block.z}) key.number(extent);
  key.number(options.smallGrid).number(options.width).text(options.cpu).text(options.features);
  key.number(static_cast<uint64_t>(options.optLevel)).number(options.hostNans).number(options.debugInfo);
  return key.finish();
}

// Where someone looks at the stages, or has changed how they work, a stored result would be the wrong answer.
bool mayUseCache() { return options::dump().empty() && options::disablePass().empty() && options::passes().empty() && !options::verify(); }

std::atomic<QuickTier> quickTier{makeQuickKernel};

// Who asks for debug information, or to see kernels in gdb, wants it of what runs.
bool mayBeQuick() { return options::quick() && !options::debugInfo() && !options::gdb() && mayUseCache(); }

Result<CompiledObject> compileTimed(const CompileRequest& request, const std::string& name, bool* degraded) {
  Stopwatch watch;
  auto compiled = compileKernel(request, degraded);
  uint64_t passed = watch.microseconds();
  counters().microseconds += passed;
  if (compiled) {
    ++counters().compiled;
    log::debug("compiled {} for block {}x{}x{}: {:.1f} ms, {} bytes", name, request.options.block.x, request.options.block.y,
               request.options.block.z, static_cast<double>(passed) / 1000, compiled->object.size());
  }
  return compiled;
}

Result<std::unique_ptr<LoadedKernel>> fromDisk(const Hash128& key, const std::string& name) {
  auto blob = object::cacheFind(key);
  if (!blob) return Error{ErrorKind::NotFound, "not in the cache"};
  auto compiled = deserialize(*blob);
  if (!compiled) return Error{ErrorKind::Invalid, "unreadable cache entry"};
  auto kernel = loadKernel(std::move(*compiled), name);
  if (kernel) {
    ++counters().fromDisk;
    log::debug("loaded {} from the cache, key {}", name, key.hex());
  }
  return kernel;
}

bool sameBlock(const abi::Dim3& a, const abi::Dim3& b) { return a.x == b.x && a.y == b.y && a.z == b.z; }

bool sameOptions(const PlanOptions& a, const PlanOptions& b) {
  return sameBlock(a.block, b.block) && a.smallGrid == b.smallGrid && a.width == b.width && a.cpu == b.cpu && a.features == b.features &&
         a.optLevel == b.optLevel && a.hostNans == b.hostNans && a.debugInfo == b.debugInfo;
}

}  // namespace

PlanOptions defaultPlanOptions(abi::Dim3 block, bool smallGrid) {
  PlanOptions plan;
  plan.block = block;
  plan.smallGrid = smallGrid;
  plan.width = static_cast<uint32_t>(options::width());
  plan.optLevel = static_cast<int>(options::optLevel());
  plan.hostNans = options::hostNans();
  plan.debugInfo = options::debugInfo();
  bool ownCpu = !options::cpu().empty();
  plan.cpu = ownCpu ? options::cpu() : hostCpu().name;
  plan.features = ownCpu ? featuresOfLevel(plan.cpu) : hostCpu().features;
  if (!options::cpuFeatures().empty()) plan.features += (plan.features.empty() ? "" : ",") + options::cpuFeatures();
  return plan;
}

void setQuickTier(QuickTier tier) { quickTier = tier; }

struct PlanCache::Plan final : BackgroundTask {
  ~Plan() override {
    if (quick) wait();
  }

  const ptx::Module* module = nullptr;
  std::shared_ptr<const ptx::Module> owned;  // once the cache is gone
  PlanOptions options;
  bool isDefault = false;  // options are the process's; only block and smallGrid tell such plans apart
  uint32_t function = 0;
  Plan* next = nullptr;
  std::optional<Hash128> key;  // in the cache on disk, where that may be used

  std::mutex making;
  std::atomic<bool> isMade{false};
  std::atomic<const abi::CompiledKernel*> best{nullptr};  // of the two
  std::shared_ptr<abi::CompiledKernel> quick;
  std::unique_ptr<LoadedKernel> kernel;
  Error error;

  Result<const abi::CompiledKernel*> result() const {
    if (const abi::CompiledKernel* found = best.load(std::memory_order_acquire)) return found;
    return error;
  }
  const std::string& name() const { return module->functions[function].name; }

  bool findOnDisk();
  bool makeQuick();
  Status compile();
  void take(std::unique_ptr<LoadedKernel> made);
  void run() override;
};

bool PlanCache::Plan::findOnDisk() {
  if (!key) return false;
  auto found = fromDisk(*key, name());
  if (found) take(std::move(*found));
  return bool(found);
}

bool PlanCache::Plan::makeQuick() {
  QuickTier tier = quickTier;
  if (!isDefault || !tier || !mayBeQuick()) return false;
  quick = tier(*module, function, options);
  if (!quick) return false;
  quick->plan = static_cast<BackgroundTask*>(this);
  constexpr int64_t forEver = 2;  // tests of the quick tier
  if (options::quick() != forEver) quick->becameHot = [](const abi::CompiledKernel* hot) { static_cast<BackgroundTask*>(hot->plan)->request(); };
  if (!enlist()) {
    quick.reset();
    return false;
  }
  ++counters().quick;
  log::debug("{} for block {}x{}x{}: quick code", name(), options.block.x, options.block.y, options.block.z);
  best.store(quick.get(), std::memory_order_release);
  return true;
}

Status PlanCache::Plan::compile() {
  bool degraded = false;
  auto compiled = compileTimed({module, function, options}, name(), &degraded);
  if (!compiled) return compiled.error();
  if (key && !degraded) object::cacheStore(*key, serialize(*compiled));
  auto loaded = loadKernel(std::move(*compiled), name());
  if (!loaded) return loaded.error();
  take(std::move(*loaded));
  return {};
}

void PlanCache::Plan::take(std::unique_ptr<LoadedKernel> made) {
  kernel = std::move(made);
  if (quick) abi::storeReplacement(*quick, kernel.get());
  best.store(kernel.get(), std::memory_order_release);
}

// In the background, when the quick kernel has become hot. Where the compiler fails that one stays.
void PlanCache::Plan::run() {
  if (findOnDisk()) return;  // another process was faster
  Status made = compile();
  if (made) return;
  ++counters().failed;
  log::debug("quick code stays: {}", made.error().message);
}

PlanCache::PlanCache(const ptx::Module& module)
    : module_(module), plans_(new std::atomic<Plan*>[module.functions.size()]()) {}

PlanCache::PlanCache(std::shared_ptr<const ptx::Module> module) : PlanCache(*module) { owned_ = std::move(module); }

PlanCache::~PlanCache() {
  auto plansOf = [this](size_t i) { return plans_[i].load(std::memory_order_acquire); };
  for (size_t i = 0; i < module_.functions.size(); ++i)
    for (Plan* plan = plansOf(i); plan; plan = plan->next)
      if (plan->quick) plan->withdraw();
  for (size_t i = 0; i < module_.functions.size(); ++i)
    for (Plan* plan = plansOf(i); plan;) {
      Plan* gone = std::exchange(plan, plan->next);
      gone->owned = owned_;
      if (!owned_ || !gone->quick || !gone->abandon()) delete gone;
    }
}

Result<const abi::CompiledKernel*> PlanCache::getPlan(uint32_t function, abi::Dim3 block, bool smallGrid) {
  if (function >= module_.functions.size()) return Error{ErrorKind::NotFound, "no such function in the module"};
  for (const Plan* plan = plans_[function].load(std::memory_order_acquire); plan; plan = plan->next)
    if (plan->isDefault && plan->options.smallGrid == smallGrid && sameBlock(plan->options.block, block) &&
        plan->isMade.load(std::memory_order_acquire))
      return plan->result();
  Plan& plan = findOrAdd(function, defaultPlanOptions(block, smallGrid), true);
  make(plan);
  return plan.result();
}

Result<const abi::CompiledKernel*> PlanCache::getPlanWith(uint32_t function, const PlanOptions& options) {
  if (function >= module_.functions.size()) return Error{ErrorKind::NotFound, "no such function in the module"};
  Plan& plan = findOrAdd(function, options, false);
  make(plan);
  return plan.result();
}

PlanCache::Plan& PlanCache::findOrAdd(uint32_t function, const PlanOptions& options, bool isDefault) {
  std::lock_guard lock(addMutex_);
  for (Plan* plan = plans_[function].load(std::memory_order_acquire); plan; plan = plan->next)
    if (plan->isDefault == isDefault && sameOptions(plan->options, options)) return *plan;
  Plan* plan = new Plan;
  plan->module = &module_;
  plan->options = options;
  plan->isDefault = isDefault;
  plan->function = function;
  plan->next = plans_[function].load(std::memory_order_relaxed);
  plans_[function].store(plan, std::memory_order_release);
  return *plan;
}

void PlanCache::make(Plan& plan) {
  std::lock_guard lock(plan.making);
  if (plan.isMade.load(std::memory_order_relaxed)) return;
  if (mayUseCache()) plan.key = planKey(moduleHash(), plan.function, plan.options);
  constexpr int64_t atFirst = 3;  // tests of compiled code that takes over
  const bool isQuick = options::quick() == atFirst && plan.makeQuick();
  if (!isQuick && !plan.findOnDisk() && !plan.makeQuick()) {
    if (Status made = plan.compile(); !made) {
      plan.error = made.error();
      ++counters().failed;
      log::error("{}", plan.error.message);
    }
  }
  plan.isMade.store(true, std::memory_order_release);
}

const Hash128& PlanCache::moduleHash() {
  std::call_once(hashOnce_, [this] { hash_ = hashBytes(module_.text.data(), module_.text.size()); });
  return hash_;
}

PlanStatistics planStatistics() {
  Counters& all = counters();
  return {all.compiled, all.quick, all.fromDisk, all.failed, static_cast<double>(all.microseconds) / 1000};
}

}  // namespace anywarp::compiler
