// Runs kernels and twins by turns and prints their times, the ratio of the medians and its geometric mean. SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "kernels_ptx.h"

namespace bench {

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

struct Options {
  std::string filter, json;
  bool quick = false, micro = true;
};

struct Row {
  std::string name, kind;
  double kernel, twin, error;
  bool right;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

Row measure(const Pair& p, bool quick) {
  p.kernel();  // compiles
  p.twin();
  double error = p.error();
  std::vector<double> ours, theirs;
  double start = now();
  for (int i = 0; i < (quick ? 3 : 15) && (i < 3 || now() - start < 4000); ++i) {
    double a = now();
    p.kernel();
    double b = now();
    p.twin();
    double c = now();
    ours.push_back(b - a);
    theirs.push_back(c - b);
  }
  return {p.name, p.kind, median(ours), median(theirs), error, error <= p.tolerance};
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--quick") o.quick = true;
    else if (a == "--no-micro") o.micro = false;
    else if (a == "--filter" && i + 1 < argc) o.filter = argv[++i];
    else if (a == "--json" && i + 1 < argc) o.json = argv[++i];
    else {
      std::printf("anywarp_bench [--filter TEXT] [--json FILE] [--quick] [--no-micro]\n");
      std::exit(a == "--help" ? 0 : 2);
    }
  }
  return o;
}

// The pairs' buffers are gone when it returns.
std::vector<Row> runPairs(CUmodule module, const Options& o) {
  std::vector<Pair> pairs = kernelPairs(module, o.quick ? 0.1 : 1.0);
  for (Pair& p : matrixPairs()) pairs.push_back(std::move(p));
  std::vector<Row> rows;
  double logs = 0;
  size_t counted = 0;
  for (const Pair& p : pairs) {
    if (!o.filter.empty() && p.name.find(o.filter) == std::string::npos) continue;
    Row r = measure(p, o.quick);
    std::printf("%-16s %-22s %10.3f %10.3f %7.2f%s\n", r.name.c_str(), r.kind.c_str(), r.kernel, r.twin, r.twin / r.kernel, r.right ? "" : "  WRONG");
    if (!r.right) std::printf("  largest relative error %g\n", r.error);
    std::fflush(stdout);
    if (!p.library) logs += std::log(r.twin / r.kernel), ++counted;
    rows.push_back(r);
  }
  if (counted) std::printf("%-16s %-22s %10s %10s %7.2f\n\n", "geometric mean", "", "", "", std::exp(logs / double(counted)));
  return rows;
}

void writeJson(const std::string& file, const std::vector<Row>& rows) {
  FILE* f = std::fopen(file.c_str(), "w");
  if (!f) return;
  std::fprintf(f, "[");
  for (size_t i = 0; i < rows.size(); ++i)
    std::fprintf(f, "%s\n  {\"kernel\": \"%s\", \"kind\": \"%s\", \"ours_ms\": %.4f, \"twin_ms\": %.4f, \"ratio\": %.4f, \"right\": %s}", i ? "," : "",
                 rows[i].name.c_str(), rows[i].kind.c_str(), rows[i].kernel, rows[i].twin, rows[i].twin / rows[i].kernel, rows[i].right ? "true" : "false");
  std::fprintf(f, "\n]\n");
  std::fclose(f);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Options o = parse(argc, argv);
  CU(cuInit(0));
  CUcontext context;
  CU(cuDevicePrimaryCtxRetain(&context, 0));
  CU(cuCtxSetCurrent(context));
  CUmodule module;
  CU(cuModuleLoadData(&module, kernelsPtx));

  std::printf("%d threads; milliseconds are medians of alternating runs; ratio = twin / ours (above 1: the CUDA kernel is faster)\n\n", omp_get_max_threads());
  std::printf("%-16s %-22s %10s %10s %7s\n", "kernel", "kind", "ours ms", "twin ms", "ratio");
  std::vector<Row> rows = runPairs(module, o);
  bool allRight = std::all_of(rows.begin(), rows.end(), [](const Row& r) { return r.right; });
  if (o.micro && o.filter.empty()) runMicro(module);
  if (!o.json.empty()) writeJson(o.json, rows);
  return allRight ? 0 : 1;
}
