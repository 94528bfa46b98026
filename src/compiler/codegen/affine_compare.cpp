// One comparison of bytes in place of one for each register of wide lanes. SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/affine_compare.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include <cstdlib>

namespace anywarp::codegen {

bool strideFitsBytes(int64_t stride, unsigned width) {
  // Distances are limited to [-128, 127], beyond what any lane has.
  return stride != 0 && std::abs(stride) < 127 && std::abs(stride) * (width - 1) < 127;
}

Value* compareAffine(PureEmitter& e, const ptx::Instruction& inst, ptx::Type type, unsigned width, Value* base, int64_t stride, Value* other,
                     bool affineFirst) {
  llvm::IRBuilder<>& b = e.b;
  llvm::Type* wide = b.getInt64Ty();
  auto extend = [&](Value* v) { return ptx::isSigned(type) ? b.CreateSExt(v, wide) : b.CreateZExt(v, wide); };
  Value* distance = b.CreateSub(extend(other), extend(base));
  distance = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, distance, b.getInt64(uint64_t(-128)));
  distance = b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, distance, b.getInt64(127));
  Value* limit = b.CreateVectorSplat(width, b.CreateTrunc(distance, b.getInt8Ty()));
  llvm::SmallVector<llvm::Constant*, 32> numbers;
  for (unsigned lane = 0; lane < width; ++lane) numbers.push_back(b.getInt8(uint8_t(stride * lane)));
  Value* lanes = llvm::ConstantVector::get(numbers);
  return affineFirst ? compareInt(e, inst, ptx::Type::S32, lanes, limit) : compareInt(e, inst, ptx::Type::S32, limit, lanes);
}

}  // namespace anywarp::codegen
