"""The project's files, as git knows them."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT_FOLDERS = ("inspect", "certs", "audit", "policy", "proxy")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def tracked(*endings):
    """Paths relative to the root, of files that git tracks or would track, with one of these endings."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(name for name in set(listed) if name.endswith(endings) and (ROOT / name).exists())


def product(*endings):
    return [name for name in tracked(*endings) if name.split("/")[0] in PRODUCT_FOLDERS]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def includes(name):
    """(quoted, path) of each include line."""
    return [(kind == '"', path) for kind, path in INCLUDE.findall(text(name))]
