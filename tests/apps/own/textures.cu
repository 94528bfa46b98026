// Textures and surfaces as CUDA C++ has them: objects over arrays, layers, cubes, mipmaps, pitched and linear memory.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <vector>

__global__ void sampleAll(cudaTextureObject_t plane, cudaTextureObject_t layers, cudaTextureObject_t volume, cudaTextureObject_t cube,
                          cudaTextureObject_t mipmapped, cudaTextureObject_t line, cudaTextureObject_t bytes, float* out) {
  int i = threadIdx.x;
  float x = i * 0.25f;
  out[i] = tex2D<float>(plane, x, 1.0f);
  out[32 + i] = tex2DLayered<float>(layers, x, 0.5f, i % 4);
  out[64 + i] = tex3D<float>(volume, x, 1.0f, 1.5f);
  out[96 + i] = texCubemap<float>(cube, i % 3 == 0 ? 1.0f : 0.1f, i % 3 == 1 ? -1.0f : 0.2f, i % 3 == 2 ? 1.0f : 0.3f);
  out[128 + i] = tex2DLod<float>(mipmapped, 0.5f, 0.5f, i * 0.125f);
  out[160 + i] = tex1Dfetch<float>(line, i);
  float4 color = tex2D<float4>(bytes, i + 0.5f, 0.5f);
  out[192 + i] = color.x + 2 * color.y + 4 * color.z + 8 * color.w;
  float4 four = tex2Dgather<float4>(plane, 1.0f, 1.0f, 0);
  out[224 + i] = i % 4 == 0 ? four.x : i % 4 == 1 ? four.y : i % 4 == 2 ? four.z : four.w;
}

__global__ void draw(cudaSurfaceObject_t surface) {
  int x = threadIdx.x, y = threadIdx.y;
  int2 old;
  surf2Dread(&old, surface, x * sizeof(int2), y);
  surf2Dwrite(make_int2(old.x + 1, 10 * y + x), surface, x * sizeof(int2), y);
  surf2Dwrite(make_int2(-1, -1), surface, 99 * sizeof(int2), y, cudaBoundaryModeZero);
}

static cudaArray_t upload(const std::vector<float>& values, cudaExtent extent, unsigned flags) {
  cudaArray_t array;
  cudaChannelFormatDesc desc = cudaCreateChannelDesc<float>();
  CHECK(cudaMalloc3DArray(&array, &desc, extent, flags));
  cudaMemcpy3DParms copy = {};
  size_t height = extent.height ? extent.height : 1, depth = extent.depth ? extent.depth : 1;
  copy.srcPtr = make_cudaPitchedPtr(const_cast<float*>(values.data()), extent.width * 4, extent.width, height);
  copy.dstArray = array;
  copy.extent = make_cudaExtent(extent.width, height, depth);
  copy.kind = cudaMemcpyHostToDevice;
  CHECK(cudaMemcpy3D(&copy));
  return array;
}

static cudaTextureObject_t texture(const cudaResourceDesc& resource, cudaTextureReadMode read, bool normalized, cudaTextureFilterMode filter) {
  cudaTextureDesc desc = {};
  for (auto& mode : desc.addressMode) mode = cudaAddressModeClamp;
  desc.filterMode = desc.mipmapFilterMode = filter;
  desc.readMode = read;
  desc.normalizedCoords = normalized;
  desc.maxMipmapLevelClamp = 10;
  cudaTextureObject_t object;
  CHECK(cudaCreateTextureObject(&object, &resource, &desc, nullptr));
  return object;
}

static cudaTextureObject_t textureOf(cudaArray_t array, bool normalized = false) {
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  return texture(resource, cudaReadModeElementType, normalized, cudaFilterModeLinear);
}

static std::vector<float> ramp(size_t count, float step = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; i++) values[i] = i * step;
  return values;
}

