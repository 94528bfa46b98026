#!/usr/bin/env python3
"""Holds the documentation to the tree: every path it names exists. SPDX-License-Identifier: Apache-2.0

    check_docs.py [ROOT]         exit status 1 and one line per path that is not there
    check_docs.py --self-test

A path is a word in `backquotes` that begins with a folder of the repository (or of src/), or the target of a link.
Paths under build/ are products and are left alone; a `*` in a path stands for anything.
"""
import glob
import os
import re
import sys
import tempfile

QUOTED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
PATH = re.compile(r"^[\w.*+-]+(/[\w.*+-]+)*/?$")


def pages(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in ("build", ".git", ".cache", "third_party")]
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.relpath(os.path.join(folder, name), root)


def exists(root, page, path):
    bases = (root, os.path.join(root, "src"), os.path.join(root, os.path.dirname(page)))
    return any(glob.glob(os.path.join(base, path)) for base in bases)


def looksLikePath(root, word):
    if not PATH.match(word):
        return False
    first = word.split("/")[0]
    if "/" not in word:
        return word.endswith((".sh", ".md")) and not word.startswith("*")
    return os.path.isdir(os.path.join(root, first)) or os.path.isdir(os.path.join(root, "src", first))


def check(root):
    missing, count = [], 0
    for page in pages(root):
        text = open(os.path.join(root, page), encoding="utf-8").read()
        text = FENCE.sub(lambda m: "\n" * m.group(0).count("\n"), text)
        found = [(m.start(), m.group(1)) for m in QUOTED.finditer(text) if looksLikePath(root, m.group(1))]
        found += [(m.start(), m.group(1)) for m in LINK.finditer(text) if "://" not in m.group(1)]
        for at, path in sorted(found):
            if path.startswith(("build/", "./build/")):
                continue
            count += 1
            if not exists(root, page, path):
                missing.append(f"{page}:{text.count(chr(10), 0, at) + 1}: names {path}, which does not exist")
    return count, missing


def selfTest():
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "src", "low"))
        open(os.path.join(root, "src", "low", "a.cpp"), "w").close()
        with open(os.path.join(root, "page.md"), "w") as f:
            f.write("`low/a.cpp` `src/low/*.cpp` `build/x/y` `a/b` [x](https://x/y)\n`low/b.cpp`\n[y](gone.md)\n```\n`low/c.cpp`\n```\n")
        _, missing = check(root)
    expected = ["page.md:2: names low/b.cpp, which does not exist", "page.md:3: names gone.md, which does not exist"]
    if missing != expected:
        print("expected:", *expected, "got:", *missing, sep="\n")
        return 1
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return selfTest()
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    count, missing = check(root)
    print(*missing, sep="\n", end="\n" if missing else "")
    print(f"{count} paths, {len(missing)} missing")
    return 1 if missing or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
