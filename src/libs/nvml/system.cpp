// Initialization and Cleanup, Error Reporting, System Queries (NVML API Reference). SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <climits>
#include <fstream>
#include <iterator>

#include "libs/nvml/functions.h"
#include "libs/nvml/session.h"

namespace {

// CUDA 13.0 came with drivers of branch 580; programs compare these numbers with the versions they need.
constexpr int cudaVersion = 13000;
constexpr const char* driverVersion = "580.0.0";
constexpr const char* nvmlVersion = "13.580.0.0";
constexpr const char* driverBranch = "r580_00";

struct Words {
  Return result;
  const char* text;
};
constexpr Words words[] = {
    {Return::Success, "Success"},
    {Return::Uninitialized, "nvmlInit was not called"},
    {Return::InvalidArgument, "An argument is not valid"},
    {Return::NotSupported, "Not supported by this device or by anywarp"},
    {Return::NoPermission, "No permission"},
    {Return::NotFound, "Not found"},
    {Return::InsufficientSize, "The buffer is too small"},
    {Return::DriverNotLoaded, "The devices could not be made: ANYWARP_DEVICES or ANYWARP_DEVICE names none"},
    {Return::Timeout, "Timeout"},
    {Return::FunctionNotFound, "There is no such function"},
    {Return::Memory, "Out of memory"},
    {Return::ArgumentVersionMismatch, "The version of a structure is not known"},
};

Return processName(uint32_t pid, std::string& name) {
  const std::string folder = "/proc/" + std::to_string(pid);
  if (access(folder.c_str(), F_OK) != 0) return Return::NotFound;
  char path[PATH_MAX];
  ssize_t n = readlink((folder + "/exe").c_str(), path, sizeof path - 1);
  if (n > 0) return name.assign(path, static_cast<size_t>(n)), Return::Success;
  std::ifstream comm(folder + "/comm");  // another user's process
  return std::getline(comm, name) ? Return::Success : Return::NoPermission;
}

}  // namespace

extern "C" {

Return nvmlInit() { return initialize(); }
Return nvmlInit_v2() { return initialize(); }
Return nvmlInitWithFlags(uint32_t flags) {
  constexpr uint32_t noGpus = 1, noAttach = 2;
  return flags & ~(noGpus | noAttach) ? Return::InvalidArgument : initialize();
}
Return nvmlShutdown() { return shutdown(); }

const char* nvmlErrorString(Return result) {
  for (const Words& w : words)
    if (w.result == result) return w.text;
  return "Unknown error";
}

Return nvmlSystemGetDriverVersion(char* version, uint32_t length) {
  return inSession([&] { return giveText(version, length, driverVersion); });
}
Return nvmlSystemGetNVMLVersion(char* version, uint32_t length) {
  return inSession([&] { return giveText(version, length, nvmlVersion); });
}
// Needs no nvmlInit.
Return nvmlSystemGetCudaDriverVersion(int* version) { return give(version, cudaVersion); }
Return nvmlSystemGetCudaDriverVersion_v2(int* version) { return give(version, cudaVersion); }

Return nvmlSystemGetDriverBranch(DriverBranch* branch, uint32_t length) {
  return inSession([&] {
    if (!branch) return Return::InvalidArgument;
    if (branch->version != versionOf<DriverBranch>(1)) return Return::ArgumentVersionMismatch;
    return giveText(branch->branch, std::min<uint32_t>(length, sizeof branch->branch), driverBranch);
  });
}

Return nvmlSystemGetProcessName(uint32_t pid, char* name, uint32_t length) {
  return inSession([&] {
    if (!name || length == 0) return Return::InvalidArgument;
    std::string found;
    Return result = processName(pid, found);
    return result == Return::Success ? giveText(name, length, found) : result;
  });
}

Return nvmlSystemGetHicVersion(uint32_t* count, void*) {
  return inSession([&] { return give(count, 0); });
}
Return nvmlUnitGetCount(uint32_t* count) {
  return inSession([&] { return give(count, 0); });
}
Return nvmlUnitGetHandleByIndex(uint32_t, Unit*) {
  return inSession([] { return Return::InvalidArgument; });
}
Return nvmlGetExcludedDeviceCount(uint32_t* count) { return give(count, 0); }
Return nvmlGetExcludedDeviceInfoByIndex(uint32_t, void*) { return Return::InvalidArgument; }
}
