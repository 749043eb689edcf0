#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""day_spread.py - spreads the history of a few minutes over a day, for tests/bench/day.

  day_spread.py DATABASE COUNTERS COVERAGE BEGAN_MS HOUR_SECONDS DATE

All times are moved by one linear function, so that their order is kept. Rows with bins are
computed again: usage from the interfaces' counters (COUNTERS: the time, then
`ip -s -j link`), coverage from its counters at the end of each hour (COVERAGE:
hour|uplink|kind|packets|bytes), the sums of hosts from the flows. Prints the time at which
the day ends.
"""

import bisect
import collections
import datetime
import json
import sqlite3
import sys

HOUR, BIN = 3600000, 300000
# Every column that is a time.
TIMES = {
    "mismatch": ["time"], "mark_change": ["time"], "tamper": ["time"], "gap": ["started", "ended"],
    "uplink_state": ["time", "until"], "uplink": ["valid_from", "valid_to"], "deletion": ["time"],
    "health_sample": ["time"], "alert": ["time"], "slice": ["first_ms", "last_ms"],
    "change": ["time"], "outbox": ["time"],
}


class Day:
    def __init__(self, began_ms, hour_s, date):
        midnight = datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.timezone.utc)
        self.began, self.factor = began_ms, 3600 / hour_s
        self.midnight = int(midnight.timestamp() * 1000)

    def time(self, ms):
        return None if ms is None else self.midnight + int((ms - self.began) * self.factor)


def move_times(db, day):
    db.create_function("day", 1, day.time, deterministic=True)
    for table, columns in TIMES.items():
        for column in columns:
            db.execute(f"UPDATE {table} SET {column} = day({column})")
    db.execute("""UPDATE flow SET started = day(started), life = CASE
        WHEN state = 0 THEN life WHEN started IS NULL THEN day(life)
        ELSE day(started + life) - day(started) END""")
    db.execute("UPDATE meta SET value = day(value) WHERE name LIKE '%_ms'")


def counters_read(path):
    """For each interface: (time, bytes sent, received, packets sent, received), ascending."""
    read = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for part in file.read().split("\n\n"):
            words = part.strip().split("\n", 1)
            if len(words) < 2:
                continue
            for link in json.loads(words[1]):
                s = link["stats64"]
                read[link["ifname"]].append((int(words[0]), s["tx"]["bytes"], s["rx"]["bytes"],
                                             s["tx"]["packets"], s["rx"]["packets"]))
    return read


def counted_until(readings, times, ms):
    """The counters at that time, between two readings by a straight line."""
    i = bisect.bisect_right(times, ms)
    if i in (0, len(readings)):
        return readings[min(i, len(readings) - 1)][1:]
    a, b = readings[i - 1], readings[i]
    part = (ms - a[0]) / (b[0] - a[0])
    return [int(x + (y - x) * part) for x, y in zip(a[1:], b[1:])]


def usage_make(db, day, counters):
    db.execute("DELETE FROM usage_bin")
    db.execute("DELETE FROM usage_reading")
    for uplink, interface in db.execute("SELECT min(id), interface FROM uplink GROUP BY slot").fetchall():
        readings = counters[interface]
        times = [r[0] for r in readings]
        for start in range(day.midnight, day.midnight + 24 * HOUR, BIN):
            before, after = (counted_until(readings, times, day.began + (t - day.midnight) / day.factor)
                             for t in (start, start + BIN))
            flows = db.execute("""SELECT count(*), ifnull(sum(packets_reply > 0), 0) FROM flow
                WHERE started >= ? AND started < ? AND uplink IN (SELECT id FROM uplink WHERE interface = ?)
                """, (start, start + BIN, interface)).fetchone()
            row = [y - x for x, y in zip(before, after)] + list(flows)
            if any(row):
                db.execute("INSERT INTO usage_bin VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", [start, uplink] + row)


def coverage_make(db, day, path):
    flags = dict((u, f) for u, *f in db.execute(
        "SELECT uplink, max(is_partial), max(has_uncounted) FROM coverage_hour GROUP BY uplink"))
    for table in ("coverage_hour", "coverage_count", "coverage_reading", "coverage_reading_count"):
        db.execute(f"DELETE FROM {table}")
    before = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            hour, uplink, kind, packets, size = map(int, line.split("|"))
            was = before.get((uplink, kind), (0, 0))
            before[uplink, kind] = (packets, size)
            start = day.midnight + hour * HOUR
            db.execute("INSERT INTO coverage_count VALUES (NULL, ?, ?, ?, ?, ?)",
                       (start, uplink, kind, packets - was[0], size - was[1]))
            gaps = db.execute("SELECT count(*) FROM gap WHERE started < ? AND ifnull(ended, started) > ?",
                              (start + HOUR, start)).fetchone()[0]
            db.execute("INSERT OR IGNORE INTO coverage_hour (time, uplink, started, ended, intervals,"
                       " unknown, is_partial, has_gap, has_uncounted) VALUES (?, ?, ?, ?, 1, 0, ?, ?, ?)",
                       (start, uplink, start, start + HOUR, flags[uplink][0] and gaps > 0, gaps > 0,
                        flags[uplink][1]))


def hosts_make(db):
    """By the inside host: the source of what leaves, before translation."""
    db.execute("DELETE FROM host_hour")
    db.execute(f"""INSERT INTO host_hour SELECT (started + life) / {HOUR} * {HOUR},
        iif(ingress, ifnull(nat_dst, dst), src), ifnull(uplink, 0), count(*), sum(packets_reply = 0),
        sum(iif(ingress, bytes_reply, bytes)), sum(iif(ingress, bytes, bytes_reply))
        FROM flow WHERE state <> 0 AND started IS NOT NULL AND packets IS NOT NULL GROUP BY 1, 2, 3""")


def main():
    database, counters, coverage, began_ms, hour_s, date = sys.argv[1:]
    day = Day(int(began_ms), float(hour_s), date)
    db = sqlite3.connect(database)
    move_times(db, day)
    usage_make(db, day, counters_read(counters))
    coverage_make(db, day, coverage)
    hosts_make(db)
    db.commit()
    db.execute("VACUUM")
    now = db.execute("SELECT value FROM meta WHERE name = 'alive_ms'").fetchone()[0]
    print(datetime.datetime.fromtimestamp(now / 1000, datetime.timezone.utc).strftime("%F %T"))


if __name__ == "__main__":
    main()
