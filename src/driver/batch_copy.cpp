// Driver API: Memory Management, batches of copies. SPDX-License-Identifier: Apache-2.0
// The copies of a batch have no order among themselves; here they happen one after the other. All are checked before the first is
// submitted.
#include "abi/cuda_memory.h"
#include "driver/default_stream.h"
#include "driver/entry.h"
#include "driver/memory.h"
#include "driver/objects/capture.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

bool validOrder(CUmemcpySrcAccessOrder order) { return order >= CU_MEMCPY_SRC_ACCESS_ORDER_STREAM && order <= CU_MEMCPY_SRC_ACCESS_ORDER_ANY; }

// Which copy of a batch is at fault, for the older functions that say so. SIZE_MAX: the call as a whole.
class Failure {
 public:
  explicit Failure(size_t* out) : out_(out) { at(SIZE_MAX); }
  CUresult at(size_t index, CUresult result = CUDA_ERROR_INVALID_VALUE) {
    if (out_) *out_ = index;
    return result;
  }

 private:
  size_t* const out_;
};

// Batches take no stream of the legacy kind: there everything waits for everything.
CUresult batchStream(Current& current, CUstream handle, StreamRef& stream) {
  if (!handle || handle == CU_STREAM_LEGACY) return CUDA_ERROR_INVALID_VALUE;
  stream = enterStream(current, handle);
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
  return stream.capture ? refuseCapture(stream) : CUDA_SUCCESS;
}

CUresult submitAll(Current& current, const StreamRef& stream, const std::vector<device::Copy>& copies, const std::vector<bool>& duringCall) {
  bool waits = false;
  for (size_t i = 0; i < copies.size(); ++i) {
    if (CUresult result = submit(current, stream, copies[i], Ordering::Async); result != CUDA_SUCCESS) return result;
    waits = waits || duringCall[i];
  }
  if (waits) stream->synchronize();  // the program may change the source as soon as this returns
  return CUDA_SUCCESS;
}

// Attribute `a` is that of the copies from starts[a] up to starts[a + 1].
bool validAttributes(const CUmemcpyAttributes* attributes, const size_t* starts, size_t count, size_t copies) {
  if (!attributes || !starts || count == 0 || count > copies || starts[0] != 0) return false;
  for (size_t a = 0; a < count; ++a) {
    if (!validOrder(attributes[a].srcAccessOrder) || attributes[a].flags > 1) return false;
    if (starts[a] >= copies || (a > 0 && starts[a] <= starts[a - 1])) return false;
  }
  return true;
}

CUresult copyBatch(const char* name, CUdeviceptr* targets, CUdeviceptr* sources, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts,
                   size_t attributeCount, size_t* failed, CUstream handle) {
  return callInContext(name, [&](Current& current) -> CUresult {
    Failure failure(failed);
    if (!targets || !sources || !sizes || count == 0 || !validAttributes(attributes, starts, attributeCount, count)) return CUDA_ERROR_INVALID_VALUE;
    StreamRef stream;
    if (CUresult result = batchStream(current, handle, stream); result != CUDA_SUCCESS) return result;
    std::vector<device::Copy> copies;
    std::vector<bool> duringCall;
    size_t attribute = 0;
    for (size_t i = 0; i < count; ++i) {
      if (sizes[i] == 0 || !validRange(pointerOf(targets[i]), sizes[i], Side::Any) || !validRange(pointerOf(sources[i]), sizes[i], Side::Any)) return failure.at(i);
      if (attribute + 1 < attributeCount && starts[attribute + 1] == i) ++attribute;
      copies.push_back(device::Copy::flat(pointerOf(targets[i]), pointerOf(sources[i]), sizes[i]));
      duringCall.push_back(attributes[attribute].srcAccessOrder == CU_MEMCPY_SRC_ACCESS_ORDER_DURING_API_CALL);
    }
    return submitAll(current, stream, copies, duringCall);
  });
}

// Operands count in elements where an array is one of the two, else in bytes.
size_t elementBytes(const CUDA_MEMCPY3D_BATCH_OP& operation) {
  for (const CUmemcpy3DOperand* operand : {&operation.src, &operation.dst})
    if (operand->type == CU_MEMCPY_OPERAND_TYPE_ARRAY)
      if (std::shared_ptr<Array> array = arrays().find(operand->op.array.array)) return array->elementBytes;
  return 1;
}

