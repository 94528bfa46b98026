// libnvJitLink.so.12 and .13: links PTX with PTX; what it gives as a cubin is the linked PTX, which our driver takes in its place
// (docs/decisions/0014). Needs no device and no context. SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/link.h"
#include "compiler/ptx/ast.h"
#include "compiler/ptx/register_limit.h"
#include "libs/toolchain/lto_keeper.h"
#include "libs/toolchain/nvjitlink_api.h"
#include "libs/toolchain/replaced.h"
#include "support/log.h"

char anywarpReplacedLibrary[4096];

namespace anywarp::toolchain {
namespace {

struct LtoInput {
  std::string bytes, name;
};

struct Link {
  std::mutex mutex;
  std::vector<std::string> options;  // as given
  std::vector<LtoInput> ltoInputs;
  uint32_t arch = 0;
  uint32_t maxRegisters = 0;
  bool lto = false, ptx = false, complete = false;
  std::vector<fatbin::PtxSource> inputs;
  std::string output, errors, notes;

  JitLinkResult fail(JitLinkResult result, const std::string& why) {
    errors += "error   : " + why + "\n";
    log::debug("nvJitLink: {}", why);
    return result;
  }
};

using Handle = uintptr_t;

// Handles are numbers, so a wrong one is found out.
struct Table {
  std::mutex mutex;
  std::unordered_map<Handle, std::shared_ptr<Link>> links;
  Handle next = 0x6e760001;
};
Table& table() {
  static Table& t = *new Table;
  return t;
}

std::shared_ptr<Link> find(void* handle) {
  std::lock_guard lock(table().mutex);
  auto it = table().links.find(reinterpret_cast<Handle>(handle));
  return it == table().links.end() ? nullptr : it->second;
}

// Options that tune machine code, or ask for reports of it: without effect here.
constexpr std::string_view ignored[] = {"-O", "-g", "-lineinfo", "-time", "-verbose", "-ftz", "-prec-div", "-prec-sqrt", "-fma",
                                        "-kernels-used", "-variables-used", "-optimize-unused-variables", "-Xptxas", "-Xnvvm", "-split-compile",
                                        "-split-compile-extended", "-jump-table-density", "-no-cache", "-device-stack-protector"};

// "-arch=sm_90a", "-arch=compute_80"
bool readArch(std::string_view value, uint32_t& arch) {
  size_t at = value.find('_');
  if (at == std::string_view::npos) return false;
  arch = uint32_t(std::strtoul(std::string(value.substr(at + 1)).c_str(), nullptr, 10));
  return arch != 0;
}

JitLinkResult readOption(Link& link, std::string_view option) {
  link.options.emplace_back(option);
  while (option.starts_with("--")) option.remove_prefix(1);
  if (option.starts_with("-arch=")) {
    if (!readArch(option.substr(6), link.arch)) return link.fail(JitLinkResult::UnrecognizedOption, "unrecognized option: " + std::string(option));
    return JitLinkResult::Success;
  }
  if (option.starts_with("-maxrregcount=")) {
    link.maxRegisters = uint32_t(std::strtoul(std::string(option.substr(14)).c_str(), nullptr, 10));
    return JitLinkResult::Success;
  }
  if (option == "-lto") link.lto = true;
  else if (option == "-ptx") link.ptx = true;
  else if (std::none_of(std::begin(ignored), std::end(ignored), [&](std::string_view name) { return option.starts_with(name); }))
    return link.fail(JitLinkResult::UnrecognizedOption, "unrecognized option: " + std::string(option));
  return JitLinkResult::Success;
}

// The toolkit's library that this one stands in for.
struct UserJitLink {
  JitLinkResult (*create)(void**, uint32_t, const char**);
  JitLinkResult (*destroy)(void**);
  JitLinkResult (*addData)(void*, JitLinkInput, const void*, size_t, const char*);
  JitLinkResult (*complete)(void*);
  JitLinkResult (*getPtxSize)(void*, size_t*);
  JitLinkResult (*getPtx)(void*, char*);
  JitLinkResult (*getLogSize)(void*, size_t*);
  JitLinkResult (*getLog)(void*, char*);

