// The 64 bits of an mbarrier object in shared memory, which programs do not look into (PTX: mbarrier). SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace anywarp::abi {

// Pending arrivals, arrivals expected in the next phase, transactions (two's complement), a mark that it was initialised, parity of
// the phase. A state is the object as it was before the arrival.
inline constexpr uint64_t mbarrierCountMask = (1 << 20) - 1;
inline constexpr unsigned mbarrierExpectedShift = 20, mbarrierTransactionShift = 40, mbarrierTransactionBits = 22, mbarrierPhaseShift = 63;
inline constexpr uint64_t mbarrierTransactionMask = ((uint64_t(1) << mbarrierTransactionBits) - 1) << mbarrierTransactionShift;
inline constexpr uint64_t mbarrierMark = uint64_t(1) << 62, mbarrierPhase = uint64_t(1) << mbarrierPhaseShift;

}  // namespace anywarp::abi
