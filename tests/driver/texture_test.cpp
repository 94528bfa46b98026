// Arrays, mipmapped arrays, texture and surface objects and references. SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "abi/cuda_texture.h"
#include "driver_fixture.h"

namespace anywarp::test {
namespace {

constexpr char kernels[] = R"(
.version 8.0
.target sm_80
.address_size 64
.global .texref reference;
.visible .entry sample(.param .u64 texture, .param .u64 out, .param .f32 x, .param .f32 y) {
  .reg .f32 %f<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [texture];
  ld.param.u64 %rd2, [out];
  ld.param.f32 %f1, [x];
  ld.param.f32 %f2, [y];
  tex.2d.v4.f32.f32 {%f3, %f4, %f5, %f6}, [%rd1, {%f1, %f2}];
  st.global.v4.f32 [%rd2], {%f3, %f4, %f5, %f6};
  ret;
}
.visible .entry sample_reference(.param .u64 out, .param .f32 x) {
  .reg .f32 %f<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd2, [out];
  ld.param.f32 %f1, [x];
  tex.1d.v4.f32.f32 {%f3, %f4, %f5, %f6}, [reference, {%f1}];
  st.global.v4.f32 [%rd2], {%f3, %f4, %f5, %f6};
  ret;
}
.visible .entry write(.param .u64 surface, .param .u32 value) {
  .reg .b32 %r<6>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [surface];
  ld.param.u32 %r1, [value];
  mov.u32 %r2, %tid.x;
  add.u32 %r1, %r1, %r2;
  shl.b32 %r2, %r2, 2;
  mov.u32 %r3, 1;
  sust.b.2d.b32.trap [%rd1, {%r2, %r3}], %r1;
  ret;
}
)";

class Texture : public Driver {
 protected:
  CUarray array(size_t width, size_t height, CUarray_format format = CU_AD_FORMAT_FLOAT, unsigned channels = 1, unsigned flags = 0, size_t depth = 0) {
    CUDA_ARRAY3D_DESCRIPTOR d{width, height, depth, format, channels, flags};
    CUarray handle = nullptr;
    EXPECT_OK(cuArray3DCreate_v2(&handle, &d));
    return handle;
  }

  // Rows of floats 0, 1, 2 ...
  CUarray ramp(size_t width, size_t height) {
    CUarray handle = array(width, height);
    std::vector<float> values(width * height);
    std::iota(values.begin(), values.end(), 0.0f);
    CUDA_MEMCPY2D copy{};
    copy.srcMemoryType = CU_MEMORYTYPE_HOST;
    copy.srcHost = values.data();
    copy.srcPitch = width * 4;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    copy.dstArray = handle;
    copy.WidthInBytes = width * 4;
    copy.Height = height;
    EXPECT_OK(cuMemcpy2D_v2(&copy));
    return handle;
  }

  static CUDA_RESOURCE_DESC of(CUarray handle) {
    CUDA_RESOURCE_DESC d{};
    d.resType = CU_RESOURCE_TYPE_ARRAY;
    d.res.array.hArray = handle;
    return d;
  }

  static CUDA_TEXTURE_DESC linear() {
    CUDA_TEXTURE_DESC d{};
    for (CUaddress_mode& mode : d.addressMode) mode = CU_TR_ADDRESS_MODE_CLAMP;
    d.filterMode = CU_TR_FILTER_MODE_LINEAR;
    return d;
  }

  CUresult launchSample(CUtexObject texture, CUdeviceptr out, float x, float y) {
    if (!module) module = load(kernels);
    void* params[] = {&texture, &out, &x, &y};
    CUresult result = cuLaunchKernel(function(module, "sample"), 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr);
    return result == CUDA_SUCCESS ? cuCtxSynchronize() : result;
  }

