// The loader's auditing interface: sees every object that a process maps (rtld-audit(7)). SPDX-License-Identifier: Apache-2.0
//
// la_objsearch sends the names of NVIDIA's driver and runtime to ours, whatever RPATH or absolute path asked for them.
// la_objopen comes before the constructors of an object run, so a static runtime is replaced before it registers anything.
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/elf_image.h"
#include "preload/interpose.h"
#include "preload/programs.h"

namespace anywarp::preload {
namespace {

constexpr int refused = 126;  // as a shell says: found, but cannot be run

// Names that programs ask for, by prefix, and the library of ours that answers.
struct Redirection {
  const char* prefix;
  const char* library;
};
constexpr Redirection redirections[] = {
    {"libcuda.so", "libcuda.so.1"},
    {"libnvidia-ml.so", "libnvidia-ml.so.1"},
    {"libcudart.so.13", "libcudart.so.13"},
    {"libcudart.so.12", "libcudart.so.12"},
    {"libcudart.so.11", "libcudart.so.11.0"},
    {"libcudart.so", "libcudart.so.13"},
};

// Libraries of the toolkit that make machine code, and ours that use them to make PTX; and libraries that want NVIDIA's devices and are
// opened by programs that call next to nothing of them. Where theirs was found, ours is taken.
// Ours lie in a folder that no search path holds, so a program without theirs finds none.
constexpr Redirection standIns[] = {
    {"libnvJitLink.so.13", "toolchain/libnvJitLink.so.13"},
    {"libnvJitLink.so.12", "toolchain/libnvJitLink.so.12"},
    {"libnvfatbin.so.13", "toolchain/libnvfatbin.so.13"},
    {"libnvfatbin.so.12", "toolchain/libnvfatbin.so.12"},
    {"libnvrtc.so.13", "toolchain/libnvrtc.so.13"},
    {"libnvrtc.so.12", "toolchain/libnvrtc.so.12"},
    {"libcudnn.so.9", "partial/libcudnn.so.9"},
    {"libcupti.so.13", "partial/libcupti.so.13"},
    {"libcupti.so.12", "partial/libcupti.so.12"},
};
constexpr size_t standInCount = sizeof standIns / sizeof *standIns;
char replaced[standInCount][4096];  // the path of theirs

bool findFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void*>(&findFolder), &info) || !info.dli_fname) return false;
  if (!realpath(info.dli_fname, libraryFolder)) return false;
  char* slash = strrchr(libraryFolder, '/');
  if (!slash) return false;
  *slash = 0;
  return true;
}

// "libcuda.so", "libcuda.so.1", "libcuda.so.580.65", but not "libcuda.so-old".
bool matches(const char* name, const char* prefix) {
  size_t n = strlen(prefix);
  return strncmp(name, prefix, n) == 0 && (name[n] == 0 || name[n] == '.');
}

// The path of our library, null when it is not installed.
const char* ourLibrary(const char* name) {
  static thread_local char path[sizeof libraryFolder + 64];
  snprintf(path, sizeof path, "%s/%s", libraryFolder, name);
  return access(path, R_OK) == 0 ? path : nullptr;
}

const char* redirect(const char* name) {
  for (const Redirection& r : redirections)
    if (matches(baseName(name), r.prefix)) return ourLibrary(r.library);
  return nullptr;
}

// A stand-in finds the path of the library that it replaces in a variable, and opens it by a name that is left alone here.
constexpr char unredirected[] = "/proc/self/root/";
static_assert(sizeof replaced[0] == 4096, "as anywarpReplacedLibrary");

const char* standIn(const char* name) {
  if (*name != '/' || strlen(name) >= sizeof replaced[0]) return nullptr;
  for (size_t i = 0; i < standInCount; ++i) {
    if (!matches(baseName(name), standIns[i].prefix) || access(name, R_OK) != 0) continue;
    const char* ours = ourLibrary(standIns[i].library);
    if (ours && strcmp(ours, name) != 0) {
      strcpy(replaced[i], name);
      return ours;
    }
  }
  return nullptr;
}

// A library that the loader looked for in folders keeps the name of theirs, although ours is what it has opened.
bool isReplaced(const char* path) {
  for (const char* theirs : replaced)
    if (*theirs && strcmp(path, theirs) == 0) return true;
  return false;
}

