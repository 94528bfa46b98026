"""PyTorch whose own operators run on the host while its tensors stay on the device. SPDX-License-Identifier: Apache-2.0

PyTorch's wheels hold machine code only, so its kernels cannot run here; Triton's can, and its tests use PyTorch for inputs and references.
With `install()` (or `pytest -p host_operators`) every operator but allocation and views copies its tensors to the host, runs there, and
copies what it made or changed back. Kernels launched by others (Triton) are not touched.
"""
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

aten = torch.ops.aten
STAYS = {aten.empty.memory_format, aten.empty_strided.default, aten.empty_like.default, aten.new_empty.default,
         aten.new_empty_strided.default, aten.detach.default, aten.record_stream.default, aten.set_.source_Storage,
         aten.set_.source_Storage_storage_offset, aten.set_.source_Tensor, aten.resize_.default, aten.is_pinned.default}


# On the host these sum in the precision of their operands; a device sums in single precision.
SUMS = {aten.native_layer_norm.default, aten.native_layer_norm_backward.default}
HALVES = (torch.float16, torch.bfloat16)


def inSinglePrecision(func, args, kwargs):
    halves = []

    def wide(x):
        if isinstance(x, torch.Tensor) and x.dtype in HALVES:
            halves.append(x.dtype)
            return x.float()
        return x

    args, kwargs = tree_map(wide, (args, kwargs))
    result = func(*args, **kwargs)
    if not halves:
        return result
    # Means and deviations stay wide, as a device gives them.
    return tuple(x.to(halves[0]) if x is not None and (i == 0 or func is aten.native_layer_norm_backward.default) else x
                 for i, x in enumerate(result))


def onDevice(x):
    return isinstance(x, torch.Tensor) and x.device.type == "cuda"


def bytesOf(storage, device):
    return torch.empty(0, dtype=torch.uint8, device=device).set_(storage)


class Mirror:
    """The device's storages that one operator uses, as host tensors: each once, so that aliases stay aliases."""

    def __init__(self):
        self.storages = {}

    def toHost(self, tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in self.storages:
            host = torch.empty(storage.nbytes(), dtype=torch.uint8)
            if storage.nbytes():
                host.copy_(bytesOf(storage, tensor.device))
            self.storages[storage._cdata] = (storage, tensor.device, host)
        host = self.storages[storage._cdata][2]
        return torch.empty(0, dtype=tensor.dtype).set_(host.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride())

    def writeBack(self, tensor):
        storage, device, host = self.storages[tensor.untyped_storage()._cdata]
        if storage.nbytes():
            bytesOf(storage, device).copy_(host)


def toDevice(tensor, device):
    made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
    if tensor.numel():
        size = made.untyped_storage().nbytes()
        plain = torch.empty(size, dtype=torch.uint8)
        part = bytesOf(tensor.untyped_storage(), "cpu")[tensor.storage_offset() * tensor.element_size():][:size]
        plain[:part.numel()].copy_(part)
        bytesOf(made.untyped_storage(), device).copy_(plain)
    return made


def changed(func, args, kwargs):
    """The tensors that the operator writes to, by its schema."""
    names = [a for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
    positions = {a.name: i for i, a in enumerate(func._schema.arguments)}
    for argument in names:
        value = kwargs.get(argument.name, args[positions[argument.name]] if positions[argument.name] < len(args) else None)
        for tensor in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(tensor, torch.Tensor):
                yield tensor


def deviceOf(args, kwargs):
    """Where the results belong: an explicit device first, else that of a tensor there."""
    given = kwargs.get("device")
    if given is not None:
        return torch.device(given)
    found = []
    tree_map(lambda x: found.append(x.device) if onDevice(x) else None, (args, kwargs))
    return found[0] if found else torch.device("cpu")


def isDevice(x):
    return isinstance(x, torch.device) and x.type == "cuda"


class HostOperators(TorchDispatchMode):

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in STAYS or func.is_view:
            return func(*args, **kwargs)
        touched = []
        tree_map(lambda x: touched.append(x) if onDevice(x) or isDevice(x) else None, (args, kwargs))
        if not touched:
            return func(*args, **kwargs)
        return self.onHost(func, args, kwargs)

    def onHost(self, func, args, kwargs):
        mirror, device = Mirror(), deviceOf(args, kwargs)

        def host(x):
            if onDevice(x):
                return mirror.toHost(x)
            if isinstance(x, torch.Generator) and x.device.type == "cuda":
                return None
            return torch.device("cpu") if isDevice(x) else x

        written = [t for t in changed(func, args, kwargs)]
        hostArgs, hostKwargs = tree_map(host, (args, kwargs))
        if "pin_memory" in hostKwargs:
            hostKwargs["pin_memory"] = False
        result = inSinglePrecision(func, hostArgs, hostKwargs) if func in SUMS else func(*hostArgs, **hostKwargs)
        for tensor in written:
            if onDevice(tensor):
                mirror.writeBack(tensor)
        if written:
            return self.sameTensors(func, args, kwargs, result, device)
        return tree_map(lambda x: toDevice(x, device) if isinstance(x, torch.Tensor) and device.type == "cuda" else x, result)

    @staticmethod
    def sameTensors(func, args, kwargs, result, device):
        """An operator that writes returns what it was given to write to."""
        given = list(changed(func, args, kwargs))
        if isinstance(result, torch.Tensor):
            return given[0]
        if isinstance(result, (tuple, list)) and len(result) == len(given):
            return type(result)(given)
        return tree_map(lambda x: toDevice(x, device) if isinstance(x, torch.Tensor) and device.type == "cuda" else x, result)


KEPT = []  # modes that are on: PyTorch holds no reference to them


def installed():
    return bool(KEPT)


def install():
    if installed():
        return
    KEPT.append(HostOperators().__enter__())
    listOf = torch.Tensor.tolist  # it would ask for one element at a time
    torch.Tensor.tolist = lambda tensor: listOf(Mirror().toHost(tensor.detach()) if onDevice(tensor) else tensor)
    textOf = torch._tensor_str._str  # it leaves all modes
    torch._tensor_str._str = lambda tensor, **rest: textOf(Mirror().toHost(tensor.detach()) if onDevice(tensor) else tensor, **rest)


def pytest_configure(config):
    install()
