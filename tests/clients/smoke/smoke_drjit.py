"""Dr.Jit's CUDA back end, which writes PTX itself, against NumPy. SPDX-License-Identifier: Apache-2.0"""
import drjit as dr
import numpy as np
from drjit.cuda import Float, UInt32

n = 100_003
x = dr.arange(Float, n) / n
assert np.allclose(dr.sin(x) * dr.sqrt(x) + dr.exp(-x), np.sin(x) * np.sqrt(x) + np.exp(-np.array(x)), atol=1e-6)

i = dr.arange(UInt32, n)
assert int(dr.sum(i)[0]) == n * (n - 1) // 2 % 2**32
assert np.array_equal(dr.cumsum(i), np.cumsum(np.arange(n, dtype=np.uint32), dtype=np.uint32))

# Scatters that add, in a loop of the kernel's own.
bins = dr.zeros(UInt32, 64)
dr.scatter_reduce(dr.ReduceOp.Add, bins, UInt32(1), i * 2654435761 >> 26)
assert np.array_equal(bins, np.bincount((np.arange(n, dtype=np.uint64) * 2654435761 % 2**32 >> 26).astype(int), minlength=64))


@dr.syntax
def collatz(v):
    """Steps down to 1."""
    steps = UInt32(0)
    while v > 1:
        v = dr.select(v & 1 == 0, v >> 1, 3 * v + 1)
        steps += 1
    return steps


def steps(v):
    count = 0
    while v > 1:
        v = v // 2 if v % 2 == 0 else 3 * v + 1
        count += 1
    return count


assert np.array_equal(collatz(dr.arange(UInt32, 1000)), [steps(v) for v in range(1000)])

# A table of functions, called through pointers, and arrays in local memory.
kinds = dr.arange(UInt32, 999) % 3
called = dr.switch(kinds, [lambda v: v + 1, lambda v: v * v, lambda v: v ^ 0xFF], dr.arange(UInt32, 999))
v = np.arange(999, dtype=np.uint32)
assert np.array_equal(called, np.select([v % 3 == 0, v % 3 == 1], [v + 1, v * v], v ^ 0xFF))
