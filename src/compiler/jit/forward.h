// Values that go through a block's shared memory, where its code is one function. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}

namespace anywarp::jit {

// Reads of what the same code has stored become that value, also where it lies across two stored vectors (a host waits long for
// a load that takes from two stores which have not reached the cache); stores that nothing reads any more go. True: it did something.
bool forwardShared(llvm::Function& function);

}  // namespace anywarp::jit
