// Runs the litmus tests many times: threads in warps of one block, in blocks, and on the host. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "abi/cuda.h"
#include "shapes.h"

namespace anywarp::litmus {
namespace {

// Every lane of a warp runs an instance of its own; a launch runs `steps` instances per lane, one after the other.
constexpr unsigned lanes = 32, steps = 256, instances = lanes * steps;
// x, y and z of an instance lie in three arrays; results in a fourth.
constexpr size_t variableBytes = 16, arrayBytes = instances * variableBytes;

enum class Place { Warps, Blocks, Host };
constexpr Place places[] = {Place::Warps, Place::Blocks, Place::Host};
const char* name(Place place) { return place == Place::Warps ? "warps" : place == Place::Blocks ? "blocks" : "host"; }
const char* scopeOf(Place place) { return place == Place::Warps ? "cta" : place == Place::Blocks ? "gpu" : "sys"; }

void check(CUresult result, const char* what) {
  if (result == CUDA_SUCCESS) return;
  const char* text = "?";
  cuGetErrorName(result, &text);
  std::printf("%s: %s\n", what, text);
  std::exit(2);
}
#define CHECK(call) check(call, #call)

struct Step {
  std::string op, order;
  std::vector<std::string> operands;
};

std::vector<Step> parse(const std::string& thread) {
  std::vector<Step> result;
  std::istringstream lines(thread);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Step step;
    words >> step.op;
    if (size_t dot = step.op.find('.'); dot != step.op.npos) step.order = step.op.substr(dot + 1), step.op.resize(dot);
    for (std::string word; words >> word;) step.operands.push_back(word);
    result.push_back(step);
  }
  return result;
}

size_t variableIndex(const std::string& text) { return size_t(text[0] - 'x'); }
size_t registerIndex(const std::string& text) { return size_t(text[1] - '0'); }
bool isRegister(const std::string& text) { return text[0] == 'r'; }

// --- on the device

// The steps of one thread as PTX: %x %y %z hold addresses, %r0.. what is read.
std::string ptxOf(const std::string& thread, const std::string& scope) {
  std::string out;
  auto address = [](const std::string& variable) { return "[%" + variable + "]"; };
  auto value = [](const std::string& text) { return isRegister(text) ? "%" + text : text; };
  for (const Step& s : parse(thread)) {
    const std::string order = s.order.empty() ? "relaxed" : s.order;
    if (s.op == "st") out += "  st." + order + "." + scope + ".global.u32 " + address(s.operands[0]) + ", " + value(s.operands[1]) + ";\n";
    if (s.op == "ld") out += "  ld." + order + "." + scope + ".global.u32 " + value(s.operands[0]) + ", " + address(s.operands[1]) + ";\n";
    if (s.op == "stweak") out += "  st.global.u32 " + address(s.operands[0]) + ", " + value(s.operands[1]) + ";\n";
    if (s.op == "ldweak") out += "  ld.global.u32 " + value(s.operands[0]) + ", " + address(s.operands[1]) + ";\n";
    for (unsigned n : {2u, 4u}) {
      const std::string vector = "." + order + "." + scope + ".global.v" + std::to_string(n) + ".u32 ";
      auto list = [&](auto&& element) {
        std::string text = "{";
        for (unsigned i = 0; i < n; ++i) text += (i ? ", " : "") + element(i);
        return text + "}";
      };
      if (s.op == "st" + std::to_string(n)) out += "  st" + vector + address(s.operands[0]) + ", " + list([&](unsigned) { return value(s.operands[1]); }) + ";\n";
      if (s.op == "ld" + std::to_string(n)) out += "  ld" + vector + list([&](unsigned i) { return value(s.operands[i]); }) + ", " + address(s.operands[n]) + ";\n";
    }
    if (s.op == "fence") out += "  fence." + (s.order.empty() ? std::string("acq_rel") : s.order) + "." + scope + ";\n";
    if (s.op == "xchg" || s.op == "add")
      out += "  atom." + order + "." + scope + ".global." + (s.op == "add" ? "add.u32 " : "exch.b32 ") + value(s.operands[0]) + ", " +
             address(s.operands[1]) + ", " + value(s.operands[2]) + ";\n";
  }
  return out;
}

// Registers that a thread reads into.
std::vector<std::string> readBy(const std::string& thread) {
  std::vector<std::string> registers;
  for (const Step& s : parse(thread))
    if (s.op == "ld2" || s.op == "ld4") registers.insert(registers.end(), s.operands.begin(), s.operands.end() - 1);
    else if (s.op.starts_with("ld") || s.op == "xchg" || s.op == "add") registers.push_back(s.operands[0]);
  return registers;
}

// A role is a warp or a block. All roles meet at a counter before each group of steps, so that they run at the same time.
std::string kernelOf(const Shape& shape, Place place) {
  std::string roles;
  for (size_t t = 0; t < shape.threads.size(); ++t) {
    roles += "ROLE" + std::to_string(t) + ":\n" + ptxOf(shape.threads[t], scopeOf(place));
    for (const std::string& r : readBy(shape.threads[t])) roles += "  st.global.u32 [%res+" + std::to_string(4 * registerIndex(r)) + "], %" + r + ";\n";
    roles += "  bra NEXT;\n";
  }
  std::string choose;
  for (size_t t = 1; t < shape.threads.size(); ++t)
    choose += "  setp.eq.u32 %p, %role, " + std::to_string(t) + ";\n  @%p bra ROLE" + std::to_string(t) + ";\n";
  return R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry litmus(.param .u64 vars, .param .u64 meet, .param .u32 roles, .param .u32 firstRole) {
  .reg .pred %p, %q;
  .reg .b32 %r<4>, %role, %i, %t, %lane, %n, %target, %one;
  .reg .b64 %x, %y, %z, %res, %base, %off, %count;
  ld.param.u64 %base, [vars];
  ld.param.u64 %count, [meet];
  ld.param.u32 %n, [roles];
  mov.u32 %lane, %laneid;
  mov.u32 %role, )" + std::string(place == Place::Warps ? "%tid.x;\n  shr.u32 %role, %role, 5" : "%ctaid.x") + R"(;
  ld.param.u32 %t, [firstRole];
  add.u32 %role, %role, %t;
  mov.u32 %i, 0;
  mov.u32 %target, 0;
LOOP:
  and.b32 %t, %i, 15;
  setp.ne.u32 %p, %t, 0;
  @%p bra RUN;
  add.u32 %target, %target, %n;
  setp.ne.u32 %p, %lane, 0;
  @%p bra MET;
  atom.acq_rel.sys.global.add.u32 %t, [%count], 1;
WAIT:
  ld.acquire.sys.global.u32 %t, [%count];
  setp.lt.u32 %q, %t, %target;
  @%q bra WAIT;
MET:
  bar.warp.sync 0xffffffff;
RUN:
  mad.lo.u32 %t, %i, 32, %lane;
  mul.wide.u32 %off, %t, 16;
  add.s64 %x, %base, %off;
  add.s64 %y, %x, )" + std::to_string(arrayBytes) + R"(;
  add.s64 %z, %y, )" + std::to_string(arrayBytes) + R"(;
  add.s64 %res, %z, )" + std::to_string(arrayBytes) + ";\n" + choose + roles + R"(NEXT:
  add.u32 %i, %i, 1;
  setp.lt.u32 %p, %i, )" + std::to_string(steps) + R"(;
  @%p bra LOOP;
  ret;
}
)";
}

