"""Schedules of Halide for the GPU against the same pipelines on the CPU. SPDX-License-Identifier: Apache-2.0"""
import halide as hl
import numpy as np

HOST = hl.get_host_target()
GPU = HOST.with_feature(hl.TargetFeature.CUDA).with_feature(hl.TargetFeature.CUDACapability80)
x, y, xo, xi, yi = (hl.Var(name) for name in ("x", "y", "xo", "xi", "yi"))
rng = np.random.default_rng(1)
picture = hl.Buffer(rng.integers(0, 256, (128, 320)).astype(np.uint8))
width, height = picture.width(), picture.height()
a, b = (hl.Buffer(rng.random((64, 64), dtype=np.float32)) for _ in range(2))


def blur(gpu):
    """Through shared memory."""
    edge, row, result = hl.BoundaryConditions.repeat_edge(picture), hl.Func("row"), hl.Func("result")
    three = hl.cast(hl.UInt(16), 3)
    row[x, y] = (hl.cast(hl.UInt(16), edge[x - 1, y]) + hl.cast(hl.UInt(16), edge[x, y]) + hl.cast(hl.UInt(16), edge[x + 1, y])) / three
    result[x, y] = hl.cast(hl.UInt(8), (row[x, y - 1] + row[x, y] + row[x, y + 1]) / three)
    if gpu:
        result.gpu_tile(x, y, xi, yi, 16, 8)
        row.compute_at(result, x).gpu_threads(x, y)
    return result, [width, height]


def histogram(gpu):
    """Atomic additions."""
    f, r = hl.Func("f"), hl.RDom([(0, width), (0, height)])
    f[x] = hl.cast(hl.Int(32), 0)
    f[hl.cast(hl.Int(32), picture[r.x, r.y])] += 1
    if gpu:
        f.compute_root().gpu_tile(x, xi, 32)
        f.update().atomic().gpu_tile(r.x, r.y, hl.RVar("rx"), hl.RVar("ry"), 16, 16)
    return f, [256]


def lanes(gpu):
    """Values exchanged within a warp."""
    f, g = hl.Func("f"), hl.Func("g")
    f[x, y] = x * x + y * 100
    g[x, y] = f[x - 1, y] + f[x + 1, y]
    if gpu:
        g.gpu_blocks(y).split(x, xo, xi, 32, hl.TailStrategy.RoundUp).reorder(xi, xo, y).gpu_lanes(xi)
        f.compute_at(g, xo).split(x, xo, xi, 32, hl.TailStrategy.RoundUp).gpu_lanes(xi)
    return g, [64, 10]


def product(gpu):
    k, sums, result = hl.RDom([(0, 64)]), hl.Func("sums"), hl.Func("result")
    sums[x, y] = hl.f32(0)
    sums[x, y] += a[k.x, y] * b[x, k.x]
    result[x, y] = sums[x, y]
    if gpu:
        result.gpu_tile(x, y, xi, yi, 32, 8)
        sums.compute_at(result, xi)
    return result, [64, 64]


def realize(pipeline, size, target):
    result = pipeline.realize(size, target)
    result.copy_to_host()
    return np.array(result)


assert hl.host_supports_target_device(GPU), "no CUDA device for Halide"
for make in (blur, histogram, lanes, product):
    assert np.allclose(realize(*make(False), HOST), realize(*make(True), GPU), rtol=1e-5), make.__name__
