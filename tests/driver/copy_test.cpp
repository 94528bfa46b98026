// Driver API: Memory Management, cuMemcpy* in all dimensions; CUDA arrays. SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "driver_fixture.h"

namespace anywarp::test {
namespace {

using Copy = Driver;

std::vector<unsigned char> iota(size_t count) {
  std::vector<unsigned char> bytes(count);
  std::iota(bytes.begin(), bytes.end(), static_cast<unsigned char>(1));
  return bytes;
}

TEST_F(Copy, ThereAndBack) {
  std::vector<unsigned char> in = iota(200);
  CUdeviceptr a = allocate(200), b = allocate(200);
  EXPECT_OK(cuMemcpyHtoD_v2(a, in.data(), 200));
  EXPECT_OK(cuMemcpyDtoD_v2(b, a, 200));
  EXPECT_EQ(download<unsigned char>(b, 200), in);
  EXPECT_OK(cuMemFree_v2(a));
  EXPECT_OK(cuMemFree_v2(b));
}

TEST_F(Copy, RangesAreChecked) {
  std::vector<unsigned char> in = iota(200);
  CUdeviceptr a = allocate(100);
  EXPECT_INVALID(cuMemcpyHtoD_v2(a, in.data(), 101));
  EXPECT_INVALID(cuMemcpyHtoD_v2(a + 50, in.data(), 51));
  EXPECT_INVALID(cuMemcpyHtoD_v2(0, in.data(), 1));
  EXPECT_INVALID(cuMemcpyHtoD_v2(a, nullptr, 1));
  EXPECT_INVALID(cuMemcpyHtoD_v2(a, reinterpret_cast<void*>(0x1000), 10));
  EXPECT_INVALID(cuMemcpyDtoH_v2(reinterpret_cast<void*>(0x1000), a, 10));
  EXPECT_INVALID(cuMemcpyDtoD_v2(a, reinterpret_cast<CUdeviceptr>(in.data()), 10));
  EXPECT_OK(cuMemcpyHtoD_v2(a, nullptr, 0));
  EXPECT_OK(cuMemFree_v2(a));
  EXPECT_INVALID(cuMemcpyHtoD_v2(a, in.data(), 10));
}

TEST_F(Copy, UnifiedTellsTheDirectionByItself) {
  std::vector<unsigned char> in = iota(64), out(64);
  CUdeviceptr a = allocate(64);
  EXPECT_OK(cuMemcpy(a, reinterpret_cast<CUdeviceptr>(in.data()), 64));
  EXPECT_OK(cuMemcpy(reinterpret_cast<CUdeviceptr>(out.data()), a, 64));
  EXPECT_EQ(in, out);
  EXPECT_OK(cuMemFree_v2(a));
}

TEST_F(Copy, AsyncFollowsStreamOrder) {
  void* pinned = nullptr;
  ASSERT_OK(cuMemHostAlloc(&pinned, 4096, 0));
  CUstream stream = nullptr;
  ASSERT_OK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  CUdeviceptr a = allocate(4096), b = allocate(4096);
  EXPECT_OK(cuMemsetD8Async(a, 0x3c, 4096, stream));
  EXPECT_OK(cuMemcpyDtoDAsync_v2(b, a, 4096, stream));
  EXPECT_OK(cuMemcpyDtoHAsync_v2(pinned, b, 4096, stream));
  EXPECT_OK(cuStreamSynchronize(stream));
  EXPECT_EQ(static_cast<unsigned char*>(pinned)[4095], 0x3c);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(b, a, 16, bogus<CUstream>()), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_OK(cuStreamDestroy_v2(stream));
  EXPECT_OK(cuMemFreeHost(pinned));
  EXPECT_OK(cuMemFree_v2(a));
  EXPECT_OK(cuMemFree_v2(b));
}

TEST_F(Copy, PerThreadTwinsWork) {
  std::vector<unsigned char> in = iota(32), out(32);
  CUdeviceptr a = allocate(32);
  EXPECT_OK(cuMemcpyHtoD_v2_ptds(a, in.data(), 32));
  EXPECT_OK(cuMemcpyDtoHAsync_v2_ptsz(out.data(), a, 32, nullptr));
  EXPECT_OK(cuStreamSynchronize_ptsz(nullptr));
  EXPECT_EQ(in, out);
  EXPECT_OK(cuMemFree_v2(a));
}

TEST_F(Copy, TwoDimensions) {
  std::vector<unsigned char> in = iota(6 * 10), out(3 * 4);
  CUdeviceptr pointer = 0;
  size_t pitch = 0;
  ASSERT_OK(cuMemAllocPitch_v2(&pointer, &pitch, 10, 6, 4));
  CUDA_MEMCPY2D up{};
  up.srcMemoryType = CU_MEMORYTYPE_HOST, up.srcHost = in.data(), up.srcPitch = 10;
  up.dstMemoryType = CU_MEMORYTYPE_DEVICE, up.dstDevice = pointer, up.dstPitch = pitch;
  up.WidthInBytes = 10, up.Height = 6;
  EXPECT_OK(cuMemcpy2D_v2(&up));
  CUDA_MEMCPY2D down{};
  down.srcMemoryType = CU_MEMORYTYPE_DEVICE, down.srcDevice = pointer, down.srcPitch = pitch, down.srcXInBytes = 2, down.srcY = 1;
  down.dstMemoryType = CU_MEMORYTYPE_HOST, down.dstHost = out.data(), down.dstPitch = 4;
  down.WidthInBytes = 4, down.Height = 3;
  EXPECT_OK(cuMemcpy2DUnaligned_v2(&down));
  for (size_t y = 0; y < 3; ++y)
    for (size_t x = 0; x < 4; ++x) EXPECT_EQ(out[y * 4 + x], in[(y + 1) * 10 + x + 2]);
  down.Height = 6;  // rows 1 to 6 of 6
  EXPECT_INVALID(cuMemcpy2D_v2(&down));
  up.dstPitch = 8;
  EXPECT_INVALID(cuMemcpy2D_v2(&up));
  up.dstMemoryType = static_cast<CUmemorytype>(9);
  EXPECT_INVALID(cuMemcpy2D_v2(&up));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Copy, ThreeDimensions) {
  // A 4 x 3 x 2 box out of the middle of 8 x 5 x 4.
  std::vector<unsigned char> in = iota(8 * 5 * 4);
  CUdeviceptr pointer = allocate(in.size());
  EXPECT_OK(cuMemcpyHtoD_v2(pointer, in.data(), in.size()));
  std::vector<unsigned char> out(4 * 3 * 2);
  CUDA_MEMCPY3D box{};
  box.srcMemoryType = CU_MEMORYTYPE_UNIFIED, box.srcDevice = pointer, box.srcPitch = 8, box.srcHeight = 5;
  box.srcXInBytes = 2, box.srcY = 1, box.srcZ = 1;
  box.dstMemoryType = CU_MEMORYTYPE_HOST, box.dstHost = out.data(), box.dstPitch = 4, box.dstHeight = 3;
  box.WidthInBytes = 4, box.Height = 3, box.Depth = 2;
  EXPECT_OK(cuMemcpy3D_v2(&box));
  for (size_t z = 0; z < 2; ++z)
    for (size_t y = 0; y < 3; ++y)
      for (size_t x = 0; x < 4; ++x) EXPECT_EQ(out[(z * 3 + y) * 4 + x], in[((z + 1) * 5 + y + 1) * 8 + x + 2]);
  box.Depth = 4;
  EXPECT_INVALID(cuMemcpy3D_v2(&box));
  EXPECT_OK(cuMemFree_v2(pointer));
}

TEST_F(Copy, Peers) {
  CUdeviceptr a = allocate(16), b = allocate(16);
  EXPECT_OK(cuMemsetD8_v2(a, 9, 16));
  EXPECT_OK(cuMemcpyPeer(b, context, a, context, 16));
  EXPECT_EQ(download<unsigned char>(b, 16)[15], 9);
  EXPECT_EQ(cuMemcpyPeer(b, bogus<CUcontext>(), a, context, 16), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_OK(cuMemFree_v2(a));
  EXPECT_OK(cuMemFree_v2(b));
}

TEST_F(Copy, Arrays) {
  CUDA_ARRAY_DESCRIPTOR descriptor{.Width = 5, .Height = 4, .Format = CU_AD_FORMAT_FLOAT, .NumChannels = 1};
  CUarray array = nullptr;
  ASSERT_OK(cuArrayCreate_v2(&array, &descriptor));
  std::vector<unsigned char> in = iota(5 * 4 * 4), out(5 * 4 * 4);
  CUDA_MEMCPY2D up{};
  up.srcMemoryType = CU_MEMORYTYPE_HOST, up.srcHost = in.data(), up.srcPitch = 20;
  up.dstMemoryType = CU_MEMORYTYPE_ARRAY, up.dstArray = array;
  up.WidthInBytes = 20, up.Height = 4;
  EXPECT_OK(cuMemcpy2D_v2(&up));
  CUDA_MEMCPY2D down{};
  down.srcMemoryType = CU_MEMORYTYPE_ARRAY, down.srcArray = array;
  down.dstMemoryType = CU_MEMORYTYPE_HOST, down.dstHost = out.data(), down.dstPitch = 20;
  down.WidthInBytes = 20, down.Height = 4;
  EXPECT_OK(cuMemcpy2D_v2(&down));
  EXPECT_EQ(in, out);
  up.Height = 5;
  EXPECT_INVALID(cuMemcpy2D_v2(&up));
  CUDA_ARRAY_DESCRIPTOR found{};
  EXPECT_OK(cuArrayGetDescriptor_v2(&found, array));
  EXPECT_EQ(found.Width, 5u);
  EXPECT_OK(cuArrayDestroy(array));
  EXPECT_EQ(cuArrayDestroy(array), CUDA_ERROR_INVALID_HANDLE);
  descriptor.NumChannels = 3;
  EXPECT_INVALID(cuArrayCreate_v2(&array, &descriptor));
}

}  // namespace
}  // namespace anywarp::test
