#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ping-loops.py - judges an uplink by pings, as two other programs do by default, to compare.

  ping-loops.py INTERFACE ADDRESS GATEWAY TARGET...
      Prints "TIME LOOP down|up" at each decision, TIME in milliseconds since 1970.

The loops are:
  mwan3track  as the configuration that mwan3 ships: one ping per target with a timeout of
              2 s, every 5 s; one answered target is enough; down after 3 failures, up
              after 3 successes.
  dpinger     as pfSense starts it: an echo to the gateway every 500 ms; an answer after
              2 s is lost; down when the mean of 60 s is above 20 % loss or 500 ms.
  dpinger-far the same with the first TARGET.
"""

import os
import socket
import struct
import subprocess
import sys
import threading
import time

SEND_S, LOSS_S, PERIOD_S, ALERT_S = 0.5, 2.0, 60.0, 1.0
LOSS_PERCENT, LATENCY_S = 20, 0.5
INTERVAL_S, TIMEOUT_S, DOWN, UP = 5, 2, 3, 3


def say(loop, word):
    print(int(time.time() * 1000), loop, word, flush=True)


def is_answered(interface, target):
    return subprocess.run(
        ["ping", "-n", "-q", "-I", interface, "-c", "1", "-W", str(TIMEOUT_S), target],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def mwan3track(interface, targets):
    is_down = False
    failures = successes = 0
    while True:
        if any(is_answered(interface, t) for t in targets):
            failures, successes = 0, successes + 1
        else:
            failures, successes = failures + 1, 0
        if not is_down and failures == DOWN:
            is_down = True
            say("mwan3track", "down")
        elif is_down and successes == UP:
            is_down = False
            say("mwan3track", "up")
        time.sleep(INTERVAL_S)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Dpinger:
    def __init__(self, name, source, target):
        self.name = name
        self.target = target
        self.ident = (os.getpid() * 7 + hash(name)) & 0xFFFF
        self.sent = {}  # sequence: time
        self.latency = {}  # sequence: seconds
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.bind((source, 0))
        for work in (self.send, self.receive, self.judge):
            threading.Thread(target=work, daemon=True).start()

    def send(self):
        sequence = 0
        while True:
            time.sleep(SEND_S)
            sequence = (sequence + 1) & 0xFFFF
            head = struct.pack("!BBHHH", 8, 0, 0, self.ident, sequence)
            head = struct.pack("!BBHHH", 8, 0, checksum(head), self.ident, sequence)
            self.sent[sequence] = time.monotonic()
            try:
                self.socket.sendto(head, (self.target, 0))
            except OSError:
                pass

    def receive(self):
        while True:
            data = self.socket.recv(2000)
            data = data[(data[0] & 15) * 4:]
            kind, _, _, ident, sequence = struct.unpack("!BBHHH", data[:8])
            if kind == 0 and ident == self.ident and sequence in self.sent:
                self.latency.setdefault(sequence, time.monotonic() - self.sent[sequence])

    def judge(self):
        was = False
        while True:
            time.sleep(ALERT_S)
            now = time.monotonic()
            recent = {n: t for n, t in list(self.sent.items()) if now - t <= PERIOD_S}
            answers = [self.latency[n] for n in recent if n in self.latency]
            lost = sum(n not in self.latency and now - t > LOSS_S for n, t in recent.items())
            loss = 100 * lost / max(1, lost + len(answers))
            is_down = loss > LOSS_PERCENT or sum(answers) > LATENCY_S * max(1, len(answers))
            if is_down != was:
                say(self.name, "down" if is_down else "up")
            was = is_down


def main(interface, address, gateway, *targets):
    Dpinger("dpinger", address, gateway)
    Dpinger("dpinger-far", address, targets[0])
    mwan3track(interface, targets)


if len(sys.argv) < 5:
    sys.exit(__doc__)
main(*sys.argv[1:])
