// Channel formats. SPDX-License-Identifier: Apache-2.0
#include "libs/cudart/channel_format.h"

namespace anywarp::cudart {
namespace {

struct Format {
  cudaChannelFormatKind kind;
  int bits;
  CUarray_format format;
  unsigned channels;  // 0: any; the normalised kinds have one each
};

constexpr cudaChannelFormatKind kind(int number) { return static_cast<cudaChannelFormatKind>(number); }
constexpr CUarray_format format(unsigned number) { return static_cast<CUarray_format>(number); }

constexpr Format formats[] = {
    {cudaChannelFormatKindUnsigned, 8, CU_AD_FORMAT_UNSIGNED_INT8, 0},
    {cudaChannelFormatKindUnsigned, 16, CU_AD_FORMAT_UNSIGNED_INT16, 0},
    {cudaChannelFormatKindUnsigned, 32, CU_AD_FORMAT_UNSIGNED_INT32, 0},
    {cudaChannelFormatKindSigned, 8, CU_AD_FORMAT_SIGNED_INT8, 0},
    {cudaChannelFormatKindSigned, 16, CU_AD_FORMAT_SIGNED_INT16, 0},
    {cudaChannelFormatKindSigned, 32, CU_AD_FORMAT_SIGNED_INT32, 0},
    {cudaChannelFormatKindFloat, 16, CU_AD_FORMAT_HALF, 0},
    {cudaChannelFormatKindFloat, 32, CU_AD_FORMAT_FLOAT, 0},
    {kind(5), 8, format(0xc0), 1},    // UnsignedNormalized8X1, X2, X4
    {kind(6), 8, format(0xc1), 2},
    {kind(7), 8, format(0xc2), 4},
    {kind(8), 16, format(0xc3), 1},   // UnsignedNormalized16X1 ...
    {kind(9), 16, format(0xc4), 2},
    {kind(10), 16, format(0xc5), 4},
    {kind(11), 8, format(0xc6), 1},   // SignedNormalized8X1 ...
    {kind(12), 8, format(0xc7), 2},
    {kind(13), 8, format(0xc8), 4},
    {kind(14), 16, format(0xc9), 1},  // SignedNormalized16X1 ...
    {kind(15), 16, format(0xca), 2},
    {kind(16), 16, format(0xcb), 4},
};

}  // namespace

cudaError_t describe(const cudaChannelFormatDesc& desc, CUDA_ARRAY3D_DESCRIPTOR* array) {
  const int bits[] = {desc.x, desc.y, desc.z, desc.w};
  unsigned channels = 0;
  while (channels < 4 && bits[channels]) ++channels;
  for (unsigned i = 0; i < 4; ++i)
    if (bits[i] != (i < channels ? desc.x : 0)) return cudaErrorInvalidChannelDescriptor;
  if (channels == 0 || channels == 3) return cudaErrorInvalidChannelDescriptor;
  for (const Format& f : formats) {
    if (f.kind != desc.f || f.bits != desc.x || (f.channels && f.channels != channels)) continue;
    array->Format = f.format;
    array->NumChannels = channels;
    return cudaSuccess;
  }
  return cudaErrorInvalidChannelDescriptor;
}

cudaError_t describe(CUarray_format format, unsigned n, cudaChannelFormatDesc* desc) {
  for (const Format& f : formats) {
    if (f.format != format) continue;
    *desc = {f.bits, n > 1 ? f.bits : 0, n > 2 ? f.bits : 0, n > 3 ? f.bits : 0, f.kind};
    return cudaSuccess;
  }
  return cudaErrorInvalidChannelDescriptor;
}

size_t elementBytes(CUarray_format format, unsigned channels) {
  for (const Format& f : formats)
    if (f.format == format) return static_cast<size_t>(f.bits) / 8 * channels;
  return 0;
}

}  // namespace anywarp::cudart
