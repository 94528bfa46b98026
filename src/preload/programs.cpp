// ptxas: programs run the one that lies beside their other files, by its path. SPDX-License-Identifier: Apache-2.0
//
// The auditing library comes into that process too, before anything of it has run. A build by nvcc is left alone: what it makes is for
// real devices as well, and has PTX in it besides. Only a cubin, which programs make to load it, is wanted as PTX.
#include "preload/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/interpose.h"

namespace anywarp::preload {
namespace {

constexpr char program[] = "ptxas";
constexpr size_t mostArguments = 4096, mostBytes = 1 << 20;
constexpr int generations = 2;  // nvcc starts its programs by way of a shell

// The arguments of a process, each ended by a zero byte, and their bytes; static: this is called once, before there are threads.
char text[mostBytes + 1];

size_t readFile(const char* path, char* to, size_t size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  size_t used = 0;
  for (ssize_t n; used < size && (n = read(file, to + used, size - used)) > 0;) used += static_cast<size_t>(n);
  close(file);
  to[used] = 0;
  return used;
}

size_t readArguments(int process) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cmdline", process);
  size_t bytes = readFile(path, text, mostBytes);
  return bytes < mostBytes ? bytes : 0;
}

int parentOf(int process) {
  char path[64], status[512];
  snprintf(path, sizeof path, "/proc/%d/stat", process);
  if (!readFile(path, status, sizeof status - 1)) return 0;
  const char* end = strrchr(status, ')');  // of the name, which may hold anything
  int parent = 0;
  return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

bool asksForCubin(size_t bytes) {
  for (size_t at = 0; at < bytes; at += strlen(text + at) + 1)
    if (strcmp(text + at, "-cubin") == 0 || strcmp(text + at, "--cubin") == 0) return true;
  return false;
}

// A step of a build by nvcc that makes more than a cubin.
bool isStepOfBuild() {
  int process = getppid();
  for (int i = 0; i < generations && process > 1; ++i, process = parentOf(process)) {
    size_t bytes = readArguments(process);
    if (bytes && strcmp(baseName(text), "nvcc") == 0) return !asksForCubin(bytes);
  }
  return false;
}

}  // namespace

const char* baseName(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

void replaceProgram() {
  char path[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0) return;
  path[n] = 0;
  if (strcmp(baseName(path), program) != 0) return;
  char ours[sizeof libraryFolder + 32];
  snprintf(ours, sizeof ours, "%s/toolchain/%s", libraryFolder, program);
  if (strcmp(path, ours) == 0 || access(ours, X_OK) != 0 || isStepOfBuild()) return;
  static char* arguments[mostArguments + 1];
  size_t bytes = readArguments(getpid()), count = 0;
  for (size_t at = 0; at < bytes; at += strlen(text + at) + 1) {
    if (count == mostArguments) return;
    arguments[count++] = text + at;
  }
  if (!count) return;
  execv(ours, arguments);
  dprintf(STDERR_FILENO, "anywarp: error: %s: %s\n", ours, strerror(errno));
}

}  // namespace anywarp::preload
