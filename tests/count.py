#!/usr/bin/env python3
"""Count the test cases in Meson's logs: those a test printed as TAP, else the test itself.

    count.py build/meson-logs/testlog.json ...

The last line is "N passed, N failed, N skipped"; the exit code is 1 where a case failed or none ran.
"""
import json
import re
import sys

CASE = re.compile(r"^(ok|not ok)\b[ \d]*(.*)$", re.MULTILINE)


def cases_of(test):
    """[(result, name)] of one test of the log."""
    cases = []
    for word, rest in CASE.findall(test.get("stdout") or ""):
        # cmocka writes a skipped case as "not ok 2 # SKIP name"
        skipped = "# SKIP" in rest
        result = "skipped" if skipped else "passed" if word == "ok" else "failed"
        cases.append((result, rest.replace("# SKIP", "").strip(" -")))
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        return cases or [("passed", test["name"])]
    if test["result"] == "SKIP":
        return cases or [("skipped", test["name"])]
    if not any(result == "failed" for result, _ in cases):  # it crashed, or ran out of time
        cases.append(("failed", f"the program ({test['result']})"))
    return cases


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sys.argv[1:]:
        try:
            with open(path, encoding="utf-8") as file:
                tests = [json.loads(line) for line in file]
        except OSError as error:
            print(f"no test ran: {error}")
            counts["failed"] += 1
            continue
        if not tests:
            print(f"no test ran: {path} is empty")
            counts["failed"] += 1
        for test in tests:
            for result, name in cases_of(test):
                counts[result] += 1
                if result == "failed":
                    print(f"failed: {path.split('/')[0]}: {test['name'].split(' / ')[-1]}: {name}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
