#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# compare.py - compares the rows that arrived with the histories: each row has the same values,
# none is there twice, and missing ones are named in a gap.
#
#	compare.py FIRST-LAST ROWS DATABASE...
#
# ROWS: a folder with a file of JSON lines per table, the newest version of each row.
# FIRST-LAST: the ids of all flows that ever ended. Prints one line, exits 1 if it finds a
# difference.
import json
import re
import sqlite3
import sys

TABLES = ("flows", "mismatches", "gaps", "tampering", "uplink_states", "usage", "alerts",
          "coverage")


def arrived(folder, table):
    rows = {}
    with open(f"{folder}/{table}") as lines:
        for line in lines:
            row = json.loads(line)
            key = (row["history"], int(row["id"]))
            assert key not in rows, f"{table}: {key} twice"
            rows[key] = row
    return rows


def text(value):
    if isinstance(value, float):
        return f"{value:.15g}"
    return None if value is None else str(value)


def same(table, wanted, row, columns):
    for name in columns:
        # Times as text are formatted by the server; compare the columns in milliseconds.
        if name in row and name + "_ms" not in columns and text(wanted[name]) != text(row[name]):
            print(f"{table} {wanted['id']}: {name} is {row[name]!r}, not {wanted[name]!r}")
            return False
    return True


def history_check(path, folder):
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    history = db.execute("SELECT value FROM meta WHERE name = 'history'").fetchone()[0]
    wrong = n = 0
    for table in TABLES:
        rows = arrived(folder, table)
        condition = " WHERE state <> 'live'" if table == "flows" else ""
        for wanted in db.execute(f"SELECT * FROM {table}{condition}"):
            row = rows.get((history, wanted["id"]))
            n += 1
            if not row:
                print(f"{table} {wanted['id']} of {history} is missing")
                wrong += 1
            elif not same(table, wanted, row, wanted.keys()):
                wrong += 1
            if wrong > 20:
                return n, wrong
    return n, wrong


def missing_check(first, last, folder):
    """Check that the exporter's gaps name the missing flows by their ids, or count them. A gap without
    ids and without a count may hold any number."""
    flows = arrived(folder, "flows")
    ids = {key[1] for key in flows}
    missing = [i for i in range(first, last + 1) if i not in ids]
    named = set()
    counted = 0
    is_open = False
    for row in arrived(folder, "gaps").values():
        reason = row["reason"] or ""
        match = re.search(r": table flows, ids (\d+) to (\d+)", reason)
        if row["source"] != "export" or ": table flows," not in reason:
            continue
        counted += int(row["lost"] or 0)
        is_open |= row["lost"] is None
        if match:
            named.update(range(int(match[1]), int(match[2]) + 1))
    unnamed = [i for i in missing if i not in named]
    # Several histories may have flows with the same ids.
    if counted > len(missing) and len({key[0] for key in flows}) == 1:
        print(f"the gaps count {counted} missing flows, but only {len(missing)} are missing")
        return missing, missing
    return missing, [] if is_open or counted >= len(missing) else unnamed


def main():
    first, last = (int(n) for n in sys.argv[1].split("-"))
    n = wrong = 0
    for path in sys.argv[3:]:
        rows, bad = history_check(path, sys.argv[2])
        n += rows
        wrong += bad
    missing, unnamed = missing_check(first, last, sys.argv[2])
    print(f"{n} rows compared, {wrong} differ; {len(missing)} flows missing, "
          f"{len(unnamed)} of them in no gap")
    sys.exit(1 if wrong or unnamed else 0)


if __name__ == "__main__":
    main()
