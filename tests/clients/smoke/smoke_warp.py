"""One kernel in NVIDIA Warp. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
import warp as wp


@wp.kernel
def double(a: wp.array(dtype=float)):
    i = wp.tid()
    a[i] = a[i] * 2.0


wp.init()
if not wp.is_cuda_available():
    raise SystemExit("CUDA error: no CUDA device for Warp")
a = wp.array(np.arange(8, dtype=np.float32), dtype=float, device="cuda:0")
wp.launch(double, dim=8, inputs=[a], device="cuda:0")
assert a.numpy().tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
