#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Check the include graph, the call graph and the lengths of functions.

    structure.py SOURCE BUILD           TAP for the test suite
    structure.py SOURCE BUILD --graph   the graph of the rooms, for people

Calls are read with nm from the object files of BUILD, so that they are what the linker
sees. Arrows between rooms are those of HACKING.md.
"""
import os
import re
import statistics
import subprocess
import sys

# A room and the rooms that it may use. Everybody may use base.
ARROWS = {
    "base": "",
    "config": "base",
    "audit": "config base",
    "health": "config base",
    "plan": "config base",
    "kernel": "plan config base",
    "steering": "kernel plan config base",
    "hostcheck": "steering kernel plan config base",
    "store": "audit config base",
    "status": "audit config base",
    "alert": "status audit config base",
    "talker": "kernel plan alert status audit config base",
    "daemon": "talker hostcheck steering kernel plan store alert status audit health config base",
    "export": "store status audit config base",
    "cli": "hostcheck steering kernel plan store alert status audit health config base",
}
LONGEST = 50
MEDIAN = 12


def sources(top):
    for root in ("src", "include/waymark"):
        for folder, _, names in os.walk(os.path.join(top, root)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), top)
                if re.search(r"\.[ch]$", name) and path != "src/store/sql.c":
                    yield path


def room_of(path):
    parts = path.split("/")
    return parts[2] if path.startswith("include/") else parts[1]


def include_arrows(top):
    """Return {(room, room): [file: header]} of every include that crosses rooms."""
    arrows = {}
    for path in sources(top):
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = file.read()
        for header in re.findall(r'^#include "([^"]+)"', text, re.M):
            target = header.split("/")[1] if header.startswith("waymark/") else header.split("/")[0]
            if "/" in header and target != room_of(path):
                arrows.setdefault((room_of(path), target), []).append(f"{path}: {header}")
    return arrows


def private_includes(top):
    """Return includes of another room's private header."""
    found = []
    for path in sources(top):
        with open(os.path.join(top, path), encoding="utf-8") as file:
            for header in re.findall(r'^#include "([^"]+)"', file.read(), re.M):
                if not header.startswith("waymark/") and header.split("/")[0] != room_of(path):
                    found.append(f"{path}: {header}")
    return found


def objects(top, build):
    """Return the objects of the sources, not what another build left."""
    found = []
    for folder, _, names in os.walk(os.path.join(build, "src")):
        for name in names:
            path = os.path.join(folder, name)
            source = os.path.relpath(path, build)[:-2] + ".c"
            if name.endswith(".o") and os.path.exists(os.path.join(top, source)):
                found.append(path)
    return found


def symbols(top, build):
    """Return {source: (defined names, functions, used names)}."""
    out = subprocess.run(["nm", "-A", *objects(top, build)], capture_output=True, text=True, check=True).stdout
    found = {}
    for path, kind, name in re.findall(r"^(.*)\.o:.* ([A-Z]) (\w+)$", out, re.M):
        source = os.path.relpath(path, build) + ".c"
        defined, functions, used = found.setdefault(source, (set(), set(), set()))
        if kind in "TDRBC":
            defined.add(name)
        if kind == "T":
            functions.add(name)
        if kind == "U":
            used.add(name)
    return found


def call_graph(found):
    home = {name: path for path, (defined, _, _) in found.items() for name in defined if name != "main"}
    graph = {}
    for path, (_, _, used) in found.items():
        graph[path] = {home[name] for name in used if name in home} - {path}
    return graph


def circles(graph):
    """Return the strongly connected components of more than one file (Tarjan)."""
    index, low, on_stack, stack, out = {}, {}, set(), [], []

    def visit(node):
        work = [(node, iter(sorted(graph.get(node, ()))))]
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        while work:
            current, edges = work[-1]
            for edge in edges:
                if edge not in index:
                    index[edge] = low[edge] = len(index)
                    stack.append(edge)
                    on_stack.add(edge)
                    work.append((edge, iter(sorted(graph.get(edge, ())))))
                    break
                if edge in on_stack:
                    low[current] = min(low[current], index[edge])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[current])
                if low[current] == index[current]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == current:
                            break
                    if len(component) > 1:
                        out.append(sorted(component))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return out


def uncalled(found, top):
    """Return functions that no other object uses and no test calls by name."""
    used = set().union(*(names for _, _, names in found.values()))
    tests = ""
    for folder, _, names in os.walk(os.path.join(top, "tests")):
        for name in names:
            if name.endswith((".c", ".h")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    tests += file.read()
    return sorted(
        f"{path}: {name}"
        for path, (_, functions, _) in found.items()
        for name in functions - used - {"main"}
        if not re.search(rf"\b{name}\b", tests)
    )


def function_lengths(top):
    lengths = []
    for path in sources(top):
        begin = None
        with open(os.path.join(top, path), encoding="utf-8") as file:
            lines = file.read().split("\n")
        for number, line in enumerate(lines):
            if line == "{":
                begin = number
            elif line == "}" and begin is not None:
                lengths.append((number - begin - 1, f"{path}:{begin + 1}"))
                begin = None
    return lengths


def main():
    top, build = sys.argv[1:3]
    arrows = include_arrows(top)
    if "--graph" in sys.argv:
        for room in ARROWS:
            to = sorted(b for a, b in arrows if a == room)
            print(f"{room:10} -> {' '.join(to)}")
        return 0
    found = symbols(top, build)
    lengths = function_lengths(top)
    checks = [
        ("no include goes up", [
            line for (a, b), lines in sorted(arrows.items()) if b not in ARROWS.get(a, "").split() for line in lines
        ]),
        ("no room includes another room's private header", private_includes(top)),
        ("no circle of calls between folders, none of more than two files", [
            " ".join(c) for c in circles(call_graph(found)) if len(c) > 2 or len({os.path.dirname(p) for p in c}) > 1
        ]),
        ("no exported function without a caller", uncalled(found, top)),
        (f"no function is longer than {LONGEST} lines", [
            f"{where}: {n} lines" for n, where in lengths if n > LONGEST
        ]),
        (f"half of the functions have at most {MEDIAN} lines", [] if statistics.median(
            n for n, _ in lengths) <= MEDIAN else [f"median {statistics.median(n for n, _ in lengths)}"]),
    ]
    print(f"1..{len(checks)}")
    for number, (what, wrong) in enumerate(checks, 1):
        print(f"{'not ok' if wrong else 'ok'} {number} - {what}")
        for line in wrong:
            print(f"# {line}")
    return 1 if any(wrong for _, wrong in checks) else 0


sys.exit(main())
