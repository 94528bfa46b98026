"""Boosted trees grown on the GPU fit as well as those of the CPU, in XGBoost. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
import xgboost

rng = np.random.default_rng(0)
x = rng.random((2000, 10), dtype=np.float32)
y = 3 * x[:, 0] + np.sin(6 * x[:, 1]) + 0.1 * rng.random(2000)
data, error = xgboost.DMatrix(x, y), {}
for device in ("cpu", "cuda"):
    model = xgboost.train({"device": device, "tree_method": "hist", "max_depth": 4, "objective": "reg:squarederror"}, data, 10)
    assert f'"device":"{device}' in model.save_config(), f"trees were not grown on {device}"  # without a device it warns and takes the CPU
    error[device] = np.sqrt(np.mean((model.predict(data) - y) ** 2))
assert np.isclose(error["cpu"], error["cuda"], rtol=1e-3), error
