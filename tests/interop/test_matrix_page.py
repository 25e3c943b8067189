"""The page of `sallyport policy matrix --html` in a browser: its table, its colours, and that it asks nobody for anything."""

import json
import pathlib
import re
import shutil
import struct
import subprocess
import zlib

import pytest

from lab.guard import program

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples" / "labelled-partners"
BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
           "--window-size=1200,360"]
RED, NAVY = (255, 0, 0), (0, 0, 128)


def matrix(*arguments):
    command = [program("sallyport"), "policy", "matrix", "--bundle", EXAMPLE, "--time", "2026-06-01", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "matrix.html"
    assert matrix("--html", path) == ""
    return path


def browse(page, folder, *arguments):
    """A browser that has never run before and has no network but the test's own."""
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    profile.mkdir()
    command = [*BROWSER, f"--user-data-dir={profile}", *arguments, page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=folder).stdout


def pixels(png):
    """The colours of a PNG of 8 bits a channel, without interlacing, as a set."""
    data, at, packed = png.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, interlaced) == (8, 0) and colour in (2, 6)
            step = 3 if colour == 2 else 4
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    raw, before, found = zlib.decompress(packed), bytearray(width * step), set()
    for row in range(height):
        start = row * (width * step + 1)
        line = bytearray(raw[start + 1:start + 1 + width * step])
        for i in range(len(line)):
            left = line[i - step] if i >= step else 0
            above, corner = before[i], before[i - step] if i >= step else 0
            nearest = min((left, above, corner), key=lambda each: abs(left + above - corner - each))
            line[i] = (line[i] + (0, left, above, (left + above) // 2, nearest)[raw[start]]) & 255
        found.update(tuple(line[i:i + 3]) for i in range(0, len(line), step))
        before = line
    return found


def test_shows_every_way_and_label_with_its_answer(page, tmp_path):
    shown = browse(page, tmp_path, "--dump-dom")
    told = json.loads(matrix("--json"))
    headings = re.findall(r'<th scope="col"[^>]*>([^<]*)', shown)
    assert headings == ["from", "to"] + [label["name"] for label in told["labels"]]
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><th scope="row"[^>]*>([^<]*)</th>(.*?)</tr>', shown)
    assert [(row[0], row[1]) for row in rows] == [(row["from"], row["to"]) for row in told["rows"]]
    for row, expected in zip(rows, told["rows"]):
        assert re.findall(r"<td[^>]*>([^<]*)", row[2]) == [cell["crosses"] for cell in expected["cells"]]
    answers = {(row["from"], row["to"], label["name"]): cell["crosses"]
               for row in told["rows"] for label, cell in zip(told["labels"], row["cells"])}
    assert answers["base.test", "alpha.test", "CONFIDENTIAL"] == "yes"
    assert answers["base.test", "alpha.test", "SECRET"] == "in part"
    assert answers["base.test", "bravo.test", "SECRET"] == "no"
    assert answers["base.test", "bravo.test", "no label"] == "no"


def test_heads_its_columns_in_the_colours_of_the_markings(page, tmp_path):
    browse(page, tmp_path, "--screenshot=" + str(tmp_path / "shot.png"))
    colours = pixels(tmp_path / "shot.png")
    assert RED in colours and NAVY in colours and (255, 255, 255) in colours


def test_asks_nobody_for_anything(page):
    text = page.read_text()
    assert "<script" not in text and "<link" not in text and "<img" not in text and "@import" not in text
    assert re.findall(r"(?:src|href|url)\s*[=(]", text) == []
    assert "default-src 'none'" in text
