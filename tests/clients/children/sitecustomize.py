"""Read by every Python of a client's tests: those that tests start use the host's operators too, where wanted. SPDX-License-Identifier: Apache-2.0"""
import os
import sys

# Pytest's own process has them as a plugin.
if os.environ.get("ANYWARP_CLIENTS_HOST_OPERATORS") and "pytest" not in getattr(sys, "orig_argv", []):
    import host_operators

    host_operators.install()
