#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""peer.py - the lab's servers, and clients that keep their flows open. It knows nothing
of Waymark.

  peer.py serve HTTP-PORT ECHO-PORT
      HTTP on the first port, an echo of TCP and of UDP on the second, on every
      address of both families. Prints "ready" when all of them listen.

  peer.py hold "tcp|udp HOST PORT COUNT [SOURCE]"...
      Opens COUNT flows for each argument, exchanges a message on each, prints "port N"
      for each and "opened COUNT". Then it reads commands from standard input: "send"
      sends another message on each and prints "answered N" when all are answered or
      after two seconds; "stream" sends 20 on each, every 2 ms, without waiting for
      answers, and prints "streamed"; "close" ends it.

  peer.py make HOST PORT FIRST-SOURCE-PORT PAUSE
      Makes UDP flows one after the other, each from the next source port and with a
      pause of PAUSE seconds after it, until it is killed. Prints "PORT TIME" for each
      answered one, TIME being the time before it was sent, in milliseconds since 1970.

  peer.py provoke refused|exceeded|big HOST PORT COUNT [SOURCE]
      Sends from COUNT UDP sockets a packet that must be answered with an ICMP error: to
      a closed port, with a hop limit of 1, or 1,400 bytes that must not be fragmented.
      Prints how many sockets received that error.

  peer.py take NFLOG-GROUP
      Binds the NFLOG group and keeps it, as another logging program would. Prints "ready".

  peer.py deaf
      Listens to conntrack events with reliable delivery, and reads none. Prints "ready".

  peer.py names PORT
      A DNS server that answers each question without a record. Prints "ready".

  peer.py proxy PORT
      A transparent proxy for TCP: connects each client that nftables sends to PORT to its
      target, in IPv4 from the client's address. Prints "ready".
"""

import asyncio
import errno
import select
import socket
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread

BODY = b"Hello from the far end.\n" * 40
ANSWER_SECONDS = 2.0
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33


class Page(BaseHTTPRequestHandler):
    """Answer every path with the same small page, and close the connection."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args):
        pass