// --- on the host

struct Memory {
  CUdeviceptr base = 0, meet = 0;

  uint8_t* array(size_t index) const { return reinterpret_cast<uint8_t*>(base) + index * arrayBytes; }
  std::atomic_ref<uint32_t> variable(size_t index, unsigned instance) const {
    return std::atomic_ref(*reinterpret_cast<uint32_t*>(array(index) + instance * variableBytes));
  }
  uint32_t& result(unsigned instance, size_t index) const { return reinterpret_cast<uint32_t*>(array(3) + instance * variableBytes)[index]; }
  std::atomic_ref<uint32_t> counter() const { return std::atomic_ref(*reinterpret_cast<uint32_t*>(meet)); }
};

std::memory_order orderOf(const std::string& order) {
  if (order == "acquire") return std::memory_order_acquire;
  if (order == "release") return std::memory_order_release;
  if (order == "acq_rel") return std::memory_order_acq_rel;
  return std::memory_order_relaxed;
}

void runOnHost(const std::vector<Step>& thread, const Memory& memory, unsigned instance) {
  uint32_t registers[4] = {};
  bool read[4] = {};
  auto value = [&](const std::string& text) { return isRegister(text) ? registers[registerIndex(text)] : uint32_t(std::stoul(text)); };
  auto keep = [&](const std::string& to, uint32_t v) { registers[registerIndex(to)] = v, read[registerIndex(to)] = true; };
  for (const Step& s : thread) {
    if (s.op == "fence") {
      std::atomic_thread_fence(s.order == "sc" ? std::memory_order_seq_cst : std::memory_order_acq_rel);
      continue;
    }
    auto variable = memory.variable(variableIndex(s.operands[s.op.starts_with("st") ? 0 : 1]), instance);
    if (s.op.starts_with("st")) variable.store(value(s.operands[1]), orderOf(s.order));
    if (s.op.starts_with("ld")) keep(s.operands[0], variable.load(orderOf(s.order)));
    if (s.op == "xchg") keep(s.operands[0], variable.exchange(value(s.operands[2]), orderOf(s.order)));
    if (s.op == "add") keep(s.operands[0], variable.fetch_add(value(s.operands[2]), orderOf(s.order)));
  }
  for (size_t r = 0; r < 4; ++r)
    if (read[r]) memory.result(instance, r) = registers[r];
}

