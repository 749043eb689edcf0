#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""chaos.py - random faults of a router under constant traffic; checks the history against
packet captures at the far end of each uplink. Run by test_chaos.sh.

  chaos.py events SECONDS SEED FOLDER ROUTER-PID NET-PID [protected]
      Runs random events until SECONDS are over, each undone before the next. Writes
      FOLDER/events: "BEGIN END UPLINKS EVENT UPLINK" per line, times in seconds,
      UPLINKS being those whose flows the event may break ("-": none). Waymark's
      configuration is FOLDER/waymark.conf, its pid is in FOLDER/waymarkd.pid. With
      "protected" a foreign change of the ruleset may break no flow.

  chaos.py probe HOST PORT SOURCE
      Sends a request over TCP and UDP to an echo server every 50 ms. Each flow lasts
      five seconds, because one that started while the rules were missing is pinned to
      no uplink. Prints "PROTO TIME" for each request without a reply within a second,
      until it is ended.

  chaos.py judge FOLDER [protected]
      Compares FOLDER/flows.db with FOLDER/isp1.pcap and isp2.pcap. Prints each
      difference, then how many flows were judged, strayed (by event) and are unknown.
      Exit 1 if the history missed a stray flow, has one that did not stray, or has
      verdict ok for a flow that left by another interface; with "protected" also if a
      packet strayed during an event that changes only the ruleset.