class DualStackServer(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 256

    def server_bind(self):
        """HTTPServer's own version resolves the host's name, which has no answer here."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]


def buffer_size(s, forced, allowed):
    try:
        s.setsockopt(socket.SOL_SOCKET, forced, 8 << 20)
    except PermissionError:
        s.setsockopt(socket.SOL_SOCKET, allowed, 8 << 20)


def udp_sockets(port):
    """Return one socket for each local address, so that an answer has the address that the
    question was sent to; an unconnected wildcard socket does not ensure that."""
    sockets = []
    for family, address in local_addresses():
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Large buffers: answers that wait for a neighbour on a dead uplink must not block
        # those for the other one, and questions must not be dropped on a busy machine.
        buffer_size(s, SO_SNDBUFFORCE, socket.SO_SNDBUF)
        buffer_size(s, SO_RCVBUFFORCE, socket.SO_RCVBUF)
        s.bind((address, port))
        s.setblocking(False)
        sockets.append(s)
    return sockets


def local_addresses():
    import json
    import subprocess

    shown = subprocess.run(["ip", "-j", "addr", "show"], check=True, capture_output=True)
    for link in json.loads(shown.stdout):
        for a in link.get("addr_info", []):
            if a.get("scope") == "global":
                yield (socket.AF_INET6 if a["family"] == "inet6" else socket.AF_INET), a["local"]


async def echo_tcp(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


def echo_udp(s):
    while True:
        try:
            data, sender = s.recvfrom(65536)
            s.sendto(data, sender)
        except BlockingIOError:
            return
        except OSError:
            continue


async def serve_echo(port):
    loop = asyncio.get_running_loop()
    for s in udp_sockets(port):
        loop.add_reader(s.fileno(), echo_udp, s)
    server = await asyncio.start_server(echo_tcp, "", port, backlog=512)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def serve(http_port, echo_port):
    http = DualStackServer(("::", int(http_port)), Page)
    Thread(target=http.serve_forever, daemon=True).start()
    asyncio.run(serve_echo(int(echo_port)))


IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75


def transparent_socket(family, address=None):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    else:
        s.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    if address:
        s.bind(address)
    return s


def proxied_socket(client):
    """Return the socket to the target, in IPv4 with the client's address; behind masquerade the
    kernel would not find such a socket in IPv6."""
    if ":" in client:
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    else:
        s = transparent_socket(socket.AF_INET, (client, 0))
    s.setblocking(False)
    return s


async def proxied(reader, writer):
    """Serve a client's connection, whose local address is the client's target."""
    client, target = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
    try:
        s = proxied_socket(client[0])
        await asyncio.get_running_loop().sock_connect(s, target[:2])
        far_reader, far_writer = await asyncio.open_connection(sock=s)
        await asyncio.gather(copied(reader, far_writer), copied(far_reader, writer))
    except OSError:
        pass
    writer.close()


async def copied(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def serve_proxy(port):
    for address in (("0.0.0.0", port), ("::", port)):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        await asyncio.start_server(proxied, sock=transparent_socket(family, address))
    print("ready", flush=True)
    await asyncio.Event().wait()


def proxy(port):
    asyncio.run(serve_proxy(int(port)))


def flow_open(proto, host, port, source):
    kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, kind)
    s.settimeout(5)
    if source:
        s.bind((source, 0))
    s.connect((host, int(port)))
    return s


def exchange(flows):
    """Send a message on each flow, then collect the answers."""
    deadline = time.monotonic() + ANSWER_SECONDS
    sent = []
    answered = 0
    for s in flows:
        try:
            s.send(b"x" * 32)
            sent.append(s)
        except OSError:
            pass
    for s in sent:
        s.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            answered += len(s.recv(4096)) > 0
        except OSError:
            pass
    return answered


def flows_open(proto, host, port, count, source=""):
    return [flow_open(proto, host, port, source) for _ in range(int(count))]


def stream(flows):
    for _ in range(20):
        for s in flows:
            try:
                s.send(b"x" * 32)
            except OSError:
                pass
        time.sleep(0.002)
    print("streamed", flush=True)


def hold(*specs):
    flows = [s for spec in specs for s in flows_open(*spec.split())]
    answered = exchange(flows)
    for s in flows:
        print("port", s.getsockname()[1])
    print("opened" if answered == len(flows) else "failed", answered, flush=True)
    for line in sys.stdin:
        if line.strip() == "close":
            break
        if line.strip() == "stream":
            stream(flows)
            continue
        print("answered", exchange(flows), flush=True)
    for s in flows:
        s.close()


def make(host, port, first, pause):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for source in range(int(first), 65536):
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(ANSWER_SECONDS)
            if family == socket.AF_INET6:
                # A second process may make IPv4 flows from the same ports.
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind(("", source))
            s.connect((host, int(port)))
            began = time.time_ns() // 1000000
            try:
                s.send(b"x" * 32)
                s.recv(4096)
                print(source, began, flush=True)
            except OSError:
                pass
        time.sleep(float(pause))


# linux/in.h and linux/in6.h; Python lacks names for some of them.
IP_RECVERR, IPV6_RECVERR = 11, 25
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE = 10, 23, 3
ERRORS = {
    "refused": errno.ECONNREFUSED,
    "exceeded": errno.EHOSTUNREACH,
    "big": errno.EMSGSIZE,
}


def provoker(kind, host, port, source):
    s = flow_open("udp", host, port, source)
    is_ipv6 = s.family == socket.AF_INET6
    level = socket.IPPROTO_IPV6 if is_ipv6 else socket.IPPROTO_IP
    s.setsockopt(level, IPV6_RECVERR if is_ipv6 else IP_RECVERR, 1)
    if kind == "exceeded":
        s.setsockopt(level, socket.IPV6_UNICAST_HOPS if is_ipv6 else socket.IP_TTL, 1)
    if kind == "big":
        s.setsockopt(level, IPV6_MTU_DISCOVER if is_ipv6 else IP_MTU_DISCOVER, PMTUDISC_PROBE)
    s.settimeout(ANSWER_SECONDS)
    return s


def provoke(kind, host, port, count, source=""):
    errors = 0
    for _ in range(int(count)):
        with provoker(kind, host, port, source) as s:
            try:
                s.send(b"x" * (1400 if kind == "big" else 32))
                s.recv(4096)
            except OSError as error:
                errors += error.errno == ERRORS[kind]
    print(errors)


def names(port):
    s = udp_sockets(int(port))
    print("ready", flush=True)
    while True:
        for ready in select.select(s, [], [])[0]:
            question, sender = ready.recvfrom(4096)
            # The same message with the QR bit set: a response.

            ready.sendto(question[:2] + bytes([question[2] | 0x80]) + question[3:], sender)


def take(group):
    """NFULNL_MSG_CONFIG with NFULNL_CFG_CMD_BIND (linux/netfilter/nfnetlink_log.h)."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    s.bind((0, 0))
    attr = struct.pack("=HHBxxx", 5, 1, 1)
    body = struct.pack("=BB", 0, 0) + struct.pack("!H", int(group)) + attr
    s.send(struct.pack("=IHHII", 16 + len(body), 4 << 8 | 1, 1 | 4, 1, 0) + body)
    error = struct.unpack_from("=i", s.recv(4096), 16)[0]
    if error:
        sys.exit(f"group {group}: error {-error}")
    print("ready", flush=True)
    while s.recv(65536):
        pass


def deaf():
    """Groups NEW, UPDATE, DESTROY; NETLINK_BROADCAST_ERROR (linux/netlink.h)."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    s.bind((0, 7))
    s.setsockopt(270, 4, 1)
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    words = {
        "serve": serve,
        "hold": hold,
        "make": make,
        "provoke": provoke,
        "names": names,
        "proxy": proxy,
        "take": take,
        "deaf": deaf,
    }
    if len(sys.argv) >= 2 and sys.argv[1] in words:
        words[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(__doc__)
