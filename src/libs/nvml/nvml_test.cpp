// The documented results and errors of NVML's functions, on one product and two others beside it. SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "device/profile/profile.h"
#include "device/usage/usage.h"
#include "libs/nvml/functions.h"

namespace fs = std::filesystem;
namespace device = anywarp::device;

extern "C" {
Return nvmlDeviceGetTemperature(Device device, uint32_t sensor, uint32_t* degrees);
Return nvmlDeviceGetUtilizationRates(Device device, Utilization* utilization);
Return nvmlVgpuTypeGetName(uint32_t type, char* name, uint32_t* size);
}

namespace {

// Before any option is read. A folder of its own: other programs' use is not ours to see.
const std::string& runtimeFolder() {
  static const std::string& folder = *[] {
    char name[] = "/tmp/anywarp-nvml-test-XXXXXX";
    auto* made = new std::string(mkdtemp(name));
    setenv("ANYWARP_DEVICES", "h100,2:rtx4090", 1);
    setenv("ANYWARP_DEVICE_MEMORY", "1G", 1);
    setenv("XDG_RUNTIME_DIR", made->c_str(), 1);
    return made;
  }();
  return folder;
}

class Nvml : public testing::Test {
 protected:
  void SetUp() override {
    runtimeFolder();
    ASSERT_EQ(nvmlInit_v2(), Return::Success);
    for (uint32_t i = 0; i < 3; ++i) ASSERT_EQ(nvmlDeviceGetHandleByIndex_v2(i, &devices_[i]), Return::Success);
  }
  void TearDown() override { nvmlShutdown(); }

  Device h100() const { return devices_[0]; }
  Device rtx4090() const { return devices_[1]; }
  static std::string uuid(Device d) {
    char text[96];
    EXPECT_EQ(nvmlDeviceGetUUID(d, text, sizeof text), Return::Success);
    return text;
  }

