#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""browse.py - makes mixed traffic of an office: pages, name look-ups, games and calls,
updates, with servers that are slow, dead or gone.

  browse.py serve
      Servers on every address: TCP port 80 and UDP port 53, as slow as the internet.
      Prints "ready".

  browse.py browse RATE SECONDS [SEED [RESOLVER...]]
      About RATE new flows per second on average, in bursts, with pauses. With RESOLVER,
      names are asked from these addresses alone, and a page whose names are not
      resolved is not fetched.
"""

import asyncio
import random
import socket
import sys
import time

IP_PKTINFO = 8  # linux/in.h
IPV6_FREEBIND = 78
NETS = ("198.18.{}.{}", "2001:db8:200::{:x}:{:x}")
DEAD = ("198.19.{}.{}", "2001:db8:201::{:x}:{:x}")


def address(dead=False):
    """Popular servers are popular: few addresses take most of the flows."""
    family = random.random() < 0.4
    host = min(int(random.paretovariate(0.6)), 60000)
    return (DEAD if dead else NETS)[family].format(host // 250, 1 + host % 250)


def answer(s, level, option):
    """From the address that was asked, after a while; one in a hundred never."""
    data, control, _, peer = s.recvmsg(2000, 200)
    if not control:
        return
    info = control[0][2]  # the routes choose the interface
    info = b"\0\0\0\0" + info[4:] if level == socket.IPPROTO_IP else info[:16] + b"\0\0\0\0"
    info = [(level, option, info)]
    delay = random.choice((0.012, 0.02, 0.035)) * random.lognormvariate(0, 0.6)
    if random.random() > 0.01:
        asyncio.get_running_loop().call_later(delay, s.sendmsg, [data], info, 0, peer)


async def page(reader, writer):
    try:
        while await reader.read(2000):
            await asyncio.sleep(random.expovariate(20))
            writer.write(b"x" * random.choice((400, 3000, 20000)))
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def serve():
    loop = asyncio.get_running_loop()
    for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
            loop.add_reader(s, answer, s, socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)
        else:
            s.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            loop.add_reader(s, answer, s, socket.IPPROTO_IP, IP_PKTINFO)
        s.setblocking(False)
        s.bind((host, 53))
        await asyncio.start_server(page, host, 80, family=family, backlog=500)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def fetch(host, requests):
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, 80), 10)
        for _ in range(requests):
            writer.write(b"GET")
            await asyncio.wait_for(reader.read(30000), 10)
            await asyncio.sleep(random.expovariate(3))
        writer.close()
    except (OSError, asyncio.TimeoutError):
        pass


async def look_up(host):
    """As a resolver asks: twice more, from another port each time."""
    for wait in (1.0, 2.0, 4.0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setblocking(False)
        try:
            s.connect((host, 53))
            s.send(b"name?")
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(s, 100), wait)
            return True
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            s.close()
    return False


async def visit(resolvers):
    """One page: a name or two, then flows to a handful of servers, some of them dead."""
    hosts = [random.choice(resolvers) if resolvers else address() for _ in range(random.randint(1, 3))]
    are_found = await asyncio.gather(*(look_up(host) for host in hosts))
    if resolvers and not any(are_found):
        return
    hosts = [address(random.random() < 0.04) for _ in range(random.randint(1, 8))]
    for host in hosts:
        asyncio.ensure_future(fetch(host, random.randint(1, 6)))
        await asyncio.sleep(random.expovariate(20))


async def browse(rate, seconds, resolvers):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy = random.lognormvariate(0, 0.5)
        until = time.monotonic() + random.expovariate(1 / 40)
        if random.random() < 0.1:  # a pause
            await asyncio.sleep(random.expovariate(1 / 20))
        while time.monotonic() < min(until, end):
            asyncio.ensure_future(visit(resolvers))
            await asyncio.sleep(random.expovariate(rate * busy / 6.5))
    await asyncio.sleep(5)


if sys.argv[1] == "serve":
    asyncio.run(serve())
else:
    random.seed(int(sys.argv[4]) if len(sys.argv) > 4 else None)
    asyncio.run(browse(float(sys.argv[2]), float(sys.argv[3]), sys.argv[5:]))
