// The smallest whole driver-API program: adds two vectors on device 0, checks every element. SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "examples/common/driver.h"

// c[i] = a[i] + b[i] for i < n.
static const char ptx[] = R"(
.version 6.0
.target sm_50
.address_size 64

.visible .entry vectorAdd(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<6>;
  .reg .f32 %f<4>;
  .reg .b64 %rd<11>;
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.s32 %r4, %r1, %r2, %r3;
  ld.param.u32 %r5, [n];
  setp.ge.u32 %p1, %r4, %r5;
  @%p1 bra done;
  ld.param.u64 %rd1, [a];
  ld.param.u64 %rd2, [b];
  ld.param.u64 %rd3, [c];
  cvta.to.global.u64 %rd4, %rd1;
  cvta.to.global.u64 %rd5, %rd2;
  cvta.to.global.u64 %rd6, %rd3;
  mul.wide.u32 %rd7, %r4, 4;
  add.s64 %rd8, %rd4, %rd7;
  add.s64 %rd9, %rd5, %rd7;
  add.s64 %rd10, %rd6, %rd7;
  ld.global.f32 %f1, [%rd8];
  ld.global.f32 %f2, [%rd9];
  add.f32 %f3, %f1, %f2;
  st.global.f32 [%rd10], %f3;
done:
  ret;
}
)";

int main() {
  unsigned n = 50000;  // not a multiple of the block
  CU(cuInit(0));
  CUdevice device;
  CU(cuDeviceGet(&device, 0));
  CUcontext context;
  CU(cuDevicePrimaryCtxRetain(&context, device));
  CU(cuCtxSetCurrent(context));
  CUmodule module;
  CU(cuModuleLoadData(&module, ptx));
  CUfunction kernel;
  CU(cuModuleGetFunction(&kernel, module, "vectorAdd"));

  std::vector<float> a(n), b(n), c(n, -1);
  for (unsigned i = 0; i < n; ++i) {
    a[i] = float(i);
    b[i] = 0.5f * float(n - i);
  }
  {
    Buffer<float> da(n), db(n), dc(n);
    da.upload(a.data());
    db.upload(b.data());
    void* arguments[] = {da.argument(), db.argument(), dc.argument(), &n};
    CU(cuLaunchKernel(kernel, (n + 255) / 256, 1, 1, 256, 1, 1, 0, nullptr, arguments, nullptr));
    CU(cuCtxSynchronize());
    dc.download(c.data());
  }
  for (unsigned i = 0; i < n; ++i) {
    if (c[i] != a[i] + b[i]) {
      std::fprintf(stderr, "wrong: c[%u] = %g, not %g\n", i, c[i], a[i] + b[i]);
      return 1;
    }
  }
  CU(cuModuleUnload(module));
  CU(cuDevicePrimaryCtxRelease(device));
  std::printf("vectoradd: %u elements, all right\n", n);
  return 0;
}