  CUmodule module = nullptr;
};

TEST_F(Texture, ObjectOfAnArray) {
  CUDA_RESOURCE_DESC resource = of(ramp(4, 3));
  CUDA_TEXTURE_DESC texture = linear();
  CUtexObject object = 0;
  ASSERT_OK(cuTexObjectCreate(&object, &resource, &texture, nullptr));
  CUdeviceptr out = allocate(16);
  ASSERT_OK(launchSample(object, out, 1.0f, 1.0f));
  EXPECT_EQ(download<float>(out, 4), (std::vector<float>{2.5f, 0, 0, 1}));

  CUDA_RESOURCE_DESC resourceBack{};
  CUDA_TEXTURE_DESC textureBack{};
  CUDA_RESOURCE_VIEW_DESC viewBack{};
  EXPECT_OK(cuTexObjectGetResourceDesc(&resourceBack, object));
  EXPECT_EQ(resourceBack.res.array.hArray, resource.res.array.hArray);
  EXPECT_OK(cuTexObjectGetTextureDesc(&textureBack, object));
  EXPECT_EQ(textureBack.filterMode, CU_TR_FILTER_MODE_LINEAR);
  EXPECT_INVALID(cuTexObjectGetResourceViewDesc(&viewBack, object));
  EXPECT_OK(cuTexObjectDestroy(object));
  EXPECT_EQ(cuTexObjectDestroy(object), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Texture, SeesWhatIsCopiedAfterItsCreation) {
  CUarray handle = ramp(4, 1);
  CUDA_RESOURCE_DESC resource = of(handle);
  CUDA_TEXTURE_DESC texture = linear();
  CUtexObject object = 0;
  ASSERT_OK(cuTexObjectCreate(&object, &resource, &texture, nullptr));
  const float values[] = {5, 6, 7, 8};
  ASSERT_OK(cuMemcpyHtoA_v2(handle, 0, values, sizeof values));
  CUdeviceptr out = allocate(16);
  ASSERT_OK(launchSample(object, out, 2.5f, 0.5f));
  EXPECT_EQ(download<float>(out, 1)[0], 7);
}

TEST_F(Texture, DestroyedHandleFailsTheLaunch) {
  CUDA_RESOURCE_DESC resource = of(ramp(4, 4));
  CUDA_TEXTURE_DESC texture = linear();
  CUtexObject object = 0;
  ASSERT_OK(cuTexObjectCreate(&object, &resource, &texture, nullptr));
  CUdeviceptr out = allocate(16);
  ASSERT_OK(cuTexObjectDestroy(object));
  EXPECT_EQ(launchSample(object, out, 1, 1), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);  // it stays
}

TEST_F(Texture, PitchedMemory) {
  CUdeviceptr memory = 0;
  size_t pitch = 0;
  ASSERT_OK(cuMemAllocPitch_v2(&memory, &pitch, 3 * 4, 2, 4));
  const float rows[2][3] = {{1, 2, 3}, {4, 5, 6}};
  for (int y = 0; y < 2; y++) ASSERT_OK(cuMemcpyHtoD_v2(memory + static_cast<size_t>(y) * pitch, rows[y], 12));
  CUDA_RESOURCE_DESC resource{};
  resource.resType = CU_RESOURCE_TYPE_PITCH2D;
  resource.res.pitch2D = {memory, CU_AD_FORMAT_FLOAT, 1, 3, 2, pitch};
  CUDA_TEXTURE_DESC texture = linear();
  CUtexObject object = 0;
  ASSERT_OK(cuTexObjectCreate(&object, &resource, &texture, nullptr));
  CUdeviceptr out = allocate(16);
  ASSERT_OK(launchSample(object, out, 2, 1));
  EXPECT_EQ(download<float>(out, 1)[0], 4);
  resource.res.pitch2D.height = 1000;  // beyond the allocation
  EXPECT_INVALID(cuTexObjectCreate(&object, &resource, &texture, nullptr));
  resource.res.pitch2D = {memory + 4, CU_AD_FORMAT_FLOAT, 1, 2, 2, pitch};
  EXPECT_INVALID(cuTexObjectCreate(&object, &resource, &texture, nullptr));
}

TEST_F(Texture, BadDescriptions) {
  CUtexObject object = 0;
  CUDA_RESOURCE_DESC resource = of(array(4, 4, CU_AD_FORMAT_UNSIGNED_INT32));
  CUDA_TEXTURE_DESC texture = linear();
  EXPECT_INVALID(cuTexObjectCreate(&object, &resource, &texture, nullptr));  // integers cannot be filtered
  texture.filterMode = CU_TR_FILTER_MODE_POINT;
  EXPECT_INVALID(cuTexObjectCreate(nullptr, &resource, &texture, nullptr));
  EXPECT_INVALID(cuTexObjectCreate(&object, nullptr, &texture, nullptr));
  EXPECT_INVALID(cuTexObjectCreate(&object, &resource, nullptr, nullptr));
  texture.addressMode[1] = static_cast<CUaddress_mode>(9);
  EXPECT_INVALID(cuTexObjectCreate(&object, &resource, &texture, nullptr));
  texture.addressMode[1] = CU_TR_ADDRESS_MODE_CLAMP;
  CUDA_RESOURCE_VIEW_DESC view{};
  view.format = CU_RES_VIEW_FORMAT_UINT_1X8;  // another size
  EXPECT_INVALID(cuTexObjectCreate(&object, &resource, &texture, &view));
  view.format = CU_RES_VIEW_FORMAT_UNSIGNED_BC1;
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, &view), CUDA_ERROR_NOT_SUPPORTED);
  resource.res.array.hArray = bogus<CUarray>();
  EXPECT_EQ(cuTexObjectCreate(&object, &resource, &texture, nullptr), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Texture, ArrayShapes) {
  CUarray handle = nullptr;
  CUDA_ARRAY3D_DESCRIPTOR d{4, 4, 5, CU_AD_FORMAT_FLOAT, 1, CUDA_ARRAY3D_CUBEMAP};
  EXPECT_INVALID(cuArray3DCreate_v2(&handle, &d));  // six faces
  d.Depth = 6, d.Width = 5;
  EXPECT_INVALID(cuArray3DCreate_v2(&handle, &d));  // squares
  d = {4, 0, 0, CU_AD_FORMAT_FLOAT, 1, CUDA_ARRAY3D_LAYERED};
  EXPECT_INVALID(cuArray3DCreate_v2(&handle, &d));
  d = {4, 4, 0, CU_AD_FORMAT_FLOAT, 3, 0};
  EXPECT_INVALID(cuArray3DCreate_v2(&handle, &d));
  d = {4, 4, 12, CU_AD_FORMAT_HALF, 2, CUDA_ARRAY3D_LAYERED | CUDA_ARRAY3D_CUBEMAP};
  EXPECT_OK(cuArray3DCreate_v2(&handle, &d));
  CUDA_ARRAY3D_DESCRIPTOR back{};
  EXPECT_OK(cuArray3DGetDescriptor_v2(&back, handle));
  EXPECT_EQ(back.Depth, 12u);
  EXPECT_OK(cuArrayDestroy(handle));
  EXPECT_EQ(cuArrayDestroy(handle), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Texture, MipmappedArray) {
  CUmipmappedArray mipmapped = nullptr;
  CUDA_ARRAY3D_DESCRIPTOR d{8, 4, 0, CU_AD_FORMAT_FLOAT, 1, 0};
  EXPECT_INVALID(cuMipmappedArrayCreate(&mipmapped, &d, 0));
  ASSERT_OK(cuMipmappedArrayCreate(&mipmapped, &d, 10));
  CUarray level = nullptr;
  ASSERT_OK(cuMipmappedArrayGetLevel(&level, mipmapped, 3));
  EXPECT_INVALID(cuMipmappedArrayGetLevel(&level, mipmapped, 4));  // 8, 4, 2, 1
  CUDA_ARRAY_DESCRIPTOR size{};
  ASSERT_OK(cuMipmappedArrayGetLevel(&level, mipmapped, 1));
  EXPECT_OK(cuArrayGetDescriptor_v2(&size, level));
  EXPECT_EQ(size.Width, 4u);
  EXPECT_EQ(size.Height, 2u);
  EXPECT_EQ(cuArrayDestroy(level), CUDA_ERROR_INVALID_HANDLE);  // it belongs to the whole
  EXPECT_OK(cuMipmappedArrayDestroy(mipmapped));
  EXPECT_EQ(cuArrayGetDescriptor_v2(&size, level), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuMipmappedArrayDestroy(mipmapped), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(Texture, SurfaceWrites) {
  CUarray plain = array(4, 2, CU_AD_FORMAT_UNSIGNED_INT32), handle = array(4, 2, CU_AD_FORMAT_UNSIGNED_INT32, 1, CUDA_ARRAY3D_SURFACE_LDST);
  CUsurfObject surface = 0;
  CUDA_RESOURCE_DESC resource = of(plain);
  EXPECT_INVALID(cuSurfObjectCreate(&surface, &resource));  // not made for surfaces
  resource = of(handle);
  ASSERT_OK(cuSurfObjectCreate(&surface, &resource));
  module = load(kernels);
  unsigned value = 70;
  void* params[] = {&surface, &value};
  ASSERT_OK(cuLaunchKernel(function(module, "write"), 1, 1, 1, 4, 1, 1, 0, nullptr, params, nullptr));
  ASSERT_OK(cuCtxSynchronize());
  CUDA_MEMCPY2D copy{};
  unsigned rows[8] = {};
  copy.srcMemoryType = CU_MEMORYTYPE_ARRAY;
  copy.srcArray = handle;
  copy.dstMemoryType = CU_MEMORYTYPE_HOST;
  copy.dstHost = rows;
  copy.dstPitch = copy.WidthInBytes = 16;
  copy.Height = 2;
  ASSERT_OK(cuMemcpy2D_v2(&copy));
  EXPECT_EQ(rows[4], 70u);
  EXPECT_EQ(rows[7], 73u);
  EXPECT_EQ(cuTexObjectDestroy(surface), CUDA_ERROR_INVALID_HANDLE);  // no texture
  ASSERT_OK(cuLaunchKernel(function(module, "write"), 1, 1, 1, 5, 1, 1, 0, nullptr, params, nullptr));
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);  // beyond the row
}

TEST_F(Texture, References) {
  module = load(kernels);
  CUtexref reference = nullptr, again = nullptr;
  EXPECT_EQ(cuModuleGetTexRef(&reference, module, "nothing"), CUDA_ERROR_NOT_FOUND);
  ASSERT_OK(cuModuleGetTexRef(&reference, module, "reference"));
  ASSERT_OK(cuModuleGetTexRef(&again, module, "reference"));
  EXPECT_EQ(reference, again);
  CUarray line = ramp(4, 0 + 1);
  ASSERT_OK(cuTexRefSetArray(reference, line, CU_TRSA_OVERRIDE_FORMAT));
  ASSERT_OK(cuTexRefSetFilterMode(reference, CU_TR_FILTER_MODE_LINEAR));
  ASSERT_OK(cuTexRefSetAddressMode(reference, 0, CU_TR_ADDRESS_MODE_CLAMP));
  EXPECT_INVALID(cuTexRefSetAddressMode(reference, 3, CU_TR_ADDRESS_MODE_CLAMP));
  CUarray bound = nullptr;
  EXPECT_OK(cuTexRefGetArray(&bound, reference));
  EXPECT_EQ(bound, line);
  CUarray_format format{};
  int channels = 0;
  EXPECT_OK(cuTexRefGetFormat(&format, &channels, reference));
  EXPECT_EQ(format, CU_AD_FORMAT_FLOAT);
  CUdeviceptr out = allocate(16);
  float x = 1;
  void* params[] = {&out, &x};
  ASSERT_OK(cuLaunchKernel(function(module, "sample_reference"), 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr));
  EXPECT_EQ(download<float>(out, 1)[0], 0.5f);
  ASSERT_OK(cuTexRefSetFilterMode(reference, CU_TR_FILTER_MODE_POINT));
  ASSERT_OK(cuLaunchKernel(function(module, "sample_reference"), 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr));
  EXPECT_EQ(download<float>(out, 1)[0], 1);
  ASSERT_OK(cuModuleUnload(module));
  EXPECT_INVALID(cuTexRefSetFlags(reference, 0));  // it went with its module
}

TEST_F(Texture, CopiesBetweenArrays) {
  CUarray from = ramp(4, 4), to = array(4, 4);
  CUDA_MEMCPY3D copy{};
  copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
  copy.srcArray = from;
  copy.dstArray = to;
  copy.srcXInBytes = 4, copy.srcY = 1;
  copy.dstY = 2;
  copy.WidthInBytes = 8, copy.Height = 2, copy.Depth = 1;
  ASSERT_OK(cuMemcpy3D_v2(&copy));
  float row[2] = {};
  CUDA_MEMCPY2D read{};
  read.srcMemoryType = CU_MEMORYTYPE_ARRAY;
  read.srcArray = to;
  read.srcY = 3;
  read.dstMemoryType = CU_MEMORYTYPE_HOST;
  read.dstHost = row;
  read.WidthInBytes = 8, read.Height = 1;
  ASSERT_OK(cuMemcpy2D_v2(&read));
  EXPECT_EQ(row[0], 9);
  EXPECT_EQ(row[1], 10);
  copy.Height = 3;
  EXPECT_INVALID(cuMemcpy3D_v2(&copy));  // beyond the last row
}

}  // namespace
}  // namespace anywarp::test