It knows the lab's addresses and Waymark's contract, nothing of its internals.
"""

import ipaddress
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time

UPLINKS = {
    "1": {"if": "wan1", "peer": "isp1", "mark": "0x2", "table": "251", "net4": "192.168.1",
          "gw6": "fd00:1::1", "metric": "100"},
    "2": {"if": "wan2", "peer": "isp2", "mark": "0x3", "table": "250", "net4": "192.168.2",
          "gw6": "fd00:2::1", "metric": "200"},
}

FIREWALL = """
table inet firewall {
	chain forward {
		type filter hook forward priority filter
		ct state established,related accept
	}
}
"""

# --- events ---------------------------------------------------------------------------


class Router:
    """What the router's administrator, firewall and provider do to it."""

    def __init__(self, folder, router, net):
        self.folder, self.pids = folder, {"router": router, "net": net}
        with open(f"{folder}/waymark.conf", encoding="ascii") as f:
            self.configuration = f.read()

    def run(self, command, at="router", stdin=""):
        subprocess.run(["nsenter", f"--net=/proc/{self.pids[at]}/ns/net", "--"] + command.split(),
                       check=False, input=stdin.encode(), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def reload(self, text):
        with open(f"{self.folder}/waymark.conf", "w", encoding="ascii") as f:
            f.write(text)
        with open(f"{self.folder}/waymarkd.pid", encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGHUP)

    def default_routes(self, uplink):
        """Install what the provider's DHCP and router advertisements would."""
        self.run(f"ip route replace default via {uplink['net4']}.1 dev {uplink['if']} "
                 f"metric {uplink['metric']}")
        self.run(f"ip -6 route replace default via {uplink['gw6']} dev {uplink['if']} "
                 f"metric {uplink['metric']}")

    # Each event is a generator, named by its function: the code before its yield causes
    # the fault, the code after it undoes the fault.

    def link_down(self, uplink):
        self.run(f"ip link set {uplink['if']} down")
        yield
        self.run(f"ip link set {uplink['if']} up")
        self.default_routes(uplink)

    def carrier_lost(self, uplink):
        self.run(f"ip link set {uplink['peer']} down", "net")
        yield
        self.run(f"ip link set {uplink['peer']} up", "net")
        for family, table in (("", "101" if uplink["if"] == "wan1" else "102"), ("", "main")):
            self.run(f"ip {family} route replace default via {uplink['net4']}.10 "
                     f"dev {uplink['peer']} table {table}", "net")
        gateway = uplink["gw6"][:-1] + "10"
        self.run(f"ip -6 route replace default via {gateway} dev {uplink['peer']} "
                 f"table {'101' if uplink['if'] == 'wan1' else '102'}", "net")
        self.default_routes(uplink)

    def link_renamed(self, uplink):
        self.run(f"ip link set {uplink['if']} down")
        self.run(f"ip link set {uplink['if']} name gone0")
        self.run("ip link set gone0 up")
        yield
        self.run("ip link set gone0 down")
        self.run(f"ip link set gone0 name {uplink['if']}")
        self.run(f"ip link set {uplink['if']} up")
        self.default_routes(uplink)

    def address_added(self, uplink):
        self.run(f"ip addr add {uplink['net4']}.77/24 dev {uplink['if']}")
        yield
        self.run(f"ip addr del {uplink['net4']}.77/24 dev {uplink['if']}")

    def gateway_changed(self, uplink):
        self.run(f"ip addr add {uplink['net4']}.2/24 dev {uplink['peer']}", "net")
        self.reload(self.configuration.replace(f'"{uplink["net4"]}.1"', f'"{uplink["net4"]}.2"'))
        yield
        self.reload(self.configuration)

    def weights_changed(self, _uplink):
        self.reload(self.configuration.replace("weight    = 2", "weight    = 5"))
        yield
        self.reload(self.configuration)

    def broken_file(self, _uplink):
        self.reload(self.configuration + "\nuplink wan9 { mark = 0 }\n")
        yield
        self.reload(self.configuration)

    def rule_deleted(self, uplink):
        self.run(f"ip rule del fwmark {uplink['mark']}/0xff")
        self.run(f"ip -6 rule del fwmark {uplink['mark']}/0xff")
        yield

    def table_flushed(self, uplink):
        self.run(f"ip route flush table {uplink['table']}")
        yield

    def route_moved(self, uplink):
        other = UPLINKS["2" if uplink["if"] == "wan1" else "1"]
        self.run(f"ip route replace default via {other['net4']}.1 dev {other['if']} "
                 f"table {uplink['table']}")
        yield

    def ruleset_flushed(self, _uplink):
        self.run("nft flush ruleset")
        yield

    def table_deleted(self, _uplink):
        self.run("nft delete table inet waymark")
        yield

    def firewall_reloaded(self, _uplink):
        self.run("nft -f -", stdin="flush ruleset\n" + FIREWALL)
        yield
        self.run("nft delete table inet firewall")

    def rules_flushed(self, _uplink):
        self.run("nft flush table inet waymark")
        yield

    def restore_flushed(self, _uplink):
        self.run("nft flush chain inet waymark prerouting")
        yield

    def evidence_flushed(self, _uplink):
        self.run("nft flush chain inet waymark postrouting")
        yield

    def sysctl_changed(self, _uplink):
        self.run("sysctl -qw net.netfilter.nf_conntrack_acct=0")
        self.run("sysctl -qw net.ipv4.conf.all.src_valid_mark=0")
        yield


BREAKS_ONE = ("link_down", "carrier_lost", "link_renamed", "rule_deleted", "table_flushed",
              "route_moved")
# Foreign changes of the ruleset: with protect-table they must break no flow.
RULESET = ("ruleset_flushed", "table_deleted", "firewall_reloaded", "rules_flushed",
           "restore_flushed", "evidence_flushed")
BREAKS_NONE = ("address_added", "gateway_changed", "weights_changed", "broken_file",
               "sysctl_changed")


def breaks(name, number, protected):
    """Return the uplinks whose flows an event may break, as digits."""
    if name in BREAKS_ONE:
        return number
    return "12" if name in RULESET and not protected else "-"


def events(seconds, seed, folder, router_pid, net_pid, protected=""):
    rng = random.Random(int(seed))
    router = Router(folder, router_pid, net_pid)
    end = time.time() + float(seconds)
    with open(f"{folder}/events", "w", encoding="ascii") as log:
        while time.time() < end:
            name = rng.choice(BREAKS_ONE + BREAKS_NONE + RULESET)
            number = rng.choice(sorted(UPLINKS))
            began = time.time()
            event = getattr(router, name)(UPLINKS[number])
            next(event)
            time.sleep(rng.uniform(0.2, 2.0))
            next(event, None)
            time.sleep(rng.uniform(1.2, 2.5))
            print(f"{began:.3f} {time.time():.3f} {breaks(name, number, protected)} {name} "
                  f"wan{number}", file=log, flush=True)


# --- probes ----------------------------------------------------------------------------


PROBE_FLOW_S = 5


def probe_open(kind, host, port, source):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, kind)
    s.settimeout(1)
    s.bind((source, 0))
    s.connect((host, int(port)))
    return s


