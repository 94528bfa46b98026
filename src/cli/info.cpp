// anywarp info: devices, CPU, cache, versions; tables of what is supported. SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "abi/cuda.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/text.h"
#include "compiler/object/cache.h"
#include "support/host_cpu.h"
#include "support/version.h"

namespace anywarp::cli {
namespace {

using Json = nlohmann::ordered_json;

// The driver, asked through its public interface like any program would.
class DriverLibrary {
 public:
  DriverLibrary() : library_(dlopen((libraryFolder() + "/libcuda.so.1").c_str(), RTLD_NOW | RTLD_LOCAL)) {}

  explicit operator bool() const { return library_ != nullptr; }

  template <class Function, class... Arguments>
  CUresult call(const char* name, Arguments... arguments) const {
    auto* function = reinterpret_cast<Function*>(dlsym(library_, name));
    return function ? function(arguments...) : CUDA_ERROR_NOT_FOUND;
  }

 private:
  void* library_;
};

#define CALL(library, name, ...) (library).call<decltype(::name)>(#name __VA_OPT__(, ) __VA_ARGS__)

int attribute(const DriverLibrary& driver, CUdevice_attribute id, CUdevice device) {
  int value = 0;
  CALL(driver, cuDeviceGetAttribute, &value, id, device);
  return value;
}

Json describeDevice(const DriverLibrary& driver, CUdevice device) {
  char name[256] = "";
  size_t memory = 0;
  CALL(driver, cuDeviceGetName, name, 256, device);
  CALL(driver, cuDeviceTotalMem_v2, &memory, device);
  Json j;
  j["name"] = name;
  j["compute_capability"] = std::to_string(attribute(driver, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device)) + "." +
                            std::to_string(attribute(driver, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device));
  j["multiprocessors"] = attribute(driver, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
  j["memory"] = memory;
  return j;
}

Json describeDriver() {
  Json j;
  DriverLibrary driver;
  if (!driver) {
    j["error"] = dlerror();
    return j;
  }
  int version = 0, count = 0;
  CALL(driver, cuDriverGetVersion, &version);
  j["cuda_version"] = version;
  if (CUresult result = CALL(driver, cuInit, 0u); result != CUDA_SUCCESS) {
    const char* text = "?";
    CALL(driver, cuGetErrorString, result, &text);
    j["error"] = text;
    return j;
  }
  CALL(driver, cuDeviceGetCount, &count);
  j["devices"] = Json::array();
  for (int i = 0; i < count; ++i) j["devices"].push_back(describeDevice(driver, i));
  return j;
}

Json describeAll() {
  Json j;
  j["version"] = version();
  j["driver"] = describeDriver();
  const HostCpu& cpu = hostCpu();
  j["cpu"] = {{"model", cpu.model}, {"llvm_name", cpu.name}, {"features", cpu.features}};
  object::CacheStats cache = object::cacheStats();
  j["cache"] = {{"folder", cache.directory}, {"entries", cache.entries}, {"bytes", cache.bytes}, {"max_bytes", cache.maxBytes}};
  j["libraries"] = libraryFolder();
  return j;
}

// The features that are present, without those that are not.
std::string presentFeatures(const std::string& all) {
  std::string out;
  for (size_t at = 0; at < all.size();) {
    size_t end = std::min(all.find(',', at), all.size());
    if (all[at] == '+') out += (out.empty() ? "" : " ") + all.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  return out;
}

void printDriver(const Json& driver) {
  if (driver.contains("error")) std::cout << "driver     error: " << driver["error"].get<std::string>() << "\n";
  if (!driver.contains("devices")) return;
  int version = driver["cuda_version"];
  std::cout << "driver     CUDA " << version / 1000 << "." << version % 1000 / 10 << "\n";
  int index = 0;
  for (const Json& d : driver["devices"])
    std::cout << "device " << index++ << "   " << d["name"].get<std::string>() << ", compute capability "
              << d["compute_capability"].get<std::string>() << ", " << d["multiprocessors"] << " multiprocessors, "
              << bytes(d["memory"]) << "\n";
}

void print(const Json& j) {
  std::cout << "anywarp    " << j["version"].get<std::string>() << "\n";
  printDriver(j["driver"]);
  const Json& cpu = j["cpu"];
  std::cout << "CPU        " << cpu["model"].get<std::string>() << " (" << cpu["llvm_name"].get<std::string>() << ")\n"
            << "features   " << presentFeatures(cpu["features"]) << "\n";
  const Json& cache = j["cache"];
  std::string folder = cache["folder"];
  if (folder.empty())
    std::cout << "cache      off\n";
  else
    std::cout << "cache      " << folder << ": " << cache["entries"] << " entries, " << bytes(cache["bytes"]) << " of at most "
              << bytes(cache["max_bytes"]) << "\n";
  std::cout << "libraries  " << j["libraries"].get<std::string>() << "\n";
}

struct InfoRequest {
  bool api = false, ptx = false, json = false;
};

void info(const InfoRequest& request) {
  if (request.api) return request.json ? void(std::cout << apiJson().dump(2) << "\n") : printApi();
  if (request.ptx) return request.json ? void(std::cout << ptxJson().dump(2) << "\n") : printPtx();
  Json all = describeAll();
  request.json ? void(std::cout << all.dump(2) << "\n") : print(all);
}

}  // namespace

void addInfo(CLI::App& app, int& exitCode) {
  auto request = std::make_shared<InfoRequest>();
  CLI::App* command = app.add_subcommand("info", "Show devices, CPU, cache, versions, and what is supported");
  command->add_flag("--api", request->api, "Every function of the driver and the runtime API, implemented or not");
  command->add_flag("--ptx", request->ptx, "Every PTX instruction form, compiled or not");
  command->add_flag("--json", request->json, "JSON instead of text");
  command->callback([request, &exitCode] {
    info(*request);
    exitCode = success;
  });
}

}  // namespace anywarp::cli
