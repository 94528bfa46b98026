"""A kernel with blocks and threads, compiled by Apache TVM through NVRTC. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
import tvm
from tvm.script import ir as I
from tvm.script import tirx as T


@I.ir_module
class Module:
    @T.prim_func
    def combine(a: T.Buffer((1024,), "float32"), b: T.Buffer((1024,), "float32"), c: T.Buffer((1024,), "float32")):
        for bx in T.thread_binding(8, thread="blockIdx.x"):
            for tx in T.thread_binding(128, thread="threadIdx.x"):
                c[bx * 128 + tx] = a[bx * 128 + tx] * T.float32(2) + b[1023 - bx * 128 - tx]


device = tvm.cuda(0)
if not device.exist:
    raise SystemExit("no CUDA device for TVM")
a = np.arange(1024, dtype=np.float32)
b = np.random.default_rng(1).random(1024, dtype=np.float32)
c = tvm.runtime.tensor(np.zeros_like(a), device)
tvm.compile(Module, target="cuda")["combine"](tvm.runtime.tensor(a, device), tvm.runtime.tensor(b, device), c)
assert np.allclose(c.numpy(), 2 * a + b[::-1])
