#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""page_check.py - check the layout of a page of `waymark report` in Chromium.

  page_check.py PAGE [FOLDER]

At 1280, 980, 800 and 400 pixels: no text overlaps another text, none is cut by its box or by
the screen, and nothing makes the page scroll sideways. Prints each fault and exits 1.
With FOLDER it leaves screenshots there: light, dark, and the pages as they are printed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

WIDTHS = (1280, 980, 800, 400)

# Runs in the browser, on a copy of the page. Every run of text has one box per line.
CHECK = """
const bad = [], boxes = [], name = t => JSON.stringify(t.trim().slice(0, 40));
const wide = document.documentElement.scrollWidth, width = document.documentElement.clientWidth;
if (wide > width) bad.push("the page is " + wide + " pixels wide");
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n; n = walk.nextNode();) {
	const parent = n.parentElement, style = getComputedStyle(parent);
	if (!n.data.trim() || ["STYLE", "SCRIPT", "title"].includes(parent.tagName)) continue;
	if (parent.closest("thead") && getComputedStyle(parent.closest("thead")).position == "absolute")
		continue;
	const range = document.createRange();
	range.selectNodeContents(n);
	for (const r of range.getClientRects()) {
		if (r.width < 1 || r.height < 1) continue;
		if (r.left < -0.5 || r.right > width + 0.5) bad.push("off the screen: " + name(n.data));
		for (let p = parent; p && p !== document.body; p = p.parentElement) {
			const box = p.getBoundingClientRect(), clips = getComputedStyle(p).overflowX != "visible";
			const holds = clips || p.matches("td,th,figure,.tile,.card,svg.picture,.lane,.plot");
			if (holds && box.width && (r.left < box.left - 1 || r.right > box.right + 1))
				bad.push("leaves " + p.tagName + " " + p.className + ": " + name(n.data));
		}
		boxes.push([r, name(n.data), parent]);
	}
}
for (const t of document.querySelectorAll("svg.picture text")) {
	const r = t.getBoundingClientRect();
	for (const b of document.querySelectorAll("svg.picture rect")) {
		const q = b.getBoundingClientRect();
		if (r.top < q.bottom && r.bottom > q.top && r.left >= q.left && r.left < q.right && r.right > q.right + 1)
			bad.push("wider than its box: " + name(t.textContent));
	}
}
boxes.sort((a, b) => a[0].top - b[0].top);
for (let i = 0; i < boxes.length; i++)
	for (let k = i + 1; k < boxes.length && boxes[k][0].top < boxes[i][0].bottom - 2; k++) {
		const a = boxes[i][0], b = boxes[k][0];
		const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
		const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
		if (x > 1 && y > Math.min(a.height, b.height) * 0.35)
			bad.push("overlap: " + boxes[i][1] + " and " + boxes[k][1]);
	}
document.body.textContent = "CHECKED" + JSON.stringify([boxes.length, [...new Set(bad)]]) + "END";
"""


def chromium(profile, *options):
    return subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--user-data-dir=" + profile, *options],
        capture_output=True, text=True, timeout=180, check=True).stdout


def framed(page, width, folder):
    """A window cannot be narrower than about 500 pixels: a frame can."""
    path = os.path.join(folder, "frame.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<body style="margin:0"><iframe src="{page}" style="border:0;width:{width}px;'
                   'height:100vh;display:block"></iframe>')
    return path


def check(page, width, folder):
    with open(page, encoding="utf-8") as file:
        text = re.sub(r"<meta http-equiv=.*?/>", "", file.read(), flags=re.S)
    copy = os.path.join(folder, "copy.html")
    script = CHECK.replace("document.body.textContent =", "parent.postMessage(") \
                  .replace('+ "END";', '+ "END", "*");')
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text.replace("</body>", f"<script>{script}</script></body>"))
    frame = framed("copy.html", width, folder)
    with open(frame, "r+", encoding="utf-8") as file:
        body = file.read()
        file.seek(0)
        file.write("<script>onmessage = e => { document.body.textContent = e.data; }</script>" + body)
    dom = chromium(os.path.join(folder, "profile"), "--window-size=1400,1000",
                   "--virtual-time-budget=5000", "--dump-dom", "file://" + frame)
    found = re.search(r"CHECKED(.*?)END", dom, re.S)
    if not found:
        sys.exit(f"page_check: no answer from the browser at {width}")
    said = found.group(1).replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
    return json.loads(said)


def shoot(page, folder):
    profile = os.path.join(folder, ".profile")
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
            frame = framed(os.path.abspath(page), width, folder)
            chromium(profile, f"--window-size={max(width, 500)},{4200 if width > 400 else 9000}", *dark,
                     f"--screenshot={folder}/{width}-{scheme}.png", "file://" + frame)
    chromium(profile, "--no-pdf-header-footer", f"--print-to-pdf={folder}/print.pdf",
             "file://" + os.path.abspath(page))


def main():
    page, failed = sys.argv[1], False
    for width in WIDTHS:
        with tempfile.TemporaryDirectory() as folder:
            n, bad = check(page, width, folder)
        print(f"{width}: {n} lines of text, {len(bad)} faults")
        for line in bad:
            print("  " + line)
        failed = failed or bad or not n
    if len(sys.argv) > 2:
        os.makedirs(sys.argv[2], exist_ok=True)
        shoot(page, sys.argv[2])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
