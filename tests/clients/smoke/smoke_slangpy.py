"""Functions in Slang, made into CUDA and compiled by NVRTC, against NumPy. SPDX-License-Identifier: Apache-2.0"""
import tempfile
from pathlib import Path

import numpy as np
import slangpy as spy

SOURCE = """
float blend(float a, float b) { return a * b + sin(a); }
int bits(int v) { return countbits(v) * 3 - v; }
"""
device = spy.create_device(type=spy.DeviceType.cuda)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "functions.slang"
    path.write_text(SOURCE)
    module = spy.Module.load_from_file(device, str(path))
    a, b = np.linspace(-9, 9, 10_007, dtype=np.float32), np.linspace(2, 3, 10_007, dtype=np.float32)
    assert np.allclose(module.blend(a, b, _result="numpy"), a * b + np.sin(a), atol=1e-5)
    v = np.arange(5000, dtype=np.int32)
    assert np.array_equal(module.bits(v, _result="numpy"), np.bitwise_count(v).astype(np.int32) * 3 - v)
