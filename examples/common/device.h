// The little of CUDA C++ that our own kernels need, on clang's PTX builtins. SPDX-License-Identifier: Apache-2.0
// Kernels that include it become PTX with scripts/make_ptx; neither NVIDIA's compiler nor its headers are involved.
#pragma once

#define GLOBAL extern "C" __attribute__((global))
#define DEVICE static inline __attribute__((device, always_inline))
#define SHARED __attribute__((shared))
#define LAUNCH_BOUNDS(threads) __attribute__((launch_bounds(threads)))

using uint = unsigned int;
using uchar = unsigned char;

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct float3 {
  float x, y, z;
};

DEVICE int tidX() { return __nvvm_read_ptx_sreg_tid_x(); }
DEVICE int tidY() { return __nvvm_read_ptx_sreg_tid_y(); }
DEVICE int ctaX() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEVICE int ctaY() { return __nvvm_read_ptx_sreg_ctaid_y(); }
DEVICE int ntidX() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEVICE int ntidY() { return __nvvm_read_ptx_sreg_ntid_y(); }
DEVICE int nctaX() { return __nvvm_read_ptx_sreg_nctaid_x(); }
DEVICE int globalX() { return ctaX() * ntidX() + tidX(); }
DEVICE int globalY() { return ctaY() * ntidY() + tidY(); }

DEVICE void barrier() { __nvvm_bar_sync(0); }
DEVICE float shflDown(float v, uint delta) { return __nvvm_shfl_sync_down_f32(0xffffffffu, v, delta, 31); }
DEVICE float shflXor(float v, uint mask) { return __nvvm_shfl_sync_bfly_f32(0xffffffffu, v, mask, 31); }
DEVICE int shflUp(int v, uint delta) { return __nvvm_shfl_sync_up_i32(0xffffffffu, v, delta, 0); }

// The approximate functions that fast-math CUDA code uses (Floating Point Instructions: ex2, lg2, sin, cos, rsqrt, rcp, sqrt).
DEVICE float ex2(float x) { float r; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float lg2(float x) { float r; asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float sinApprox(float x) { float r; asm("sin.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float cosApprox(float x) { float r; asm("cos.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float rsqrt(float x) { float r; asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float rcp(float x) { float r; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float sqrtRn(float x) { float r; asm("sqrt.rn.f32 %0, %1;" : "=f"(r) : "f"(x)); return r; }
DEVICE float expApprox(float x) { return ex2(x * 1.4426950408889634f); }
DEVICE float logApprox(float x) { return lg2(x) * 0.6931471805599453f; }
DEVICE float absf(float x) { return __builtin_fabsf(x); }
DEVICE float minf(float a, float b) { return __builtin_fminf(a, b); }
DEVICE float maxf(float a, float b) { return __builtin_fmaxf(a, b); }
DEVICE float floorFloat(float x) { return __builtin_floorf(x); }

DEVICE void atomicAdd(uint* p, uint v) { __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
