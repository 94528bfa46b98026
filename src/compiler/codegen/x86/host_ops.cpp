// x86 instructions that LLVM's IR has no words for: embedded rounding, estimates, classification.
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/x86/host_ops.h"

#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/IntrinsicsX86.h>

namespace anywarp::codegen::x86 {

namespace intrinsic = llvm::Intrinsic;
using llvm::FixedVectorType;

namespace {

bool isFloat(Value* v) { return v->getType()->getScalarType()->isFloatTy(); }
constexpr unsigned currentRounding = 4;

Value* zeros(llvm::Type* element, unsigned lanes) { return llvm::Constant::getNullValue(FixedVectorType::get(element, lanes)); }

}  // namespace

unsigned embeddedRounding(Rounding rounding) {
  constexpr unsigned codes[] = {0, 3, 1, 2};
  return codes[int(rounding)] | 8;
}

Value* multiplyAddPairs(PureEmitter& e, Value* a, Value* b) {
  struct {
    bool present;
    unsigned lanes;
    intrinsic::ID id;
  } const levels[] = {{e.host.avx512bw, 32, intrinsic::x86_avx512_pmaddw_d_512},
                      {e.host.avx2, 16, intrinsic::x86_avx2_pmadd_wd},
                      {true, 8, intrinsic::x86_sse2_pmadd_wd}};
  for (const auto& level : levels) {
    if (!level.present) continue;
    llvm::SmallVector<Value*, 8> parts;
    for (unsigned from = 0; from < laneCount(a); from += level.lanes) {
      llvm::SmallVector<int, 32> lanes;
      for (unsigned i = 0; i < level.lanes; ++i) lanes.push_back(int(from + i));
      parts.push_back(call(e, level.id, {}, {e.b.CreateShuffleVector(a, lanes), e.b.CreateShuffleVector(b, lanes)}));
    }
    return parts.size() == 1 ? parts[0] : llvm::concatenateVectors(e.b, parts);
  }
  return nullptr;
}

Value* firstActive(PureEmitter& e, Value* lanes, Value* mask) {
  auto* type = llvm::cast<FixedVectorType>(lanes->getType());
  unsigned bits = type->getScalarSizeInBits(), width = bits * type->getNumElements();
  bool fits = (width == 512 || (e.host.avx512vl && (width == 256 || width == 128))) && (bits == 32 || bits == 64);
  if (!e.host.avx512f || !fits) return nullptr;
  Value* packed = call(e, intrinsic::x86_avx512_mask_compress, {type}, {lanes, llvm::Constant::getNullValue(type), mask});
  return e.b.CreateExtractElement(packed, uint64_t(0));
}

Value* shuffleBytes(PureEmitter& e, Value* bytes, Value* index) {
  struct {
    bool present;
    unsigned lanes;
    intrinsic::ID id;
  } const levels[] = {{e.host.avx512bw, 64, intrinsic::x86_avx512_pshuf_b_512},
                      {e.host.avx2, 32, intrinsic::x86_avx2_pshuf_b},
                      {e.host.sse41, 16, intrinsic::x86_ssse3_pshuf_b_128}};
  for (const auto& level : levels) {
    if (!level.present || laneCount(bytes) % level.lanes) continue;
    return inGroups(e, level.lanes, {bytes, index}, [&](Args group) { return call(e, level.id, {}, {group[0], group[1]}); });
  }
  return nullptr;
}

Value* narrowDouble(PureEmitter& e, Value* v, Rounding rounding) {
  return inGroups(e, 8, {v}, [&](Args group) {
    return call(e, intrinsic::x86_avx512_mask_cvtpd2ps_512, {},
                {group[0], zeros(e.b.getFloatTy(), 8), e.b.getInt8(0xff), e.b.getInt32(embeddedRounding(rounding))});
  });
}

Value* fromInteger(PureEmitter& e, Value* v, llvm::Type* element, bool isSigned, Rounding rounding) {
  unsigned lanes = bitsOf(v) == 32 ? 16 : 8;
  return inGroups(e, lanes, {v}, [&](Args group) {
    return call(e, isSigned ? intrinsic::x86_avx512_sitofp_round : intrinsic::x86_avx512_uitofp_round,
                {FixedVectorType::get(element, lanes), group[0]->getType()},
                {group[0], e.b.getInt32(embeddedRounding(rounding))});
  });
}

Value* rsqrt14(PureEmitter& e, Value* v) {
  return inGroups(e, 16, {v}, [&](Args group) {
    return call(e, intrinsic::x86_avx512_rsqrt14_ps_512, {}, {group[0], zeros(e.b.getFloatTy(), 16), e.b.getInt16(0xffff)});
  });
}

Value* rcp14(PureEmitter& e, Value* v) {
  return inGroups(e, 16, {v}, [&](Args group) {
    return call(e, intrinsic::x86_avx512_rcp14_ps_512, {}, {group[0], zeros(e.b.getFloatTy(), 16), e.b.getInt16(0xffff)});
  });
}

Value* scale(PureEmitter& e, Value* v, Value* exponent) {
  return inGroups(e, 16, {v, exponent}, [&](Args group) {
    return call(e, intrinsic::x86_avx512_mask_scalef_ps_512, {},
                {group[0], group[1], zeros(e.b.getFloatTy(), 16), e.b.getInt16(0xffff), e.b.getInt32(currentRounding)});
  });
}

Value* isSubnormal(PureEmitter& e, Value* v) {
  return inGroups(e, 16, {v}, [&](Args group) {
    return call(e, intrinsic::x86_avx512_fpclass_ps_512, {}, {group[0], e.b.getInt32(0x20)});
  });
}

Value* minMaxNumber(PureEmitter& e, bool max, Value* a, Value* b) {
  bool single = isFloat(a);
  unsigned lanes = single ? 16 : 8;
  Value* control = e.b.getInt32(4 | (max ? 1 : 0));  // sign of the comparison's result
  return inGroups(e, lanes, {a, b}, [&](Args group) {
    Value* mask = single ? static_cast<Value*>(e.b.getInt16(0xffff)) : e.b.getInt8(0xff);
    return call(e, single ? intrinsic::x86_avx512_mask_range_ps_512 : intrinsic::x86_avx512_mask_range_pd_512, {},
                {group[0], group[1], control, zeros(a->getType()->getScalarType(), lanes), mask, e.b.getInt32(currentRounding)});
  });
}

}  // namespace anywarp::codegen::x86
