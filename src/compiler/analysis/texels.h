// What texture and surface instructions ask the device for (PTX: Texture Instructions, Surface Instructions).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/texture.h"
#include "compiler/analysis/operands.h"
#include "support/result.h"

namespace anywarp::analysis {

// tex, tld4. `operation` lacks `uniform` and `width`, which are up to the caller.
struct TextureAccess {
  abi::TextureOperation operation;
  const ptx::Operand *texture = nullptr, *sampler = nullptr;  // sampler: nullptr in unified mode
  std::vector<const ptx::Operand*> rows;                      // of 32-bit lanes
};
// The error says what the instruction lacks, or what of it is not supported.
Result<TextureAccess> textureAccess(const Inst& inst, const std::vector<ptx::Register>& registers);

// suld, sust, sured.
struct SurfaceAccess {
  abi::SurfaceOperation operation;
  const ptx::Operand *surface = nullptr, *values = nullptr;
  std::vector<const ptx::Operand*> coordinates;
};
Result<SurfaceAccess> surfaceAccess(const Inst& inst);

// txq, suq, istypep.
abi::TextureQuery textureQuery(const Inst& inst);

// A handle's operand without its coordinates: a symbol, a register or a number.
ptx::Operand handleOf(const ptx::Operand& o);

}  // namespace anywarp::analysis
