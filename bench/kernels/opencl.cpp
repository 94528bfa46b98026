// The kernels of the set through OpenCL, where a platform for this CPU is installed. SPDX-License-Identifier: Apache-2.0
#include "kernels/opencl.h"

#ifdef ANYWARP_BENCH_OPENCL
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <cstdio>

#include "kernels_cl_ptx.h"
#endif

namespace bench {

#ifdef ANYWARP_BENCH_OPENCL
namespace {

struct Platform {
  cl_context context = nullptr;
  cl_command_queue queue = nullptr;
  cl_program program = nullptr;

  // Without a program: it says why.
  Platform() {
    cl_platform_id platform;
    cl_device_id device;
    if (clGetPlatformIDs(1, &platform, nullptr) != CL_SUCCESS || clGetDeviceIDs(platform, CL_DEVICE_TYPE_CPU, 1, &device, nullptr) != CL_SUCCESS) {
      std::printf("no OpenCL platform for this CPU (Debian: pocl-opencl-icd): its columns stay empty\n");
      return;
    }
    context = clCreateContext(nullptr, 1, &device, nullptr, nullptr, nullptr);
    queue = clCreateCommandQueue(context, device, 0, nullptr);
    const char* text = reinterpret_cast<const char*>(kernelsCl);
    cl_program built = clCreateProgramWithSource(context, 1, &text, nullptr, nullptr);
    if (clBuildProgram(built, 1, &device, "-cl-std=CL1.2 -cl-mad-enable", nullptr, nullptr) == CL_SUCCESS) {
      program = built;
      return;
    }
    static char log[16384];
    clGetProgramBuildInfo(built, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, nullptr);
    std::printf("OpenCL does not take the kernels: %s\n", log);
  }
};

struct Instance {
  cl_kernel kernel = nullptr;
  std::vector<cl_mem> buffers;
  ~Instance() {
    for (cl_mem b : buffers) clReleaseMemObject(b);
    if (kernel) clReleaseKernel(kernel);
  }
};

}  // namespace

std::function<void()> makeOpenCl(const char* kernel, const Launch& shape, const std::vector<OpenClArgument>& arguments) {
  static Platform& platform = *new Platform;
  if (!platform.program) return {};
  auto instance = std::make_shared<Instance>();
  instance->kernel = clCreateKernel(platform.program, kernel, nullptr);
  if (!instance->kernel) return {};
  for (unsigned i = 0; i < arguments.size(); ++i) {
    const OpenClArgument& a = arguments[i];
    if (!a.buffer) {
      clSetKernelArg(instance->kernel, i, a.bytes, a.value);
      continue;
    }
    cl_mem buffer = clCreateBuffer(platform.context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, a.bytes, const_cast<void*>(a.data), nullptr);
    instance->buffers.push_back(buffer);
    clSetKernelArg(instance->kernel, i, sizeof buffer, &buffer);
  }
  size_t local[2] = {shape.bx, shape.by}, global[2] = {size_t(shape.gx) * shape.bx, size_t(shape.gy) * shape.by};
  return [=] {
    cl_int status = clEnqueueNDRangeKernel(platform.queue, instance->kernel, 2, nullptr, global, local, 0, nullptr, nullptr);
    if (status != CL_SUCCESS || clFinish(platform.queue) != CL_SUCCESS) {
      std::fprintf(stderr, "OpenCL kernel %s: error %d\n", kernel, status);
      std::exit(1);
    }
  };
}
#else
std::function<void()> makeOpenCl(const char*, const Launch&, const std::vector<OpenClArgument>&) { return {}; }
#endif

}  // namespace bench
