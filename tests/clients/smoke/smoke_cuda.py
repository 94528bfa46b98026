"""Kernels, memory of every kind and a graph through cuda.core; the runtime through cuda.bindings. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
from cuda.bindings import runtime
from cuda.core import Device, LaunchConfig, ManagedMemoryResource, PinnedMemoryResource, Program, ProgramOptions, launch

SOURCE = 'template <typename T> __global__ void twice(T* p, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i] *= 2; }'
device = Device()
device.set_current()
stream = device.create_stream()
program = Program(SOURCE, "c++", ProgramOptions(arch=f"sm_{device.arch}"))
kernel = program.compile("cubin", name_expressions=("twice<float>",)).get_kernel("twice<float>")
for resource in (PinnedMemoryResource(), ManagedMemoryResource()):
    buffer = resource.allocate(4000, stream=stream)
    stream.sync()
    numbers = np.from_dlpack(buffer).view(np.float32)
    numbers[:] = np.arange(1000)
    launch(stream, LaunchConfig(grid=8, block=128), kernel, buffer, np.int32(1000))
    stream.sync()
    assert np.array_equal(numbers, 2 * np.arange(1000)), type(resource).__name__
    buffer.close(stream)
assert device.allocate(0, stream=stream).size == 0
assert device.to_system_device().name
error, count = runtime.cudaGetDeviceCount()
assert error == runtime.cudaError_t.cudaSuccess and count >= 1, error
