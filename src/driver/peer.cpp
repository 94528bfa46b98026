// Driver API: Peer Context Memory Access. SPDX-License-Identifier: Apache-2.0
#include <mutex>
#include <set>

#include "driver/entry.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

// Pairs (id of a context, peer) with access enabled. All memory is reachable anyway; programs are told what they asked for.
struct Peers {
  std::mutex mutex;
  std::set<std::pair<uint64_t, CUcontext>> pairs;
};

Peers& peers() {
  static Peers& peers = *new Peers;
  return peers;
}

}  // namespace

CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
  return call(__func__, [&]() -> CUresult {
    if (!can) return CUDA_ERROR_INVALID_VALUE;
    if (!visibleDevice(device) || !visibleDevice(peer)) return CUDA_ERROR_INVALID_DEVICE;
    *can = device != peer;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    std::shared_ptr<Context> other = contexts().find(peer);
    if (!other || other == current.context) return CUDA_ERROR_INVALID_CONTEXT;
    if (flags) return CUDA_ERROR_INVALID_VALUE;
    if (&other->device == &current.device()) return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    std::lock_guard lock(peers().mutex);
    return peers().pairs.emplace(current.impl->id(), peer).second ? CUDA_SUCCESS : CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
  });
}

CUresult cuCtxDisablePeerAccess(CUcontext peer) {
  return callInContext(__func__, [&](Current& current) -> CUresult {
    if (!contexts().find(peer)) return CUDA_ERROR_INVALID_CONTEXT;
    std::lock_guard lock(peers().mutex);
    return peers().pairs.erase({current.impl->id(), peer}) ? CUDA_SUCCESS : CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
  });
}

CUresult cuDeviceGetP2PAttribute(int* value, CUdevice_P2PAttribute attribute, CUdevice source, CUdevice target) {
  return call(__func__, [&]() -> CUresult {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    if (!visibleDevice(source) || !visibleDevice(target) || source == target) return CUDA_ERROR_INVALID_DEVICE;
    switch (attribute) {
      case CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK: *value = 0; return CUDA_SUCCESS;
      case CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED:
      case CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED: *value = 1; return CUDA_SUCCESS;
      case CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED:
      case CU_DEVICE_P2P_ATTRIBUTE_ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED: *value = 0; return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}
