"""Boosted trees grown on the GPU fit as well as those of the CPU, in CatBoost. SPDX-License-Identifier: Apache-2.0"""
import catboost
import numpy as np
from catboost.utils import get_gpu_device_count

if get_gpu_device_count() < 1:
    raise SystemExit("no CUDA device for CatBoost")
rng = np.random.default_rng(0)
x = rng.random((1000, 5))
y = 3 * x[:, 0] + x[:, 1]
error = {}
for kind in ("CPU", "GPU"):
    model = catboost.CatBoostRegressor(iterations=20, depth=3, learning_rate=0.3, task_type=kind, verbose=0, allow_writing_files=False)
    error[kind] = np.sqrt(np.mean((model.fit(x, y).predict(x) - y) ** 2))
assert error["GPU"] < 1.5 * error["CPU"] < 0.2, error
