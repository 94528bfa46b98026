"""An addition, a row reduction and a product of matrices by tiles in TileLang. SPDX-License-Identifier: Apache-2.0"""
import tilelang
import tilelang.language as T
import torch


def addition(n, block):
    @T.prim_func
    def main(a: T.Tensor((n,), "float32"), b: T.Tensor((n,), "float32"), c: T.Tensor((n,), "float32")):
        with T.Kernel(T.ceildiv(n, block), threads=block) as bx:
            for i in T.Parallel(block):
                c[bx * block + i] = a[bx * block + i] + b[bx * block + i] * 2

    return main


def rowSums(rows, columns):
    @T.prim_func
    def main(a: T.Tensor((rows, columns), "float32"), s: T.Tensor((rows,), "float32")):
        with T.Kernel(T.ceildiv(rows, 16), threads=128) as bx:
            part = T.alloc_fragment((16, columns), "float32")
            sums = T.alloc_fragment((16,), "float32")
            T.copy(a[bx * 16, 0], part)
            T.reduce_sum(part, sums, dim=1)
            T.copy(sums, s[bx * 16])

    return main


def product(m, n, k):
    @T.prim_func
    def main(a: T.Tensor((m, k), "float16"), b: T.Tensor((k, n), "float16"), c: T.Tensor((m, n), "float32")):
        with T.Kernel(T.ceildiv(n, 64), T.ceildiv(m, 64), threads=128) as (bx, by):
            left, right = T.alloc_shared((64, 32), "float16"), T.alloc_shared((32, 64), "float16")
            sums = T.alloc_fragment((64, 64), "float32")
            T.clear(sums)
            for step in T.Pipelined(T.ceildiv(k, 32), num_stages=2):
                T.copy(a[by * 64, step * 32], left)
                T.copy(b[step * 32, bx * 64], right)
                T.gemm(left, right, sums)
            T.copy(sums, c[by * 64, bx * 64])

    return main


def run(kernel, *inputs):
    """PyTorch's wheel has machine code only: its tensors are made on the host."""
    return tilelang.compile(kernel, out_idx=-1, target="cuda")(*(tensor.cuda() for tensor in inputs)).cpu()


torch.manual_seed(1)
a, b = torch.rand(1024), torch.rand(1024)
assert torch.allclose(run(addition(1024, 128), a, b), a + 2 * b)
rows = torch.rand(64, 128)
assert torch.allclose(run(rowSums(64, 128), rows), rows.sum(1), rtol=1e-4)
left, right = torch.rand(128, 96).half(), torch.rand(96, 128).half()
assert torch.allclose(run(product(128, 128, 96), left, right), left.float() @ right.float(), rtol=1e-3)
