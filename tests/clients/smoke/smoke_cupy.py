"""Elementwise functions, reductions, sorting and a raw kernel in CuPy. SPDX-License-Identifier: Apache-2.0"""
import cupy
import numpy as np

x = cupy.arange(1000, dtype=cupy.float32)
assert x.sum() == 499500
assert cupy.asnumpy((x * 2 + 1)[:4]).tolist() == [1, 3, 5, 7]
assert cupy.asnumpy(cupy.sort(-x)[:2]).tolist() == [-999, -998]
np.testing.assert_allclose(float(cupy.sqrt(x).mean()), np.sqrt(np.arange(1000)).mean(), rtol=1e-5)
triple = cupy.RawKernel(r"""
extern "C" __global__ void triple(float* a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) a[i] *= 3;
}""", "triple")
triple((4,), (256,), (x, np.int32(1000)))
assert x[-1] == 2997
