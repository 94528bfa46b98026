// cuGetExportTable: only our own table; undocumented ones of others are not served. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "abi/cuda.h"
#include "abi/driver_table.h"
#include "device/sched/launch.h"
#include "driver/api_table.h"
#include "support/log.h"
#include "support/version.h"

using namespace anywarp;

namespace {

void apiRow(size_t index, abi::DriverApiRow* row) {
  const driver::ApiEntry& entry = driver::apiTable()[index];
  *row = {entry.base.data(), entry.symbol.data(), entry.version, entry.stream == driver::DefaultStream::PerThread,
          entry.support == driver::Support::Done};
}

const abi::DriverTable table = {
    sizeof(abi::DriverTable),
    &version,
    &sourceRevision,
    [] { return driver::apiTable().size(); },
    &apiRow,
    &device::workerCount,
};

}  // namespace

CUresult cuGetExportTable(const void** out, const CUuuid* id) {
  if (!out || !id) return CUDA_ERROR_INVALID_VALUE;
  *out = nullptr;
  if (std::memcmp(id, &abi::driverTableId, sizeof(CUuuid)) != 0) {
    log::logOnce(log::Level::Warn, "export-tables",
                 "a table was asked for that NVIDIA's driver has for NVIDIA's own libraries; where a CUDA runtime that is linked into a library "
                 "fails now, ANYWARP_CUDART_STATIC=libcudart_static.a (of its release) puts ours in its place");
    return CUDA_ERROR_INVALID_VALUE;
  }
  *out = &table;
  return CUDA_SUCCESS;
}
