"""Operators, reductions, a gradient and a product of matrices in JAX. SPDX-License-Identifier: Apache-2.0"""
import jax._src.hardware_utils as hardware
import numpy as np

if not hardware.has_visible_nvidia_gpu():  # it looks for /dev/nvidia0; an empty file there does the same
    hardware.has_visible_nvidia_gpu = lambda: True

import jax
import jax.numpy as jnp

if jax.devices()[0].platform != "gpu":
    raise SystemExit("CUDA error: no CUDA device for JAX")
x = np.arange(1000, dtype=np.float32).reshape(10, 100)
a = jnp.asarray(x)
assert np.allclose(jnp.sin(a) + 1, np.sin(x) + 1, atol=1e-5)
assert np.isclose(float(a.sum()), x.sum())
assert np.allclose(jax.grad(lambda v: (jnp.sin(v) ** 2).sum())(a), 2 * np.sin(x) * np.cos(x), atol=1e-4)
assert np.array_equal(jnp.sort(-a, axis=1), np.sort(-x, axis=1))
assert np.allclose(jnp.cumsum(a, axis=1), np.cumsum(x, axis=1))
m = np.random.default_rng(1).random((64, 64), dtype=np.float32)
assert np.allclose(jnp.asarray(m) @ jnp.asarray(m), m @ m, rtol=1e-2)
