"""A reduction and a scan of cuda.compute, with its own operator and with one in Python. SPDX-License-Identifier: Apache-2.0"""
import cuda.compute
import cupy
import numpy as np
from cuda.compute import OpKind

numbers = np.arange(1, 1001, dtype=np.int32)
given, result = cupy.asarray(numbers), cupy.empty(1, dtype=np.int32)
cuda.compute.reduce_into(d_in=given, d_out=result, op=OpKind.PLUS, num_items=len(numbers), h_init=np.array([0], dtype=np.int32))
assert result.get()[0] == numbers.sum()
cuda.compute.reduce_into(d_in=given, d_out=result, op=lambda a, b: a if a > b else b, num_items=len(numbers), h_init=np.array([0], dtype=np.int32))
assert result.get()[0] == 1000
sums = cupy.empty_like(given)
cuda.compute.inclusive_scan(d_in=given, d_out=sums, op=OpKind.PLUS, init_value=None, num_items=len(numbers))
assert np.array_equal(sums.get(), np.cumsum(numbers))
