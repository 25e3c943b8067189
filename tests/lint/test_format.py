"""Files look alike, whoever wrote them."""

import subprocess

from sources import ROOT, tracked


def test_cpp_files_are_formatted():
    files = tracked(".h", ".cc", ".cpp")
    assert files
    checked = subprocess.run(["clang-format-19", "--dry-run", "--Werror", *files], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_shell_scripts_parse():
    scripts = ["run-tests", ".ci/run", ".ci/install", *tracked(".sh")]
    for script in scripts:
        checked = subprocess.run(["bash", "-n", script], cwd=ROOT, capture_output=True, text=True)
        assert checked.returncode == 0, f"{script}: {checked.stderr}"


def test_python_files_compile():
    for name in tracked(".py"):
        compile((ROOT / name).read_text(encoding="utf-8"), name, "exec")
