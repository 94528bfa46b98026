// anywarp smi: devices, their memory and who uses it, asked of our libnvidia-ml. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "libs/nvml/functions.h"
#include "support/version.h"

namespace anywarp::cli {
namespace {

using Json = nlohmann::ordered_json;

class NvmlLibrary {
 public:
  NvmlLibrary() : library_(dlopen((libraryFolder() + "/libnvidia-ml.so.1").c_str(), RTLD_NOW | RTLD_LOCAL)) {}
  explicit operator bool() const { return library_ != nullptr; }

  template <class Function, class... Arguments>
  Return call(const char* name, Arguments... arguments) const {
    auto* function = reinterpret_cast<Function*>(dlsym(library_, name));
    return function ? function(arguments...) : Return::FunctionNotFound;
  }

 private:
  void* library_;
};

#define NVML(name, ...) library_.call<decltype(::name)>(#name __VA_OPT__(, ) __VA_ARGS__)

struct Process {
  uint32_t pid;
  std::string name;
  uint64_t bytes;
};

// What one line of the table shows. Numbers that the device does not have are "N/A".
struct DeviceRow {
  std::string name, bus, uuid, capability;
  std::string persistence = "N/A", display = "N/A", ecc = "N/A", power = "N/A", compute = "N/A", mig = "N/A";
  uint64_t used = 0, total = 0;
  std::vector<Process> processes;
};

class Smi {
 public:
  // Empty, or why it cannot be shown.
  std::string read() {
    if (!library_) return dlerror();
    if (Return result = NVML(nvmlInit_v2); result != Return::Success) return "NVML gives error " + std::to_string(int(result));
    char text[80] = "";
    NVML(nvmlSystemGetDriverVersion, text, uint32_t{sizeof text});
    driver_ = text;
    NVML(nvmlSystemGetCudaDriverVersion_v2, &cuda_);
    uint32_t count = 0;
    NVML(nvmlDeviceGetCount_v2, &count);
    for (uint32_t i = 0; i < count; ++i) rows_.push_back(readRow(i));
    NVML(nvmlShutdown);
    return "";
  }

  void print() const;
  Json json() const;

 private:
  NvmlLibrary library_;
  std::string driver_;
  int cuda_ = 0;
  std::vector<DeviceRow> rows_;

  DeviceRow readRow(uint32_t index) const {
    DeviceRow row;
    Device device = nullptr;
    NVML(nvmlDeviceGetHandleByIndex_v2, index, &device);
    char text[96] = "";
    if (NVML(nvmlDeviceGetName, device, text, uint32_t{sizeof text}) == Return::Success) row.name = text;
    if (NVML(nvmlDeviceGetUUID, device, text, uint32_t{sizeof text}) == Return::Success) row.uuid = text;
    PciInfoV3 pci{};
    if (NVML(nvmlDeviceGetPciInfo_v3, device, &pci) == Return::Success) row.bus = pci.busId;
    int major = 0, minor = 0;
    if (NVML(nvmlDeviceGetCudaComputeCapability, device, &major, &minor) == Return::Success)
      row.capability = std::to_string(major) + "." + std::to_string(minor);
    readModes(device, row);
    MemoryInfo memory{};
    if (NVML(nvmlDeviceGetMemoryInfo, device, &memory) == Return::Success) row.used = memory.used, row.total = memory.total;
    row.processes = readProcesses(device);
    return row;
  }

  void readModes(Device device, DeviceRow& row) const {
    uint32_t mode = 0, pending = 0;
    if (NVML(nvmlDeviceGetPersistenceMode, device, &mode) == Return::Success) row.persistence = mode ? "On" : "Off";
    if (NVML(nvmlDeviceGetDisplayActive, device, &mode) == Return::Success) row.display = mode ? "On" : "Off";
    if (NVML(nvmlDeviceGetEccMode, device, &mode, &pending) == Return::Success) row.ecc = mode ? "On" : "Off";
    if (NVML(nvmlDeviceGetMigMode, device, &mode, &pending) == Return::Success) row.mig = mode ? "Enabled" : "Disabled";
    if (NVML(nvmlDeviceGetComputeMode, device, &mode) == Return::Success) row.compute = mode == 0 ? "Default" : "Exclusive";
    if (NVML(nvmlDeviceGetEnforcedPowerLimit, device, &mode) == Return::Success) row.power = std::to_string(mode / 1000) + "W";
  }

