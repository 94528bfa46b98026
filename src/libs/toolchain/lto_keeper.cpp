// Keeps functions of LTO-IR for PTX that calls them. SPDX-License-Identifier: Apache-2.0
#include "libs/toolchain/lto_keeper.h"

#include <dlfcn.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "compiler/link_scanner.h"
#include "libs/toolchain/replaced.h"

namespace anywarp::toolchain {
namespace {

using compiler::LinkStatement;
using compiler::LinkUnit;

constexpr std::string_view keeper = "__anywarp_keep";
constexpr std::string_view provided[] = {
    "vprintf", "malloc", "free", "__assertfail",
#define SYSTEM_CALL(name, symbol, arguments) symbol,
#include "abi/system_calls.def"
#undef SYSTEM_CALL
};

// What a C++ compiler takes for a name, mangled or not.
bool isIdentifier(std::string_view name) {
  auto isPart = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return std::all_of(name.begin(), name.end(), isPart) && !(name[0] >= '0' && name[0] <= '9');
}

// `void` is as good as any type: only the names are linked.
std::string keeperSource(const std::vector<std::string>& functions) {
  std::string declarations, stores;
  for (size_t i = 0; i < functions.size(); ++i) {
    declarations += "extern \"C\" __device__ void " + functions[i] + "();\n";
    stores += "  to[" + std::to_string(i) + "] = (void*)" + functions[i] + ";\n";
  }
  return declarations + "extern \"C\" __global__ void " + std::string(keeper) + "(void** to) {\n" + stores + "}\n";
}

// Beside the nvJitLink that was asked for, or where the program has its own.
void* openNvrtc() {
  const std::string name = "libnvrtc.so." + std::to_string(ANYWARP_NVJITLINK_MAJOR);
  if (void* library = openBesideReplaced(name)) return library;
  return dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
}

struct Nvrtc {
  int (*create)(void**, const char*, const char*, int, const char* const*, const char* const*);
  int (*destroy)(void**);
  int (*compile)(void*, int, const char* const*);
  int (*getSize)(void*, size_t*);
  int (*get)(void*, char*);

  bool open() {
    void* library = openNvrtc();
    if (!library) return false;
    bool all = true;
    auto find = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
      all &= function != nullptr;
    };
    find(create, "nvrtcCreateProgram");
    find(destroy, "nvrtcDestroyProgram");
    find(compile, "nvrtcCompileProgram");
    find(getSize, "nvrtcGetLTOIRSize");
    find(get, "nvrtcGetLTOIR");
    return all;
  }
};

// The name of the function that a statement declares or defines.
std::string functionOf(const LinkStatement& statement) {
  return statement.kind == LinkStatement::Kind::Function && !statement.names.empty() ? std::string(statement.names[0]) : std::string();
}

}  // namespace

Result<std::vector<std::string>> undefinedFunctions(std::span<const fatbin::PtxSource> sources) {
  std::set<std::string> declared, defined(std::begin(provided), std::end(provided));
  for (const fatbin::PtxSource& source : sources) {
    LinkUnit unit;
    unit.name = source.name, unit.text = source.text;
    if (Status status = compiler::readUnit(unit); !status) return status.error();
    for (const LinkStatement& statement : unit.statements)
      if (std::string name = functionOf(statement); !name.empty()) (statement.isDefinition ? defined : declared).insert(name);
  }
  std::vector<std::string> result;
  for (const std::string& name : declared)
    if (!defined.count(name) && isIdentifier(name)) result.push_back(name);
  return result;
}

Result<std::string> compileKeeper(const std::vector<std::string>& functions, uint32_t arch) {
  Nvrtc nvrtc;
  if (!nvrtc.open()) return Error{ErrorKind::Unsupported, "the toolkit's libnvrtc was not found"};
  const std::string source = keeperSource(functions), architecture = "-arch=sm_" + std::to_string(arch);
  const char* options[] = {architecture.c_str(), "-rdc=true", "-dlto"};
  void* program = nullptr;
  int result = nvrtc.create(&program, source.c_str(), "keep.cu", 0, nullptr, nullptr);
  if (result == 0) result = nvrtc.compile(program, int(std::size(options)), options);
  size_t size = 0;
  if (result == 0) result = nvrtc.getSize(program, &size);
  std::string code(size, 0);
  if (result == 0) result = nvrtc.get(program, code.data());
  if (program) nvrtc.destroy(&program);
  if (result != 0) return Error{ErrorKind::Unsupported, "the toolkit's libnvrtc failed with " + std::to_string(result)};
  return code;
}

Result<std::string> withoutKeeper(std::string ptx, const std::vector<std::string>& functions) {
  LinkUnit unit;
  unit.name = "lto", unit.text = std::move(ptx);
  if (Status status = compiler::readUnit(unit); !status) return status.error();
  std::string result;
  size_t copied = 0;
  for (const LinkStatement& statement : unit.statements) {
    const std::string name = functionOf(statement);
    const bool isKept = std::find(functions.begin(), functions.end(), name) != functions.end();
    if (name != keeper && !(isKept && statement.isDefinition && statement.linkage == ptx::Linkage::None)) continue;
    const size_t begin = size_t(statement.text.data() - unit.text.data());
    result.append(unit.text, copied, begin - copied);
    copied = begin;
    if (name == keeper) copied += statement.text.size();
    else result += ".visible ";
  }
  return result.append(unit.text, copied);
}

}  // namespace anywarp::toolchain
