// Accumulators of mma that stay in memory in the layout of the host's matrix tiles, from one product to the next.
// docs/decisions/0012-accumulators-in-tiles.md. SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/kernel_state.h"

namespace anywarp::codegen {

using llvm::Value;

// A home is a 16x16 tile of f32, rows of 64 bytes: two 16x8 accumulators side by side, of products that have the same A. Register i of
// the accumulator on side s holds, for i / 2 * 8 rows down, 16 bytes of each of eight rows, at byte 32 * s + 16 * (i % 2).
inline constexpr uint32_t tileHomeBytes = 1024;
inline constexpr unsigned tileRowBytes = 64;

// Chooses the accumulators that gain from it: those that are carried from one product to a later one through loops or barriers.
void findTileHomes(Analyzed& a, const HostTarget& host);

// What code generation puts where it reads and writes such a register; lowerTiles() turns all of them into instructions.
Value* getTilePart(llvm::IRBuilder<>& b, Value* home, unsigned part);
void putTilePart(llvm::IRBuilder<>& b, Value* home, unsigned part, Value* v);
// Chains of products between a get and a put of the same home become tile instructions, the rest plain loads and stores.
void lowerTiles(llvm::Module& module);

// For lowerTiles() and those who emit the tile instructions.
inline constexpr const char* getTileName = "anywarp.tile.get";
inline constexpr const char* putTileName = "anywarp.tile.put";
inline constexpr const char* tileProductName = "anywarp.mma.m16n8k16.f32.bf16.bf16.f32.32s";

}  // namespace anywarp::codegen
