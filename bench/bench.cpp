// Runs kernels and twins by turns and prints their times, the ratio of the medians and its geometric mean. SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <omp.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "kernels_ptx.h"

namespace bench {

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

struct Options {
  std::string filter, json, picture;
  bool quick = false, micro = true, busy = false;
};

double processorTime() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) * 1e3 + double(t.tv_nsec) * 1e-6;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// The time of the second of two runs in a row: threads are awake and caches as warm as they get. Before them the threads of the
// other side go to sleep; OpenMP's spin for milliseconds after a loop, on the cores that are measured next.
double timeOf(const std::function<void()>& run, const Options& o) {
  if (o.busy) {
    double start = processorTime();
    run();
    return processorTime() - start;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(o.quick ? 15 : 25));
  run();
  double start = now();
  run();
  return now() - start;
}

Row measure(const Pair& p, const Limits& limits, const Options& o) {
  p.kernel();  // compiles
  p.twin();
  double error = p.error();
  std::vector<double> ours, theirs, openCl;
  double start = now();
  int rounds = o.busy ? 21 : o.quick ? 3 : 15;
  for (int i = 0; i < rounds && (i < 3 || now() - start < 4000); ++i) {
    ours.push_back(timeOf(p.kernel, o));
    theirs.push_back(timeOf(p.twin, o));
    if (p.openCl && !o.busy) openCl.push_back(timeOf(p.openCl, o));
  }
  auto typical = [&](std::vector<double> v) { return v.empty() ? 0 : o.busy ? *std::min_element(v.begin(), v.end()) : median(std::move(v)); };
  double limit = std::max(p.bytes / limits.bytesPerMs, p.operations / limits.operationsPerMs);
  return {p.name, p.kind, typical(ours), typical(theirs), error, error <= p.tolerance, p.library, limit, typical(openCl)};
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--quick") o.quick = true;
    else if (a == "--no-micro") o.micro = false;
    else if (a == "--busy") o.busy = true;
    else if (a == "--filter" && i + 1 < argc) o.filter = argv[++i];
    else if (a == "--json" && i + 1 < argc) o.json = argv[++i];
    else if (a == "--picture" && i + 1 < argc) o.picture = argv[++i];
    else {
      std::printf("anywarp_bench [--filter TEXT] [--json FILE] [--picture FILE.svg] [--quick] [--busy] [--no-micro]\n");
      std::exit(a == "--help" ? 0 : 2);
    }
  }
  return o;
}

void print(const Row& r) {
  std::printf("%-16s %-24s %9.3f %9.3f %6.2f", r.name.c_str(), r.kind.c_str(), r.kernel, r.twin, r.twin / r.kernel);
  if (r.limit) std::printf(" %5.0f%%", 100 * r.limit / r.kernel);
  else std::printf(" %6s", "");
  if (r.openCl) std::printf(" %9.3f %6.2f", r.openCl, r.openCl / r.kernel);
  std::printf("%s\n", r.right ? "" : "  WRONG");
  if (!r.right) std::printf("  largest relative error %g\n", r.error);
  std::fflush(stdout);
}

class Mean {
 public:
  void add(double ratio) { logs_ += std::log(ratio), ++count_; }
  bool empty() const { return count_ == 0; }
  double value() const { return std::exp(logs_ / double(count_)); }

 private:
  double logs_ = 0;
  size_t count_ = 0;
};

// The pairs' buffers are gone when it returns, topic by topic.
std::vector<Row> runPairs(const Limits& limits, const Options& o) {
  std::vector<Row> rows;
  Mean twins, openCls;
  for (auto* topic : {kernelPairs, densePairs, matrixPairs, collectivePairs, sparsePairs, simulationPairs, textPairs, imagePairs})
    for (const Pair& p : topic(o.quick)) {
      if (!o.filter.empty() && p.name.find(o.filter) == std::string::npos) continue;
      Row r = measure(p, limits, o);
      print(r);
      if (!p.library) twins.add(r.twin / r.kernel);
      if (r.openCl) openCls.add(r.openCl / r.kernel);
      rows.push_back(r);
    }
  if (!twins.empty()) std::printf("%-16s %-24s %9s %9s %6.2f\n", "geometric mean", "", "", "", twins.value());
  if (!openCls.empty()) std::printf("%-16s %-24s %9s %9s %6.2f\n", "", "beside OpenCL's", "", "", openCls.value());
  std::printf("\n");
  return rows;
}

void writeJson(const std::string& file, const std::vector<Row>& rows) {
  FILE* f = std::fopen(file.c_str(), "w");
  if (!f) return;
  std::fprintf(f, "[");
  for (size_t i = 0; i < rows.size(); ++i)
    std::fprintf(f, "%s\n  {\"kernel\": \"%s\", \"kind\": \"%s\", \"ours_ms\": %.4f, \"twin_ms\": %.4f, \"ratio\": %.4f, \"limit_ms\": %.4f, \"opencl_ms\": %.4f, \"right\": %s}", i ? "," : "",
                 rows[i].name.c_str(), rows[i].kind.c_str(), rows[i].kernel, rows[i].twin, rows[i].twin / rows[i].kernel,
                 rows[i].limit, rows[i].openCl, rows[i].right ? "true" : "false");
  std::fprintf(f, "\n]\n");
  std::fclose(f);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Options o = parse(argc, argv);
  // Before the driver is opened.
  setenv("ANYWARP_QUICK", "0", 0);  // the first run compiles
  if (o.busy) {
    setenv("ANYWARP_THREADS", "1", 1);
    omp_set_num_threads(1);
  }
#ifdef ANYWARP_BENCH_CPU
  setenv("ANYWARP_CPU", ANYWARP_BENCH_CPU, 1);
#endif
  CU(cuInit(0));
  CUcontext context;
  CU(cuDevicePrimaryCtxRetain(&context, 0));
  CU(cuCtxSetCurrent(context));

  Limits limits = measureLimits();
  std::printf("%d threads, %.1f GB/s, %.0f GFLOP/s; milliseconds are medians of alternating runs; ratio = twin / ours (above 1: the CUDA kernel is faster);\n"
              "limit: how much of the time the memory or the arithmetic units of this machine need anyway\n\n",
              omp_get_max_threads(), limits.bytesPerMs / 1e6, limits.operationsPerMs / 1e6);
  std::printf("%-16s %-24s %9s %9s %6s %6s %9s %6s\n", "kernel", "kind", "ours ms", "twin ms", "ratio", "limit", "OpenCL ms", "ratio");
  std::vector<Row> rows = runPairs(limits, o);
  bool allRight = std::all_of(rows.begin(), rows.end(), [](const Row& r) { return r.right; });
  if (o.micro && o.filter.empty()) {
    CUmodule module;
    CU(cuModuleLoadData(&module, kernelsPtx));
    runMicro(module);
  }
  if (!o.picture.empty()) drawPicture(o.picture, rows);
  if (!o.json.empty()) writeJson(o.json, rows);
  return allRight ? 0 : 1;
}
