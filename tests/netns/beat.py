#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""beat.py - constant traffic on flows that stay open; messages are numbered, so that
each lost one is counted. It knows nothing of Waymark.

  beat.py MILLISECONDS FIRST-PORT "tcp|udp HOST PORT COUNT [SOURCE]"...
      Opens the flows to an echo server, each from its own local port, FIRST-PORT and
      up, prints "beating N" when each has had an answer, and then sends a message on
      each flow every MILLISECONDS until SIGTERM. Then it waits for the last answers
      and prints one line per flow:
      "flow PROTO FAMILY LOCAL-PORT sent N lost N refused N resent N silent MS ago MS":
      lost: messages without an answer; refused: those that the kernel did not send;
      resent: TCP retransmissions, spurious ones excluded; silent: the longest time
      without an answer; ago: the time from the last answer to the end.
"""

import errno
import select
import signal
import socket
import struct
import sys
import time

LAST_ANSWERS_SECONDS = 0.8
# Offsets in struct tcp_info (linux/tcp.h). A segment that the peer reports to have
# received twice (D-SACK) was not lost.
TCP_INFO_TOTAL_RETRANS = 100
TCP_INFO_DSACK_DUPS = 216
TCP_INFO_BYTES = 232


class Flow:
    def __init__(self, ports, proto, host, port, source=""):
        self.proto = proto
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(self.family, kind)
        self.bind_next(ports, source)
        self.socket.settimeout(5)
        self.socket.connect((host, int(port)))
        if proto == "tcp":
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.sent = self.refused = 0
        self.answered = set()
        self.rest = b""
        self.last = time.monotonic()
        self.silent = 0.0

    def bind_next(self, ports, source):
        while True:
            try:
                self.socket.bind((source, next(ports)))
                return
            except OSError as e:
                if e.errno != errno.EADDRINUSE:
                    raise

    def beat(self):
        try:
            self.socket.send(struct.pack("!Q", self.sent))
            self.sent += 1
        except OSError:
            self.refused += 1

    def listen(self):
        try:
            data = self.rest + self.socket.recv(65536)
        except OSError:
            return
        now = time.monotonic()
        self.silent = max(self.silent, now - self.last)
        self.last = now
        whole = len(data) // 8 * 8
        for (number,) in struct.iter_unpack("!Q", data[:whole]):
            self.answered.add(number)
        self.rest = data[whole:]

    def resent(self):
        if self.proto != "tcp":
            return 0
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        return (struct.unpack_from("=I", info, TCP_INFO_TOTAL_RETRANS)[0] -
                struct.unpack_from("=I", info, TCP_INFO_DSACK_DUPS)[0])

    def report(self, end):
        print("flow", self.proto, 6 if self.family == socket.AF_INET6 else 4,
              self.socket.getsockname()[1], "sent", self.sent, "lost",
              self.sent - len(self.answered), "refused", self.refused, "resent",
              self.resent(), "silent", round(self.silent * 1000),
              "ago", round((end - self.last) * 1000))


def listen_until(poll, flows, deadline):
    while (left := deadline - time.monotonic()) > 0:
        for fd, _ in poll.poll(left * 1000):
            flows[fd].listen()


def main(milliseconds, first_port, *specs):
    flows = {}
    ports = iter(range(int(first_port), 65536))
    poll = select.poll()
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    for spec in specs:
        proto, host, port, count, *source = spec.split()
        for _ in range(int(count)):
            flow = Flow(ports, proto, host, port, *source)
            flows[flow.socket.fileno()] = flow
            poll.register(flow.socket, select.POLLIN)
    for flow in flows.values():
        flow.beat()
    deadline = time.monotonic() + 5
    while not all(f.answered for f in flows.values()) and time.monotonic() < deadline:
        listen_until(poll, flows, time.monotonic() + 0.05)
    print("beating" if all(f.answered for f in flows.values()) else "failed", len(flows),
          flush=True)
    due = time.monotonic()
    while not ended:
        for flow in flows.values():
            flow.beat()
        due = max(due + int(milliseconds) / 1000, time.monotonic())
        listen_until(poll, flows, due)
    end = time.monotonic()
    listen_until(poll, flows, end + LAST_ANSWERS_SECONDS)
    for flow in flows.values():
        flow.report(end)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
