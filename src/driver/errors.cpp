// Error kinds and faults -> CUresult. SPDX-License-Identifier: Apache-2.0
#include "driver/errors.h"

#include <fmt/format.h>

#include "driver/error_log.h"
#include "support/log.h"

namespace anywarp::driver {
namespace {

struct Codes {
  CUresult call, image, ptx, launch;
  CUresult of(During during) const {
    switch (during) {
      case During::Call: return call;
      case During::ReadImage: return image;
      case During::ReadPtx: return ptx;
      case During::Launch: return launch;
    }
    return CUDA_ERROR_UNKNOWN;
  }
};

constexpr Codes same(CUresult result) { return {result, result, result, result}; }

Codes codesOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Invalid: return {CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_INVALID_IMAGE, CUDA_ERROR_INVALID_PTX, CUDA_ERROR_INVALID_PTX};
    case ErrorKind::Unsupported: return {CUDA_ERROR_NOT_SUPPORTED, CUDA_ERROR_NOT_SUPPORTED, CUDA_ERROR_UNSUPPORTED_PTX_VERSION, CUDA_ERROR_NOT_SUPPORTED};
    case ErrorKind::NotFound: return {CUDA_ERROR_NOT_FOUND, CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_INVALID_PTX, CUDA_ERROR_NOT_FOUND};
    case ErrorKind::Limit: return {CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_INVALID_IMAGE, CUDA_ERROR_INVALID_PTX, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES};
    case ErrorKind::OutOfMemory: return same(CUDA_ERROR_OUT_OF_MEMORY);
    case ErrorKind::System: return same(CUDA_ERROR_OPERATING_SYSTEM);
  }
  return same(CUDA_ERROR_UNKNOWN);
}

}  // namespace

CUresult toResult(const Error& error, During during) {
  CUresult result = codesOf(error.kind).of(during);
  // A failed argument check is the program's to report, a failed compilation has been; what a load lacked, only we know.
  bool isLoad = during == During::ReadImage || during == During::ReadPtx;
  // What the log writes is kept from there.
  if (!isLoad || !log::enabled(log::Level::Error)) appendToErrorLog(CU_LOG_LEVEL_ERROR, fmt::format("{} ({})", error.message, errorName(result)));
  log::message(isLoad ? log::Level::Error : log::Level::Info, "{} ({})", error.message, errorName(result));
  return result;
}

CUresult toResult(device::FaultKind kind) {
  using device::FaultKind;
  switch (kind) {
    case FaultKind::None: return CUDA_SUCCESS;
    case FaultKind::IllegalAddress: return CUDA_ERROR_ILLEGAL_ADDRESS;
    case FaultKind::MisalignedAddress: return CUDA_ERROR_MISALIGNED_ADDRESS;
    case FaultKind::IllegalInstruction: return CUDA_ERROR_ILLEGAL_INSTRUCTION;
    case FaultKind::InvalidFunction: return CUDA_ERROR_INVALID_PC;
    case FaultKind::Trap: return CUDA_ERROR_LAUNCH_FAILED;
    case FaultKind::Assert: return CUDA_ERROR_ASSERT;
    case FaultKind::StackOverflow: return CUDA_ERROR_HARDWARE_STACK_ERROR;
    case FaultKind::BarrierDeadlock: return CUDA_ERROR_LAUNCH_TIMEOUT;
    case FaultKind::OutOfResources: return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
    case FaultKind::InvalidTexture:
    case FaultKind::InvalidSurface:
    case FaultKind::SurfaceOutOfRange: return CUDA_ERROR_LAUNCH_FAILED;
  }
  return CUDA_ERROR_UNKNOWN;
}

const char* errorName(CUresult result) {
  switch (result) {
#define ANYWARP_CUDA_ERROR(name, value, text) \
  case name: return #name;
#include "abi/cuda_errors.def"
#undef ANYWARP_CUDA_ERROR
  }
  return nullptr;
}

const char* errorText(CUresult result) {
  switch (result) {
#define ANYWARP_CUDA_ERROR(name, value, text) \
  case name: return text;
#include "abi/cuda_errors.def"
#undef ANYWARP_CUDA_ERROR
  }
  return nullptr;
}

}  // namespace anywarp::driver