// The first thread of the shape on this host thread, against the device's others.
void hostRole(const std::string& text, const Memory& memory, uint32_t roles) {
  const std::vector<Step> thread = parse(text);
  uint32_t target = 0;
  for (unsigned i = 0; i < steps; ++i) {
    if (i % 16 == 0) {
      target += roles;
      memory.counter().fetch_add(1, std::memory_order_acq_rel);
      while (memory.counter().load(std::memory_order_acquire) < target) std::this_thread::yield();
    }
    for (unsigned lane = 0; lane < lanes; ++lane) runOnHost(thread, memory, i * lanes + lane);
  }
}

// --- all together

// The host has no vectors that are whole.
bool hasVectors(const Shape& shape) {
  return std::any_of(shape.threads.begin(), shape.threads.end(), [](const std::string& t) { return t.starts_with("st2") || t.starts_with("st4"); });
}

uint64_t runOnce(const Shape& shape, Place place, CUfunction kernel, const Memory& memory) {
  std::memset(memory.array(0), 0, 4 * arrayBytes);
  memory.counter().store(0);
  auto roles = uint32_t(shape.threads.size()), first = uint32_t(place == Place::Host ? 1 : 0);
  CUdeviceptr base = memory.base, meet = memory.meet;
  void* params[] = {&base, &meet, &roles, &first};
  unsigned onDevice = roles - first;
  unsigned blocks = place == Place::Warps ? 1 : onDevice, threads = place == Place::Warps ? 32 * onDevice : 32;
  CHECK(cuLaunchKernel(kernel, blocks, 1, 1, threads, 1, 1, 0, nullptr, params, nullptr));
  if (place == Place::Host) hostRole(shape.threads[0], memory, roles);
  CHECK(cuCtxSynchronize());
  uint64_t wrong = 0;
  for (unsigned i = 0; i < instances; ++i) {
    Results results;
    for (size_t r = 0; r < 4; ++r) results.r[r] = memory.result(i, r);
    results.x = memory.variable(0, i).load();
    results.y = memory.variable(1, i).load();
    wrong += shape.forbidden(results);
  }
  return wrong;
}

int run(int rounds, const std::string& filter) {
  CUcontext context;
  CHECK(cuInit(0));
  CHECK(cuCtxCreate_v2(&context, 0, 0));
  Memory memory;
  CHECK(cuMemAllocManaged(&memory.base, 4 * arrayBytes, CU_MEM_ATTACH_GLOBAL));
  CHECK(cuMemAllocManaged(&memory.meet, 256, CU_MEM_ATTACH_GLOBAL));
  uint64_t runs = 0, bad = 0;
  for (const Shape& shape : shapes())
    for (Place place : places) {
      const std::string title = shape.name + " " + name(place);
      if (title.find(filter) == title.npos || (place == Place::Host && hasVectors(shape))) continue;
      CUmodule module;
      CUfunction kernel;
      CHECK(cuModuleLoadData(&module, kernelOf(shape, place).c_str()));
      CHECK(cuModuleGetFunction(&kernel, module, "litmus"));
      uint64_t wrong = 0;
      for (int i = 0; i < rounds; ++i) wrong += runOnce(shape, place, kernel, memory), runs += instances;
      if (wrong) std::printf("%s: %llu forbidden outcomes\n", title.c_str(), static_cast<unsigned long long>(wrong));
      bad += wrong;
      CHECK(cuModuleUnload(module));
    }
  std::printf("litmus: %llu runs, %llu forbidden outcomes\n", static_cast<unsigned long long>(runs), static_cast<unsigned long long>(bad));
  return runs == 0 || bad ? 1 : 0;
}

}  // namespace
}  // namespace anywarp::litmus

int main(int argc, char** argv) {
  int rounds = 10;
  std::string filter;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--rounds=", 9) == 0) rounds = std::atoi(argv[i] + 9);
    else if (argv[i][0] == '-') return std::printf("usage: litmus [--rounds=N] [PART OF A NAME]\n"), 2;
    else filter = argv[i];
  }
  return anywarp::litmus::run(rounds, filter);
}
