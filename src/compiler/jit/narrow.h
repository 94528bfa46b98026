// Arithmetic on bytes and halfwords in lanes of 16 bits. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}  // namespace llvm

namespace anywarp::jit {

// PTX computes with bytes in registers of 32 bits. Where the values of vector code are known to fit, it computes in lanes of 16
// bits, twice as many in a register of the host, and compares bytes as bytes. Results are the same.
void narrowLanes(llvm::Function& function);

}  // namespace anywarp::jit