  Device devices_[3] = {};
  Device foreign_ = reinterpret_cast<Device>(this);
};

TEST_F(Nvml, CountsItsUsers) {
  EXPECT_EQ(nvmlInit(), Return::Success);
  EXPECT_EQ(nvmlShutdown(), Return::Success);
  uint32_t count = 0;
  EXPECT_EQ(nvmlDeviceGetCount_v2(&count), Return::Success);
  EXPECT_EQ(nvmlShutdown(), Return::Success);
  EXPECT_EQ(nvmlShutdown(), Return::Uninitialized);
  EXPECT_EQ(nvmlDeviceGetCount_v2(&count), Return::Uninitialized);
  EXPECT_EQ(nvmlDeviceGetIndex(h100(), &count), Return::Uninitialized);
  EXPECT_EQ(nvmlDeviceGetTemperature(h100(), 0, &count), Return::Uninitialized);
  EXPECT_EQ(nvmlVgpuTypeGetName(0, nullptr, nullptr), Return::Uninitialized);
  EXPECT_EQ(nvmlInitWithFlags(8), Return::InvalidArgument);
  EXPECT_EQ(nvmlInitWithFlags(1), Return::Success);
}

TEST_F(Nvml, EveryResultHasWords) {
  EXPECT_STREQ(nvmlErrorString(Return::Success), "Success");
  for (Return r : {Return::Uninitialized, Return::InvalidArgument, Return::NotSupported, Return::InsufficientSize, Return::Timeout})
    EXPECT_STRNE(nvmlErrorString(r), "Unknown error");
  EXPECT_STREQ(nvmlErrorString(static_cast<Return>(12345)), "Unknown error");
}

TEST_F(Nvml, Versions) {
  char text[80];
  EXPECT_EQ(nvmlSystemGetDriverVersion(text, sizeof text), Return::Success);
  EXPECT_EQ(std::atoi(text), 580);
  EXPECT_EQ(nvmlSystemGetNVMLVersion(text, sizeof text), Return::Success);
  EXPECT_EQ(std::atoi(text), 13);
  EXPECT_EQ(nvmlSystemGetDriverVersion(text, 3), Return::InsufficientSize);
  EXPECT_EQ(nvmlSystemGetDriverVersion(nullptr, 80), Return::InvalidArgument);
  int version = 0;
  EXPECT_EQ(nvmlSystemGetCudaDriverVersion_v2(&version), Return::Success);
  EXPECT_EQ(version, 13000);
  EXPECT_EQ(nvmlSystemGetCudaDriverVersion(nullptr), Return::InvalidArgument);
  DriverBranch branch{versionOf<DriverBranch>(1), ""};
  EXPECT_EQ(nvmlSystemGetDriverBranch(&branch, sizeof branch.branch), Return::Success);
  EXPECT_EQ(std::string(branch.branch).substr(0, 4), "r580");
  branch.version = 7;
  EXPECT_EQ(nvmlSystemGetDriverBranch(&branch, sizeof branch.branch), Return::ArgumentVersionMismatch);
}

TEST_F(Nvml, NamesProcesses) {
  char text[4096];
  EXPECT_EQ(nvmlSystemGetProcessName(static_cast<uint32_t>(getpid()), text, sizeof text), Return::Success);
  EXPECT_EQ(fs::path(text).filename(), "anywarp_nvml_test");
  EXPECT_EQ(nvmlSystemGetProcessName(0x7ffffff0, text, sizeof text), Return::NotFound);
  EXPECT_EQ(nvmlSystemGetProcessName(static_cast<uint32_t>(getpid()), text, 2), Return::InsufficientSize);
  EXPECT_EQ(nvmlSystemGetProcessName(1, text, 0), Return::InvalidArgument);
}

TEST_F(Nvml, NoUnitsNoCardsNoExcludedDevices) {
  uint32_t count = 9;
  EXPECT_EQ(nvmlUnitGetCount(&count), Return::Success);
  EXPECT_EQ(count, 0u);
  Unit unit;
  EXPECT_EQ(nvmlUnitGetHandleByIndex(0, &unit), Return::InvalidArgument);
  EXPECT_EQ(nvmlSystemGetHicVersion(&(count = 9), nullptr), Return::Success);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(nvmlGetExcludedDeviceCount(&(count = 9)), Return::Success);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(nvmlGetExcludedDeviceInfoByIndex(0, nullptr), Return::InvalidArgument);
}

TEST_F(Nvml, DevicesAreFoundInEveryWay) {
  uint32_t count = 0;
  EXPECT_EQ(nvmlDeviceGetCount(&count), Return::Success);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(nvmlDeviceGetCount_v2(nullptr), Return::InvalidArgument);
  Device found;
  EXPECT_EQ(nvmlDeviceGetHandleByIndex(3, &found), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetHandleByIndex(0, nullptr), Return::InvalidArgument);
  for (uint32_t i = 0; i < 3; ++i) {
    Device d = devices_[i];
    uint32_t index = 9;
    EXPECT_EQ(nvmlDeviceGetIndex(d, &index), Return::Success);
    EXPECT_EQ(index, i);
    EXPECT_EQ(nvmlDeviceGetMinorNumber(d, &index), Return::Success);
    EXPECT_EQ(index, i);
    EXPECT_EQ(nvmlDeviceGetHandleByUUID(uuid(d).c_str(), &found), Return::Success);
    EXPECT_EQ(nvmlDeviceGetHandleByUUID(uuid(d).substr(4).c_str(), &found), Return::Success);
    EXPECT_EQ(found, d);
    PciInfoV3 pci;
    EXPECT_EQ(nvmlDeviceGetPciInfo_v3(d, &pci), Return::Success);
    EXPECT_EQ(nvmlDeviceGetHandleByPciBusId_v2(pci.busId, &found), Return::Success);
    EXPECT_EQ(found, d);
    EXPECT_EQ(nvmlDeviceGetHandleByPciBusId(pci.busIdLegacy, &found), Return::Success);
    EXPECT_EQ(found, d);
    UuidQuery query{versionOf<UuidQuery>(1), 1, {}};
    std::strncpy(query.text, uuid(d).c_str(), sizeof query.text);
    EXPECT_EQ(nvmlDeviceGetHandleByUUIDV(&query, &found), Return::Success);
    EXPECT_EQ(found, d);
    query.version = 1;
    EXPECT_EQ(nvmlDeviceGetHandleByUUIDV(&query, &found), Return::ArgumentVersionMismatch);
  }
  EXPECT_EQ(nvmlDeviceGetHandleByUUID("GPU-none", &found), Return::NotFound);
  EXPECT_EQ(nvmlDeviceGetHandleByUUID(nullptr, &found), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetHandleByPciBusId_v2("0000:77:00.0", &found), Return::NotFound);
  EXPECT_EQ(nvmlDeviceGetHandleByPciBusId_v2("nowhere", &found), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetHandleBySerial("1234", &found), Return::NotFound);
}

TEST_F(Nvml, ForeignHandlesAreRefused) {
  uint32_t n;
  int i;
  char text[96];
  uint64_t many;
  PciInfoV3 pci;
  MemoryInfo memory;
  for (Device d : {static_cast<Device>(nullptr), foreign_}) {
    EXPECT_EQ(nvmlDeviceGetName(d, text, sizeof text), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetUUID(d, text, sizeof text), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetIndex(d, &n), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetPciInfo_v3(d, &pci), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetMemoryInfo(d, &memory), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetCudaComputeCapability(d, &i, &i), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetTemperature(d, 0, &n), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetTopologyCommonAncestor(h100(), d, &n), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses_v3(d, &(n = 0), nullptr), Return::InvalidArgument);
    EXPECT_EQ(nvmlDeviceGetSupportedEventTypes(d, &many), Return::InvalidArgument);
  }
}

TEST_F(Nvml, SaysWhatADeviceIs) {
  char name[96];
  EXPECT_EQ(nvmlDeviceGetName(h100(), name, sizeof name), Return::Success);
  EXPECT_NE(std::string(name).find("H100"), std::string::npos) << name;
  EXPECT_EQ(nvmlDeviceGetName(h100(), name, 4), Return::InsufficientSize);
  int major = 0, minor = 0;
  EXPECT_EQ(nvmlDeviceGetCudaComputeCapability(h100(), &major, &minor), Return::Success);
  EXPECT_EQ(major * 10 + minor, 90);
  EXPECT_EQ(nvmlDeviceGetCudaComputeCapability(rtx4090(), &major, &minor), Return::Success);
  EXPECT_EQ(major * 10 + minor, 89);
  uint32_t n = 0;
  EXPECT_EQ(nvmlDeviceGetArchitecture(h100(), &n), Return::Success);
  EXPECT_EQ(n, 9u);
  EXPECT_EQ(nvmlDeviceGetArchitecture(rtx4090(), &n), Return::Success);
  EXPECT_EQ(n, 8u);
  EXPECT_EQ(nvmlDeviceGetNumGpuCores(h100(), &n), Return::Success);
  EXPECT_EQ(n, 132u * 128);
  EXPECT_EQ(nvmlDeviceGetMemoryBusWidth(rtx4090(), &n), Return::Success);
  EXPECT_EQ(n, 384u);
  EXPECT_EQ(nvmlDeviceGetMaxClockInfo(h100(), 1, &n), Return::Success);
  EXPECT_EQ(n, 1980u);
  EXPECT_EQ(nvmlDeviceGetMaxClockInfo(h100(), 2, &n), Return::Success);
  EXPECT_EQ(n, 2619u);
  EXPECT_EQ(nvmlDeviceGetMaxClockInfo(h100(), 3, &n), Return::NotSupported);
  EXPECT_EQ(nvmlDeviceGetMaxClockInfo(h100(), 4, &n), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetMaxCustomerBoostClock(h100(), 0, &n), Return::Success);
  EXPECT_EQ(nvmlDeviceGetClockInfo(h100(), 2, &n), Return::Success);
  EXPECT_EQ(n, 2619u);
  EXPECT_EQ(nvmlDeviceGetClockInfo(h100(), 4, &n), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetApplicationsClock(h100(), 1, &n), Return::Success);
  EXPECT_EQ(n, 1980u);
  EXPECT_EQ(nvmlDeviceGetClock(rtx4090(), 1, 3, &n), Return::Success);
  EXPECT_EQ(nvmlDeviceGetClock(rtx4090(), 1, 4, &n), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetBrand(h100(), &n), Return::Success);
  EXPECT_EQ(nvmlDeviceGetEnforcedPowerLimit(h100(), &n), Return::Success);
  EXPECT_EQ(n, 700000u);
  EXPECT_EQ(nvmlDeviceGetPowerManagementLimit(h100(), nullptr), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetPowerManagementDefaultLimit(rtx4090(), &n), Return::Success);
  EXPECT_EQ(n, 450000u);
}

TEST_F(Nvml, PciInfoInAllItsVersions) {
  PciInfoV1 old;
  EXPECT_EQ(nvmlDeviceGetPciInfo(h100(), &old), Return::Success);
  EXPECT_EQ(nvmlDeviceGetPciInfo_v2(h100(), &old), Return::Success);
  PciInfoV3 pci;
  EXPECT_EQ(nvmlDeviceGetPciInfo_v3(h100(), &pci), Return::Success);
  EXPECT_EQ(nvmlDeviceGetPciInfo_v3(h100(), nullptr), Return::InvalidArgument);
  EXPECT_STREQ(old.busId, pci.busIdLegacy);
  EXPECT_EQ(std::strlen(pci.busId), 16u);
  EXPECT_EQ(pci.pciDeviceId, 0x233010deu);
  PciInfoExt more{};
  EXPECT_EQ(nvmlDeviceGetPciInfoExt(h100(), &more), Return::ArgumentVersionMismatch);
  more.version = versionOf<PciInfoExt>(1);
  EXPECT_EQ(nvmlDeviceGetPciInfoExt(h100(), &more), Return::Success);
  EXPECT_STREQ(more.busId, pci.busId);
}

TEST_F(Nvml, Modes) {
  uint32_t current = 9, pending = 9;
  EXPECT_EQ(nvmlDeviceGetMigMode(h100(), &current, &pending), Return::Success);
  EXPECT_EQ(current + pending, 0u);
  EXPECT_EQ(nvmlDeviceGetMigMode(rtx4090(), &current, &pending), Return::NotSupported);
  Device mig;
  EXPECT_EQ(nvmlDeviceGetMigDeviceHandleByIndex(h100(), 0, &mig), Return::NotFound);
  EXPECT_EQ(nvmlDeviceGetMigDeviceHandleByIndex(rtx4090(), 0, &mig), Return::NotSupported);
  EXPECT_EQ(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(h100(), &mig), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetEccMode(h100(), &current, &pending), Return::Success);
  EXPECT_EQ(current, 1u);
  EXPECT_EQ(nvmlDeviceGetEccMode(rtx4090(), &current, &pending), Return::NotSupported);
  EXPECT_EQ(nvmlDeviceGetDefaultEccMode(rtx4090(), &current), Return::NotSupported);
  struct {
    Return (*get)(Device, uint32_t*);
    uint32_t answer;
  } const modes[] = {{nvmlDeviceGetComputeMode, 0},       {nvmlDeviceGetPersistenceMode, 1},     {nvmlDeviceGetDisplayMode, 0},
                     {nvmlDeviceGetDisplayActive, 0},     {nvmlDeviceGetVirtualizationMode, 0},  {nvmlDeviceGetAccountingMode, 0},
                     {nvmlDeviceGetMaxMigDeviceCount, 0}, {nvmlDeviceIsMigDeviceHandle, 0},      {nvmlDeviceGetMultiGpuBoard, 0},
                     {nvmlDeviceGetPowerManagementMode, 0}};
  for (const auto& mode : modes) {
    EXPECT_EQ(mode.get(h100(), &(current = 9)), Return::Success);
    EXPECT_EQ(current, mode.answer);
    EXPECT_EQ(mode.get(h100(), nullptr), Return::InvalidArgument);
  }
  for (auto get : {nvmlDeviceGetCurrentClocksThrottleReasons, nvmlDeviceGetCurrentClocksEventReasons,
                   nvmlDeviceGetSupportedClocksThrottleReasons, nvmlDeviceGetSupportedClocksEventReasons}) {
    uint64_t reasons = 9;
    EXPECT_EQ(get(h100(), &reasons), Return::Success);
    EXPECT_EQ(reasons, 0u);
  }
}

TEST_F(Nvml, WhatThereIsNot) {
  uint32_t n;
  Utilization utilization;
  EXPECT_EQ(nvmlDeviceGetTemperature(h100(), 0, &n), Return::NotSupported);
  EXPECT_EQ(nvmlDeviceGetUtilizationRates(h100(), &utilization), Return::NotSupported);
  EXPECT_EQ(nvmlVgpuTypeGetName(0, nullptr, nullptr), Return::NotSupported);
  FieldValue values[2] = {};
  EXPECT_EQ(nvmlDeviceGetFieldValues(h100(), 2, values), Return::Success);
  EXPECT_EQ(values[1].result, Return::NotSupported);
  EXPECT_EQ(nvmlDeviceGetFieldValues(h100(), 2, nullptr), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetFieldValues(h100(), -1, values), Return::InvalidArgument);
}

TEST_F(Nvml, Topology) {
  uint32_t level = 9, count = 0;
  int same = 9;
  EXPECT_EQ(nvmlDeviceGetTopologyCommonAncestor(h100(), rtx4090(), &level), Return::Success);
  EXPECT_EQ(level, 30u);
  EXPECT_EQ(nvmlDeviceOnSameBoard(h100(), rtx4090(), &same), Return::Success);
  EXPECT_EQ(same, 0);
  EXPECT_EQ(nvmlDeviceGetTopologyNearestGpus(h100(), level, &count, nullptr), Return::Success);
  EXPECT_EQ(count, 2u);
  Device set[3] = {};
  EXPECT_EQ(nvmlDeviceGetTopologyNearestGpus(h100(), level, &(count = 1), set), Return::Success);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(set[0], rtx4090());
  EXPECT_EQ(set[1], nullptr);
  EXPECT_EQ(nvmlSystemGetTopologyGpuSet(0, &(count = 3), set), Return::Success);
  EXPECT_EQ(count, 3u);
  uint32_t status = 9;
  EXPECT_EQ(nvmlDeviceGetP2PStatus(h100(), rtx4090(), 0, &status), Return::Success);
  EXPECT_EQ(status, 0u);
  EXPECT_EQ(nvmlDeviceGetP2PStatus(h100(), rtx4090(), 2, &status), Return::Success);
  EXPECT_EQ(status, 5u);
  EXPECT_EQ(nvmlDeviceGetP2PStatus(h100(), rtx4090(), 99, &status), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetNvLinkState(h100(), 17, &status), Return::Success);
  EXPECT_EQ(status, 0u);
  EXPECT_EQ(nvmlDeviceGetNvLinkState(h100(), 18, &status), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetNvLinkState(rtx4090(), 0, &status), Return::NotSupported);
}

TEST_F(Nvml, AffinityIsThisProcesss) {
  unsigned long set[32];
  std::fill(std::begin(set), std::end(set), ~0ul);
  EXPECT_EQ(nvmlDeviceGetCpuAffinity(h100(), 32, set), Return::Success);
  int cores = 0;
  for (unsigned long word : set) cores += __builtin_popcountl(word);
  cpu_set_t own;
  ASSERT_EQ(sched_getaffinity(0, sizeof own, &own), 0);
  EXPECT_EQ(cores, CPU_COUNT(&own));
  EXPECT_EQ(nvmlDeviceGetCpuAffinity(h100(), 0, set), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetCpuAffinityWithinScope(h100(), 32, set, 7), Return::InvalidArgument);
  EXPECT_EQ(nvmlDeviceGetMemoryAffinity(h100(), 32, set, 0), Return::Success);
  EXPECT_EQ(set[0], 1ul);
}

TEST_F(Nvml, EventsNeverCome) {
  EventSet set;
  uint64_t types = 9;
  EXPECT_EQ(nvmlDeviceGetSupportedEventTypes(h100(), &types), Return::Success);
  EXPECT_EQ(types, 0u);
  EXPECT_EQ(nvmlEventSetCreate(nullptr), Return::InvalidArgument);
  ASSERT_EQ(nvmlEventSetCreate(&set), Return::Success);
  EXPECT_EQ(nvmlDeviceRegisterEvents(h100(), 0, set), Return::Success);
  EXPECT_EQ(nvmlDeviceRegisterEvents(h100(), 8, set), Return::NotSupported);
  EventData data;
  EXPECT_EQ(nvmlEventSetWait_v2(set, &data, 1), Return::Timeout);
  EXPECT_EQ(nvmlEventSetWait(set, nullptr, 1), Return::InvalidArgument);
  EXPECT_EQ(nvmlEventSetFree(set), Return::Success);
  EXPECT_EQ(nvmlEventSetFree(set), Return::InvalidArgument);
  EXPECT_EQ(nvmlEventSetWait_v2(set, &data, 1), Return::InvalidArgument);
}

// A process that holds `bytes` of the first device until it is told to end.
class User {
 public:
  User(const device::Uuid& uuid, uint64_t bytes) {
    int ready[2];
    if (pipe(ready) != 0 || pipe(end_) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      device::nameDevice(0, uuid);
      device::tellUsage(0, bytes);
      char c = 0;
      if (write(ready[1], &c, 1) != 1) _exit(1);
      close(end_[1]);
      (void)!read(end_[0], &c, 1);
      _exit(0);
    }
    char c;
    (void)!read(ready[0], &c, 1);
    close(ready[0]), close(ready[1]), close(end_[0]);
  }
  ~User() {
    close(end_[1]);
    waitpid(pid_, nullptr, 0);
  }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }

