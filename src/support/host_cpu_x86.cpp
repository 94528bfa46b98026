// CPUID: leaves 1, 7 and 0x80000001, with what the operating system saves (Intel SDM: CPUID; AMD APM volume 3). SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include <cpuid.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdint>
#include <cstring>

#include "support/host_cpu.h"

namespace anywarp {
namespace {

enum Register { eax, ebx, ecx, edx };

// What the operating system must save for a feature to be of use.
enum class State : uint8_t { Any, Ymm, Zmm, Tile };

struct Feature {
  const char* name;  // LLVM's
  uint32_t leaf, subleaf;
  Register reg;
  uint8_t bit;
  State state;
};

constexpr Feature features[] = {
    {"cmov", 1, 0, edx, 15, State::Any},
    {"sse2", 1, 0, edx, 26, State::Any},
    {"sse3", 1, 0, ecx, 0, State::Any},
    {"pclmul", 1, 0, ecx, 1, State::Any},
    {"ssse3", 1, 0, ecx, 9, State::Any},
    {"fma", 1, 0, ecx, 12, State::Ymm},
    {"cx16", 1, 0, ecx, 13, State::Any},
    {"sse4.1", 1, 0, ecx, 19, State::Any},
    {"sse4.2", 1, 0, ecx, 20, State::Any},
    {"movbe", 1, 0, ecx, 22, State::Any},
    {"popcnt", 1, 0, ecx, 23, State::Any},
    {"aes", 1, 0, ecx, 25, State::Any},
    {"avx", 1, 0, ecx, 28, State::Ymm},
    {"f16c", 1, 0, ecx, 29, State::Ymm},
    {"sahf", 0x80000001, 0, ecx, 0, State::Any},
    {"lzcnt", 0x80000001, 0, ecx, 5, State::Any},
    {"bmi", 7, 0, ebx, 3, State::Any},
    {"avx2", 7, 0, ebx, 5, State::Ymm},
    {"bmi2", 7, 0, ebx, 8, State::Any},
    {"avx512f", 7, 0, ebx, 16, State::Zmm},
    {"avx512dq", 7, 0, ebx, 17, State::Zmm},
    {"adx", 7, 0, ebx, 19, State::Any},
    {"avx512ifma", 7, 0, ebx, 21, State::Zmm},
    {"avx512cd", 7, 0, ebx, 28, State::Zmm},
    {"sha", 7, 0, ebx, 29, State::Any},
    {"avx512bw", 7, 0, ebx, 30, State::Zmm},
    {"avx512vl", 7, 0, ebx, 31, State::Zmm},
    {"avx512vbmi", 7, 0, ecx, 1, State::Zmm},
    {"avx512vbmi2", 7, 0, ecx, 6, State::Zmm},
    {"gfni", 7, 0, ecx, 8, State::Any},
    {"vaes", 7, 0, ecx, 9, State::Ymm},
    {"vpclmulqdq", 7, 0, ecx, 10, State::Ymm},
    {"avx512vnni", 7, 0, ecx, 11, State::Zmm},
    {"avx512bitalg", 7, 0, ecx, 12, State::Zmm},
    {"avx512vpopcntdq", 7, 0, ecx, 14, State::Zmm},
    {"avx512vp2intersect", 7, 0, edx, 8, State::Zmm},
    {"avx512fp16", 7, 0, edx, 23, State::Zmm},
    {"amx-bf16", 7, 0, edx, 22, State::Tile},
    {"amx-tile", 7, 0, edx, 24, State::Tile},
    {"amx-int8", 7, 0, edx, 25, State::Tile},
    {"avxvnni", 7, 1, eax, 4, State::Ymm},
    {"avx512bf16", 7, 1, eax, 5, State::Zmm},
    {"avxifma", 7, 1, eax, 23, State::Ymm},
    {"avxvnniint8", 7, 1, edx, 4, State::Ymm},
    {"avxneconvert", 7, 1, edx, 5, State::Ymm},
};

// CPUs whose scheduling model is worth more than that of their level. Families and models as CPUID displays them.
struct Model {
  char vendor;  // 'I', 'A'
  uint16_t family, firstModel, lastModel;
  const char* name;  // LLVM's
  const char* needs;  // a feature it must show (virtual machines hide some), or the level's name is used
};

constexpr Model models[] = {
    {'I', 6, 0x3c, 0x3c, "haswell", "+avx2"},       {'I', 6, 0x3f, 0x3f, "haswell", "+avx2"},
    {'I', 6, 0x45, 0x46, "haswell", "+avx2"},       {'I', 6, 0x3d, 0x3d, "broadwell", "+avx2"},
    {'I', 6, 0x47, 0x47, "broadwell", "+avx2"},     {'I', 6, 0x4f, 0x4f, "broadwell", "+avx2"},
    {'I', 6, 0x56, 0x56, "broadwell", "+avx2"},     {'I', 6, 0x4e, 0x4e, "skylake", "+avx2"},
    {'I', 6, 0x5e, 0x5e, "skylake", "+avx2"},       {'I', 6, 0x8e, 0x8e, "skylake", "+avx2"},
    {'I', 6, 0x9e, 0x9e, "skylake", "+avx2"},       {'I', 6, 0x55, 0x55, "skylake-avx512", "+avx512vl"},
    {'I', 6, 0x6a, 0x6a, "icelake-server", "+avx512vbmi2"}, {'I', 6, 0x6c, 0x6c, "icelake-server", "+avx512vbmi2"},
    {'I', 6, 0x7d, 0x7e, "icelake-client", "+avx512vbmi2"}, {'I', 6, 0x8c, 0x8d, "tigerlake", "+avx512vbmi2"},
    {'I', 6, 0x8f, 0x8f, "sapphirerapids", "+avx512fp16"},  {'I', 6, 0xcf, 0xcf, "emeraldrapids", "+avx512fp16"},
    {'I', 6, 0xad, 0xae, "graniterapids", "+avx512fp16"},   {'I', 6, 0x97, 0x97, "alderlake", "+avxvnni"},
    {'I', 6, 0x9a, 0x9a, "alderlake", "+avxvnni"},          {'I', 6, 0xb7, 0xbf, "raptorlake", "+avxvnni"},
    {'A', 0x17, 0x00, 0x2f, "znver1", "+avx2"},     {'A', 0x17, 0x30, 0xff, "znver2", "+avx2"},
    {'A', 0x19, 0x00, 0x0f, "znver3", "+avx2"},     {'A', 0x19, 0x20, 0x5f, "znver3", "+avx2"},
    {'A', 0x19, 0x10, 0x1f, "znver4", "+avx512vbmi2"}, {'A', 0x19, 0x60, 0xaf, "znver4", "+avx512vbmi2"},
    {'A', 0x1a, 0x00, 0xff, "znver5", "+avx512vbmi2"},
};

struct Leaf {
  uint32_t regs[4] = {0, 0, 0, 0};
};

Leaf cpuid(uint32_t leaf, uint32_t subleaf) {
  Leaf out;
  if (!__get_cpuid_count(leaf, subleaf, &out.regs[eax], &out.regs[ebx], &out.regs[ecx], &out.regs[edx])) return {};
  if (leaf == 7 && subleaf > 0 && cpuid(7, 0).regs[eax] < subleaf) return {};
  return out;
}

// XCR0: which registers the operating system saves.
uint64_t savedState() {
  if (!(cpuid(1, 0).regs[ecx] >> 27 & 1)) return 0;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | uint64_t(high) << 32;
}

// Linux saves tiles only for processes that ask for it, once for all their threads.
bool mayUseTiles() {
#ifdef __linux__
  constexpr long requestPermission = 0x1023, tileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  return granted;
#else
  return false;
#endif
}

bool isPresent(const Feature& feature, uint64_t saved) {
  if (feature.state == State::Ymm && (saved & 0x6) != 0x6) return false;
  if (feature.state == State::Zmm && (saved & 0xe6) != 0xe6) return false;
  if (feature.state == State::Tile && (saved & 0x60000) != 0x60000) return false;
  if (!(cpuid(feature.leaf, feature.subleaf).regs[feature.reg] >> feature.bit & 1)) return false;
  return feature.state != State::Tile || mayUseTiles();
}

std::string detectFeatures() {
  uint64_t saved = savedState();
  std::string text;
  for (const Feature& feature : features) text += std::string(text.empty() ? "" : ",") + (isPresent(feature, saved) ? "+" : "-") + feature.name;
  return text;
}

bool hasAll(const std::string& detected, std::string_view wanted) {
  while (!wanted.empty()) {
    std::string_view one = wanted.substr(0, wanted.find(','));
    wanted.remove_prefix(std::min(wanted.size(), one.size() + 1));
    // Features below our table's floor (mmx, fxsr, ...) belong to every x86-64 CPU.
    bool listed = false;
    for (const Feature& feature : features) listed |= one.substr(1) == feature.name;
    if (listed && (detected + ",").find(std::string(one) + ",") == std::string::npos) return false;
  }
  return true;
}

std::string levelName(const std::string& detected) {
  for (const char* name : {"x86-64-v4", "x86-64-v3", "x86-64-v2"})
    if (hasAll(detected, featuresOfLevel(name))) return name;
  return "x86-64";
}

std::string modelName(const std::string& detected) {
  Leaf vendor = cpuid(0, 0), signature = cpuid(1, 0);
  char letter = vendor.regs[ebx] == signature_INTEL_ebx ? 'I' : vendor.regs[ebx] == signature_AMD_ebx ? 'A' : '?';
  uint32_t word = signature.regs[eax], family = word >> 8 & 15, model = word >> 4 & 15;
  if (family == 6 || family == 15) model |= word >> 12 & 0xf0;
  if (family == 15) family += word >> 20 & 0xff;
  for (const Model& row : models)
    if (row.vendor == letter && row.family == family && model >= row.firstModel && model <= row.lastModel && hasAll(detected, row.needs))
      return row.name;
  return levelName(detected);
}

std::string brand() {
  char text[49] = "";
  for (uint32_t i = 0; i < 3; ++i) {
    Leaf part = cpuid(0x80000002 + i, 0);
    std::memcpy(text + 16 * i, part.regs, 16);
  }
  std::string_view name = text;
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  return std::string(name);
}

}  // namespace

const HostCpu& hostCpu() {
  static const HostCpu& cpu = *new HostCpu([] {
    std::string detected = detectFeatures();
    return HostCpu{modelName(detected), detected, brand()};
  }());
  return cpu;
}

}  // namespace anywarp
#endif
