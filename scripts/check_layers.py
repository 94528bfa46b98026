#!/usr/bin/env python3
"""Holds src/ to src/layers.txt: every include and every reserved word. SPDX-License-Identifier: Apache-2.0

    check_layers.py [SRC]        exit status 1 and one line per breach
    check_layers.py --self-test  shows that breaches are found
"""
import os
import re
import sys
import tempfile

SUFFIXES = (".h", ".cpp", ".c", ".def", ".inc")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
OUTSIDE = ("llvm/", "llvm-c/", "gtest/")  # quoted by habit, not ours


def readRules(path):
    edges, words, section = {}, [], None
    for line in open(path):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line
        elif section == "[edges]":
            room, targets = line.split(":", 1)
            edges[room] = targets.split()
        elif section == "[words]":
            pattern, rooms = re.match(r"(.*?):\s+(.*)", line).groups()
            words.append((re.compile(pattern), rooms.split()))
    return edges, words


def inside(path, room):
    return path == room or path.startswith(room + "/")


def roomOf(path, rooms):
    found = [r for r in rooms if inside(path, r)]
    return max(found, key=len) if found else None


def findCycle(edges):
    done = set()

    def walk(room, trail):
        if room in trail:
            return trail[trail.index(room):] + [room]
        if room in done:
            return None
        for target in edges.get(room, []):
            cycle = walk(target, trail + [room])
            if cycle:
                return cycle
        done.add(room)
        return None

    for room in edges:
        cycle = walk(room, [])
        if cycle:
            return cycle
    return None


def sources(src):
    for folder, _, names in os.walk(src):
        for name in sorted(names):
            if name.endswith(SUFFIXES):
                yield os.path.relpath(os.path.join(folder, name), src)


def checkIncludes(src, path, text, edges):
    room = roomOf(path, edges)
    if room is None:
        yield f"src/{path}:1: is in no room of layers.txt"
        return
    for match in INCLUDE.finditer(text):
        target = match.group(1)
        if target.startswith(OUTSIDE):
            continue
        line = text.count("\n", 0, match.start(1)) + 1
        if not os.path.exists(os.path.join(src, target)):
            target = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if not os.path.exists(os.path.join(src, target)):
                yield f"src/{path}:{line}: includes {match.group(1)}, which is not in src/"
                continue
        other = roomOf(target, edges)
        if other != room and other not in edges[room]:
            yield f"src/{path}:{line}: {room} may not include {other} ({match.group(1)})"


def checkWords(path, text, words):
    bare = COMMENT.sub(lambda m: "\n" * m.group(0).count("\n"), text)
    for pattern, rooms in words:
        if any(inside(path, room) for room in rooms):
            continue
        for match in pattern.finditer(bare):
            line = bare.count("\n", 0, match.start()) + 1
            yield f"src/{path}:{line}: `{match.group(0)}` belongs in {', '.join(rooms)}"


def check(src):
    edges, words = readRules(os.path.join(src, "layers.txt"))
    breaches = []
    cycle = findCycle(edges)
    if cycle:
        breaches.append("layers.txt: a circle: " + " -> ".join(cycle))
    for room, targets in edges.items():
        breaches += [f"layers.txt: {room}: {t} is not a room" for t in targets if t not in edges]
    files = 0
    for path in sources(src):
        files += 1
        text = open(os.path.join(src, path), encoding="utf-8", errors="replace").read()
        breaches += checkIncludes(src, path, text, edges)
        if not path.endswith("_test.cpp"):
            breaches += checkWords(path, text, words)
    return files, breaches


SELF_TEST = {
    "layers.txt": '[edges]\nlow:\nhigh: low\n[words]\nsecret\\(: high\n',
    "low/a.h": "// secret( in a comment is no breach\n",
    "low/b.cpp": '#include "low/a.h"\n\n#include "high/c.h"\nint x = secret(1);\n#include "gone.h"\n',
    "high/c.h": '#include "low/a.h"\nint secret(int);\n',
    "stray/d.cpp": "int y;\n",
}
SELF_TEST_BREACHES = [
    "src/low/b.cpp:3: low may not include high (high/c.h)",
    "src/low/b.cpp:4: `secret(` belongs in high",
    "src/low/b.cpp:5: includes gone.h, which is not in src/",
    "src/stray/d.cpp:1: is in no room of layers.txt",
]


def selfTest():
    with tempfile.TemporaryDirectory() as src:
        for name, text in SELF_TEST.items():
            os.makedirs(os.path.dirname(os.path.join(src, name)), exist_ok=True)
            with open(os.path.join(src, name), "w") as f:
                f.write(text)
        _, breaches = check(src)
    if sorted(breaches) != SELF_TEST_BREACHES:
        print("expected:", *SELF_TEST_BREACHES, "got:", *sorted(breaches), sep="\n")
        return 1
    if findCycle({"a": ["b"], "b": ["a"]}) is None or findCycle({"a": ["b"], "b": []}):
        print("circles are not told")
        return 1
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return selfTest()
    src = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "src")
    files, breaches = check(src)
    print(*breaches, sep="\n", end="\n" if breaches else "")
    print(f"{files} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