CUresult placeOf(const CUmemcpy3DOperand& operand, size_t element, Place& place) {
  place = {};
  if (operand.type == CU_MEMCPY_OPERAND_TYPE_ARRAY) {
    const auto& a = operand.op.array;
    if (a.offset.x > SIZE_MAX / element) return CUDA_ERROR_INVALID_VALUE;
    place = {CU_MEMORYTYPE_ARRAY, nullptr, 0, a.array, a.offset.x * element, a.offset.y, a.offset.z, 0, 0};
    return CUDA_SUCCESS;
  }
  if (operand.type != CU_MEMCPY_OPERAND_TYPE_POINTER || operand.op.ptr.rowLength > SIZE_MAX / element) return CUDA_ERROR_INVALID_VALUE;
  place = {CU_MEMORYTYPE_UNIFIED, nullptr, operand.op.ptr.ptr, nullptr, 0, 0, 0, operand.op.ptr.rowLength * element, operand.op.ptr.layerHeight};
  return CUDA_SUCCESS;
}

CUresult makeCopy(const CUDA_MEMCPY3D_BATCH_OP& operation, device::Copy& copy) {
  size_t element = elementBytes(operation);
  const CUextent3D& e = operation.extent;
  if (!validOrder(operation.srcAccessOrder) || operation.flags > 1 || e.width == 0 || e.height == 0 || e.depth == 0 || e.width > SIZE_MAX / element)
    return CUDA_ERROR_INVALID_VALUE;
  Place target, source;
  if (CUresult result = placeOf(operation.dst, element, target); result != CUDA_SUCCESS) return result;
  if (CUresult result = placeOf(operation.src, element, source); result != CUDA_SUCCESS) return result;
  return driver::makeCopy(target, source, e.width * element, e.height, e.depth, copy);
}

CUresult copyBatch3D(const char* name, size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags, CUstream handle) {
  return callInContext(name, [&](Current& current) -> CUresult {
    Failure failure(failed);
    if (!operations || count == 0 || flags) return CUDA_ERROR_INVALID_VALUE;
    StreamRef stream;
    if (CUresult result = batchStream(current, handle, stream); result != CUDA_SUCCESS) return result;
    std::vector<device::Copy> copies(count);
    std::vector<bool> duringCall;
    for (size_t i = 0; i < count; ++i) {
      if (CUresult result = ::makeCopy(operations[i], copies[i]); result != CUDA_SUCCESS) return failure.at(i, result);
      duringCall.push_back(operations[i].srcAccessOrder == CU_MEMCPY_SRC_ACCESS_ORDER_DURING_API_CALL);
    }
    return submitAll(current, stream, copies, duringCall);
  });
}

}  // namespace

CUresult cuMemcpyBatchAsync(CUdeviceptr* to, CUdeviceptr* from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts, size_t number,
                            size_t* failed, CUstream stream) {
  return copyBatch(__func__, to, from, sizes, count, attributes, starts, number, failed, stream);
}
CUresult cuMemcpyBatchAsync_ptsz(CUdeviceptr* to, CUdeviceptr* from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts,
                                 size_t number, size_t* failed, CUstream stream) {
  return copyBatch(__func__, to, from, sizes, count, attributes, starts, number, failed, orPerThread(stream));
}
CUresult cuMemcpyBatchAsync_v2(CUdeviceptr* to, CUdeviceptr* from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts, size_t number,
                               CUstream stream) {
  return copyBatch(__func__, to, from, sizes, count, attributes, starts, number, nullptr, stream);
}
CUresult cuMemcpyBatchAsync_v2_ptsz(CUdeviceptr* to, CUdeviceptr* from, size_t* sizes, size_t count, CUmemcpyAttributes* attributes, size_t* starts,
                                    size_t number, CUstream stream) {
  return copyBatch(__func__, to, from, sizes, count, attributes, starts, number, nullptr, orPerThread(stream));
}

CUresult cuMemcpy3DBatchAsync(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags, CUstream stream) {
  return copyBatch3D(__func__, count, operations, failed, flags, stream);
}
CUresult cuMemcpy3DBatchAsync_ptsz(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, size_t* failed, unsigned long long flags, CUstream stream) {
  return copyBatch3D(__func__, count, operations, failed, flags, orPerThread(stream));
}
CUresult cuMemcpy3DBatchAsync_v2(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, unsigned long long flags, CUstream stream) {
  return copyBatch3D(__func__, count, operations, nullptr, flags, stream);
}
CUresult cuMemcpy3DBatchAsync_v2_ptsz(size_t count, CUDA_MEMCPY3D_BATCH_OP* operations, unsigned long long flags, CUstream stream) {
  return copyBatch3D(__func__, count, operations, nullptr, flags, orPerThread(stream));
}
