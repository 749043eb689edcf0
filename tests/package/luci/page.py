#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""page.py - show LuCI's page of Waymark in Chromium, and print what it shows.

  page.py [--click] [--shot FILE] PACKAGE WIDTH PROGRAM [WORD]...

Serves the view that the package's menu names to a stand-in for LuCI's runtime. A command that
the package's ACL allows is run as PROGRAM WORD... in place of the path and the configuration
that the package names; any other is refused, as cgi-exec does. --click asks for the
explanation of the first mismatch. Faults of the layout are printed on standard error; they and
a page that does not come make it fail.
"""

import fnmatch
import glob
import http.server
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench"))
from page_check import CHECK  # noqa: E402

INSTALLED = ["/usr/bin/waymark", "-c", "/var/etc/waymark.conf"]
LAYOUT = re.sub(r'document\.body\.textContent = "CHECKED" \+(.*)\+ "END";', r"return\1;", CHECK)
PAGE = """<!DOCTYPE html><meta charset="utf-8"><link rel="stylesheet" href="/theme.css"><body>
<script src="/runtime.js"></script><script>
const layout = () => { %s };
const tell = (text, faults) => fetch('/shown', { method: 'POST', body: JSON.stringify([ text, faults ]) });
read(%s).then(() => tell(document.body.innerText, JSON.parse(layout())[1]),
	error => tell('', [ String(error.stack) ]));
</script>"""
FRAME = '<!DOCTYPE html><body style="margin:0"><iframe src="/page" style="border:0;width:%dpx;' \
        'height:100vh;display:block"></iframe>'


def read_json(pattern):
    path, = glob.glob(pattern)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Package:
    """The package as OpenWrt would install it, and what a user with its ACL may do."""

    def __init__(self, folder):
        entry, = read_json(f"{folder}/root/usr/share/luci/menu.d/*.json").values()
        name, = entry["depends"]["acl"]
        self.allowed = read_json(f"{folder}/root/usr/share/rpcd/acl.d/*.json")[name]["read"]
        self.view = f"{folder}/htdocs/luci-static/resources/view/{entry['action']['path']}.js"

    def allows(self, words):
        return "exec" in self.allowed["cgi-io"] and any(
            fnmatch.fnmatchcase(" ".join(words), pattern) and "exec" in what
            for pattern, what in self.allowed["file"].items())


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server = self.server
        files = {"/view.js": server.package.view, "/runtime.js": f"{HERE}/runtime.js",
                 "/theme.css": f"{HERE}/theme.css"}
        if self.path == "/":
            self.answer(200, (FRAME % server.width).encode(), "text/html")
        elif self.path == "/page":
            self.answer(200, (PAGE % (LAYOUT, str(server.click).lower())).encode(), "text/html")
        elif self.path in files:
            with open(files[self.path], "rb") as file:
                kind = "text/css" if self.path.endswith(".css") else "text/javascript"
                self.answer(200, file.read(), kind)
        else:
            self.answer(404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/shown":
            self.answer(200)
            self.server.shown.put(body)
        elif not self.server.package.allows(body) or body[:3] != INSTALLED:
            self.answer(403)
        else:  # as cgi-exec does: no standard error and no exit status
            done = subprocess.run(self.server.program + body[3:], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=False)
            self.answer(200, done.stdout)


def chromium(profile, *options):
    return subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--disable-dev-shm-usage", "--no-proxy-server", "--user-data-dir=" + profile, *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def browse(server, shot):
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        size = f"--window-size={max(server.width, 500)},{1200 if server.width > 600 else 3200}"
        options = ["--virtual-time-budget=20000", "--screenshot=" + shot] if shot else \
            ["--remote-debugging-port=0"]
        browser = chromium(profile, size, *options, url)
        try:
            shown = server.shown.get(timeout=120)
            if shot:
                browser.wait(timeout=120)
        finally:
            if browser.poll() is None:
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
    return shown


def main():
    words, click, shot = sys.argv[1:], False, None
    while words and words[0].startswith("--"):
        option = words.pop(0)
        click = click or option == "--click"
        shot = os.path.abspath(words.pop(0)) if option == "--shot" else shot
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.package, server.width, server.program = Package(words[0]), int(words[1]), words[2:]
    server.click, server.shown = click, queue.Queue()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    text, faults = browse(server, shot)
    print(text)
    for fault in faults:
        print("fault: " + fault, file=sys.stderr)
    sys.exit(1 if faults or not text else 0)


if __name__ == "__main__":
    main()
