"""The parts of the test run, in their order. Each takes the Tally and counts into it."""

import json
import os
import shutil
import xml.etree.ElementTree as ElementTree

from tally import LOGS, ROOT, run

PYTHON = "/usr/bin/python3"  # the interpreter that Debian's packages are for
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19",
}

# Between real peers the programs run sanitized, so that a memory fault there fails a test too.
SANITIZED = {"SALLYPORT_BUILD": str(ROOT / "build" / "sanitize")}


# What the later parts need of the release build. The unit tests run sanitized; in the long form also as released.
RELEASED = ["sallyport", "sallyport-edge", "sallyport-guard", "bench_load", "strophe_client"]


def is_long():
    return os.environ["SALLYPORT_LONG"] == "1"


def build(tally, preset, targets=("all",)):
    configured = run(f"configure-{preset}", ["cmake", "--preset", preset], deadline=300)
    if not tally.check(f"configure {preset}", configured.ok, configured.why()):
        return False
    built = run(f"build-{preset}", ["ninja", "-C", f"build/{preset}", "-j2", "-k0", *targets], deadline=3600)
    return tally.check(f"build {preset}", built.ok, built.why())


def test_programs(preset):
    """The test programs as ctest knows them: (name, command)."""
    listed = run(f"list-{preset}", ["ctest", "--test-dir", f"build/{preset}", "--show-only=json-v1"], deadline=60)
    if not listed.ok:
        return []
    text = listed.log.read_text()
    tests = json.loads(text[text.index("{"):])["tests"]
    return [(test["name"], test["command"]) for test in tests if "command" in test]


def unit(tally, preset):
    if preset == "release" and not is_long():
        return
    programs = test_programs(preset)
    if not programs:
        tally.check(f"test programs of {preset}", False, "none was built")
    for name, command in programs:
        report = LOGS / f"{preset}-{name}.json"
        report.unlink(missing_ok=True)
        ran = run(f"{preset}-{name}", [*command, f"--gtest_output=json:{report}", "--gtest_brief=1"],
                  deadline=3600 if is_long() else 600, env=SANITIZERS)
        count_googletest(tally, name, ran, report)


def count_googletest(tally, name, ran, report):
    if not report.exists():
        tally.check(name, False, ran.why() or "wrote no report")
        return
    cases = [case for suite in json.loads(report.read_text())["testsuites"] for case in suite["testsuite"]]
    failed = sum(1 for case in cases if case.get("failures") or case["result"] != "COMPLETED")
    if not ran.ok and not failed:
        failed = 1  # it ended badly after its last case: a sanitizer's report, or a crash
    if ran.ok and failed:
        ran.show_tail()
    tally.add(name, len(cases) - min(failed, len(cases)), failed, ran.why())


def pytest(tally, folder, deadline, env=None, enclosed=False):
    """Runs the pytest cases of a folder; a skipped case counts as failed, since nothing may stay untested silently."""
    report = LOGS / f"pytest-{folder}.xml"
    LOGS.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    around = ["tests/lab/enclosed"] if enclosed else []
    ran = run(f"pytest-{folder}", [*around, PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10", "-rfEs",
                                   f"--junitxml={report}", f"tests/{folder}"], deadline, env)
    if not report.exists():
        tally.check(folder, False, ran.why() or "wrote no report")
        return
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total = int(suite.get("tests"))
    failed = sum(int(suite.get(kind)) for kind in ("failures", "errors", "skipped"))
    if not ran.ok and not failed:
        failed = 1
    tally.add(folder, max(total - failed, 0), failed, ran.why())


def fuzz(tally):
    """A short run of each fuzzer over its seed corpus; what it finds on the way stays in the build folder."""
    seconds = int(os.environ["SALLYPORT_FUZZ_SECONDS"])
    programs = sorted(path for path in (ROOT / "build/sanitize/fuzzers").glob("*") if path.is_file())
    if not programs:
        tally.check("fuzzers", False, "none was built")
    for program in programs:
        found = ROOT / "build/sanitize/corpus" / program.name
        shutil.rmtree(found, ignore_errors=True)
        found.mkdir(parents=True)
        seeds = ROOT / "tests/fuzz/corpus" / program.name
        command = [program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096",
                   f"-artifact_prefix={LOGS}/{program.name}-", found, *([seeds] if seeds.is_dir() else [])]
        ran = run(f"fuzz-{program.name}", command, deadline=seconds + 120, env=SANITIZERS)
        tally.check(f"{program.name}, {seconds} s", ran.ok, ran.why())


def bench(tally):
    """The benchmark in its short form: that it works, not how fast anything is."""
    ran = run("bench", ["tests/bench/run", "--short"], deadline=600)
    tally.check("bench, short", ran.ok, ran.why())


def demo(tally):
    """The demonstration as a newcomer starts it, in namespaces of its own; and left running, then stopped."""
    shown = run("demo", ["tests/lab/enclosed", "./run-demo"], deadline=1200)
    said = shown.log.read_text(errors="replace")
    if shown.ok and "All as it should be" not in said:
        shown.show_tail()
    tally.check("./run-demo", shown.ok and "All as it should be" in said, shown.why())
    kept = run("demo-keep", ["tests/lab/enclosed", "bash", "-c", "./run-demo --keep && ./run-demo --stop"], deadline=300)
    said = kept.log.read_text(errors="replace")
    tally.check("./run-demo --keep, then --stop", kept.ok and "Everything keeps running" in said and "Stopped." in said, kept.why())


PARTS = {
    "build": lambda tally: build(tally, "release", ["all"] if is_long() else RELEASED),
    "lint": lambda tally: pytest(tally, "lint", deadline=3000),
    "unit": lambda tally: unit(tally, "release"),
    "build-sanitize": lambda tally: build(tally, "sanitize"),
    "unit-sanitize": lambda tally: unit(tally, "sanitize"),
    "fuzz": fuzz,
    "interop": lambda tally: pytest(tally, "interop", deadline=3000, env=SANITIZED, enclosed=True),
    "demo": demo,
    "bench": bench,
}