  // Empty when all is there.
  std::string open() {
    void* library = openReplaced();
    if (!library) return "it was not found";
    std::string missing;
    auto find = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
      if (!function) missing = std::string("it has no ") + symbol;
    };
    find(create, "nvJitLinkCreate");
    find(destroy, "nvJitLinkDestroy");
    find(addData, "nvJitLinkAddData");
    find(complete, "nvJitLinkComplete");
    find(getPtxSize, "nvJitLinkGetLinkedPtxSize");
    find(getPtx, "nvJitLinkGetLinkedPtx");
    find(getLogSize, "nvJitLinkGetErrorLogSize");
    find(getLog, "nvJitLinkGetErrorLog");
    return missing;
  }
};

JitLinkResult addBytes(Link& link, JitLinkInput type, std::span<const uint8_t> bytes, const std::string& name) {
  if (type == JitLinkInput::LtoIr) {
    if (!link.lto) return link.fail(JitLinkResult::IncorrectInputType, name + ": LTO-IR needs -lto");
    link.ltoInputs.push_back({std::string(bytes.begin(), bytes.end()), name});
    return JitLinkResult::Success;
  }
  if (type == JitLinkInput::Index) return link.fail(JitLinkResult::IncorrectInputType, name + ": index files are not supported by anywarp");
  Result<fatbin::Program> program = fatbin::readProgram(bytes, link.arch);
  if (!program) return link.fail(JitLinkResult::InvalidInput, name + ": " + program.error().message);
  for (fatbin::PtxSource& source : program->modules) {
    if (!name.empty()) source.name = name;
    Result<std::unique_ptr<ptx::Module>> module = ptx::parseModule(source.text, source.name);
    if (!module) return link.fail(JitLinkResult::PtxCompile, module.error().message);
    link.inputs.push_back(std::move(source));
  }
  return JitLinkResult::Success;
}

// LTO-IR is NVIDIA's own representation: the user's own nvJitLink makes PTX of it, for which it needs no device.
JitLinkResult compileLto(Link& link) {
  UserJitLink user;
  if (std::string why = user.open(); !why.empty())
    return link.fail(JitLinkResult::NvvmCompile, "LTO-IR input: anywarp needs the toolkit's own libnvJitLink to make PTX of it: " + why);
  Result<std::vector<std::string>> called = undefinedFunctions(link.inputs);
  if (!called) return link.fail(JitLinkResult::Finalize, called.error().message);
  std::vector<LtoInput> inputs = link.ltoInputs;
  if (!called->empty()) {
    Result<std::string> keeper = compileKeeper(*called, link.arch);
    if (keeper) inputs.push_back({std::move(*keeper), "keeper"});
    else link.notes += "info    : what only PTX calls of LTO-IR is not linked: " + keeper.error().message + "\n";
  }
  std::vector<const char*> options{"-ptx"};
  for (const std::string& option : link.options)
    if (option != "-ptx") options.push_back(option.c_str());
  void* handle = nullptr;
  JitLinkResult result = user.create(&handle, uint32_t(options.size()), options.data());
  for (const LtoInput& input : inputs)
    if (result == JitLinkResult::Success) result = user.addData(handle, JitLinkInput::LtoIr, input.bytes.data(), input.bytes.size(), input.name.c_str());
  if (result == JitLinkResult::Success) result = user.complete(handle);
  size_t size = 0;
  if (result == JitLinkResult::Success) result = user.getPtxSize(handle, &size);
  std::string text(size, 0);
  if (result == JitLinkResult::Success) result = user.getPtx(handle, text.data());
  if (result != JitLinkResult::Success) {
    size_t logSize = 0;
    if (handle && user.getLogSize(handle, &logSize) == JitLinkResult::Success && logSize > 0) {
      std::string log(logSize, 0);
      user.getLog(handle, log.data());
      link.errors += log.c_str();
    }
  }
  if (handle) user.destroy(&handle);
  if (result != JitLinkResult::Success) return link.fail(result, "LTO-IR input: the toolkit's libnvJitLink failed");
  text.resize(std::strlen(text.c_str()));
  Result<std::string> linked = withoutKeeper(std::move(text), *called);
  if (!linked) return link.fail(JitLinkResult::Finalize, linked.error().message);
  link.inputs.push_back({std::move(*linked), "lto", {}});
  return JitLinkResult::Success;
}

JitLinkResult complete(Link& link) {
  if (!link.ltoInputs.empty())
    if (JitLinkResult result = compileLto(link); result != JitLinkResult::Success) return result;
  if (link.inputs.empty()) return link.fail(JitLinkResult::InvalidInput, "nothing to link");
  Result<std::string> text = compiler::linkText(link.inputs);
  if (!text) return link.fail(JitLinkResult::Finalize, text.error().message);
  link.output = ptx::limitRegisters(std::move(*text), link.maxRegisters);
  link.complete = true;
  return JitLinkResult::Success;
}

template <class Body>
JitLinkResult with(void* handle, Body&& body) {
  std::shared_ptr<Link> link = find(handle);
  if (!link) return JitLinkResult::InvalidInput;
  std::lock_guard lock(link->mutex);
  return body(*link);
}

// Logs and PTX end in a zero byte that counts.
JitLinkResult give(const std::string& text, char* to) {
  if (!to) return JitLinkResult::NullInput;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return JitLinkResult::Success;
}
JitLinkResult giveSize(const std::string& text, size_t* size) {
  if (!size) return JitLinkResult::NullInput;
  *size = text.size() + 1;
  return JitLinkResult::Success;
}

}  // namespace
}  // namespace anywarp::toolchain

using namespace anywarp;
using namespace anywarp::toolchain;

