// The functions behind LaneOps of one CPU level. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/quick/lanes/rows.h"

namespace anywarp::quick::ANYWARP_QUICK_LEVEL {

OpFn copy(unsigned bytes);
OpFn convert(unsigned to, unsigned from, bool isSigned);
OpFn splatField(unsigned bytes);
OpFn pack(unsigned to, unsigned from);
OpFn unpack(unsigned to, unsigned from);
OpFn pieceLoad(unsigned to, unsigned piece);
OpFn pieceStore(unsigned piece, unsigned from);
OpFn load(unsigned bytes);
OpFn store(unsigned bytes);
OpFn atomic(Atomic op, Lane type);
OpFn loadFragment(unsigned elementBytes);
OpFn storeFragment(unsigned elementBytes);
OpFn mbarrier(Mbarrier op);
OpFn shuffle(Shuffle mode);
OpFn vote(Vote mode);
OpFn match(bool all, unsigned bytes);
OpFn reduce(Reduction op);
OpFn service(Service which);

void copyPredicate(Warp*, const Op*, uint32_t);
void notPredicate(Warp*, const Op*, uint32_t);
void splatSymbol(Warp*, const Op*, uint32_t);
void warpRow(Warp*, const Op*, uint32_t);
void addBase(Warp*, const Op*, uint32_t);
void lookup3(Warp*, const Op*, uint32_t);
void isSpace(Warp*, const Op*, uint32_t);
void loadLimited(Warp*, const Op*, uint32_t);
void loadMatrix(Warp*, const Op*, uint32_t);
void storeMatrix(Warp*, const Op*, uint32_t);
void transposeMatrix(Warp*, const Op*, uint32_t);
void activeMask(Warp*, const Op*, uint32_t);
void elect(Warp*, const Op*, uint32_t);
void fence(Warp*, const Op*, uint32_t);
void texture(Warp*, const Op*, uint32_t);
void textureQuery(Warp*, const Op*, uint32_t);
void surface(Warp*, const Op*, uint32_t);
void barrier(Warp*, const Op*, uint32_t);
void barrierResult(Warp*, const Op*, uint32_t);
void nothing(Warp*, const Op*, uint32_t);

extern const LaneOps table;

}  // namespace anywarp::quick::ANYWARP_QUICK_LEVEL
