"""Elementwise, shared-memory, atomic and vectorised kernels in Numba-CUDA. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
from numba import cuda, float32, vectorize


@cuda.jit
def add(x, y, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = x[i] + y[i]


@cuda.jit
def blockSums(x, out):
    part = cuda.shared.array(128, float32)
    t = cuda.threadIdx.x
    part[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    step = 64
    while step:
        if t < step:
            part[t] += part[t + step]
        cuda.syncthreads()
        step //= 2
    if t == 0:
        cuda.atomic.add(out, 0, part[0])


@vectorize(["float64(float64, float64)"], target="cuda")
def hypotenuse(a, b):
    return (a * a + b * b) ** 0.5


x = np.arange(1000, dtype=np.float32)
out = np.zeros_like(x)
add[4, 256](x, x, out)
assert (out == 2 * x).all()
total = np.zeros(1, np.float32)
blockSums[8, 128](np.ones(1024, np.float32), total)
assert total[0] == 1024
assert hypotenuse(np.array([3.0]), np.array([4.0]))[0] == 5
