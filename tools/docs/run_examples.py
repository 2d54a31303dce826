#!/usr/bin/env python3
"""Run the commands that the documents show, and hold the documents to what they print.

    tools/docs/run_examples.py --check  [DOCUMENT...]   TAP, one case a command
    tools/docs/run_examples.py --update [DOCUMENT...]   write the true output into the documents

A fenced block that opens with ```console is run, one command after another. A line that starts with
"$ " is a command (lines that start with "> " go on with it); what follows, up to the next command,
is what it prints, standard error included. Blocks of any other kind are not run: downloads stand in
```sh, sketches in ```text. A block whose fence names a file, as in "```c near.c", is written to
that file first.

The commands of one document share an empty folder and run in the order they stand. A command must
end with status 0; one that shows a failure ends in `|| echo "exit status $?"`.

What may differ:
  - a line of three dots alone stands for any number of lines, none included;
  - the value of "elapsed_seconds" is not compared;
  - the folder of the model `demo` is written as it is after `meson install` with the default
    prefix, /usr/local/share/embscope/models/demo, in commands and in output.
"""
import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALLED_DEMO = "/usr/local/share/embscope/models/demo"
ELISION = "..."
LIMIT = 120  # seconds a command may take


class Block:
    """A fenced block: lines first .. last (both fences left out) of a document."""

    def __init__(self, kind, name, first, lines):
        self.kind, self.name, self.first, self.lines = kind, name, first, lines


class Example:
    """A command and the output written below it; `start` and `end` are lines of the document."""

    def __init__(self, path, command, start, expected):
        self.path, self.command, self.start, self.expected = path, command, start, expected
        self.end = start + len(expected)

    @property
    def title(self):
        first = self.command.splitlines()[0]
        return f"{self.path}:{self.start} {first}".replace("#", r"\#")


def blocks(lines):
    """The fenced blocks of a document, in order."""
    found, fence = [], None
    for number, line in enumerate(lines):
        if fence is None:
            opening = re.match(r"^(```+)(\w*) *(.*)$", line)
            if opening:
                fence = opening.group(1)
                block = Block(opening.group(2), opening.group(3).strip(), number + 1, [])
        elif line.strip() == fence:
            found.append(block)
            fence = None
        else:
            block.lines.append(line)
    if fence is not None:
        raise SystemExit(f"line {block.first}: a fence that nothing closes")
    return found


def examples(path, block):
    """The commands of a console block."""
    found, number = [], 0
    while number < len(block.lines):
        line = block.lines[number]
        if not line.startswith("$ "):
            raise SystemExit(f"{path}:{block.first + number + 1}: output before a command")
        command, number = [line[2:]], number + 1
        while number < len(block.lines) and block.lines[number].startswith("> "):
            command.append(block.lines[number][2:])
            number += 1
        start = number
        while number < len(block.lines) and not block.lines[number].startswith("$ "):
            number += 1
        found.append(Example(path, "\n".join(command), block.first + start,
                             block.lines[start:number]))
    return found


def normal(line):
    """A line without what may differ from run to run."""
    return re.sub(r'("elapsed_seconds": ?)[-+.0-9e]+', r"\g<1>0", line.rstrip())


def matches(expected, actual):
    """Does the output fit, where an elision stands for any lines?"""
    parts, part = [], []
    for line in map(normal, expected):
        if line == ELISION:
            parts.append(part)
            part = []
        else:
            part.append(line)
    parts.append(part)
    actual = list(map(normal, actual))
    if len(parts) == 1:
        return parts[0] == actual
    head, tail = parts[0], parts[-1]
    if len(head) + len(tail) > len(actual) or actual[:len(head)] != head:
        return False
    if tail and actual[-len(tail):] != tail:
        return False
    at, end = len(head), len(actual) - len(tail)
    for middle in parts[1:-1]:
        while at + len(middle) <= end and actual[at:at + len(middle)] != middle:
            at += 1
        if at + len(middle) > end:
            return False
        at += len(middle)
    return True


