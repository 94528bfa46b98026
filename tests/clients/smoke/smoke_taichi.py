"""Fields, a reduction and matrices in Taichi. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
import taichi as ti

ti.init(arch=ti.cuda)
if ti.cfg.arch != ti.cuda:
    raise SystemExit("CUDA error: no CUDA device for Taichi")
n = 1000
x = ti.field(ti.f32, shape=n)
total = ti.field(ti.f32, shape=())


@ti.kernel
def fill():
    for i in x:
        x[i] = i * 0.5


@ti.kernel
def reduce():
    for i in x:
        total[None] += x[i]


@ti.kernel
def transform(a: ti.types.ndarray(), b: ti.types.ndarray()):
    for i, j in ti.ndrange(16, 16):
        m = ti.Matrix([[1, 2, 3], [4, 5, 6], [7, 8, 9.0]])
        b[i, j] = (m @ ti.Vector([i * 1.0, j * 1.0, 1.0])).norm() + ti.sin(a[i, j])


fill()
reduce()
assert total[None] == 0.5 * (n - 1) * n / 2
a = np.random.default_rng(1).random((16, 16), dtype=np.float32)
b = np.zeros_like(a)
transform(a, b)
m = np.arange(1, 10).reshape(3, 3)
expected = np.array([[np.linalg.norm(m @ [i, j, 1]) for j in range(16)] for i in range(16)]) + np.sin(a)
assert np.allclose(b, expected, rtol=1e-4)
