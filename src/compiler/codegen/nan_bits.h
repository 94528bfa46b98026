// PTX's NaN is one pattern (0x7fffffff, 0x7fff), the host's are many. They are made PTX's where a program can see the difference: not
// at every operation, but where a result is stored, moved as bits or mixed with values that are not results. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "compiler/analysis/webs.h"
#include "compiler/codegen/pure.h"

namespace anywarp::codegen {

// What a register may hold beside PTX's own NaN.
enum class NanKind : uint8_t {
  None,   // nothing: its bits may be shown as they are
  F32, F16, F16x2,  // NaNs of the host, and no bits that would be spoiled by making them PTX's
};

// By register. Registers that get results alone, directly or through copies, are left as the host makes them; in others every result
// is made PTX's when it is written.
std::vector<NanKind> findHostNans(analysis::Flat& flat, const HostTarget& host);

// The kind of NaN that the host may give as the instruction's result; None: it gives PTX's or none.
NanKind resultNan(const analysis::Inst& inst, const HostTarget& host);
// The instruction takes its operands as numbers: which NaN they are makes no difference.
bool readsNumbers(const analysis::Inst& inst);
// Its result is one of its sources, bit by bit.
bool copiesBits(const analysis::Inst& inst);

llvm::Value* canonicalNan(PureEmitter& e, llvm::Value* v, NanKind kind);

}  // namespace anywarp::codegen