static void testSampling() {
  cudaArray_t plane = upload(ramp(16), make_cudaExtent(4, 4, 0), cudaArrayTextureGather);
  cudaArray_t layers = upload(ramp(16), make_cudaExtent(4, 1, 4), cudaArrayLayered);
  cudaArray_t volume = upload(ramp(64), make_cudaExtent(4, 4, 4), 0);
  cudaArray_t cube = upload(ramp(6), make_cudaExtent(1, 1, 6), cudaArrayCubemap);
  cudaMipmappedArray_t mipmapped;
  cudaChannelFormatDesc desc = cudaCreateChannelDesc<float>();
  CHECK(cudaMallocMipmappedArray(&mipmapped, &desc, make_cudaExtent(4, 4, 0), 3, 0));
  for (unsigned level = 0; level < 3; level++) {
    cudaArray_t array;
    CHECK(cudaGetMipmappedArrayLevel(&array, mipmapped, level));
    std::vector<float> values(16, level + 1.0f);
    size_t width = 4 >> level;
    CHECK(cudaMemcpy2DToArray(array, 0, 0, values.data(), width * 4, width * 4, width, cudaMemcpyHostToDevice));
  }
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeMipmappedArray;
  resource.res.mipmap.mipmap = mipmapped;
  cudaTextureObject_t levels = texture(resource, cudaReadModeElementType, true, cudaFilterModeLinear);

  float* memory;
  CHECK(cudaMalloc(&memory, 32 * 4));
  CHECK(cudaMemcpy(memory, ramp(32, 2).data(), 32 * 4, cudaMemcpyHostToDevice));
  resource = {};
  resource.resType = cudaResourceTypeLinear;
  resource.res.linear = {memory, desc, 30 * 4};
  cudaTextureObject_t line = texture(resource, cudaReadModeElementType, false, cudaFilterModePoint);

  uchar4* pitched;
  size_t pitch;
  CHECK(cudaMallocPitch(&pitched, &pitch, 32 * 4, 2));
  CHECK(cudaMemset2D(pitched, pitch, 51, 32 * 4, 2));
  resource = {};
  resource.resType = cudaResourceTypePitch2D;
  resource.res.pitch2D = {pitched, cudaCreateChannelDesc<uchar4>(), 32, 2, pitch};
  cudaTextureObject_t bytes = texture(resource, cudaReadModeNormalizedFloat, false, cudaFilterModePoint);

  float* out;
  CHECK(cudaMallocManaged(&out, 256 * 4));
  cudaTextureObject_t objects[] = {textureOf(plane), textureOf(layers), textureOf(volume), textureOf(cube), levels, line, bytes};
  sampleAll<<<1, 32>>>(objects[0], objects[1], objects[2], objects[3], objects[4], objects[5], objects[6], out);
  CHECK(cudaDeviceSynchronize());
  EXPECT(out[0] == 2.0f && out[3] == 2.25f && out[4] == 2.5f && out[20] == 5.0f);
  EXPECT(out[32 + 1] == 4.0f && out[32 + 6] == 9.0f && out[32 + 31] == 15.0f);
  EXPECT(out[64 + 2] == 18.0f && out[64 + 8] == 19.5f);
  EXPECT(out[96] == 0.0f && out[97] == 3.0f && out[98] == 4.0f);
  EXPECT(out[128] == 1.0f && out[128 + 4] == 1.5f && out[128 + 31] == 3.0f);
  EXPECT(out[160 + 7] == 14.0f && out[160 + 29] == 58.0f && out[160 + 30] == 0.0f);
  EXPECT(out[192] == 3.0f);
  EXPECT(out[224] == 4.0f && out[225] == 5.0f && out[226] == 1.0f && out[227] == 0.0f);
  for (cudaTextureObject_t object : objects) CHECK(cudaDestroyTextureObject(object));
  CHECK(cudaFreeArray(plane));
  CHECK(cudaFreeMipmappedArray(mipmapped));
}

static void testSurface() {
  cudaArray_t array;
  cudaChannelFormatDesc desc = cudaCreateChannelDesc<int2>();
  CHECK(cudaMallocArray(&array, &desc, 8, 4, cudaArraySurfaceLoadStore));
  std::vector<int2> values(32, make_int2(5, 0));
  CHECK(cudaMemcpy2DToArray(array, 0, 0, values.data(), 64, 64, 4, cudaMemcpyHostToDevice));
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  cudaSurfaceObject_t surface;
  CHECK(cudaCreateSurfaceObject(&surface, &resource));
  draw<<<1, dim3(8, 4)>>>(surface);
  CHECK(cudaMemcpy2DFromArray(values.data(), 64, array, 0, 0, 64, 4, cudaMemcpyDeviceToHost));
  for (int y = 0; y < 4; y++)
    for (int x = 0; x < 8; x++) EXPECT(values[y * 8 + x].x == 6 && values[y * 8 + x].y == 10 * y + x);
  CHECK(cudaDestroySurfaceObject(surface));
}

static void testErrors() {
  cudaArray_t array;
  cudaChannelFormatDesc desc = cudaCreateChannelDesc<int>();
  CHECK(cudaMallocArray(&array, &desc, 8, 4));
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  cudaTextureDesc texture = {};
  cudaTextureObject_t object;
  texture.filterMode = cudaFilterModeLinear;
  EXPECT(cudaCreateTextureObject(&object, &resource, &texture, nullptr) == cudaErrorInvalidFilterSetting);
  texture.filterMode = cudaFilterModePoint;
  texture.readMode = cudaReadModeNormalizedFloat;
  EXPECT(cudaCreateTextureObject(&object, &resource, &texture, nullptr) == cudaErrorInvalidNormSetting);
  EXPECT(cudaCreateSurfaceObject(&object, &resource) == cudaErrorInvalidValue);
  cudaGetLastError();
  cudaChannelFormatDesc back;
  CHECK(cudaGetChannelDesc(&back, array));
  EXPECT(back.x == 32 && back.y == 0 && back.f == cudaChannelFormatKindSigned);
}

int main() {
  testSampling();
  testSurface();
  testErrors();
  return 0;
}
