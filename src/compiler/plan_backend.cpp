// Opens the compiler only when something must be compiled: a warm cache never loads LLVM. SPDX-License-Identifier: Apache-2.0
#include "compiler/plan_backend.h"

#include <dlfcn.h>

#include "compiler/plan.h"
#include "support/log.h"
#include "support/options.h"
#include "support/version.h"

namespace anywarp::compiler {
namespace {

constexpr const char* fileName = "libanywarp-compiler.so";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int openFlags = RTLD_NOW | RTLD_LOCAL;
#else
constexpr int openFlags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
#endif

std::string folderOfThisLibrary() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&folderOfThisLibrary), &info) || !info.dli_fname) return "";
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

Result<CompileFn> open() {
  std::string path = compilerPath();
  void* library = dlopen(path.c_str(), openFlags);
  if (!library) {
    const char* why = dlerror();
    return Error{ErrorKind::NotFound, "cannot open the compiler: " + std::string(why ? why : path.c_str())};
  }
  auto function = reinterpret_cast<CompileFn>(dlsym(library, "anywarpCompile"));
  if (!function) return Error{ErrorKind::NotFound, path + " does not export anywarpCompile"};
  if (auto protect = reinterpret_cast<ProtectFn>(dlsym(library, "anywarpProtect"))) protect(crash::run);
  log::debug("compiler: {}", path);
  return function;
}

}  // namespace

// Beside this library, or beside the lib folder's neighbour bin for programs that hold this code themselves.
std::string compilerPath() {
  if (!options::compiler().empty()) return options::compiler();
  std::string folder = folderOfThisLibrary();
  for (std::string place : {folder + fileName, folder + "../lib/" + fileName})
    if (!buildIdOfFile(place).empty()) return place;
  return folder + fileName;
}

Result<CompiledObject> compileKernel(const CompileRequest& request) { return compileKernel(request, nullptr); }

Result<CompiledObject> compileKernel(const CompileRequest& request, bool* degraded) {
  static const Result<CompileFn>& compile = *new Result<CompileFn>(open());
  if (!compile) return compile.error();
  CompiledObject object;
  Error error;
  if (!(*compile)(request, &object, &error)) return error;
  if (degraded) *degraded = !error.message.empty();
  return object;
}

const std::string& compilerBuildId() {
  static const std::string& id = *new std::string(buildIdOfFile(compilerPath()));
  return id;
}

}  // namespace anywarp::compiler
