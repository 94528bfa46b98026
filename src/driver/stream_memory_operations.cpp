// Driver API: Stream Memory Operations. SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstring>

#include "driver/default_stream.h"
#include "driver/graph_call.h"
#include "driver/memory.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

bool isValue(const CUstreamBatchMemOpParams& operation) {
  CUstreamBatchMemOpType type = operation.operation;
  return isWait(operation) || type == CU_STREAM_MEM_OP_WRITE_VALUE_32 || type == CU_STREAM_MEM_OP_WRITE_VALUE_64;
}

bool isWide(const CUstreamBatchMemOpParams& operation) {
  return operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_64 || operation.operation == CU_STREAM_MEM_OP_WRITE_VALUE_64;
}

// The program may have freed it since: then a wait is over and a write does nothing.
bool isThere(CUdeviceptr address) { return device::Memory::instance().find(pointerOf(address)).has_value(); }

bool holds(uint64_t now, uint64_t wanted, unsigned how, bool wide) {
  switch (how) {
    // Cyclic, as the manual has it.
    case CU_STREAM_WAIT_VALUE_GEQ: return wide ? static_cast<int64_t>(now - wanted) >= 0 : static_cast<int32_t>(now - wanted) >= 0;
    case CU_STREAM_WAIT_VALUE_EQ: return now == wanted;
    case CU_STREAM_WAIT_VALUE_AND: return (now & wanted) != 0;
    case CU_STREAM_WAIT_VALUE_NOR: return (~(now | wanted) & (wide ? ~0ull : 0xffffffffull)) != 0;
  }
  return true;
}

CUresult run(Current& current, const StreamRef& stream, const CUstreamBatchMemOpParams* operations, unsigned count) {
  if (stream.capture) {
    if (stream.implicit) return refuseCapture(stream);
    MemoryOperationWork work;
    work.context = current.context;
    work.operations.assign(operations, operations + count);
    return captureWork(stream, CU_GRAPH_NODE_TYPE_BATCH_MEM_OP, std::move(work));
  }
  for (unsigned i = 0; i < count; ++i) {
    if (isWait(operations[i])) stream->waitUntil(waitCondition(operations[i]));
    else stream->call(writeAction(operations[i]));
  }
  return CUDA_SUCCESS;
}

CUresult submitOperations(const char* name, CUstream handle, const CUstreamBatchMemOpParams* operations, unsigned count, unsigned flags) {
  return callInContext(name, [&](Current& current) -> CUresult {
    if (count == 0 || count > 256 || !operations || flags) return CUDA_ERROR_INVALID_VALUE;
    StreamRef stream = enterStream(current, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    for (unsigned i = 0; i < count; ++i)
      if (CUresult result = checkMemoryOperation(operations[i]); result != CUDA_SUCCESS) return result;
    return run(current, stream, operations, count);
  });
}

CUresult submitOne(const char* name, CUstream handle, CUstreamBatchMemOpType type, CUdeviceptr address, uint64_t value, unsigned flags) {
  CUstreamBatchMemOpParams operation;
  std::memset(&operation, 0, sizeof(operation));
  operation.value.operation = type;
  operation.value.address = address;
  operation.value.value = value;
  operation.value.flags = flags;
  return submitOperations(name, handle, &operation, 1, 0);
}

}  // namespace

bool anywarp::driver::isWait(const CUstreamBatchMemOpParams& operation) {
  return operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_32 || operation.operation == CU_STREAM_MEM_OP_WAIT_VALUE_64;
}

CUresult anywarp::driver::checkMemoryOperation(const CUstreamBatchMemOpParams& operation) {
  switch (operation.operation) {
    case CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES: return operation.barrier.flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    case CU_STREAM_MEM_OP_BARRIER: return operation.barrier.flags > 1 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    default: break;
  }
  if (!isValue(operation)) return CUDA_ERROR_INVALID_VALUE;
  unsigned known = isWait(operation) ? CU_STREAM_WAIT_VALUE_NOR | CU_STREAM_WAIT_VALUE_FLUSH : CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER;
  size_t bytes = isWide(operation) ? 8 : 4;
  if (operation.value.flags & ~known || operation.value.address % bytes) return CUDA_ERROR_INVALID_VALUE;
  return validRange(pointerOf(operation.value.address), bytes, Side::Device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

std::function<bool()> anywarp::driver::waitCondition(const CUstreamBatchMemOpParams& operation) {
  return [value = operation.value, wide = isWide(operation)] {
    if (!isThere(value.address)) return true;
    unsigned how = value.flags & CU_STREAM_WAIT_VALUE_NOR;
    if (wide) return holds(std::atomic_ref(*static_cast<uint64_t*>(pointerOf(value.address))).load(), value.value, how, true);
    return holds(std::atomic_ref(*static_cast<uint32_t*>(pointerOf(value.address))).load(), value.value & 0xffffffff, how, false);
  };
}

std::function<void()> anywarp::driver::writeAction(const CUstreamBatchMemOpParams& operation) {
  if (!isValue(operation)) return [] { std::atomic_thread_fence(std::memory_order_seq_cst); };
  return [value = operation.value, wide = isWide(operation)] {
    if (!isThere(value.address)) return;
    if (wide) std::atomic_ref(*static_cast<uint64_t*>(pointerOf(value.address))).store(value.value);
    else std::atomic_ref(*static_cast<uint32_t*>(pointerOf(value.address))).store(static_cast<uint32_t>(value.value));
  };
}

#define ANYWARP_VALUE_OPERATION(name, type, Value)                                                          \
  CUresult name(CUstream stream, CUdeviceptr address, Value value, unsigned flags) {                         \
    return submitOne(__func__, stream, type, address, value, flags);                                         \
  }                                                                                                         \
  CUresult name##_ptsz(CUstream stream, CUdeviceptr address, Value value, unsigned flags) {                  \
    return submitOne(__func__, orPerThread(stream), type, address, value, flags);                                   \
  }
#define ANYWARP_VALUE_OPERATIONS(name, type, Value) \
  ANYWARP_VALUE_OPERATION(name, type, Value)        \
  ANYWARP_VALUE_OPERATION(name##_v2, type, Value)

ANYWARP_VALUE_OPERATIONS(cuStreamWaitValue32, CU_STREAM_MEM_OP_WAIT_VALUE_32, uint32_t)
ANYWARP_VALUE_OPERATIONS(cuStreamWaitValue64, CU_STREAM_MEM_OP_WAIT_VALUE_64, uint64_t)
ANYWARP_VALUE_OPERATIONS(cuStreamWriteValue32, CU_STREAM_MEM_OP_WRITE_VALUE_32, uint32_t)
ANYWARP_VALUE_OPERATIONS(cuStreamWriteValue64, CU_STREAM_MEM_OP_WRITE_VALUE_64, uint64_t)

#define ANYWARP_BATCH(name, streamOf)                                                                              \
  CUresult name(CUstream stream, unsigned count, CUstreamBatchMemOpParams* operations, unsigned flags) {             \
    return submitOperations(__func__, streamOf(stream), operations, count, flags);                                  \
  }
ANYWARP_BATCH(cuStreamBatchMemOp, )
ANYWARP_BATCH(cuStreamBatchMemOp_ptsz, orPerThread)
ANYWARP_BATCH(cuStreamBatchMemOp_v2, )
ANYWARP_BATCH(cuStreamBatchMemOp_v2_ptsz, orPerThread)
