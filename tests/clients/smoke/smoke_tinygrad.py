"""Matrix product, reduction and a compiled step in tinygrad. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
from tinygrad import Device, Tensor, TinyJit

assert Device.DEFAULT.startswith("CUDA"), Device.DEFAULT
a, b = np.random.default_rng(1).random((2, 48, 48), dtype=np.float32)
np.testing.assert_allclose((Tensor(a) @ Tensor(b)).relu().sum(axis=0).numpy(), (a @ b).sum(axis=0), rtol=1e-4)


@TinyJit
def step(x):
    return (x * 2 + 1).realize()


for i in range(4):
    assert step(Tensor([float(i)]).realize()).item() == 2 * i + 1
x = Tensor([1.0, 2.0, 3.0])
assert (x * x).sum().gradient(x)[0].tolist() == [2, 4, 6]
