#!/usr/bin/env python3
"""Runs Python's GPU libraries under `anywarp run`: a smoke program each, then their own tests. SPDX-License-Identifier: Apache-2.0

    tests/clients/run.py --out FOLDER                      smoke programs of all clients
    tests/clients/run.py --out FOLDER --suite numba        Numba-CUDA's smoke program and its own tests
    tests/clients/run.py --out FOLDER --suite --only test_ops tinygrad

Packages (pinned in clients.py) go into virtual environments below FOLDER, sources of suites beside them; --source CLIENT=URL takes
these from elsewhere, a local clone for example. Exit code: 0 nothing failed, 1 something did, 2 wrong usage.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

from clients import CLIENTS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Environment:
    """Where a client's packages and the sources of its suite are."""

    def __init__(self, name, options, alternative=False):
        self.client, self.name, self.alternative = CLIENTS[name], name + ("-alternative" if alternative else ""), alternative
        self.shared = name.split("-")[0]  # tinygrad-ptx has the packages of tinygrad
        self.folder = options.out / "venv" / self.shared
        self.sources = options.out / "sources" / self.shared
        self.url = options.source.get(self.shared, self.client.repository)
        self.python = self.folder / "bin" / "python"
        self.cache = options.out / "cache" / name

    def install(self):
        wanted = "\n".join(self.client.requirements + ["pytest==9.2.0"])
        installed = "\n".join([wanted, *self.client.runtimes])
        marker = self.folder / f"anywarp-{self.shared}.txt"
        if marker.exists() and marker.read_text() == installed:
            return
        subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted.split("\n")], check=True)
        for runtime in self.client.runtimes:
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade", "--target",
                            self.folder / "runtimes" / runtime, runtime], check=True)
        marker.write_text(installed)

    def suiteRoot(self):
        if self.client.package:
            return next((self.folder / "lib").glob(f"python3*/site-packages/{self.client.package}"))
        if not self.sources.exists():
            subprocess.run(["git", "clone", "--quiet", "--no-checkout", self.url, self.sources], check=True)
        subprocess.run(["git", "-C", self.sources, "-c", "advice.detachedHead=false", "checkout", "--quiet", self.client.revision], check=True)
        folder = self.client.tests[0].split("/")[0]
        if not self.client.import_sources and folder in ("test", "tests"):
            return self.onlyTests(folder)
        return self.sources

    def onlyTests(self, folder):
        """Tests beside the package's sources would import those, which are not built."""
        alone = self.sources.with_name(self.shared + "-tests")
        if not alone.exists():
            shutil.copytree(self.sources / folder, alone / folder)
            for name in ("pyproject.toml", "setup.cfg"):
                if (self.sources / name).exists():
                    shutil.copy(self.sources / name, alone / name)
        return alone

    def variables(self):
        inside = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": f"{HERE}:{HERE / 'children'}"}
        if self.client.import_sources:
            inside["PYTHONPATH"] += f":{self.sources}"
        for folder in self.client.helpers:
            inside["PYTHONPATH"] += f":{self.sources / folder}"
        for nvrtc in (self.folder / "lib").glob("python3*/site-packages/nvidia/cu13/lib/libnvrtc.so.13"):
            inside["NVRTC_PATH"] = str(nvrtc)  # tinygrad looks in no package of Python
        for compiler in (self.folder / "lib").glob("python3*/site-packages/nvidia/cu13/bin/nvcc"):
            inside["CUDA_PATH"] = str(compiler.parent.parent)  # its headers and those of the system are of two releases
        runtimes = [*(self.folder / "lib").glob("python3*/site-packages/nvidia/cu13/lib/libcudart_static.a"),
                    *(self.folder / "runtimes").glob("*/nvidia/cu13/lib/libcudart_static.a")]
        if runtimes:
            inside["ANYWARP_CUDART_STATIC"] = ":".join(map(str, runtimes))  # packages hold a runtime without names
        inside["CUPY_CACHE_DIR"] = str(self.folder / "cupy-cache")
        inside["TRITON_CACHE_DIR"] = str(self.cache)
        inside["WARP_CACHE_PATH"] = str(self.cache)
        if not self.alternative:
            return {**os.environ, **inside, **self.client.environment}
        return {**os.environ, **inside, "CUDA_VISIBLE_DEVICES": "", **self.client.alternative}

    def launcher(self, options):
        return [] if self.alternative else [options.anywarp, "run"]

    def arguments(self):
        """Of pytest."""
        plugins = [] if self.alternative else self.client.plugins
        arguments = [word for plugin in plugins for word in ("-p", plugin)]
        for test in self.client.deselect:
            arguments += ["--deselect", test]
        return arguments + self.client.arguments + (self.client.alternative_arguments if self.alternative else [])