void tellReplaced(const char* path, uintptr_t bias) {
  for (size_t i = 0; i < standInCount; ++i) {
    if (!*replaced[i] || strcmp(baseName(path), baseName(standIns[i].library)) != 0) continue;
    const char* ours = ourLibrary(standIns[i].library);
    if (!ours) continue;
    ElfImage image(ours);
    SymbolTable table = image.symbols(SHT_DYNSYM);
    for (size_t s = 0; s < table.count; ++s)
      if (strcmp(table.name(table.symbols[s]), "anywarpReplacedLibrary") == 0 && table.symbols[s].st_size >= sizeof replaced[i])
        strcpy(reinterpret_cast<char*>(bias + table.symbols[s].st_value), replaced[i]);
  }
}

bool started = false;  // the program's own libraries are loaded

bool isOurs(const char* path) {
  size_t n = strlen(libraryFolder);
  return strncmp(path, libraryFolder, n) == 0 && path[n] == '/';
}

// NVIDIA's libraries hold its runtime without names, and are licensed for its own devices.
bool isVendorLibrary(const char* path) {
  static const char* const names[] = {"libcublas", "libcudnn", "libcufft",  "libcurand", "libcusolver", "libcusparse", "libcutensor", "libcudss",
                                      "libcufile", "libnccl",  "libnpp",    "libnvjpeg", "libcupti",    "libnvshmem"};
  const char* base = baseName(path);
  for (const char* name : names)
    if (strncmp(base, name, strlen(name)) == 0) return true;
  return false;
}

[[noreturn]] void refuse(const char* path, const char* why, const char* remedy) {
  dprintf(STDERR_FILENO, "anywarp: error: %s: %s\n%s", path, why, remedy);
  _exit(refused);
}

void examine(const char* path, uintptr_t bias) {
  switch (interpose(path, bias)) {
    case Verdict::NoCuda:
    case Verdict::Interposed:
      return;
    case Verdict::Stripped:
      // Opened later, perhaps just to see whether it is there: its own calls fail when they are made.
      if (started && isVendorLibrary(path)) return;
      if (isVendorLibrary(path))
        refuse(path, "this is NVIDIA's own library, which needs NVIDIA's runtime and devices",
               "anywarp: note: anywarp has no library of this name of its own yet\n");
      switch (interposeStripped(path, bias)) {
        case Verdict::NoCuda:
        case Verdict::Interposed: return;
        case Verdict::Unpatchable: break;
        case Verdict::Stripped:
          refuse(path, "stripped, and the CUDA runtime is linked into it, so the runtime's functions cannot be found",
                 "anywarp: note: link the shared runtime (nvcc --cudart=shared), or use an unstripped build; or name the "
                 "libcudart_static.a of the CUDA release that it was built with, which tells where they are "
                 "(ANYWARP_CUDART_STATIC=FILE; anywarp doctor tells the release)\n");
      }
      [[fallthrough]];
    case Verdict::Unpatchable:
      refuse(path, "the CUDA runtime linked into it cannot be replaced: its code cannot be written",
             "anywarp: note: link the shared runtime instead (nvcc --cudart=shared)\n");
  }
}

}  // namespace
}  // namespace anywarp::preload

using namespace anywarp::preload;

#pragma GCC visibility push(default)
extern "C" {

void la_preinit(uintptr_t*) { started = true; }

unsigned la_version(unsigned version) {
  if (!findFolder()) return 0;
  replaceProgram();
  return version;
}

char* la_objsearch(const char* name, uintptr_t*, unsigned flag) {
  if (strncmp(name, unredirected, sizeof unredirected - 1) == 0) return const_cast<char*>(name);
  if (flag == LA_SER_ORIG)
    if (const char* ours = redirect(name)) return const_cast<char*>(ours);
  if (const char* ours = standIn(name)) return const_cast<char*>(ours);
  return const_cast<char*>(name);
}

unsigned la_objopen(struct link_map* map, Lmid_t lmid, uintptr_t*) {
  const char* name = map->l_name;
  bool isMain = lmid == LM_ID_BASE && (!name || !*name);
  if (isMain) name = "/proc/self/exe";
  bool hasPath = name && strchr(name, '/');
  if (hasPath && (isOurs(name) || isReplaced(name))) {
    tellReplaced(name, map->l_addr);
  } else if (hasPath) {
    char program[4096];
    ssize_t n = isMain ? readlink(name, program, sizeof program - 1) : -1;
    if (n > 0) program[n] = 0;
    examine(n > 0 ? program : name, map->l_addr);
  }
  return 0;
}
}
#pragma GCC visibility pop