def probe(host, port, source):
    kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
    sockets = {}
    renew = time.monotonic() + PROBE_FLOW_S
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        if time.monotonic() > renew:
            renew += PROBE_FLOW_S
            while sockets:
                sockets.popitem()[1].close()
        for name, kind in kinds.items():
            asked = time.time()
            try:
                if name not in sockets:
                    sockets[name] = probe_open(kind, host, port, source)
                sockets[name].send(b"x" * 32)
                if not sockets[name].recv(4096):
                    raise OSError
            except OSError:
                print(name, f"{asked:.3f}", flush=True)
                if name in sockets:
                    sockets.pop(name).close()
        time.sleep(0.05)


# --- the judge ---------------------------------------------------------------------------


def packets(path):
    """Yield (time, (proto, src, sport, dst, dport)) for each TCP and UDP packet of a capture
    of Ethernet frames, and for each ICMP error about one."""
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack_from(order + "IIII", data, at)
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        key = flow_key(frame)
        if key:
            yield seconds + micros / 1e6, key


def flow_key(frame):
    kind = struct.unpack_from(">H", frame, 12)[0]
    return packet_key(frame[14:], kind) if kind in (0x0800, 0x86DD) else None


def packet_key(packet, kind):
    if len(packet) < (20 if kind == 0x0800 else 40):
        return None
    if kind == 0x0800:
        head, proto = (packet[0] & 15) * 4, packet[9]
        src, dst = packet[12:16], packet[16:20]
    else:
        head, proto, src, dst = 40, packet[6], packet[8:24], packet[24:40]
    if len(packet) < head + 8:
        return None
    if (proto == 1 and packet[head] in (3, 11, 12)) or (proto == 58 and packet[head] < 5):
        # An ICMP error belongs to the flow of the packet that it embeds, reversed.
        inner = packet_key(packet[head + 8:], kind)
        return inner and (inner[0], inner[3], inner[4], inner[1], inner[2])
    if proto not in (6, 17):
        return None
    sport, dport = struct.unpack_from(">HH", packet, head)
    return ("tcp" if proto == 6 else "udp", str(ipaddress.ip_address(src)), sport,
            str(ipaddress.ip_address(dst)), dport)


def captured(folder):
    seen = {}
    for uplink in ("wan1", "wan2"):
        for when, key in packets(f"{folder}/{uplink.replace('wan', 'isp')}.pcap"):
            seen.setdefault(key, []).append((when, uplink))
    return seen


# A packet this close to a flow's start or end may belong to the flow before or after it.
EDGE_S = 0.05


# Events are received a moment after the change, so a gap is widened by this much.
GAP_EDGE_S = 0.1


def stray_packets(row, seen):
    """Return (time, uplink) of each packet of the flow, while it lived, that left by another
    uplink than its mark's."""
    key = (row["proto"], row["src"], row["sport"], row["dst"], row["dport"])
    if row["ingress"]:
        key = (row["proto"], row["dst"], row["dport"], row["src"], row["sport"])
    return [(when, uplink) for when, uplink in seen.get(key, ())
            if uplink != row["uplink"] and row["began"] - EDGE_S <= when <= row["over"] + EDGE_S]


def at_edge(row, when):
    return not row["began"] + EDGE_S < when < row["over"] - EDGE_S


