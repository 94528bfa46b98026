// libnvrtc.so.12 and .13: the toolkit's own NVRTC, asked for PTX where a program asks for machine code (docs/decisions/0014).
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "libs/toolchain/replaced.h"

char anywarpReplacedLibrary[4096];

namespace anywarp::toolchain {
namespace {

using Word = uintptr_t;  // every argument of NVRTC is an integer or a pointer
using Function = Word (*)(Word, Word, Word, Word, Word, Word);
constexpr int success = 0, internalError = 11, invalidInput = 3;

void* library() {
  static void* const real = openReplaced();
  return real;
}

Function find(const char* name) { return library() ? reinterpret_cast<Function>(dlsym(library(), name)) : nullptr; }

// Programs that were compiled for a virtual architecture although a real one was asked for.
struct Programs {
  std::mutex mutex;
  std::unordered_set<Word> ptxForCubin;
};
Programs& programs() {
  static Programs& p = *new Programs;
  return p;
}

bool givesPtxForCubin(Word program) {
  std::lock_guard lock(programs().mutex);
  return programs().ptxForCubin.count(program) != 0;
}

// sm_90a -> compute_90a in `option`, from `at` on. False: it names no real architecture.
bool makeVirtual(std::string& option, size_t at) {
  if (option.compare(at, 3, "sm_") != 0) return false;
  option.replace(at, 3, "compute_");
  return true;
}

bool asksForLto(const std::vector<std::string>& options) {
  constexpr std::string_view names[] = {"-dlto", "--dlto", "-dlto=true", "--dlto=true"};
  return std::find_first_of(options.begin(), options.end(), std::begin(names), std::end(names)) != options.end();
}

// True when an architecture was changed.
bool changeArchitecture(std::vector<std::string>& options) {
  if (asksForLto(options)) return false;  // its result is LTO-IR, which is for a real architecture
  bool changed = false;
  for (size_t i = 0; i < options.size(); ++i) {
    std::string& o = options[i];
    for (std::string_view name : {"-arch", "--gpu-architecture"}) {
      if (o.compare(0, name.size(), name) != 0) continue;
      if (o.size() > name.size() && (o[name.size()] == '=' || o[name.size()] == ' ')) changed |= makeVirtual(o, name.size() + 1);
      if (o.size() == name.size() && i + 1 < options.size()) changed |= makeVirtual(options[i + 1], 0);
    }
  }
  return changed;
}

}  // namespace
}  // namespace anywarp::toolchain

using namespace anywarp::toolchain;

#define FORWARD(name)                                                     \
  Word name(Word a, Word b, Word c, Word d, Word e, Word f) {             \
    static const Function real = find(#name);                             \
    return real ? real(a, b, c, d, e, f) : static_cast<Word>(internalError); \
  }

#pragma GCC visibility push(default)
extern "C" {

FORWARD(nvrtcVersion)
FORWARD(nvrtcGetNumSupportedArchs)
FORWARD(nvrtcGetSupportedArchs)
FORWARD(nvrtcCreateProgram)
FORWARD(nvrtcGetPTXSize)
FORWARD(nvrtcGetPTX)
FORWARD(nvrtcGetLTOIRSize)
FORWARD(nvrtcGetLTOIR)
FORWARD(nvrtcGetNVVMSize)
FORWARD(nvrtcGetNVVM)
FORWARD(nvrtcGetOptiXIRSize)
FORWARD(nvrtcGetOptiXIR)
FORWARD(nvrtcGetTileIRSize)
FORWARD(nvrtcGetTileIR)
FORWARD(nvrtcGetProgramLogSize)
FORWARD(nvrtcGetProgramLog)
FORWARD(nvrtcAddNameExpression)
FORWARD(nvrtcGetLoweredName)
FORWARD(nvrtcGetPCHHeapSize)
FORWARD(nvrtcSetPCHHeapSize)
FORWARD(nvrtcGetPCHCreateStatus)
FORWARD(nvrtcGetPCHHeapSizeRequired)
FORWARD(nvrtcSetFlowCallback)
FORWARD(nvrtcGetBundledHeadersInfo)
FORWARD(nvrtcInstallBundledHeaders)
FORWARD(nvrtcRemoveBundledHeaders)
FORWARD(__nvrtcCPEx)
FORWARD(__nvrtcNvvmHandle)

const char* nvrtcGetErrorString(int result) {
  static const Function real = find("nvrtcGetErrorString");
  if (!real) return "NVRTC_ERROR_INTERNAL_ERROR: anywarp did not find the toolkit's libnvrtc";
  return reinterpret_cast<const char*>(real(static_cast<Word>(result), 0, 0, 0, 0, 0));
}

int nvrtcDestroyProgram(Word* program) {
  static const Function real = find("nvrtcDestroyProgram");
  if (!real) return internalError;
  if (program) {
    std::lock_guard lock(programs().mutex);
    programs().ptxForCubin.erase(*program);
  }
  return static_cast<int>(real(reinterpret_cast<Word>(program), 0, 0, 0, 0, 0));
}

int nvrtcCompileProgram(Word program, int count, const char* const* options) {
  static const Function real = find("nvrtcCompileProgram");
  if (!real) return internalError;
  if (count < 0 || (count > 0 && !options)) return invalidInput;
  std::vector<std::string> texts(options, options + count);
  bool changed = changeArchitecture(texts);
  std::vector<const char*> changedOptions;
  for (const std::string& text : texts) changedOptions.push_back(text.c_str());
  {
    std::lock_guard lock(programs().mutex);
    if (changed) programs().ptxForCubin.insert(program);
    else programs().ptxForCubin.erase(program);
  }
  return static_cast<int>(real(program, static_cast<Word>(count), reinterpret_cast<Word>(changedOptions.data()), 0, 0, 0));
}

int nvrtcGetCUBINSize(Word program, size_t* size) {
  static const Function cubin = find("nvrtcGetCUBINSize"), ptx = find("nvrtcGetPTXSize");
  Function real = givesPtxForCubin(program) ? ptx : cubin;
  return real ? static_cast<int>(real(program, reinterpret_cast<Word>(size), 0, 0, 0, 0)) : internalError;
}

int nvrtcGetCUBIN(Word program, char* to) {
  static const Function cubin = find("nvrtcGetCUBIN"), ptx = find("nvrtcGetPTX");
  Function real = givesPtxForCubin(program) ? ptx : cubin;
  return real ? static_cast<int>(real(program, reinterpret_cast<Word>(to), 0, 0, 0, 0)) : internalError;
}
}
#pragma GCC visibility pop
