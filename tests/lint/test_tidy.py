"""clang-tidy over the product's files, as the release build compiles them."""

import concurrent.futures
import json
import os
import subprocess

from sources import PRODUCT_FOLDERS, ROOT

DATABASE = ROOT / "build" / "release"


def compiled():
    commands = json.loads((DATABASE / "compile_commands.json").read_text())
    files = {os.path.relpath(command["file"], ROOT) for command in commands}
    return sorted(name for name in files if name.split("/")[0] in PRODUCT_FOLDERS)


def tidy(name):
    ran = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(DATABASE), name], cwd=ROOT, capture_output=True, text=True)
    if ran.returncode == 0:
        return ""
    said = [line.replace(f"{ROOT}/", "") for line in (ran.stdout + ran.stderr).splitlines() if "error:" in line]
    return "\n".join(said) or f"{name}: clang-tidy ended with {ran.returncode}"


def test_clang_tidy_has_nothing_to_say():
    files = compiled()
    assert files
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [said for said in pool.map(tidy, files) if said]
    assert not found, "\n".join(found)
