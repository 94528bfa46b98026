#!/usr/bin/env python3
"""Runs ctest in a build folder and counts every case inside its programs. SPDX-License-Identifier: Apache-2.0

    run_tests.py BUILD-DIR [ctest options]

The last line is `N passed, N failed` or `N passed, N failed, N skipped`; the exit status is 0 only when nothing failed.
GoogleTest programs and lit runs count by case; any other test counts as one.
"""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

GTEST_TOTAL = re.compile(r"^\[==========\] (\d+) tests? from .* ran\.", re.M)
GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below", re.M)
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?, listed below", re.M)
LIT_LINE = re.compile(r"^\s+(Passed|Failed|Timed Out|Unresolved|Unexpectedly Passed|Unsupported|Skipped|Excluded|Expectedly Failed|"
                      r"Passed With Retry)\s*: (\d+)", re.M)
LIT_PASSED = {"Passed", "Passed With Retry"}
LIT_FAILED = {"Failed", "Timed Out", "Unresolved", "Unexpectedly Passed"}


def number(pattern, text):
    return sum(int(n) for n in pattern.findall(text))


def count(output, ok):
    """(passed, failed, skipped) of one ctest test, from what it printed."""
    passed = failed = skipped = 0
    if GTEST_TOTAL.search(output):
        passed, failed, skipped = number(GTEST_PASSED, output), number(GTEST_FAILED, output), number(GTEST_SKIPPED, output)
    for name, n in LIT_LINE.findall(output):
        if name in LIT_PASSED:
            passed += int(n)
        elif name in LIT_FAILED:
            failed += int(n)
        else:
            skipped += int(n)
    if passed + failed + skipped == 0:
        return (1, 0, 0) if ok else (0, 1, 0)
    if not ok and failed == 0:
        failed = 1  # it died outside its cases
    return passed, failed, skipped


def summarise(report):
    passed = failed = skipped = 0
    names = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        status = case.get("status")
        if status in ("notrun", "disabled") or case.find("skipped") is not None:
            # A test whose program was not built is a failure, not a skip; SKIP_RETURN_CODE is a skip.
            reason = case.find("skipped")
            if reason is not None and "SKIP" in (reason.get("message") or "").upper():
                skipped += 1
            else:
                failed += 1
                names.append(case.get("name"))
            continue
        out = case.findtext("system-out") or ""
        p, f, s = count(out, status == "run")
        passed, failed, skipped = passed + p, failed + f, skipped + s
        if f:
            names.append(case.get("name"))
    return passed, failed, skipped, names


def main():
    build = os.path.abspath(sys.argv[1])
    report = os.path.join(build, "tests.xml")
    if os.path.exists(report):
        os.remove(report)
    status = subprocess.call(["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error", "--output-junit", report,
                              "--test-output-size-passed", "100000000", "--test-output-size-failed", "100000000",
                              "-j", str(os.cpu_count())] + sys.argv[2:])
    sys.stdout.flush()
    if not os.path.exists(report):
        print("0 passed, 1 failed")
        return 1
    passed, failed, skipped, names = summarise(report)
    if status != 0 and failed == 0:
        failed = 1
    if names:
        print("failed in: " + ", ".join(names))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