  std::vector<Process> readProcesses(Device device) const {
    std::vector<ProcessInfo> infos(16);
    uint32_t count = 0;
    Return result;
    do {
      count = static_cast<uint32_t>(infos.size());
      result = NVML(nvmlDeviceGetComputeRunningProcesses_v3, device, &count, infos.data());
      infos.resize(count + 16);  // more may have come
    } while (result == Return::InsufficientSize);
    std::vector<Process> processes;
    for (uint32_t i = 0; result == Return::Success && i < count; ++i) {
      char name[4096] = "";
      if (NVML(nvmlSystemGetProcessName, infos[i].pid, name, uint32_t{sizeof name}) != Return::Success) continue;  // it has just ended
      processes.push_back({infos[i].pid, name, infos[i].usedGpuMemory});
    }
    return processes;
  }
};

constexpr int left = 41, middle = 24, right = 22;  // widths of the columns

std::string mib(uint64_t bytes) { return std::to_string(bytes >> 20) + "MiB"; }

std::string fit(const std::string& text, size_t width) {
  std::string cut = text.size() > width ? text.substr(0, width - 3) + "..." : text;
  return cut + std::string(width - cut.size(), ' ');
}
std::string fitRight(const std::string& text, size_t width) {
  return text.size() >= width ? text.substr(0, width) : std::string(width - text.size(), ' ') + text;
}
// `start` at the left, `end` at the right.
std::string spread(const std::string& start, const std::string& end, size_t width) {
  return fit(start, width - end.size()) + end;
}

std::string line(char fill) {
  return "+" + std::string(left, fill) + "+" + std::string(middle, fill) + "+" + std::string(right, fill) + "+\n";
}
std::string wide(const std::string& text) { return "| " + fit(text, left + middle + right) + " |\n"; }
std::string cells(const std::string& a, const std::string& b, const std::string& c) {
  return "| " + fit(a, left - 2) + " | " + fit(b, middle - 2) + " | " + fitRight(c, right - 2) + " |\n";
}

void Smi::print() const {
  char now[64];
  std::time_t seconds = std::time(nullptr);
  std::strftime(now, sizeof now, "%a %b %e %H:%M:%S %Y", std::localtime(&seconds));
  const std::string whole = "+" + std::string(left + middle + right + 2, '-') + "+\n";
  std::cout << now << "\n" << whole;
  std::cout << wide(std::string("ANYWARP-SMI ") + version() + "      Driver Version: " + driver_ + "      CUDA Version: " +
                    std::to_string(cuda_ / 1000) + "." + std::to_string(cuda_ % 1000 / 10));
  std::cout << line('-') << cells(spread("GPU  Name", "Persistence-M", left - 2), spread("Bus-Id", "Disp.A", middle - 2), "Volatile Uncorr. ECC")
            << cells("Fan  Temp   Perf      Pwr:Usage/Cap", fitRight("Memory-Usage", middle - 2), "GPU-Util  Compute M.") << cells("", "", "MIG M.")
            << line('=');
  for (size_t i = 0; i < rows_.size(); ++i) {
    const DeviceRow& r = rows_[i];
    std::cout << cells(spread(fitRight(std::to_string(i), 3) + "  " + r.name, "  " + r.persistence, left - 2), spread(r.bus, r.display, middle - 2), r.ecc)
              << cells(spread("N/A   N/A    N/A", "N/A / " + r.power, left - 2), fitRight(mib(r.used) + " / " + mib(r.total), middle - 2),
                       "N/A    " + fitRight(r.compute, 10))
              << cells("", "", r.mig) << line('-');
  }
  std::cout << "\n" << whole << wide("Processes:") << wide(" GPU        PID   Type   Process name" + fitRight("GPU Memory", left + middle + right - 38))
            << "|" << std::string(left + middle + right + 2, '=') << "|\n";
  bool any = false;
  for (size_t i = 0; i < rows_.size(); ++i)
    for (const Process& p : rows_[i].processes) {
      any = true;
      std::cout << wide(spread(fitRight(std::to_string(i), 4) + fitRight(std::to_string(p.pid), 11) + "      C   " + p.name, "  " + mib(p.bytes),
                               left + middle + right));
    }
  if (!any) std::cout << wide(" No running processes found");
  std::cout << whole;
}

Json Smi::json() const {
  Json j;
  j["driver_version"] = driver_;
  j["cuda_version"] = std::to_string(cuda_ / 1000) + "." + std::to_string(cuda_ % 1000 / 10);
  j["devices"] = Json::array();
  for (const DeviceRow& r : rows_) {
    Json device = {{"name", r.name}, {"uuid", r.uuid}, {"pci_bus_id", r.bus}, {"compute_capability", r.capability}, {"memory_used", r.used},
                   {"memory_total", r.total}, {"processes", Json::array()}};
    for (const Process& p : r.processes) device["processes"].push_back({{"pid", p.pid}, {"name", p.name}, {"memory_used", p.bytes}});
    j["devices"].push_back(device);
  }
  return j;
}

int smi(bool list, bool json) {
  Smi smi;
  if (std::string why = smi.read(); !why.empty()) {
    std::cerr << "anywarp: error: " << why << "\n";
    return failed;
  }
  Json all = smi.json();
  if (json) {
    std::cout << all.dump(2) << "\n";
  } else if (list) {
    int index = 0;
    for (const Json& d : all["devices"])
      std::cout << "GPU " << index++ << ": " << d["name"].get<std::string>() << " (UUID: " << d["uuid"].get<std::string>() << ")\n";
  } else {
    smi.print();
  }
  return success;
}

}  // namespace

void addSmi(CLI::App& app, int& exitCode) {
  struct SmiRequest {
    bool list = false, json = false;
  };
  auto request = std::make_shared<SmiRequest>();
  CLI::App* command = app.add_subcommand("smi", "Show the devices, their memory and the processes that use it");
  command->add_flag("--list-gpus,-L", request->list, "One line for each device");
  command->add_flag("--json", request->json, "JSON instead of a table");
  command->callback([request, &exitCode] { exitCode = smi(request->list, request->json); });
}

}  // namespace anywarp::cli
