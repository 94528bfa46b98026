// Driver API: Tensor Map Object Management. SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "abi/cuda_execution.h"
#include "abi/tensor_map.h"
#include "driver/entry.h"

using namespace anywarp;
using namespace anywarp::driver;

namespace {

struct TypeInfo {
  uint8_t bits;
  bool isFloat;
};

// By CUtensorMapDataType. The packed types of 4 and 6 bits lie in groups of 16.
constexpr TypeInfo types[] = {{8, false},  {16, false}, {32, false}, {32, false}, {64, false}, {64, false}, {16, true}, {32, true},
                              {64, true},  {16, true},  {32, true},  {32, true},  {32, true},  {4, false},  {4, false}, {6, false}};

bool isPadded(CUtensorMapDataType type) { return type == CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B || type == CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B; }

// What all encodings share.
struct Common {
  CUtensorMap* out;
  CUtensorMapDataType type;
  uint32_t rank;
  void* address;
  const uint64_t* sizes;
  const uint64_t* strides;
  const uint32_t* elementStrides;
  CUtensorMapInterleave interleave;
  CUtensorMapSwizzle swizzle;
  CUtensorMapL2promotion promotion;
  CUtensorMapFloatOOBfill fill;
};

constexpr uint64_t largestSize = uint64_t{1} << 32, strideLimit = uint64_t{1} << 40;

bool validChoices(const Common& c, uint32_t leastRank) {
  if (c.type >= std::size(types) || c.interleave > CU_TENSOR_MAP_INTERLEAVE_32B || c.swizzle > CU_TENSOR_MAP_SWIZZLE_128B_ATOM_64B) return false;
  if (c.promotion > CU_TENSOR_MAP_L2_PROMOTION_L2_256B || c.fill > CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA) return false;
  if (c.fill != CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE && !types[c.type].isFloat) return false;
  if (c.interleave == CU_TENSOR_MAP_INTERLEAVE_32B && c.swizzle != CU_TENSOR_MAP_SWIZZLE_32B) return false;
  if (isPadded(c.type) && c.interleave != CU_TENSOR_MAP_INTERLEAVE_NONE) return false;
  uint32_t least = c.interleave == CU_TENSOR_MAP_INTERLEAVE_NONE ? leastRank : 3;
  return c.rank >= least && c.rank <= abi::maxTensorRank;
}

bool validTensor(const Common& c) {
  uint64_t alignment = c.interleave == CU_TENSOR_MAP_INTERLEAVE_32B || isPadded(c.type) ? 32 : 16;
  if (!c.address || reinterpret_cast<uintptr_t>(c.address) % alignment) return false;
  for (uint32_t i = 0; i < c.rank; ++i)
    if (c.sizes[i] == 0 || c.sizes[i] > largestSize || c.elementStrides[i] == 0 || c.elementStrides[i] > 8) return false;
  if (isPadded(c.type) && c.sizes[0] % 128) return false;
  if (c.type == CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B && c.sizes[0] % 2) return false;
  for (uint32_t i = 0; i + 1 < c.rank; ++i)
    if (c.strides[i] == 0 || c.strides[i] % alignment || c.strides[i] >= strideLimit) return false;
  return true;
}

// How many bytes the innermost dimension of a box may have under a swizzle.
uint64_t swizzleSpan(CUtensorMapSwizzle swizzle) {
  switch (swizzle) {
    case CU_TENSOR_MAP_SWIZZLE_NONE: return UINT64_MAX;
    case CU_TENSOR_MAP_SWIZZLE_32B: return 32;
    case CU_TENSOR_MAP_SWIZZLE_64B: return 64;
    default: return 128;
  }
}

// The bytes of `elements` neighbours are whole pieces of 16 that the swizzle can permute.
bool validRow(const Common& c, uint64_t elements) {
  if (c.interleave != CU_TENSOR_MAP_INTERLEAVE_NONE) return true;
  if (isPadded(c.type)) return elements == 128;
  uint64_t bits = elements * types[c.type].bits;
  return bits % 128 == 0 && bits / 8 <= swizzleSpan(c.swizzle);
}

abi::TensorMap describe(const Common& c, abi::TensorMapMode mode) {
  abi::TensorMap map{};
  map.magic = abi::tensorMapMagic;
  map.rank = static_cast<uint8_t>(c.rank);
  map.type = static_cast<uint8_t>(c.type);
  map.mode = mode;
  map.interleave = static_cast<uint8_t>(c.interleave);
  map.swizzle = static_cast<uint8_t>(c.swizzle);
  map.oobFill = static_cast<uint8_t>(c.fill);
  map.elementBits = types[c.type].bits;
  map.l2promotion = static_cast<uint8_t>(c.promotion);
  map.address = reinterpret_cast<uintptr_t>(c.address);
  for (uint32_t i = 0; i < c.rank; ++i) {
    map.size[i] = static_cast<uint32_t>(c.sizes[i] - 1);
    map.elementStride[i] = static_cast<uint8_t>(c.elementStrides[i]);
  }
  for (uint32_t i = 0; i + 1 < c.rank; ++i) map.stride[i] = c.strides[i];
  return map;
}

void store(CUtensorMap* out, const abi::TensorMap& map) {
  std::memset(out->opaque, 0, sizeof(out->opaque));
  std::memcpy(out->opaque, &map, sizeof(map));
}

bool arePresent(const Common& c) {
  bool aligned = reinterpret_cast<uintptr_t>(c.out) % 64 == 0;
  return c.out && aligned && c.sizes && c.elementStrides && (c.rank == 1 || c.strides);
}

CUresult encodeIm2col(const char* name, const Common& c, abi::TensorMapMode mode, const int* lower, const int* upper, uint32_t corners,
                      uint32_t channels, uint32_t pixels) {
  return call(name, [&]() -> CUresult {
    if (!arePresent(c) || !lower || !upper || !validChoices(c, 3) || !validTensor(c)) return CUDA_ERROR_INVALID_VALUE;
    if (channels == 0 || channels > 256 || pixels == 0 || pixels > 1024 || !validRow(c, channels)) return CUDA_ERROR_INVALID_VALUE;
    // The corners have 16, 8 or 5 bits for one, two or three dimensions.
    int limit = c.rank == 3 ? 1 << 15 : c.rank == 4 ? 1 << 7 : 1 << 4;
    abi::TensorMap map = describe(c, mode);
    for (uint32_t i = 0; i < corners; ++i) {
      if (lower[i] < -limit || lower[i] >= limit || upper[i] < -limit || upper[i] >= limit) return CUDA_ERROR_INVALID_VALUE;
      map.lower[i] = static_cast<int16_t>(lower[i]);
      map.upper[i] = static_cast<int16_t>(upper[i]);
    }
    map.channelsPerPixel = static_cast<uint16_t>(channels);
    map.pixelsPerColumn = static_cast<uint16_t>(pixels);
    store(c.out, map);
    return CUDA_SUCCESS;
  });
}

}  // namespace

