#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nfdump_compare.py - compares the output of "nfdump -o raw" with the flows of a history.
#
#	nfdump_compare.py RAW DATABASE
#
# nfdump 1.7.1 prints the post-NAT ports of IPv6 flows, but not their addresses.
import ipaddress
import re
import sqlite3
import sys
from collections import Counter

PROTOS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}


def records(path):
    for block in open(path).read().split("\n\n"):
        fields = dict(re.findall(r"^ +(.+?) += +(.*)$", block, re.M))
        if "first" in fields:
            yield fields


def number(text):
    return int(text.split()[0], 0)


def ports_read(fields):
    if "ICMP" in fields:
        kind, code = fields["ICMP"].split()[0].split(".")
        return None, int(kind) * 256 + int(code)
    return number(fields["src port"]), number(fields["dst port"])


def record_key(fields):
    sport, dport = ports_read(fields)
    nat = [fields.get(name) for name in ("src xlt ip", "dst xlt ip")]
    ports = [number(fields[n]) if n in fields else None for n in ("src xlt port", "dst xlt port")]
    return (number(fields["proto"]), fields["src addr"], sport, fields["dst addr"], dport,
            number(fields["first"]), number(fields["last"]), number(fields["in packets"]),
            number(fields["in bytes"]), number(fields["out packets"]), number(fields["out bytes"]),
            number(fields["end reason"]), *nat, *ports)


def row_key(row):
    is_icmp = row["proto"] in ("icmp", "icmpv6")
    is_v6 = ipaddress.ip_address(row["src"]).version == 6
    has_nat = row["nat_src"] is not None
    nat = [row["nat_src"], row["nat_dst"]] if has_nat and not is_v6 else [None, None]
    ports = [row["nat_sport"], row["nat_dport"]] if has_nat and not is_icmp else [None, None]
    return (PROTOS[row["proto"]], row["src"], None if is_icmp else row["sport"], row["dst"],
            row["dport"], row["started_ms"], row["ended_ms"], row["packets"], row["bytes"],
            row["packets_reply"], row["bytes_reply"], 3 if row["proto"] == "tcp" else 1,
            *nat, *ports)


def main():
    db = sqlite3.connect(sys.argv[2])
    db.row_factory = sqlite3.Row
    wanted = Counter(row_key(r) for r in db.execute("SELECT * FROM flows WHERE state <> 'live'"))
    got = Counter(record_key(f) for f in records(sys.argv[1]))
    kinds = {(k[0], ":" in k[1], k[-1] is not None or k[12] is not None) for k in wanted}
    print(f"{sum(got.values())} of {sum(wanted.values())} flows, {len(kinds)} kinds")
    for key in list((wanted - got).keys())[:5]:
        print("missing:", key)
    for key in list((got - wanted).keys())[:5]:
        print("unknown:", key)
    # A flow whose verdict was set late is sent twice.
    sys.exit(1 if set(wanted) != set(got) or len(kinds) < 10 else 0)


if __name__ == "__main__":
    main()