def stopAll(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def smoke(environment, options):
    """(passed, text): the client's small program of our own."""
    if environment.client.import_sources:
        environment.suiteRoot()
    command = [options.anywarp, "run", environment.python, HERE / "smoke" / f"smoke_{environment.shared}.py"]
    try:
        done = subprocess.run(command, env=environment.variables(), cwd=options.out, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return False, f"longer than {options.limit} s"
    lines = done.stdout.strip().splitlines() or [""]
    if environment.client.refusal:
        refused = done.returncode != 0 and environment.client.refusal in done.stdout
        return refused, "refused as documented: " + lines[-1] if refused else "not refused as documented: " + lines[-1]
    return done.returncode == 0, "" if done.returncode == 0 else f"exit code {done.returncode}: {lines[-1]}"


def testFiles(environment, root, options):
    for entry in environment.client.tests:
        path = root / entry
        files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        for file in files:
            name = str(file.relative_to(root))
            if name not in environment.client.leave_out and (not options.only or any(part in name for part in options.only)):
                yield name


def records(path):
    """Test -> its last line in the file."""
    found = {}
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if entry["result"] != "passed" or found.get(entry["test"], {"result": "started"})["result"] == "started":
                found[entry["test"]] = entry
    return found


def runOnce(environment, root, name, record, deadline, options):
    """Runs what is left of a file; returns how its process ended: an exit code, "hang" or "limit"."""
    variables = {**environment.variables(), "ANYWARP_CLIENTS_RECORD": str(record), "ANYWARP_CLIENTS_SAMPLE": str(options.sample)}
    command = [*environment.launcher(options), environment.python, "-m", "pytest", "-p", "report_plugin", "-p", "no:cacheprovider"]
    command += environment.arguments()
    if environment.client.package:  # by its name: the folders above the file are no roots of packages
        module = f"{environment.client.module}.{name.removesuffix('.py').replace('/', '.')}"
        command += ["--import-mode=importlib", "--rootdir", root, "--pyargs", module]
    else:
        command += ["--rootdir", root, name]
    with open(record.with_suffix(".log"), "a") as log:
        place = options.out if environment.client.package else root
        process = subprocess.Popen(command, cwd=place, env=variables, stdout=log, stderr=log, start_new_session=True)
        changed, size = time.monotonic(), -1
        while process.poll() is None:
            time.sleep(0.2)
            now = record.stat().st_size if record.exists() else 0
            if now != size:
                changed, size = time.monotonic(), now
            if time.monotonic() - changed > options.limit or time.monotonic() > deadline:
                ending = "limit" if time.monotonic() > deadline else "hang"
                stopAll(process)
                return ending
        stopAll(process)  # children of the tests
        return process.returncode


def nameStarted(record, why):
    """The test during which the process ended gets the blame; says whether there was one."""
    started = [test for test, entry in records(record).items() if entry["result"] == "started"]
    with open(record, "a") as f:
        for test in started:
            f.write(json.dumps({"test": test, "result": "failed", "why": why, "seconds": 0}) + "\n")
    return bool(started)


def runFile(environment, root, name, folder, options):
    record = folder / (name.replace("/", ".") + ".jsonl")
    record.unlink(missing_ok=True)
    record.with_suffix(".log").unlink(missing_ok=True)
    deadline = time.monotonic() + options.file_limit
    while True:
        ending = runOnce(environment, root, name, record, deadline, options)
        if ending in (0, 1, 5):  # pytest: all passed, some failed, none left
            break
        if ending == "limit":
            with open(record, "a") as f:
                f.write(json.dumps({"test": name, "result": "failed", "why": f"file stopped after {options.file_limit} s"}) + "\n")
            break
        why = f"no end within {options.limit} s" if ending == "hang" else f"the process ended with {ending}"
        if not nameStarted(record, why):
            if not any(entry["result"] == "failed" for entry in records(record).values()):
                with open(record, "a") as f:
                    f.write(json.dumps({"test": name, "result": "failed", "why": why}) + "\n")
            break
    nameStarted(record, "the process ended during it")
    return records(record)


def runScript(environment, root, name, folder, options):
    """One test: the script ends well."""
    log = folder / (name.replace("/", ".") + ".log")
    with open(log, "w") as out:
        process = subprocess.Popen([options.anywarp, "run", environment.python, HERE / "run_script.py", root / name], cwd=options.out,
                                   env=environment.variables(), stdout=out, stderr=out, start_new_session=True)
        try:
            code = process.wait(timeout=options.file_limit)
            why = (log.read_text().strip().splitlines() or ["no message"])[-1] if code else ""
        except subprocess.TimeoutExpired:
            code, why = 1, f"no end within {options.file_limit} s"
        stopAll(process)
    return {name: {"test": name, "result": "failed" if code else "passed", "why": why}}


def cause(text):
    """A message without what differs from test to test."""
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?(e[-+]?\d+)?", "N", text)[:110]


def count(results):
    return collections.Counter(entry["result"] for entry in results.values())


def report(name, results, seconds):
    total = count(results)
    print(f"{name}: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped in {seconds:.0f} s")
    for verdict in ("failed", "skipped"):
        causes = collections.defaultdict(list)
        for test, entry in results.items():
            if entry["result"] == verdict:
                causes[cause(entry.get("why", ""))].append(test)
        for text, tests in sorted(causes.items(), key=lambda item: -len(item[1]))[:40]:
            print(f"  {verdict} {len(tests):5}  {text}\n               e.g. {tests[0]}")


def suite(environment, options):
    root = environment.suiteRoot()
    folder = options.out / "results" / environment.name
    folder.mkdir(parents=True, exist_ok=True)
    start, results = time.monotonic(), {}
    for name in testFiles(environment, root, options):
        found = {f"{name}::{test}": entry for test, entry in runFile(environment, root, name, folder, options).items()}
        results.update(found)
        total = count(found)
        print(f"  {name}: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
    for name in environment.client.scripts:
        if options.only and not any(part in name for part in options.only):
            continue
        found = runScript(environment, root, name, folder, options)
        results.update(found)
        print(f"  {name}: {found[name]['result']} {found[name]['why']}".rstrip(), flush=True)
    report(environment.name, results, time.monotonic() - start)
    if not results:
        print(f"{environment.name}: no test was run")
    return bool(results) and count(results)["failed"] == 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of {', '.join(CLIENTS)}; all without one")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder outside the tree for environments and results")
    parser.add_argument("--anywarp", type=pathlib.Path, default=ROOT / "build/release/bin/anywarp")
    parser.add_argument("--suite", action="store_true", help="the client's own tests too")
    parser.add_argument("--only", action="append", default=[], metavar="PART", help="test files with PART in their name")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="only every Nth test of a file")
    parser.add_argument("--limit", type=float, default=120, help="seconds for one test")
    parser.add_argument("--file-limit", type=float, default=1800, help="seconds for one test file")
    parser.add_argument("--source", action="append", default=[], metavar="CLIENT=URL", help="where a suite's repository is cloned from")
    options = parser.parse_args()
    options.source = dict(item.split("=", 1) for item in options.source)
    options.out, options.anywarp = options.out.resolve(), options.anywarp.resolve()
    if options.out.is_relative_to(ROOT):
        parser.error("--out must be outside the source tree")
    unknown = [name for name in options.clients if name not in CLIENTS]
    if unknown or not options.anywarp.exists():
        parser.error(f"no such client: {unknown[0]}" if unknown else f"{options.anywarp}: not built")
    return options


def main():
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    good = True
    for name in options.clients or CLIENTS:
        environment = Environment(name, options)
        environment.install()
        passed, text = smoke(environment, options)
        print(f"{name}: smoke {'passed' if passed else 'FAILED'} {text}".rstrip(), flush=True)
        good &= passed
        if options.suite and environment.client.tests:
            good &= suite(environment, options)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
