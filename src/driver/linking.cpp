// Driver API: Module Management, cuLink*: PTX modules in, one PTX module out, which the loading calls take like a cubin.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/link.h"
#include "compiler/ptx/register_limit.h"

#include "driver/entry.h"
#include "driver/jit_options.h"
#include "driver/objects/library.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct LinkState {
  CUlinkState handle = nullptr;
  std::mutex mutex;
  JitOptions options;
  uint32_t arch = 0;
  std::vector<fatbin::PtxSource> inputs;
  std::string output;
};

using LinkTable = HandleTable<LinkState, CUlinkState, HandleKind::LinkState>;
LinkTable& links() {
  static LinkTable& table = *new LinkTable;
  return table;
}

CUresult fail(LinkState& state, const Error& error, During during) {
  state.options.writeError(error.message);
  return toResult(error, during);
}

CUresult add(LinkState& state, std::span<const uint8_t> bytes, const char* name) {
  Result<fatbin::Program> program = fatbin::readProgram(bytes, state.arch);
  if (!program) return fail(state, program.error(), During::ReadImage);
  for (fatbin::PtxSource& source : program->modules) {
    if (name) source.name = name;
    Result<std::unique_ptr<ptx::Module>> module = ptx::parseModule(source.text, source.name.empty() ? "ptx" : source.name);
    if (!module) return fail(state, module.error(), During::ReadPtx);
    if (Status status = checkVersion(**module); !status) return fail(state, status.error(), During::ReadPtx);
    state.inputs.push_back(std::move(source));
  }
  return CUDA_SUCCESS;
}

CUresult create(const char* name, unsigned count, CUjit_option* options, void** values, CUlinkState* handle) {
  return callInContext(name, [&](Current& current) -> CUresult {
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    auto state = std::make_shared<LinkState>();
    if (CUresult result = state->options.read(count, options, values); result != CUDA_SUCCESS) return result;
    state->arch = current.device().arch();
    *handle = links().add(state);
    return CUDA_SUCCESS;
  });
}

template <class Body>
CUresult withLink(const char* name, CUlinkState handle, Body&& body) {
  return call(name, [&]() -> CUresult {
    std::shared_ptr<LinkState> state = links().find(handle);
    if (!state) return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard lock(state->mutex);
    return body(*state);
  });
}

CUresult checkInput(CUjitInputType type, unsigned count, const CUjit_option* options) {
  if (type > CU_JIT_INPUT_NVVM || (count > 0 && !options)) return CUDA_ERROR_INVALID_VALUE;
  return type == CU_JIT_INPUT_NVVM ? CUDA_ERROR_NOT_SUPPORTED : CUDA_SUCCESS;
}

CUresult addData(const char* name, CUlinkState handle, CUjitInputType type, void* data, size_t size, const char* inputName, unsigned count,
                 CUjit_option* options) {
  return withLink(name, handle, [&](LinkState& state) -> CUresult {
    if (!data || size == 0) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkInput(type, count, options); result != CUDA_SUCCESS) return result;
    return add(state, {static_cast<const uint8_t*>(data), size}, inputName);
  });
}

CUresult addFile(const char* name, CUlinkState handle, CUjitInputType type, const char* path, unsigned count, CUjit_option* options) {
  return withLink(name, handle, [&](LinkState& state) -> CUresult {
    if (!path) return CUDA_ERROR_INVALID_VALUE;
    if (CUresult result = checkInput(type, count, options); result != CUDA_SUCCESS) return result;
    std::vector<uint8_t> bytes;
    if (!readFile(path, bytes)) return CUDA_ERROR_FILE_NOT_FOUND;
    return add(state, bytes, path);
  });
}

}  // namespace

CUresult cuLinkCreate(unsigned count, CUjit_option* options, void** values, CUlinkState* state) { return create(__func__, count, options, values, state); }
CUresult cuLinkCreate_v2(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
  return create(__func__, count, options, values, state);
}

CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void* data, size_t size, const char* name, unsigned count, CUjit_option* options, void**) {
  return addData(__func__, state, type, data, size, name, count, options);
}
CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void* data, size_t size, const char* name, unsigned count, CUjit_option* options,
                          void**) {
  return addData(__func__, state, type, data, size, name, count, options);
}

CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char* path, unsigned count, CUjit_option* options, void**) {
  return addFile(__func__, state, type, path, count, options);
}
CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char* path, unsigned count, CUjit_option* options, void**) {
  return addFile(__func__, state, type, path, count, options);
}

CUresult cuLinkComplete(CUlinkState handle, void** image, size_t* size) {
  return withLink(__func__, handle, [&](LinkState& state) -> CUresult {
    if (!image) return CUDA_ERROR_INVALID_VALUE;
    if (state.inputs.empty()) return CUDA_ERROR_INVALID_IMAGE;
    Result<std::string> text = compiler::linkText(state.inputs);
    if (!text) return fail(state, text.error(), During::ReadPtx);
    state.output = ptx::limitRegisters(std::move(*text), state.options.maxRegisters());
    *image = state.output.data();
    if (size) *size = state.output.size() + 1;
    return CUDA_SUCCESS;
  });
}

CUresult cuLinkDestroy(CUlinkState handle) {
  return call(__func__, [&]() -> CUresult { return links().take(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}
