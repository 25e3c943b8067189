"""clang-tidy over the product's files, as the release build compiles them: several in one unit, since most of the work is
in the headers that they share."""

import concurrent.futures
import json
import os
import pathlib
import subprocess

from sources import PRODUCT_FOLDERS, ROOT, product

DATABASE = ROOT / "build" / "release"


def units():
    """The product's units of compilation, and the product's files in them."""
    commands = json.loads((DATABASE / "compile_commands.json").read_text())
    found = {}
    for unit in {pathlib.Path(command["file"]) for command in commands}:
        files = [unit]
        if unit.is_relative_to(DATABASE):
            lines = unit.read_text().splitlines()
            files = [pathlib.Path(line.split('"')[1]) for line in lines if line.startswith("#include")]
        files = [name for name in (str(each.relative_to(ROOT)) for each in files) if name.split("/")[0] in PRODUCT_FOLDERS]
        if files:
            found[str(unit)] = files
    return found


def tidy(unit):
    # A unit of several files is made of what this check is against.
    ran = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(DATABASE), "--checks=-bugprone-suspicious-include", unit],
                         cwd=ROOT, capture_output=True, text=True)
    if ran.returncode == 0:
        return ""
    said = [line.replace(f"{ROOT}/", "") for line in (ran.stdout + ran.stderr).splitlines() if "error:" in line]
    return "\n".join(said) or f"{unit}: clang-tidy ended with {ran.returncode}"


def test_clang_tidy_has_nothing_to_say():
    found = units()
    left_out = set(product(".cc")) - {name for files in found.values() for name in files}
    assert not left_out, f"not compiled, so not looked at: {left_out}"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # The largest first: the last to end does not keep the others waiting.
        largest_first = sorted(found, key=lambda unit: len(found[unit]), reverse=True)
        said = [each for each in pool.map(tidy, largest_first) if each]
    assert not said, "\n".join(said)
