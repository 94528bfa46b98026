"""Pytest plugin of the clients' suites: one line of JSON for each test that ends, so that a crash loses nothing. SPDX-License-Identifier: Apache-2.0

ANYWARP_CLIENTS_RECORD names the file the lines are added to. Tests that it already names are not run again, which is how run.py goes on
after a process that died. With ANYWARP_CLIENTS_SAMPLE=N every Nth test of a file is run.
"""
import json
import os
import resource

import pytest

RECORD = os.environ["ANYWARP_CLIENTS_RECORD"]
SAMPLE = int(os.environ.get("ANYWARP_CLIENTS_SAMPLE", "1"))


def add(line):
    with open(RECORD, "a") as f:
        f.write(json.dumps(line) + "\n")


def finished():
    if not os.path.exists(RECORD):
        return set()
    with open(RECORD) as f:
        return {json.loads(line)["test"] for line in f}


def processorTime():
    """Of this process and the children that it has waited for: compilers, assemblers."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    before = processorTime()
    yield
    item.user_properties.append(("processor", round(processorTime() - before, 3)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    done = finished()
    items[:] = [item for item in items[::SAMPLE] if item.nodeid not in done]


def pytest_collectreport(report):
    if report.failed and report.nodeid not in finished():
        add({"test": report.nodeid, "result": "failed", "why": lastLine(report), "seconds": 0})


def pytest_runtest_logstart(nodeid):
    add({"test": nodeid, "result": "started"})


def lastLine(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    lines = [line for line in text.splitlines() if line.strip()] or ["no message"]
    first = lines[0]
    return first if crash else lines[-1]


def verdict(report):
    """What this phase of a test (setup, call, teardown) says about the whole of it, or None."""
    if report.outcome == "failed":
        return "failed", lastLine(report)
    if report.outcome == "skipped":
        if hasattr(report, "wasxfail"):
            return "skipped", "fails as its authors expect"
        return "skipped", report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return ("passed", "") if report.when == "call" else None


def pytest_runtest_logreport(report):
    found = verdict(report)
    if found and not (report.when == "teardown" and found[0] != "failed"):
        add({"test": report.nodeid, "result": found[0], "why": found[1], "seconds": round(report.duration, 3),
             "processor": dict(report.user_properties).get("processor", 0)})


@pytest.fixture(scope="class")
def initialize_from_pytest_config(request):
    """What Numba-CUDA's own conftest, which its package does not hold, gives to its test classes."""
    if request.cls is not None:
        request.cls._dump_failed_filechecks = False
