"""Elementwise, reducing, atomic and matrix kernels in Triton, on PyTorch's tensors. SPDX-License-Identifier: Apache-2.0

PyTorch's own kernels are machine code, so values are made and checked on the host: tensors are only allocated and copied.
"""
import torch
import triton
import triton.language as tl


def onDevice(values):
    return torch.empty(values.shape, dtype=values.dtype, device="cuda").copy_(values)


@triton.jit
def add(x, y, out, n, block: tl.constexpr):
    i = tl.program_id(0) * block + tl.arange(0, block)
    inside = i < n
    tl.store(out + i, tl.load(x + i, mask=inside) + tl.load(y + i, mask=inside), mask=inside)


@triton.jit
def softmaxOfRows(x, out, columns, block: tl.constexpr):
    row = tl.program_id(0) * columns
    i = tl.arange(0, block)
    values = tl.load(x + row + i, mask=i < columns, other=-float("inf"))
    powers = tl.exp(values - tl.max(values, axis=0))
    tl.store(out + row + i, powers / tl.sum(powers, axis=0), mask=i < columns)


@triton.jit
def histogram(x, out, n, block: tl.constexpr):
    i = tl.program_id(0) * block + tl.arange(0, block)
    tl.atomic_add(out + tl.load(x + i, mask=i < n, other=0), 1, mask=i < n)


@triton.jit
def product(a, b, c, size: tl.constexpr, tile: tl.constexpr):
    rows = tl.program_id(0) * tile + tl.arange(0, tile)
    columns = tl.program_id(1) * tile + tl.arange(0, tile)
    inner = tl.arange(0, tile)
    total = tl.zeros((tile, tile), dtype=tl.float32)
    for start in range(0, size, tile):
        left = tl.load(a + rows[:, None] * size + (start + inner)[None, :])
        right = tl.load(b + (start + inner)[:, None] * size + columns[None, :])
        total = tl.dot(left, right, total)
    tl.store(c + rows[:, None] * size + columns[None, :], total)


x, y = torch.rand(1000), torch.rand(1000)
out = torch.empty(1000, device="cuda")
add[(4,)](onDevice(x), onDevice(y), out, 1000, block=256)
assert torch.equal(out.cpu(), x + y)

x = torch.randn(37, 300)
out = torch.empty(37, 300, device="cuda")
softmaxOfRows[(37,)](onDevice(x), out, 300, block=512)
assert torch.allclose(out.cpu(), torch.softmax(x, dim=1), atol=1e-6)

x = torch.randint(0, 10, (5000,), dtype=torch.int32)
out = onDevice(torch.zeros(10, dtype=torch.int32))
histogram[(5,)](onDevice(x), out, 5000, block=1024)
assert torch.equal(out.cpu(), torch.bincount(x, minlength=10).int())

for dtype, error in ((torch.float16, 1e-2), (torch.bfloat16, 1e-2), (torch.float32, 5e-2)):
    a, b = torch.randn(128, 128).to(dtype), torch.randn(128, 128).to(dtype)
    out = torch.empty(128, 128, device="cuda")
    product[(4, 4)](onDevice(a), onDevice(b), out, size=128, tile=32)
    assert torch.allclose(out.cpu(), a.float() @ b.float(), atol=error, rtol=1e-2), dtype
