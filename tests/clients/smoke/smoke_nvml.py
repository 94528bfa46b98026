"""NVIDIA's own Python bindings of NVML, over ours. SPDX-License-Identifier: Apache-2.0"""
import pynvml

pynvml.nvmlInit()
assert pynvml.nvmlSystemGetCudaDriverVersion() == 13000
for index in range(pynvml.nvmlDeviceGetCount()):
    device = pynvml.nvmlDeviceGetHandleByIndex(index)
    uuid = pynvml.nvmlDeviceGetUUID(device)
    assert pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetHandleByUUID(uuid)) == index
    assert pynvml.nvmlDeviceGetIndex(pynvml.nvmlDeviceGetHandleByPciBusId(pynvml.nvmlDeviceGetPciInfo(device).busId)) == index
    memory = pynvml.nvmlDeviceGetMemoryInfo(device, version=pynvml.nvmlMemory_v2)
    assert 0 < memory.free <= memory.total
    assert "anywarp" in pynvml.nvmlDeviceGetName(device)
    assert len(pynvml.nvmlDeviceGetCudaComputeCapability(device)) == 2
    pynvml.nvmlDeviceGetComputeRunningProcesses(device)
    try:
        pynvml.nvmlDeviceGetTemperature(device, pynvml.NVML_TEMPERATURE_GPU)
        raise SystemExit("a temperature out of nothing")
    except pynvml.NVMLError_NotSupported:
        pass
pynvml.nvmlShutdown()
