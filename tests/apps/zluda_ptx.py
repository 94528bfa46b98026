#!/usr/bin/env python3
"""Runs the PTX tests of a ZLUDA checkout (ptx/src/test/spirv_run) on anywarp's driver.

    build/release/bin/anywarp run tests/apps/zluda_ptx.py CHECKOUT [NAME...]

Each test is one kernel of at most 64 threads that reads an array and writes another; both stand as Rust literals in mod.rs, which this
script reads. Prints what differs and one line of counts; exits 1 when something differed. SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import math
import re
import struct
import sys
from pathlib import Path

FORMATS = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f16": "e", "f32": "f", "f64": "d"}
TYPE = r"(u8|i8|u16|i16|u32|i32|u64|i64|f32|f64)"


def read_tests(text):
    """(name, input or None, output, threads) for each test; input and output as lists of Rust expressions."""
    text = re.sub(r"//[^\n]*", "", text)
    tests = []
    for call in re.finditer(r"^test_ptx(_with_32|_warp)?!\s*\(", text, re.M):
        end = matching(text, call.end() - 1)
        parts = split(text[call.end():end])
        if len(parts) == 1:
            continue  # compares LLVM code only
        arrays = [elements(p) for p in parts[1:]]
        warp = call.group(1) == "_warp"
        tests.append((parts[0], None if warp else arrays[0], arrays[-1], 64 if warp else 1))
    return tests


def matching(text, opening):
    depth = 0
    for i in range(opening, len(text)):
        depth += text[i] in "([{"
        depth -= text[i] in ")]}"
        if depth == 0:
            return i
    raise ValueError("unbalanced brackets")


def split(text):
    """The parts between commas outside brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += c in "([{"
        depth -= c in ")]}"
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    return [p for p in parts if p]


def elements(array):
    inner = array.strip()[1:-1]
    repeated = split(inner.replace(";", ",", 1)) if ";" in inner else None
    return [repeated[0]] * int(value(repeated[1])[1]) if repeated else split(inner)


def value(text):
    """(type or None, number) of a Rust expression as these tests hold them."""
    text = text.strip()
    if text.startswith("-"):
        kind, number = value(text[1:])
        return kind, -number
    bits = re.fullmatch(r"(.*)\.to_bits\(\)", text, re.S)
    if bits:
        kind, number = value(bits.group(1))
        return kind.replace("f", "u"), struct.unpack(FORMATS[kind.replace("f", "u")], struct.pack(FORMATS[kind], number))[0]
    half = re.fullmatch(r"half::f16::(?:from_f64|from_f32)\((.*)\)", text)
    if half:
        return "f16", float(value(half.group(1))[1])
    pattern = re.fullmatch(r"(?:half::)?(f16|f32|f64)::from_bits\((.*)\)", text)
    if pattern:
        kind, number = pattern.group(1), value(pattern.group(2))[1]
        return kind, struct.unpack(FORMATS[kind], struct.pack(FORMATS[kind.replace("f", "u")], number))[0]
    constant = re.fullmatch(r"(?:std::)?(half::)?(\w+)::(?:consts::)?(\w+)(?:\(\))?", text)
    if constant:
        return constant.group(2), named(constant.group(2), constant.group(3))
    quotient = re.fullmatch(r"(.*\S)\s*/\s*(\S.*)", text)
    if quotient:
        (kind, a), (_, b) = value(quotient.group(1)), value(quotient.group(2))
        return kind, a / b
    literal = re.fullmatch(rf"(0x[0-9a-fA-F_]+?|0b[01_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?)_?{TYPE}?", text)
    if not literal:
        raise ValueError(f"cannot read '{text}'")
    digits, kind = literal.group(1).replace("_", ""), literal.group(2)
    if re.fullmatch(r"0[xb].*|[0-9]+", digits) and kind not in ("f32", "f64"):
        return kind, int(digits, 0)
    return kind or "f32", float(digits)


def named(kind, name):
    if kind.startswith("f"):
        return {"NAN": math.nan, "INFINITY": math.inf, "NEG_INFINITY": -math.inf, "PI": math.pi, "MAX": 3.4028234663852886e38,
                "MIN_POSITIVE": 1.1754943508222875e-38, "EPSILON": 1.1920928955078125e-07}[name]
    signed, size = kind[0] == "i", int(kind[1:])
    return {"MAX": 2 ** (size - signed) - 1, "MIN": -(2 ** (size - 1)) if signed else 0}[name.replace("_value", "").upper()]


def packed(expressions):
    """The array's bytes and its element type: that of the first element which names one, as in Rust."""
    values = [value(e) for e in expressions]
    kind = next((k for k, _ in values if k), "i32")
    if kind in ("i32",) and any(k is None and v > 2**31 - 1 for k, v in values):
        kind = "u32"
    return b"".join(struct.pack(FORMATS[kind], v) for _, v in values), kind


class Driver:
    def __init__(self):
        self.cuda = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)
        self.context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(self.context), 0)
        self.call("cuCtxSetCurrent", self.context)

    def call(self, name, *arguments):
        error = getattr(self.cuda, name)(*arguments)
        if error:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorName(error, ctypes.byref(text))
            raise RuntimeError(f"{name}: {text.value.decode() if text.value else error}")

    def allocate(self, content):
        at = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(at), ctypes.c_size_t(max(1, len(content))))
        self.call("cuMemcpyHtoD_v2", at, content, ctypes.c_size_t(len(content)))
        return at

    def run(self, ptx, name, given, size, threads):
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(ptx))
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        out = self.allocate(bytes(size))
        source = out if given is None else self.allocate(given)
        parameters = (ctypes.c_void_p * 2)(ctypes.addressof(source), ctypes.addressof(out))
        self.call("cuLaunchKernel", function, 1, 1, 1, threads, 1, 1, 1024, None, parameters, None)
        result = ctypes.create_string_buffer(size)
        self.call("cuMemcpyDtoH_v2", result, out, ctypes.c_size_t(size))
        self.call("cuModuleUnload", module)
        return result.raw


def main():
    folder = Path(sys.argv[1]) / "ptx/src/test/spirv_run"
    wanted = set(sys.argv[2:])
    driver, passed, failed = Driver(), 0, 0
    for name, given, expected, threads in read_tests((folder / "mod.rs").read_text()):
        if wanted and name not in wanted:
            continue
        want, kind = packed(expected)
        try:
            got = driver.run((folder / f"{name}.ptx").read_bytes(), name, given and packed(given)[0], len(want), threads)
            problem = None if got == want else f"gives {show(got, kind)}, expected {show(want, kind)}"
        except RuntimeError as error:
            problem = str(error)
        passed += problem is None
        failed += problem is not None
        if problem:
            print(f"{name}: {problem}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


def show(content, kind):
    return [v for (v,) in struct.iter_unpack(FORMATS[kind], content)][:8]


main()
