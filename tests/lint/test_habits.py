"""Habits that a machine can check."""

import re

import sources

UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
WAITS_BLINDLY = re.compile(r"sleep_for|sleep_until|time\.sleep\(|\busleep\(|asyncio\.sleep\(")
SWITCHED_OFF = re.compile(r"GTEST_SKIP|\bDISABLED_|pytest\.mark\.(skip|xfail)|pytest\.skip\(")


def lines_with(pattern, names):
    return [f"{name}:{number}: {line.strip()}" for name in names
            for number, line in enumerate(sources.text(name).splitlines(), 1) if pattern.search(line)]


def all_but_this(*endings):
    return [name for name in sources.tracked(*endings) if name != "tests/lint/test_habits.py"]


def test_nothing_is_left_unfinished():
    found = lines_with(UNFINISHED, all_but_this(".h", ".cc", ".py", ".cmake", "CMakeLists.txt", "run-tests", "run-demo"))
    assert not found, "\n".join(found)


def test_no_test_waits_by_sleeping():
    found = lines_with(WAITS_BLINDLY, [name for name in all_but_this(".cc", ".h", ".py") if name.startswith("tests/")])
    assert not found, "\n".join(found)


def test_no_test_is_switched_off():
    found = lines_with(SWITCHED_OFF, [name for name in all_but_this(".cc", ".h", ".py") if name.startswith("tests/")])
    assert not found, "\n".join(found)
