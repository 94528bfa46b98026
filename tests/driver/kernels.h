// PTX that the driver's tests load. SPDX-License-Identifier: Apache-2.0
#pragma once

namespace anywarp::test {

inline constexpr const char* kernelsPtx = R"(
.version 7.8
.target sm_80
.address_size 64

.visible .global .align 4 .u32 counter = 41;
.visible .const .align 4 .b8 table[16] = {1, 2, 3, 4};
.visible .global .align 8 .u64 pointers[2] = {counter, generic(table)};
.visible .global .attribute(.managed) .align 4 .u32 shared_counter = 5;
.extern .shared .align 16 .b8 dynamic[];

// out[i] = a[i] + b[i]
.visible .entry add(.param .u64 a, .param .u64 b, .param .u64 out, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<6>;
  .reg .b64 %rd<8>;
  .reg .f32 %f<4>;
  ld.param.u64 %rd1, [a];
  ld.param.u64 %rd2, [b];
  ld.param.u64 %rd3, [out];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p1, %r5, %r1;
  @%p1 bra DONE;
  mul.wide.u32 %rd4, %r5, 4;
  add.s64 %rd5, %rd1, %rd4;
  add.s64 %rd6, %rd2, %rd4;
  add.s64 %rd7, %rd3, %rd4;
  ld.global.f32 %f1, [%rd5];
  ld.global.f32 %f2, [%rd6];
  add.f32 %f3, %f1, %f2;
  st.global.f32 [%rd7], %f3;
DONE:
  ret;
}

// Adds one to `counter`, in one thread.
.visible .entry bump()
{
  .reg .b32 %r<3>;
  ld.global.u32 %r1, [counter];
  add.u32 %r2, %r1, 1;
  st.global.u32 [counter], %r2;
  ret;
}

.visible .entry empty() { ret; }

// Parameters of many sizes: offsets 0, 2, 8, 16.
.visible .entry params(.param .u8 a, .param .align 2 .b8 b[6], .param .u16 c, .param .align 8 .b8 d[8]) { ret; }

.visible .entry bounded() .maxntid 64, 1, 1 { ret; }
.visible .entry exact() .reqntid 32, 2, 1 { ret; }

.visible .entry statics()
{
  .shared .align 4 .b8 tile[4096];
  .local .align 4 .b8 scratch[256];
  .reg .b32 %r<2>;
  mov.u32 %r1, 0;
  st.shared.u32 [tile], %r1;
  st.local.u32 [scratch], %r1;
  ret;
}

.visible .entry stop() { trap; ret; }

// Writes through its parameter.
.visible .entry poke(.param .u64 target)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [target];
  mov.u32 %r1, 7;
  st.global.u32 [%rd1], %r1;
  ret;
}
)";

}  // namespace anywarp::test
