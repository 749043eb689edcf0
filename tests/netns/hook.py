#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hook.py - an HTTP server that receives alerts, and misbehaves as planned.

    hook.py PORT FOLDER

Each request takes the first line of FOLDER/plan and removes it: a status to answer;
"close", which ends the connection without an answer; "hang", which sends none; "moved",
a redirect to /elsewhere. Without a line left the answer is 204. FOLDER/log gets one line
per request: what was done, the path, the type, the alert's flow and text.
"""
import http.server
import json
import os
import socket
import socketserver
import sys
import threading
import time

folder = sys.argv[2]
lock = threading.Lock()


def next_step():
    try:
        with open(folder + "/plan") as f:
            lines = f.read().splitlines()
    except FileNotFoundError:
        lines = []
    with open(folder + "/plan.new", "w") as f:
        f.writelines(line + "\n" for line in lines[1:])
    os.rename(folder + "/plan.new", folder + "/plan")
    return lines[0] if lines else "204"


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        alert = json.loads(body)
        with lock:
            step = next_step()
            with open(folder + "/log", "a") as f:
                print(step, self.path, self.headers["Content-Type"],
                      self.headers.get("Authorization", "-"), alert["kind"], alert["reason"],
                      alert["text"], sep="|", file=f)
        if step == "hang":
            time.sleep(60)
        if step in ("close", "hang"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(302 if step == "moved" else int(step))
        if step == "moved":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):
        """HTTPServer's own asks the DNS for the host's name, which has no answer here."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]


server = Server(("127.0.0.1", int(sys.argv[1])), Hook)
print("ready", flush=True)
server.serve_forever()
