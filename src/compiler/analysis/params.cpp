// How parameters lie in memory, and the registers that hold a function's (PTX ISA: ABI). SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "compiler/analysis/flat.h"
#include "support/align.h"

namespace anywarp::analysis {

ParamLayout paramLayout(const ptx::Function& function) {
  ParamLayout layout;
  for (const auto& p : function.params) {
    layout.size = alignUp(layout.size, p.align);
    layout.offsets.push_back(layout.size);
    layout.size += p.size;
  }
  return layout;
}

std::vector<Piece> pieceLayout(const ptx::Variable& param) {
  std::vector<Piece> pieces;
  uint32_t size = uint32_t(param.size);
  uint32_t chunk = uint32_t(std::clamp<uint64_t>(param.align, 1, 8));
  for (uint32_t at = 0; at < size;) {
    uint32_t bytes = chunk;
    while (at + bytes > size) bytes /= 2;
    pieces.push_back({ptx::noReg, at, bytes});
    at += bytes;
  }
  return pieces;
}

bool sameSignature(const std::vector<ptx::Variable>& returnsA, const std::vector<ptx::Variable>& paramsA,
                   const std::vector<ptx::Variable>& returnsB, const std::vector<ptx::Variable>& paramsB) {
  auto same = [](const std::vector<ptx::Variable>& a, const std::vector<ptx::Variable>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ptx::Variable& x, const ptx::Variable& y) {
      return x.size == y.size && std::min<uint64_t>(x.align, 8) == std::min<uint64_t>(y.align, 8);
    });
  };
  return same(returnsA, returnsB) && same(paramsA, paramsB);
}

}  // namespace anywarp::analysis
