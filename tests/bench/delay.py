#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""delay.py - a TUN interface that returns each packet after a while, for kernels without
netem. Packets that are routed to it arrive from it MILLISECONDS later.

  delay.py INTERFACE MILLISECONDS
      Prints "ready" when the interface exists; it vanishes with this process.
"""

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PACKET_BYTES = 65536


def main(name, milliseconds):
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    print("ready", flush=True)
    waiting = deque()
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([tun], [], [], left)[0]:
            waiting.append((time.monotonic() + int(milliseconds) / 1000, os.read(tun, PACKET_BYTES)))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(tun, waiting.popleft()[1])


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
