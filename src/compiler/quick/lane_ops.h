// Operations on rows that are written by hand, compiled for each CPU level. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "compiler/quick/program.h"

namespace anywarp::quick {

// None: a processor older than x86-64-v3; it has no quick tier. Generic: any of another architecture.
enum class Level : uint8_t { None, Generic, V3, V4 };

// The best level that this processor has.
Level hostLevel();

enum class Atomic : uint8_t { Add, Min, Max, And, Or, Xor, Exchange, Increment, Decrement, CompareAndSwap, Prebuilt };
enum class Lane : uint8_t { U8, U16, U32, U64, S32, S64, F32, F64 };
enum class Shuffle : uint8_t { Up, Down, Butterfly, Index };
enum class Vote : uint8_t { All, Any, Uniform, Ballot };
enum class Reduction : uint8_t { Add, MinSigned, MinUnsigned, MaxSigned, MaxUnsigned, And, Or, Xor };
// What a field of a structure is read from.
enum class Source : uint8_t { Block, Launch, Params, Symbols };
enum class Base : uint8_t { Shared, Param, Local, Variable };
enum class Mbarrier : uint8_t { Init, Invalidate, TestState, TestParity, Update };
// What an update of an mbarrier does, as bits.
enum MbarrierUpdate : uint8_t { mbarrierArrives = 1, mbarrierDrops = 2, mbarrierExpects = 4, mbarrierCompletes = 8 };
enum class Service : uint8_t { Clock, ClockHigh, Clock64, GlobaltimerLow, GlobaltimerHigh, Globaltimer, Printf, Assert, Malloc, Free, Trap, Nanosleep, BarrierArrive };

// The functions of one level. Operands: destination first, unless said otherwise.
struct LaneOps {
  OpFn (*copy)(unsigned bytes);                                        // d, s
  OpFn (*convert)(unsigned to, unsigned from, bool isSigned);          // d, s: cut, or extended
  OpFn copyPredicate, notPredicate;                                    // d, s
  OpFn (*splatField)(unsigned bytes);                                  // d; which: Source; immediate: offset
  OpFn splatSymbol;                                                    // d; symbol, immediate: added
  OpFn warpRow;                                                        // d; immediate: offset of the first warp's constant row
  OpFn addBase;                                                        // d, s; which: Base; taken off where it `subtracts`
  OpFn lookup3;                                                        // d, a, b, c; immediate: table
  OpFn (*pack)(unsigned to, unsigned from);                            // d, parts
  OpFn (*unpack)(unsigned to, unsigned from);                          // s, parts (`count` of them)
  OpFn (*pieceLoad)(unsigned to, unsigned piece);                      // d, s; immediate: shift
  OpFn (*pieceStore)(unsigned piece, unsigned from);                   // d, s; immediate: shift
  OpFn isSpace;                                                        // d, a, predicate that is or-ed or noOperand; which: Base; symbol; immediate: bytes of params or variable
  OpFn (*load)(unsigned bytes);                                        // address, elements
  OpFn (*store)(unsigned bytes);                                       // address, elements
  OpFn loadLimited;                                                    // address, words (`count`), bytes that are there: others are 0; which 1: none
                                                                       // where that predicate holds
  OpFn loadMatrix, storeMatrix;                                        // address, registers (`count`); which: transposed
  OpFn transposeMatrix;                                                // d, s
  OpFn (*loadFragment)(unsigned elementBytes);                         // address, stride or noOperand, registers; places
  OpFn (*storeFragment)(unsigned elementBytes);
  OpFn (*atomic)(Atomic op, Lane type);                                // address, d or noOperand, value, (new value); Prebuilt: by the pure
                                                                       // operation behind this one (new value, old value, value), lane by lane
  OpFn (*mbarrier)(Mbarrier op);                                       // Init: address, count; tests: address, predicate, state or parity;
                                                                       // Update: address, d or noOperand, amount or noOperand; which: MbarrierUpdate
  OpFn (*shuffle)(Shuffle mode);                                       // d, predicate or noOperand, a, b, c
  OpFn (*vote)(Vote mode);                                             // d, predicate, members or noOperand
  OpFn (*match)(bool all, unsigned bytes);                             // any: d, a, members; all: d, predicate, a, members
  OpFn (*reduce)(Reduction op);                                        // d, a, members
  OpFn activeMask;                                                     // d
  OpFn elect;                                                          // d, predicate, members
  OpFn fence;                                                          // immediate: 1 acquire and release, 2 sequentially consistent
  OpFn (*service)(Service which);
  OpFn texture;                                                        // four rows of texels, textures, samplers or noOperand, rows; immediate: operation
  OpFn textureQuery;                                                   // d, handles, levels or noOperand; immediate: query; which 1: d is a predicate
  OpFn surface;                                                        // rows of data, surfaces, rows of coordinates; immediate: operation
  OpFn barrier;                                                        // number, threads or noOperand, predicate or noOperand; which: reduction
  OpFn barrierResult;                                                  // d, number; which: bytes of d, 0 for a predicate
  OpFn nothing;
};
const LaneOps& laneOps(Level level);  // not of None

// The prebuilt function for an instruction; nullptr where there is none.
OpFn findHandler(Level level, std::string_view key);

}  // namespace anywarp::quick
