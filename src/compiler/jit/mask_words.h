// Masks kept in words become vectors where they are used. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace llvm {
class Function;
}  // namespace llvm

namespace anywarp::jit {

// A mask is a word with one bit for each lane. A host without registers for masks wants it as a vector of lanes, all bits of a lane alike; but
// unless such a vector is selected by at once, LLVM takes the word apart bit by bit (three instructions for each lane). Here each use gets
// its own vector, made by a broadcast, an `and` and a comparison, with lanes as wide as that use has them; what is done with
// masks alone is done with their words.
// masksAccesses: the host has loads and stores under masks, of lanes of 32 and 64 bits.
void spreadMaskWords(llvm::Function& function, bool masksAccesses);

}  // namespace anywarp::jit
