// Which default stream a call means. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/cuda.h"

namespace anywarp::driver {

// What the null stream is, and what it is in calls whose names end in _ptds and _ptsz (CUDA Driver API: Stream synchronization behavior).
inline const CUstream legacy = CU_STREAM_LEGACY;
inline const CUstream perThread = CU_STREAM_PER_THREAD;
inline CUstream orPerThread(CUstream stream) { return stream ? stream : perThread; }

}  // namespace anywarp::driver
