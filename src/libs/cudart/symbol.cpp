// Device variables named by their host shadows: addresses, sizes, copies. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/context.h"
#include "libs/cudart/copy.h"
#include "libs/cudart/registry.h"

namespace anywarp::cudart {
namespace {

// The part [offset, offset + count) of a variable.
cudaError_t range(const void* symbol, size_t count, size_t offset, void** address) {
  CUdeviceptr base = 0;
  size_t size = 0;
  if (cudaError_t error = resolveSymbol(symbol, &base, &size); error != cudaSuccess) return error;
  if (offset > size || count > size - offset) return cudaErrorInvalidValue;
  *address = reinterpret_cast<void*>(base + offset);
  return cudaSuccess;
}

template <class Copy>
cudaError_t toSymbol(const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind, Copy&& copy) {
  return inContext([&]() -> cudaError_t {
    void* address = nullptr;
    if (kind != cudaMemcpyHostToDevice && kind != cudaMemcpyDeviceToDevice && kind != cudaMemcpyDefault)
      return cudaErrorInvalidMemcpyDirection;
    if (cudaError_t error = range(symbol, count, offset, &address); error != cudaSuccess) return error;
    return copy(address);
  });
}

template <class Copy>
cudaError_t fromSymbol(const void* symbol, size_t count, size_t offset, cudaMemcpyKind kind, Copy&& copy) {
  return inContext([&]() -> cudaError_t {
    void* address = nullptr;
    if (kind != cudaMemcpyDeviceToHost && kind != cudaMemcpyDeviceToDevice && kind != cudaMemcpyDefault)
      return cudaErrorInvalidMemcpyDirection;
    if (cudaError_t error = range(symbol, count, offset, &address); error != cudaSuccess) return error;
    return copy(address);
  });
}

}  // namespace

ANYWARP_RUNTIME cudaError_t cudaGetSymbolAddress(void** pointer, const void* symbol) {
  return inContext([&]() -> cudaError_t {
    if (!pointer) return cudaErrorInvalidValue;
    return range(symbol, 0, 0, pointer);
  });
}

ANYWARP_RUNTIME cudaError_t cudaGetSymbolSize(size_t* size, const void* symbol) {
  return inContext([&]() -> cudaError_t {
    CUdeviceptr address = 0;
    return size ? resolveSymbol(symbol, &address, size) : cudaErrorInvalidValue;
  });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyToSymbol(const void* symbol, const void* source, size_t count, size_t offset,
                                               cudaMemcpyKind kind) {
  return toSymbol(symbol, count, offset, kind,
                  [&](void* target) { return copyLinear(target, source, count, kind, DefaultStream::Legacy); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyToSymbol_ptds(const void* symbol, const void* source, size_t count, size_t offset,
                                                    cudaMemcpyKind kind) {
  return toSymbol(symbol, count, offset, kind,
                  [&](void* target) { return copyLinear(target, source, count, kind, DefaultStream::PerThread); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyToSymbolAsync(const void* symbol, const void* source, size_t count, size_t offset,
                                                    cudaMemcpyKind kind, cudaStream_t stream) {
  return toSymbol(symbol, count, offset, kind,
                  [&](void* target) { return copyLinearAsync(target, source, count, kind, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyToSymbolAsync_ptsz(const void* symbol, const void* source, size_t count,
                                                         size_t offset, cudaMemcpyKind kind, cudaStream_t stream) {
  return cudaMemcpyToSymbolAsync(symbol, source, count, offset, kind, perThread(stream));
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyFromSymbol(void* target, const void* symbol, size_t count, size_t offset,
                                                 cudaMemcpyKind kind) {
  return fromSymbol(symbol, count, offset, kind,
                    [&](void* source) { return copyLinear(target, source, count, kind, DefaultStream::Legacy); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyFromSymbol_ptds(void* target, const void* symbol, size_t count, size_t offset,
                                                      cudaMemcpyKind kind) {
  return fromSymbol(symbol, count, offset, kind,
                    [&](void* source) { return copyLinear(target, source, count, kind, DefaultStream::PerThread); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyFromSymbolAsync(void* target, const void* symbol, size_t count, size_t offset,
                                                      cudaMemcpyKind kind, cudaStream_t stream) {
  return fromSymbol(symbol, count, offset, kind,
                    [&](void* source) { return copyLinearAsync(target, source, count, kind, stream); });
}

ANYWARP_RUNTIME cudaError_t cudaMemcpyFromSymbolAsync_ptsz(void* target, const void* symbol, size_t count, size_t offset,
                                                           cudaMemcpyKind kind, cudaStream_t stream) {
  return cudaMemcpyFromSymbolAsync(target, symbol, count, offset, kind, perThread(stream));
}

}  // namespace anywarp::cudart