CUresult cuTensorMapEncodeTiled(CUtensorMap* out, CUtensorMapDataType type, uint32_t rank, void* address, const uint64_t* sizes, const uint64_t* strides,
                                const uint32_t* box, const uint32_t* elementStrides, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  return call(__func__, [&]() -> CUresult {
    Common c{out, type, rank, address, sizes, strides, elementStrides, interleave, swizzle, promotion, fill};
    if (!arePresent(c) || !box || !validChoices(c, 1) || !validTensor(c) || !validRow(c, box[0])) return CUDA_ERROR_INVALID_VALUE;
    abi::TensorMap map = describe(c, abi::TensorMapMode::Tiled);
    for (uint32_t i = 0; i < rank; ++i) {
      if (box[i] == 0 || box[i] > 256) return CUDA_ERROR_INVALID_VALUE;
      map.box[i] = static_cast<uint16_t>(box[i]);
    }
    store(out, map);
    return CUDA_SUCCESS;
  });
}

CUresult cuTensorMapEncodeIm2col(CUtensorMap* out, CUtensorMapDataType type, uint32_t rank, void* address, const uint64_t* sizes, const uint64_t* strides,
                                 const int* lower, const int* upper, uint32_t channels, uint32_t pixels, const uint32_t* elementStrides,
                                 CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                                 CUtensorMapFloatOOBfill fill) {
  Common c{out, type, rank, address, sizes, strides, elementStrides, interleave, swizzle, promotion, fill};
  return encodeIm2col(__func__, c, abi::TensorMapMode::Im2col, lower, upper, rank >= 3 && rank <= 5 ? rank - 2 : 0, channels, pixels);
}

CUresult cuTensorMapEncodeIm2colWide(CUtensorMap* out, CUtensorMapDataType type, uint32_t rank, void* address, const uint64_t* sizes,
                                     const uint64_t* strides, int lower, int upper, uint32_t channels, uint32_t pixels, const uint32_t* elementStrides,
                                     CUtensorMapInterleave interleave, CUtensorMapIm2ColWideMode mode, CUtensorMapSwizzle swizzle,
                                     CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  if (mode > CU_TENSOR_MAP_IM2COL_WIDE_MODE_W128 || (mode == CU_TENSOR_MAP_IM2COL_WIDE_MODE_W128 && interleave != CU_TENSOR_MAP_INTERLEAVE_NONE))
    return initialised() ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_NOT_INITIALIZED;
  Common c{out, type, rank, address, sizes, strides, elementStrides, interleave, swizzle, promotion, fill};
  auto how = mode == CU_TENSOR_MAP_IM2COL_WIDE_MODE_W ? abi::TensorMapMode::Im2colW : abi::TensorMapMode::Im2colW128;
  return encodeIm2col(__func__, c, how, &lower, &upper, 1, channels, pixels);
}

CUresult cuTensorMapReplaceAddress(CUtensorMap* out, void* address) {
  return call(__func__, [&]() -> CUresult {
    abi::TensorMap map;
    if (!out || !address) return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(&map, out->opaque, sizeof(map));
    uint64_t alignment = map.interleave == CU_TENSOR_MAP_INTERLEAVE_32B || isPadded(static_cast<CUtensorMapDataType>(map.type)) ? 32 : 16;
    if (map.magic != abi::tensorMapMagic || reinterpret_cast<uintptr_t>(address) % alignment) return CUDA_ERROR_INVALID_VALUE;
    map.address = reinterpret_cast<uintptr_t>(address);
    store(out, map);
    return CUDA_SUCCESS;
  });
}