def rewritten(expected, actual):
    """The true output with the elisions of the old one: as many lines before, between and after."""
    kept = [normal(line) for line in expected]
    if ELISION not in kept:
        return actual
    parts, part = [], []
    for line in kept + [ELISION]:
        if line == ELISION:
            parts.append(part)
            part = []
        else:
            part.append(line)
    head, tail = len(parts[0]), len(parts[-1])
    if head + tail > len(actual):
        return actual
    result, at, end = actual[:head], head, len(actual) - tail
    for middle in parts[1:-1]:
        places = range(at, max(at, end - len(middle)) + 1)
        likeness = [difflib.SequenceMatcher(None, middle[0], (actual + [""])[p]).ratio()
                    if middle else 0 for p in places]
        at = places[likeness.index(max(likeness))]
        result += [ELISION] + actual[at:at + len(middle)]
        at += len(middle)
    return result + [ELISION] + actual[end:]


def environment(program, data, folder):
    """What a command sees: the program first in PATH, the library, and nothing of the user's."""
    build = program.parent
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("EMBSCOPE_", "HF_", "XDG_"))}
    env.update(PATH=f"{build}:{os.environ['PATH']}", HOME=str(folder), LC_ALL="C.UTF-8",
               NO_COLOR="1", COLUMNS="120", EMBSCOPE_DATA=str(data),
               PKG_CONFIG_PATH=str(build / "meson-uninstalled"),
               LD_LIBRARY_PATH=str(build / "src"))
    return env


def run(example, env, folder, demo):
    """The lines a command prints, and what is wrong with how it ended."""
    command = example.command.replace(INSTALLED_DEMO, str(demo))
    try:
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=env, timeout=LIMIT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    except subprocess.TimeoutExpired:
        return [], f"still running after {LIMIT} seconds"
    text = done.stdout.decode("utf-8", "replace").replace(str(demo), INSTALLED_DEMO)
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines, f"exit status {done.returncode}" if done.returncode else None


def documents(names):
    if names:
        return [pathlib.Path(name).resolve() for name in names]
    return [ROOT / "README.md"] + sorted((ROOT / "docs").glob("*.md"))


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, good, title, details=()):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {title}", flush=True)
        for line in details:
            print(f"# {line}", flush=True)


def difference(expected, actual):
    return list(difflib.unified_diff(expected, actual, "written", "printed", lineterm="", n=1))


def take_document(path, program, data, update, skip_compiler, tap):
    """Run one document's commands; returns whether all went well."""
    lines = path.read_text(encoding="utf-8").splitlines()
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    demo = data / "models" / "demo"
    replaced = []
    with tempfile.TemporaryDirectory(prefix="embscope-docs-") as name:
        folder = pathlib.Path(name)
        env = environment(program, data, folder)
        for block in blocks(lines):
            if block.name and re.fullmatch(r"[\w-]+\.\w+", block.name):
                (folder / block.name).write_text("\n".join(block.lines) + "\n", encoding="utf-8")
            if block.kind != "console":
                continue
            for example in examples(shown, block):
                # plain C programs do not link with a library that is built with sanitizers
                if skip_compiler and re.match(r"cc |\./", example.command):
                    continue
                expected = example.expected
                while expected and not expected[-1].strip():
                    expected = expected[:-1]
                blank = example.expected[len(expected):]
                actual, fault = run(example, env, folder, demo)
                good = fault is None and matches(expected, actual)
                if update and not good and fault is None:
                    new = rewritten(expected, actual)
                    replaced.append((example.start, example.end, new + blank))
                    print(f"{example.title}: rewritten")
                elif update and not good:
                    tap.failed += 1
                    print(f"{example.title}: {fault}", *actual, sep="\n    ")
                if not update:
                    details = [] if good else difference(expected, actual)
                    tap.case(good, example.title, ([fault] if fault else []) + details)
    for start, end, new in reversed(replaced):
        lines[start:end] = new
    if replaced:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="compare; TAP on standard output")
    mode.add_argument("--update", action="store_true", help="rewrite the documents")
    parser.add_argument("--program", default=str(ROOT / "build" / "embscope"))
    parser.add_argument("--data", default=str(ROOT), help="the folder with models/demo")
    parser.add_argument("documents", nargs="*", help="default: README.md and docs/*.md")
    arguments = parser.parse_args()
    program = pathlib.Path(arguments.program).resolve()
    data = pathlib.Path(arguments.data).resolve()
    if not (data / "models" / "demo" / "config.json").exists():
        print(f"1..0 # SKIP no model in {data / 'models' / 'demo'}")
        return 0 if arguments.check else 1
    tap = Tap()
    for path in documents(arguments.documents):
        take_document(path, program, data, arguments.update,
                      bool(os.environ.get("EMBSCOPE_SANITIZED")), tap)
    if arguments.check:
        print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
