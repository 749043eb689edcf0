#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sink.py - a fake ClickHouse that misbehaves: it takes INSERTs by HTTP, keeps the newest version
# of each row as ReplacingMergeTree does, and fails as servers and networks do.
#
#	sink.py [--port N] [--faults SHARE] [--seed N] [--stall SECONDS] [--discard]
#		[--cert PEM [--ca PEM]] [--user USER:PASSWORD]
#
# Prints "port N" when it listens. GET /rows?table=T answers the rows as JSON lines, GET /counts
# what it did; POST /mode?fault=NAME[&table=T] gives each INSERT (into T) that fault, "none" ends it.
# It must not know what a test proves.
import argparse
import base64
import gzip
import http.client
import json
import random
import re
import socket
import ssl
import struct
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("status500", "status429", "status503", "error200", "cut", "silent", "stall",
          "stored-silent", "stored-500", "half-reply")
UNESCAPE = {"t": "\t", "n": "\n", "0": "\0", "\\": "\\", "N": None}

lock = threading.Lock()
tables = {}  # table -> {key: row}
counts = {"batches": 0, "rows": 0, "sent_again": 0, "bytes": 0}
options = None
forced = None
chance = random.Random()
deck = []  # the next faults, shuffled so that each occurs equally often


def cell(text):
    if text == "\\N":
        return None
    return re.sub(r"\\(.)", lambda m: UNESCAPE[m.group(1)], text) if "\\" in text else text


def fault_draw():
    if chance.random() >= options.faults:
        return None
    with lock:
        if not deck:
            deck.extend(chance.sample(FAULTS, len(FAULTS)))
        return deck.pop()


def query_read(query):
    match = re.fullmatch(r"INSERT INTO (\w+) \(([^)]*)\) FORMAT TabSeparated", query)
    return match.group(1), match.group(2).split(", ")


def hour(row):
    """Rows are replaced only by rows of the same hour (see src/export/schema.c)."""
    ms = next(row[name] for name in ("hour_ms", "time_ms", "started_ms") if name in row)
    return int(ms or 0) // 3600000


def rows_store(query, body):
    name, names = query_read(query)
    table = tables.setdefault(name, {})
    for line in body.decode("utf-8", "surrogateescape").split("\n")[:-1]:
        cells = [cell(c) for c in line.split("\t")]
        assert len(cells) == len(names), (names, line)
        row = dict(zip(names, cells))
        key = (row["router"], row["history"], row["id"], hour(row))
        former = table.get(key)
        counts["rows"] += 1
        if former and former["row_version"] == row["row_version"]:
            counts["sent_again"] += 1
        if not former or int(former["row_version"]) <= int(row["row_version"]):
            table[key] = row


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, text=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def hang_up(self):
        # A reset, as if the host had disappeared.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        with lock:
            if url.path == "/rows":
                rows = tables.get(query["table"][0], {}).values()
                text = "".join(json.dumps(r) + "\n" for r in rows)
            else:
                text = json.dumps(counts)
        self.reply(200, text.encode())

    def do_POST(self):
        global forced
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path == "/mode":
            name = query["fault"][0]
            forced = None if name == "none" else (name, query.get("table", [None])[0])
            self.reply(200)
            return
        is_forced = forced and forced[1] in (None, query_read(query["query"][0])[0])
        fault = forced[0] if is_forced else fault_draw()
        if fault:
            counts[fault] = counts.get(fault, 0) + 1
        length = int(self.headers["Content-Length"])
        if fault == "cut":
            self.rfile.read(length // 2)
            self.hang_up()
            return
        body = self.rfile.read(length)
        if len(body) < length:
            return  # the client has disconnected
        if not self.is_allowed(query):
            return
        self.insert(query["query"][0], body, fault)

    def is_allowed(self, query):
        wanted = options.user and "Basic " + base64.b64encode(options.user.encode()).decode()
        if wanted and self.headers.get("Authorization") != wanted:
            self.reply(401, b"Code: 516. DB::Exception: Authentication failed")
            return False
        assert query["wait_end_of_query"] == ["1"], query
        return True

    def insert(self, query, body, fault):
        if fault == "stall":
            time.sleep(options.stall)
            self.hang_up()
        elif fault in ("status500", "status429", "status503"):
            self.reply(int(fault[6:]), b"Code: 999. DB::Exception: broken on purpose")
        elif fault == "error200":
            self.reply(200, b"Code: 252. DB::Exception: Too many parts, on purpose")
        elif fault == "silent":
            self.hang_up()
        else:
            status, text = self.forward(body) if options.forward else self.store(query, body)
            self.acknowledge(fault, status, text)

    def forward(self, body):
        headers = {name: self.headers[name] for name in ("Content-Type", "Content-Encoding")
                   if name in self.headers}
        server = http.client.HTTPConnection(chance.choice(options.forward), timeout=60)
        try:
            server.request("POST", self.path, body, headers)
            reply = server.getresponse()
            return reply.status, reply.read()
        except (OSError, http.client.HTTPException) as error:
            return 502, str(error).encode()
        finally:
            server.close()

    def store(self, query, body):
        with lock:
            counts["batches"] += 1
            counts["bytes"] += len(body)
            if options.discard:
                return 200, b""
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            rows_store(query, body)
        return 200, b""

    def acknowledge(self, fault, status, text):
        try:
            self.answer(fault, status, text)
        except OSError:
            pass  # the client has disconnected

    def answer(self, fault, status, text):
        if fault == "stored-silent":
            self.hang_up()
        elif fault == "stored-500":
            self.reply(500, b"Code: 210. DB::NetException: on purpose")
        elif fault == "half-reply":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nCode")
            self.wfile.flush()
            self.hang_up()
        else:
            self.reply(status, text)


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stall", type=float, default=3)
    parser.add_argument("--discard", action="store_true")
    parser.add_argument("--forward", action="append")
    parser.add_argument("--cert")
    parser.add_argument("--ca")
    parser.add_argument("--user")
    options = parser.parse_args()
    chance.seed(options.seed)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert)
        if options.ca:
            context.load_verify_locations(options.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print("port", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
