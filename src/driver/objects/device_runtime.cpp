// CUDA's device runtime, as far as we have it. SPDX-License-Identifier: Apache-2.0
#include "driver/objects/device_runtime.h"

#include <algorithm>
#include <string_view>

namespace anywarp::driver {
namespace {

// Functions whose names begin with `name`.
struct RuntimeFunction {
  std::string_view name;
  const char* ptx;
};

// A conditional handle is the address of its value (graph.cpp).
constexpr RuntimeFunction runtimeFunctions[] = {
    {"cudaGraphSetConditional", R"(.version 6.0
.target sm_30
.address_size 64
.visible .func cudaGraphSetConditional(.param .b64 handle, .param .b32 value)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [handle];
  ld.param.u32 %r1, [value];
  st.global.u32 [%rd1], %r1;
  ret;
}
)"},
    // What libcudadevrt's cudaCG functions ask of the system. A handle is the workspace of a cooperative launch, whose barrier is
    // the one that nvcc's headers use; flag 1 says that one thread speaks for its block.
    {"__cuda_syscall_CGS_", R"(.version 6.0
.target sm_70
.address_size 64
.visible .func (.param .b64 result) __cuda_syscall_CGS_get_intrinsic_handle(.param .b32 scope)
{
  .reg .pred %p;
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u32 %r1, [scope];
  mov.u32 %r2, %envreg1;
  mov.u32 %r3, %envreg2;
  mov.b64 %rd1, {%r3, %r2};
  setp.ne.u32 %p, %r1, 1;
  @%p mov.u64 %rd1, 0;
  st.param.b64 [result], %rd1;
  ret;
}
.visible .func (.param .b32 result) __cuda_syscall_CGS_sync(.param .b64 handle, .param .b32 flags)
{
  .reg .pred %alone, %p;
  .reg .b32 %r<14>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [handle];
  ld.param.u32 %r1, [flags];
  and.b32 %r1, %r1, 1;
  setp.ne.u32 %alone, %r1, 0;
  @%alone bra Arrive;
  bar.sync 0;
  mov.u32 %r2, %tid.x;
  mov.u32 %r3, %tid.y;
  or.b32 %r2, %r2, %r3;
  mov.u32 %r3, %tid.z;
  or.b32 %r2, %r2, %r3;
  setp.ne.u32 %p, %r2, 0;
  @%p bra Leave;
Arrive:
  mov.u32 %r4, %nctaid.x;
  mov.u32 %r5, %nctaid.y;
  mul.lo.u32 %r4, %r4, %r5;
  mov.u32 %r5, %nctaid.z;
  mul.lo.u32 %r4, %r4, %r5;
  sub.u32 %r4, 0x80000001, %r4;
  mov.u32 %r6, %ctaid.x;
  mov.u32 %r7, %ctaid.y;
  or.b32 %r6, %r6, %r7;
  mov.u32 %r7, %ctaid.z;
  or.b32 %r6, %r6, %r7;
  setp.eq.u32 %p, %r6, 0;
  selp.b32 %r8, %r4, 1, %p;
  fence.acq_rel.gpu;
  atom.add.acq_rel.gpu.u32 %r9, [%rd1+4], %r8;
Wait:
  ld.acquire.gpu.u32 %r10, [%rd1+4];
  xor.b32 %r11, %r9, %r10;
  setp.ge.s32 %p, %r11, 0;
  @%p bra Wait;
  fence.acq_rel.gpu;
Leave:
  @%alone bra Done;
  bar.sync 0;
Done:
  mov.u32 %r12, 0;
  st.param.b32 [result], %r12;
  ret;
}
.visible .func (.param .b32 result) __cuda_syscall_CGS_get_size(.param .b64 threads, .param .b64 grids, .param .b64 handle)
{
  .reg .pred %p;
  .reg .b32 %r<4>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [threads];
  ld.param.u64 %rd2, [grids];
  mov.u32 %r1, %ntid.x;
  mov.u32 %r2, %ntid.y;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %ntid.z;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %nctaid.x;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %nctaid.y;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %nctaid.z;
  mul.lo.u32 %r1, %r1, %r2;
  setp.ne.u64 %p, %rd1, 0;
  @%p st.u32 [%rd1], %r1;
  mov.u32 %r3, 1;
  setp.ne.u64 %p, %rd2, 0;
  @%p st.u32 [%rd2], %r3;
  mov.u32 %r3, 0;
  st.param.b32 [result], %r3;
  ret;
}
.visible .func (.param .b32 result) __cuda_syscall_CGS_get_rank(.param .b64 thread, .param .b64 grid, .param .b64 handle)
{
  .reg .pred %p;
  .reg .b32 %r<10>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [thread];
  ld.param.u64 %rd2, [grid];
  mov.u32 %r1, %ctaid.z;
  mov.u32 %r2, %nctaid.y;
  mov.u32 %r3, %ctaid.y;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %nctaid.x;
  mov.u32 %r3, %ctaid.x;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %ntid.z;
  mov.u32 %r3, %tid.z;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %ntid.y;
  mov.u32 %r3, %tid.y;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.u32 %r1, %r1, %r2, %r3;
  setp.ne.u64 %p, %rd1, 0;
  @%p st.u32 [%rd1], %r1;
  mov.u32 %r4, 0;
  setp.ne.u64 %p, %rd2, 0;
  @%p st.u32 [%rd2], %r4;
  st.param.b32 [result], %r4;
  ret;
}
)"},
};

bool names(const fatbin::PtxSource& module, std::string_view name) { return module.text.find(name) != std::string::npos; }

// A definition has a body or is at least not declared as someone else's.
bool defines(const fatbin::PtxSource& module, std::string_view name) {
  return module.text.find(".visible .func " + std::string(name)) != std::string::npos;
}

}  // namespace

void addDeviceRuntime(fatbin::Program& program) {
  for (const RuntimeFunction& function : runtimeFunctions) {
    auto& modules = program.modules;
    bool wanted = std::any_of(modules.begin(), modules.end(), [&](const auto& module) { return names(module, function.name); });
    bool there = std::any_of(modules.begin(), modules.end(), [&](const auto& module) { return defines(module, function.name); });
    if (wanted && !there) modules.push_back({function.ptx, "device runtime", ""});
  }
}

}  // namespace anywarp::driver
