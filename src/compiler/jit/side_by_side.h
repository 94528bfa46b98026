// Warps whose computation is one chain run side by side. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}  // namespace llvm

namespace anywarp::jit {

// A region is a loop over the warps of a block. Where its body is a straight line with a long chain of floating-point operations, each of
// which waits for the one before (the sum of a matrix product), the host's units idle. Two or four warps at a time, instruction by
// instruction, are as many chains. No order between warps is lost: none is promised from barrier to barrier. Where one of them would
// report an error, none has stored anything yet, and they run one after another as before. A fault names the first of them.
void runSideBySide(llvm::Function& function, unsigned vectorBits);

}  // namespace anywarp::jit
