// Hardware capabilities as Linux reports them (kernel documentation: ARM64 ELF hwcaps). SPDX-License-Identifier: Apache-2.0
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "support/host_cpu.h"

namespace anywarp {
namespace {

struct Feature {
  const char* name;  // LLVM's
  unsigned long bit;  // in AT_HWCAP
};

constexpr Feature features[] = {
    {"neon", HWCAP_ASIMD},     {"crc", HWCAP_CRC32},      {"lse", HWCAP_ATOMICS}, {"fullfp16", HWCAP_ASIMDHP},
    {"rdm", HWCAP_ASIMDRDM},   {"dotprod", HWCAP_ASIMDDP}, {"rcpc", HWCAP_LRCPC},  {"sve", HWCAP_SVE},
};

}  // namespace

const HostCpu& hostCpu() {
  static const HostCpu& cpu = *new HostCpu([] {
    unsigned long present = getauxval(AT_HWCAP);
    std::string text;
    for (const Feature& feature : features) text += std::string(text.empty() ? "" : ",") + (present & feature.bit ? "+" : "-") + feature.name;
    return HostCpu{"generic", text, "AArch64"};
  }());
  return cpu;
}

}  // namespace anywarp
#endif