 private:
  int end_[2];
  pid_t pid_;
};

TEST_F(Nvml, ToldUseIsMemoryAndAProcess) {
  auto profile = device::makeProfile("h100", 0, 3);
  ASSERT_TRUE(profile);
  MemoryInfo before, during;
  ASSERT_EQ(nvmlDeviceGetMemoryInfo(h100(), &before), Return::Success);
  EXPECT_EQ(before.total, uint64_t{1} << 30);
  EXPECT_EQ(before.used, 0u);
  fs::path file;
  {
    User user(profile->uuid, 12345);
    ASSERT_EQ(nvmlDeviceGetMemoryInfo(h100(), &during), Return::Success);
    EXPECT_EQ(during.used, 12345u);
    EXPECT_EQ(during.free, during.total - 12345);
    MemoryInfoV2 second{versionOf<MemoryInfoV2>(2), 0, 0, 0, 0};
    ASSERT_EQ(nvmlDeviceGetMemoryInfo_v2(h100(), &second), Return::Success);
    EXPECT_EQ(second.used, 12345u);
    second.version = 1;
    EXPECT_EQ(nvmlDeviceGetMemoryInfo_v2(h100(), &second), Return::ArgumentVersionMismatch);
    uint32_t count = 0;
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses_v3(h100(), &count, nullptr), Return::InsufficientSize);
    ASSERT_EQ(count, 1u);
    ProcessInfo info{};
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses_v3(h100(), &count, &info), Return::Success);
    EXPECT_EQ(info.pid, user.pid());
    EXPECT_EQ(info.usedGpuMemory, 12345u);
    EXPECT_EQ(info.gpuInstanceId, noInstance);
    ProcessInfoV1 first{};
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses(h100(), &count, &first), Return::Success);
    EXPECT_EQ(first.pid, user.pid());
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses_v2(rtx4090(), &(count = 1), &info), Return::Success);
    EXPECT_EQ(count, 0u);
    EXPECT_EQ(nvmlDeviceGetGraphicsRunningProcesses_v3(h100(), &(count = 1), &info), Return::Success);
    EXPECT_EQ(count, 0u);
    EXPECT_EQ(nvmlDeviceGetMPSComputeRunningProcesses_v3(h100(), &(count = 1), &info), Return::Success);
    EXPECT_EQ(count, 0u);
    EXPECT_EQ(nvmlDeviceGetComputeRunningProcesses_v3(h100(), nullptr, nullptr), Return::InvalidArgument);
    file = fs::path(device::usageFolder()) / std::to_string(user.pid());
    EXPECT_TRUE(fs::exists(file));
  }
  ASSERT_EQ(nvmlDeviceGetMemoryInfo(h100(), &during), Return::Success);
  EXPECT_EQ(during.used, 0u);
  EXPECT_FALSE(fs::exists(file)) << "what a dead process has left is removed";
}

TEST_F(Nvml, ForeignFilesAreNotBelieved) {
  const fs::path folder = runtimeFolder() + "/anywarp";
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_all);
  const std::string own = std::to_string(getpid());
  std::ofstream(folder / own) << std::string(100000, 'x');  // no file of ours
  std::ofstream(folder / "1x") << "not a number";
  fs::create_symlink("/etc/passwd", folder / "1");
  fs::create_directory(folder / "2");
  EXPECT_TRUE(device::readUsage().empty());
  EXPECT_TRUE(fs::exists(folder / own)) << "its process lives";
  fs::remove_all(folder);
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::all);
  EXPECT_EQ(device::usageFolder(), "") << "others may write there";
  fs::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
  runtimeFolder();
  testing::InitGoogleTest(&argc, argv);
  int result = RUN_ALL_TESTS();
  fs::remove_all(runtimeFolder());
  return result;
}
