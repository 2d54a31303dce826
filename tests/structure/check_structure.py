#!/usr/bin/env python3
"""How the project is put together, held to its own rules.

    check_structure.py SOURCE BUILD

Includes go left only; file names are unique; the shared library exports the public API alone;
banned calls; sizes of functions and files; public headers stand alone, in C and in C++.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LAYERS = ("base", "kernel", "format", "space", "model", "analysis", "render")
MOST_FUNCTION, MOST_FILE, MOST_COLUMNS = 70, 600, 100

# Why each is banned: copies without a bound; locale; ends the process; prints; hidden state.
BANNED = {
    "src": ("strcpy strcat sprintf vsprintf gets strtok strtod strtof strtold atoi atol atof sscanf "
            "scanf setlocale localeconv exit _exit abort quick_exit printf puts putchar perror "
            "fputs_unlocked system popen rand srand random srandom time localtime gmtime ctime "
            "strerror_r mktemp tmpnam tempnam alloca getenv setenv putenv signal").split(),
    "cli": ("strcpy strcat sprintf vsprintf gets strtok atoi atol atof sscanf scanf "
            "system popen rand srand mktemp tmpnam tempnam alloca abort").split(),
}
# The one look at the environment that the library has, and what must start another program.
EXCEPTIONS = {("src/kernel/dispatch.c", "getenv")}
GUARDED = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.DOTALL)

checks = failed = 0


def check(faults, name):
    global checks, failed
    checks += 1
    failed += bool(faults)
    print(f"{'not ok' if faults else 'ok'} {checks} - {name}")
    for fault in list(faults)[:40]:
        print(f"# {fault}")


def code_of(path):
    """The file without comments and literals, line for line."""
    def blank(match):
        return "".join(c if c == "\n" else " " for c in match.group())
    return GUARDED.sub(blank, path.read_text(encoding="utf-8"))


def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(encoding="utf-8"),
                      re.MULTILINE)


def check_includes(root, sources):
    faults = []
    for path in sources:
        place = path.relative_to(root)
        for included in includes(path):
            first = included.split("/")[0]
            if place.parts[0] == "src" and first in LAYERS:
                if LAYERS.index(first) > LAYERS.index(place.parts[1]):
                    faults.append(f"{place} includes {included}, from a layer on its right")
            elif place.parts[0] == "src" and '/' not in included and first.endswith(".h"):
                if (root / "src" / place.parts[1] / included).exists():
                    faults.append(f"{place} includes {included} without its folder")
            elif place.parts[0] == "cli" and first in LAYERS:
                faults.append(f"{place} includes {included}: the command line sees embscope/*.h")
            elif place.parts[0] == "include" and first in LAYERS:
                faults.append(f"{place} includes {included}: public headers see each other alone")
    check(faults, "includes go left only")
    unknown = [str(p.relative_to(root)) for p in sources
               if p.relative_to(root).parts[0] == "src" and p.relative_to(root).parts[1] not in LAYERS]
    check(unknown, "every folder of src is a layer")


def check_names(root, sources):
    seen, faults = {}, []
    for path in sources:
        place = path.relative_to(root)
        stem = path.name
        if stem in seen and place.parts[0] != "include" and seen[stem].parts[0] != "include":
            faults.append(f"{place} and {seen[stem]}")
        seen.setdefault(stem, place)
    check(faults, "file names are unique")


def public_functions(root):
    """Names that the public headers declare."""
    names = set()
    for path in sorted((root / "include/embscope").glob("*.h")):
        code = re.sub(r"\btypedef\s[^;{]*;", "", code_of(path))  # a callback's type is no function
        names |= set(re.findall(r"\b(es_\w+)\s*\(", code))
    return names


def check_exports(root, build):
    libraries = sorted(build.glob("**/libembscope.so"))
    if not libraries:
        print(f"ok {checks + 1} - exports # SKIP no shared library in {build}")
        return check((), "exports")
    listed = subprocess.run(["nm", "-D", "--defined-only", str(libraries[0])], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.splitlines()
    exported = {line.split()[-1].split("@")[0] for line in listed if " A " not in line}
    # what the sanitizers and the linker add by themselves
    exported -= {name for name in exported if name.startswith(("__asan", "__odr", "_init", "_fini",
                                                               "__lsan", "__ubsan", "__bss", "_edata",
                                                               "_end", "__start", "__stop"))}
    declared = public_functions(root)
    check(sorted(exported - declared), "only the public API leaves libembscope.so")
    macros = {"es_bytes"}
    check(sorted(declared - exported - macros), "all of the public API leaves libembscope.so")


def check_banned(root, sources):
    faults = []
    for path in sources:
        place = path.relative_to(root)
        names = BANNED.get(place.parts[0])
        if not names or path.suffix != ".c":
            continue
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
        for number, line in enumerate(code_of(path).splitlines(), 1):
            for name in pattern.findall(line):
                if (str(place), name) not in EXCEPTIONS:
                    faults.append(f"{place}:{number}: {name}()")
    check(faults, "no banned call")
    faults = [f"{p.relative_to(root)}:{n}" for p in sources for n, line in
              enumerate(code_of(p).splitlines(), 1)
              if p.relative_to(root).parts[0] == "src" and re.search(r"\b(stdout|stderr|stdin)\b", line)]
    check(faults, "the library does not know the standard streams")


def functions_of(path):
    """(name, first line, lines) of each function of a .c file: from its head to its brace."""
    lines = code_of(path).splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(("}", "#")) \
                    and not lines[head - 1].rstrip().endswith(";"):
                head -= 1
            name = re.search(r"(\w+)\s*\(", " ".join(lines[head:start]))
            yield name.group(1) if name else "?", head + 1, number - head + 1
            start = None


def check_sizes(root, sources):
    code = [path for path in sources if path.relative_to(root).parts[0] in ("src", "cli", "include")]
    check([f"{p.relative_to(root)}:{line}: {name} has {size} lines" for p in code if p.suffix == ".c"
           for name, line, size in functions_of(p) if size > MOST_FUNCTION],
          f"functions fit a screen ({MOST_FUNCTION} lines)")
    tall = [(p.relative_to(root), len(p.read_text(encoding="utf-8").splitlines())) for p in sources]
    check([f"{place} has {size} lines" for place, size in tall if size > MOST_FILE],
          f"files fit a sitting ({MOST_FILE} lines)")
    check([f"{p.relative_to(root)}:{n}: {len(line)} columns" for p in sources
           for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
           if len(line) > MOST_COLUMNS and "http" not in line], f"{MOST_COLUMNS} columns")


def check_headers(root):
    compilers = {"c": [os.environ.get("CC", "cc"), "-std=c17"],
                 "c++": [os.environ.get("CXX", "c++"), "-std=c++17"]}
    for language, compiler in compilers.items():
        faults = []
        with tempfile.TemporaryDirectory() as folder:
            for header in sorted((root / "include/embscope").glob("*.h")):
                source = Path(folder) / ("header.c" if language == "c" else "header.cc")
                # twice: its guard; first: it needs nothing before it
                line = f"#include <embscope/{header.name}>\n"
                source.write_text(line + line + "int main(void) { return 0; }\n", encoding="utf-8")
                try:
                    done = subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                                           "-I", str(root / "include"), str(source)],
                                          stderr=subprocess.PIPE, text=True, check=False)
                except OSError as error:
                    faults = [f"cannot run {compiler[0]}: {error}"]
                    break
                if done.returncode:
                    faults.append(f"{header.name}: {done.stderr.strip().splitlines()[0]}")
        check(faults, f"public headers stand alone ({language})")
    guards = []
    for header in sorted(root.glob("include/**/*.h")) + sorted(root.glob("src/**/*.h")):
        text = header.read_text(encoding="utf-8")
        guard = re.search(r"#ifndef (\w+)\n#define \1\n", text)
        if not guard:
            guards.append(str(header.relative_to(root)))
    check(guards, "every header has a guard")


def main():
    root, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    sources = [p for folder in ("src", "cli", "include", "tests") for p in
               sorted((root / folder).rglob("*")) if p.suffix in (".c", ".h")]
    check_includes(root, sources)
    check_names(root, sources)
    check_exports(root, build)
    check_banned(root, sources)
    check_sizes(root, sources)
    check_headers(root)
    print(f"1..{checks}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
