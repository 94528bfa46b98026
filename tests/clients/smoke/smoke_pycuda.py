"""A kernel from source, and arrays with operators, functions, reductions and scans in PyCUDA. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
import pycuda.autoinit  # noqa: F401
import pycuda.driver as driver
from pycuda import cumath, gpuarray
from pycuda.compiler import SourceModule
from pycuda.elementwise import ElementwiseKernel
from pycuda.scan import InclusiveScanKernel

module = SourceModule("__global__ void twice(float* p) { p[blockIdx.x * blockDim.x + threadIdx.x] *= 2; }")
numbers = np.arange(1024, dtype=np.float32)
doubled = numbers.copy()
module.get_function("twice")(driver.InOut(doubled), block=(128, 1, 1), grid=(8, 1))
assert np.array_equal(doubled, 2 * numbers)
a = gpuarray.to_gpu(numbers)
assert np.allclose((a * 3 + 1).get(), numbers * 3 + 1)
assert np.isclose(gpuarray.sum(a).get(), numbers.sum())
assert np.allclose(cumath.sqrt(a).get(), np.sqrt(numbers))
result = gpuarray.empty_like(a)
ElementwiseKernel("float* x, float* y", "y[i] = x[i] * x[i]")(a, result)
assert np.allclose(result.get(), numbers * numbers)
whole = gpuarray.to_gpu(np.ones(5000, dtype=np.int32))
InclusiveScanKernel(np.int32, "a + b")(whole)
assert np.array_equal(whole.get(), np.arange(1, 5001))