// Programs compiled with nvJitLink.h ask for the name of their minor version.
#define ALIAS2(name, major, minor) \
  extern "C" __attribute__((alias(#name), visibility("default"))) JitLinkResult __##name##_##major##_##minor
#define ALIAS(name, major, minor) ALIAS2(name, major, minor)
#define VERSION(name, minor) ALIAS(name, ANYWARP_NVJITLINK_MAJOR, minor)
#define VERSIONS(name, parameters) \
  VERSION(name, 0) parameters;     \
  VERSION(name, 1) parameters;     \
  VERSION(name, 2) parameters;     \
  VERSION(name, 3) parameters;     \
  VERSION(name, 4) parameters;     \
  VERSION(name, 5) parameters;     \
  VERSION(name, 6) parameters;     \
  VERSION(name, 7) parameters;     \
  VERSION(name, 8) parameters;     \
  VERSION(name, 9) parameters;

#pragma GCC visibility push(default)
extern "C" {

JitLinkResult nvJitLinkVersion(unsigned* major, unsigned* minor) {
  if (!major || !minor) return JitLinkResult::NullInput;
  *major = ANYWARP_NVJITLINK_MAJOR;
  *minor = ANYWARP_NVJITLINK_MAJOR == 12 ? 9 : 0;
  return JitLinkResult::Success;
}

JitLinkResult nvJitLinkCreate(void** handle, uint32_t count, const char** options) {
  if (!handle || (count > 0 && !options)) return JitLinkResult::NullInput;
  auto link = std::make_shared<Link>();
  JitLinkResult result = JitLinkResult::Success;
  for (uint32_t i = 0; i < count && result == JitLinkResult::Success; ++i)
    result = options[i] ? readOption(*link, options[i]) : JitLinkResult::NullInput;
  if (result == JitLinkResult::Success && link->arch == 0) result = link->fail(JitLinkResult::MissingArch, "-arch is missing");
  if (result == JitLinkResult::Success && link->ptx && !link->lto)
    result = link->fail(JitLinkResult::IncompatibleOptions, "-ptx needs -lto");
  // The handle is there after a failure too: the log can be read from it.
  std::lock_guard lock(table().mutex);
  Handle id = table().next++;
  table().links[id] = std::move(link);
  *handle = reinterpret_cast<void*>(id);
  return result;
}
VERSIONS(nvJitLinkCreate, (void**, uint32_t, const char**))

JitLinkResult nvJitLinkDestroy(void** handle) {
  if (!handle) return JitLinkResult::NullInput;
  std::lock_guard lock(table().mutex);
  if (table().links.erase(reinterpret_cast<Handle>(*handle)) == 0) return JitLinkResult::InvalidInput;
  *handle = nullptr;
  return JitLinkResult::Success;
}
VERSIONS(nvJitLinkDestroy, (void**))

JitLinkResult nvJitLinkAddData(void* handle, JitLinkInput type, const void* data, size_t size, const char* name) {
  if (!data || size == 0) return JitLinkResult::NullInput;
  return with(handle, [&](Link& link) { return addBytes(link, type, {static_cast<const uint8_t*>(data), size}, name ? name : ""); });
}
VERSIONS(nvJitLinkAddData, (void*, JitLinkInput, const void*, size_t, const char*))

JitLinkResult nvJitLinkAddFile(void* handle, JitLinkInput type, const char* path) {
  if (!path) return JitLinkResult::NullInput;
  return with(handle, [&](Link& link) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return link.fail(JitLinkResult::InvalidInput, std::string(path) + ": cannot be read");
    std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    return addBytes(link, type, bytes, path);
  });
}
VERSIONS(nvJitLinkAddFile, (void*, JitLinkInput, const char*))

JitLinkResult nvJitLinkComplete(void* handle) { return with(handle, [](Link& link) { return complete(link); }); }
VERSIONS(nvJitLinkComplete, (void*))

#define GET(what, text, ready)                                                                                  \
  JitLinkResult nvJitLinkGet##what##Size(void* handle, size_t* size) {                                          \
    return with(handle, [&](Link& link) { return (ready) ? giveSize(text, size) : JitLinkResult::Internal; });  \
  }                                                                                                             \
  VERSIONS(nvJitLinkGet##what##Size, (void*, size_t*))                                                          \
  JitLinkResult nvJitLinkGet##what(void* handle, char* to) {                                                    \
    return with(handle, [&](Link& link) { return (ready) ? give(text, to) : JitLinkResult::Internal; });        \
  }                                                                                                             \
  VERSIONS(nvJitLinkGet##what, (void*, char*))
GET(LinkedCubin, link.output, link.complete)
GET(LinkedPtx, link.output, link.complete && link.ptx)
GET(LinkedLTOIR, link.output, false)
GET(ErrorLog, link.errors, true)
GET(InfoLog, link.notes, true)
#undef GET
}
#pragma GCC visibility pop