def in_gap(when, gaps):
    return any(g["began"] - GAP_EDGE_S <= when <= g["over"] + GAP_EDGE_S for g in gaps)


def faults(row, stray, recorded, gaps):
    """Return what is wrong in the history of a flow: [(FAULT, UPLINKS)]. A packet close to the
    flow's start or end is no evidence; one in a gap need not be recorded, but makes it not ok."""
    within = [(when, uplink) for when, uplink in stray if not at_edge(row, when)]
    sure = {uplink for when, uplink in within if not in_gap(when, gaps)}
    found = [("missed", sure - recorded), ("invented", recorded - {uplink for _, uplink in stray})]
    if row["verdict"] == "ok":
        found.append(("ok, but left by", {uplink for _, uplink in within}))
    return [(fault, uplinks) for fault, uplinks in found if uplinks]


def events_read(folder):
    with open(f"{folder}/events", encoding="ascii") as f:
        return [(float(began), float(over), name)
                for began, over, _, name, _ in (line.split() for line in f)]


def event_at(when, log):
    return next((name for began, over, name in log if began <= when < over), "no event")


TIMES = """
       ifnull(unixepoch(started) + (substr(started, 21, 3) / 1000.0), 0) AS began,
       ifnull(unixepoch(ended) + (substr(ended, 21, 3) / 1000.0), 1e12) AS over
"""
GAPS = f"SELECT {TIMES} FROM gaps"
QUERY = f"""
SELECT id, proto, src, sport, dst, dport, ingress, uplink, verdict, reason, started, ended, {TIMES}
FROM flows WHERE proto IN ('tcp', 'udp') AND state <> 'lost' AND mark <> 0
"""
SHARE = """
SELECT count(*) AS flows, count(*) FILTER (WHERE verdict = 'unknown') AS unknown,
       count(*) FILTER (WHERE state = 'lost') AS lost
FROM flows WHERE verdict <> 'local'
"""


def summary(database, log, by_event):
    """Print the number of events, each kind's stray packets, and the share of unknown flows."""
    for name in sorted({name for _, _, name in log} | set(by_event)):
        packets_of = by_event.get(name, [])
        print(f"{name}: {sum(1 for event in log if event[2] == name)} times, "
              f"{len(packets_of)} stray packets of {len(set(packets_of))} flows")
    share = database.execute(SHARE).fetchone()
    print(f"unknown: {share['unknown']} of {share['flows']} flows "
          f"({100 * share['unknown'] / max(share['flows'], 1):.2f} %), lost: {share['lost']}")


def judge(folder, protected=""):
    database = sqlite3.connect(f"file:{folder}/flows.db?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    recorded, by_event = {}, {}
    for m in database.execute("SELECT flow_id, egress FROM mismatches"):
        recorded.setdefault(m["flow_id"], set()).add(m["egress"])
    gaps = database.execute(GAPS).fetchall()
    log, seen = events_read(folder), captured(folder)
    judged = strayed = wrong = 0
    for row in database.execute(QUERY):
        judged += 1
        stray = stray_packets(row, seen)
        inside = [event_at(when, log) for when, _ in stray if not at_edge(row, when)]
        strayed += bool(inside)
        for name in inside:
            by_event.setdefault(name, []).append(row["id"])
        found = faults(row, stray, recorded.get(row["id"], set()), gaps)
        if protected and any(name in RULESET for name in inside):
            found.append(("strayed although the table is protected", set(inside)))
        wrong += len(found)
        for fault, what in found:
            print(fault, sorted(what), dict(row))
    summary(database, log, by_event)
    print(f"judged {judged} flows, {strayed} of them strayed")
    return 1 if wrong or not judged else 0


if __name__ == "__main__":
    words = {"events": events, "probe": probe, "judge": judge}
    if len(sys.argv) < 3 or sys.argv[1] not in words:
        sys.exit(__doc__)
    sys.exit(words[sys.argv[1]](*sys.argv[2:]))
