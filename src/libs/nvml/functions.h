// The C functions of the table, for their bodies and for tests. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/nvml/nvml_types.h"

using namespace anywarp::nvml;

#pragma GCC visibility push(default)
extern "C" {
// Initialization and Cleanup, Error Reporting
Return nvmlInit();
Return nvmlInit_v2();
Return nvmlInitWithFlags(uint32_t flags);
Return nvmlShutdown();
const char* nvmlErrorString(Return result);
// System Queries
Return nvmlSystemGetDriverVersion(char* version, uint32_t length);
Return nvmlSystemGetNVMLVersion(char* version, uint32_t length);
Return nvmlSystemGetCudaDriverVersion(int* version);
Return nvmlSystemGetCudaDriverVersion_v2(int* version);
Return nvmlSystemGetProcessName(uint32_t pid, char* name, uint32_t length);
Return nvmlSystemGetDriverBranch(DriverBranch* branch, uint32_t length);
Return nvmlSystemGetHicVersion(uint32_t* count, void* entries);
Return nvmlSystemGetTopologyGpuSet(uint32_t cpu, uint32_t* count, Device* set);
Return nvmlUnitGetCount(uint32_t* count);
Return nvmlUnitGetHandleByIndex(uint32_t index, Unit* unit);
Return nvmlGetExcludedDeviceCount(uint32_t* count);
Return nvmlGetExcludedDeviceInfoByIndex(uint32_t index, void* info);
// Device Queries: which device
Return nvmlDeviceGetCount(uint32_t* count);
Return nvmlDeviceGetCount_v2(uint32_t* count);
Return nvmlDeviceGetHandleByIndex(uint32_t index, Device* device);
Return nvmlDeviceGetHandleByIndex_v2(uint32_t index, Device* device);
Return nvmlDeviceGetHandleBySerial(const char* serial, Device* device);
Return nvmlDeviceGetHandleByUUID(const char* uuid, Device* device);
Return nvmlDeviceGetHandleByUUIDV(const UuidQuery* uuid, Device* device);
Return nvmlDeviceGetHandleByPciBusId(const char* busId, Device* device);
Return nvmlDeviceGetHandleByPciBusId_v2(const char* busId, Device* device);
Return nvmlDeviceGetName(Device device, char* name, uint32_t length);
Return nvmlDeviceGetBrand(Device device, uint32_t* brand);
Return nvmlDeviceGetIndex(Device device, uint32_t* index);
Return nvmlDeviceGetUUID(Device device, char* uuid, uint32_t length);
Return nvmlDeviceGetMinorNumber(Device device, uint32_t* minor);
Return nvmlDeviceGetBoardId(Device device, uint32_t* id);
Return nvmlDeviceGetMultiGpuBoard(Device device, uint32_t* multi);
Return nvmlDeviceGetPciInfo(Device device, PciInfoV1* pci);
Return nvmlDeviceGetPciInfo_v2(Device device, PciInfoV1* pci);
Return nvmlDeviceGetPciInfo_v3(Device device, PciInfoV3* pci);
Return nvmlDeviceGetPciInfoExt(Device device, PciInfoExt* pci);
// Device Queries: what it is
Return nvmlDeviceGetCudaComputeCapability(Device device, int* major, int* minor);
Return nvmlDeviceGetArchitecture(Device device, uint32_t* architecture);
Return nvmlDeviceGetNumGpuCores(Device device, uint32_t* cores);
Return nvmlDeviceGetMemoryBusWidth(Device device, uint32_t* bits);
Return nvmlDeviceGetMaxClockInfo(Device device, uint32_t type, uint32_t* megahertz);
Return nvmlDeviceGetMaxCustomerBoostClock(Device device, uint32_t type, uint32_t* megahertz);
Return nvmlDeviceGetClockInfo(Device device, uint32_t type, uint32_t* megahertz);
Return nvmlDeviceGetClock(Device device, uint32_t type, uint32_t which, uint32_t* megahertz);
Return nvmlDeviceGetApplicationsClock(Device device, uint32_t type, uint32_t* megahertz);
Return nvmlDeviceGetDefaultApplicationsClock(Device device, uint32_t type, uint32_t* megahertz);
Return nvmlDeviceGetPowerManagementLimit(Device device, uint32_t* milliwatts);
Return nvmlDeviceGetPowerManagementDefaultLimit(Device device, uint32_t* milliwatts);
Return nvmlDeviceGetEnforcedPowerLimit(Device device, uint32_t* milliwatts);
Return nvmlDeviceGetPowerManagementMode(Device device, uint32_t* mode);
Return nvmlDeviceGetEccMode(Device device, uint32_t* current, uint32_t* pending);
Return nvmlDeviceGetDefaultEccMode(Device device, uint32_t* mode);
Return nvmlDeviceGetComputeMode(Device device, uint32_t* mode);
Return nvmlDeviceGetPersistenceMode(Device device, uint32_t* mode);
Return nvmlDeviceGetDisplayMode(Device device, uint32_t* mode);
Return nvmlDeviceGetDisplayActive(Device device, uint32_t* active);
Return nvmlDeviceGetVirtualizationMode(Device device, uint32_t* mode);
Return nvmlDeviceGetAccountingMode(Device device, uint32_t* mode);
Return nvmlDeviceGetCurrentClocksThrottleReasons(Device device, uint64_t* reasons);
Return nvmlDeviceGetCurrentClocksEventReasons(Device device, uint64_t* reasons);
Return nvmlDeviceGetSupportedClocksThrottleReasons(Device device, uint64_t* reasons);
Return nvmlDeviceGetSupportedClocksEventReasons(Device device, uint64_t* reasons);
Return nvmlDeviceGetMigMode(Device device, uint32_t* current, uint32_t* pending);
Return nvmlDeviceGetMaxMigDeviceCount(Device device, uint32_t* count);
Return nvmlDeviceGetMigDeviceHandleByIndex(Device device, uint32_t index, Device* mig);
Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device mig, Device* device);
Return nvmlDeviceIsMigDeviceHandle(Device device, uint32_t* is);
Return nvmlDeviceGetFieldValues(Device device, int count, FieldValue* values);
// Device Queries: memory and processes
Return nvmlDeviceGetMemoryInfo(Device device, MemoryInfo* memory);
Return nvmlDeviceGetMemoryInfo_v2(Device device, MemoryInfoV2* memory);
Return nvmlDeviceGetComputeRunningProcesses(Device device, uint32_t* count, ProcessInfoV1* infos);
Return nvmlDeviceGetComputeRunningProcesses_v2(Device device, uint32_t* count, ProcessInfo* infos);
Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, uint32_t* count, ProcessInfo* infos);
Return nvmlDeviceGetGraphicsRunningProcesses(Device device, uint32_t* count, ProcessInfoV1* infos);
Return nvmlDeviceGetGraphicsRunningProcesses_v2(Device device, uint32_t* count, ProcessInfo* infos);
Return nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, uint32_t* count, ProcessInfo* infos);
Return nvmlDeviceGetMPSComputeRunningProcesses(Device device, uint32_t* count, ProcessInfoV1* infos);
Return nvmlDeviceGetMPSComputeRunningProcesses_v2(Device device, uint32_t* count, ProcessInfo* infos);
Return nvmlDeviceGetMPSComputeRunningProcesses_v3(Device device, uint32_t* count, ProcessInfo* infos);
// Device Queries: topology
Return nvmlDeviceOnSameBoard(Device one, Device other, int* same);
Return nvmlDeviceGetTopologyCommonAncestor(Device one, Device other, uint32_t* level);
Return nvmlDeviceGetTopologyNearestGpus(Device device, uint32_t level, uint32_t* count, Device* set);
Return nvmlDeviceGetP2PStatus(Device one, Device other, uint32_t index, uint32_t* status);
Return nvmlDeviceGetNvLinkState(Device device, uint32_t link, uint32_t* active);
Return nvmlDeviceGetCpuAffinity(Device device, uint32_t words, unsigned long* set);
Return nvmlDeviceGetCpuAffinityWithinScope(Device device, uint32_t words, unsigned long* set, uint32_t scope);
Return nvmlDeviceGetMemoryAffinity(Device device, uint32_t words, unsigned long* set, uint32_t scope);
// Event Handling Methods
Return nvmlDeviceGetSupportedEventTypes(Device device, uint64_t* types);
Return nvmlDeviceRegisterEvents(Device device, uint64_t types, EventSet set);
Return nvmlEventSetCreate(EventSet* set);
Return nvmlEventSetFree(EventSet set);
Return nvmlEventSetWait(EventSet set, EventData* data, uint32_t milliseconds);
Return nvmlEventSetWait_v2(EventSet set, EventData* data, uint32_t milliseconds);
}
#pragma GCC visibility pop
