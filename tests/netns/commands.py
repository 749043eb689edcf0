#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Print every command that the documents show, one per line: FILE:LINE, a tab, the command.

commands.py [--blocks] FILE...: Markdown (indented blocks and words in backticks) and manual pages
(lines of examples and words in bold). What a reader could paste is printed; a name alone,
such as `waymark`, is no command. --blocks: of Markdown the indented blocks alone.
"""
import re
import sys

OURS = r"(?:waymark|waymarkd|waymark-export)"
# What begins a command in an indented block: ours, and those that installing needs.
FIRST = re.compile(OURS + r"(?: |$)|(?:sqlite3|systemctl|journalctl|useradd|mkdir|sudo|cp|mv|\./\w+) |systemd-sysusers\b")


def unroff(line):
    """A line of a manual page as it is shown."""
    line = re.sub(r"\\f.", "", line)
    for roff, text in (("\\-", "-"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\&", ""), ("\\", "")):
        line = line.replace(roff, text)
    return line


def joined(lines, i, text):
    """A command whose quotes are closed on a later line."""
    while text.count('"') % 2 and i + 1 < len(lines):
        i += 1
        text += "\n" + lines[i].strip()
    return text


def of_markdown(lines, only_blocks):
    for i, line in enumerate(lines):
        if line.startswith("    ") and FIRST.match(line[4:]):
            yield i, re.sub(r"\s+#.*", "", joined(lines, i, line[4:]))
        elif not line.startswith("    ") and not only_blocks:
            for word in re.findall(r"`(" + OURS + r" [^`]+)`", line):
                yield i, word


def of_manual(lines):
    shown = [unroff(line) for line in lines]
    is_example = False
    for i, line in enumerate(lines):
        if re.match(r"\.(nf|fi|EX|EE)\b", line):
            is_example = line.startswith((".nf", ".EX"))
        elif is_example and FIRST.match(shown[i]):
            yield i, joined(shown, i, shown[i])
        bold = re.match(r'\.BR? "?(' + OURS + r" [a-z][^\"]*)\"?", shown[i])
        if bold:
            yield i, bold.group(1).strip()


def main():
    only_blocks = sys.argv[1] == "--blocks"
    for path in sys.argv[1 + only_blocks:]:
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        commands = of_markdown(lines, only_blocks) if path.endswith(".md") else of_manual(lines)
        for i, command in commands:
            print(f"{path.rsplit('/', 1)[-1]}:{i + 1}\t{' '.join(command.split())}")


if __name__ == "__main__":
    main()
