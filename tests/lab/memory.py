"""What stands in the memory of another process. Its reader has to be root where it runs."""

import pathlib

CHUNK = 8 * 1024 * 1024
UNREADABLE = ("[vvar]", "[vsyscall]", "[vvar_vclock]")


def regions(pid):
    """(start, end, name) of everything that the process can write and read: nothing of its own is elsewhere."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights, *rest = line.split(maxsplit=5)
        name = rest[3] if len(rest) > 3 else ""
        if rights.startswith("rw") and name not in UNREADABLE:
            start, _, end = span.partition("-")
            yield int(start, 16), int(end, 16), name


def found_in_memory(pid, needles):
    """{name: where} of the needles (octets by their name) that stand in the memory of a process."""
    found = {}
    overlap = max(map(len, needles.values())) - 1
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for region in regions(pid):
            for position, octets in pieces(pid, memory, region, overlap):
                for needle, value in needles.items():
                    if value in octets:
                        found.setdefault(needle, f"{region[2] or 'anonymous'} at {position + octets.index(value):#x}")
    return found


def pieces(pid, memory, region, overlap):
    """(where, octets) of a region, each with the end of the one before. What the process gives back meanwhile is left out."""
    start, end, _ = region
    tail = b""
    failures = 0
    position = start
    while position < end:
        memory.seek(position)
        try:
            octets = tail + memory.read(min(CHUNK, end - position))
        except OSError:
            failures += 1
            if region not in regions(pid):
                return
            if failures > 10:  # it is not just given back and taken again
                raise
            continue
        yield position - len(tail), octets
        position += len(octets) - len(tail)
        tail = octets[-overlap:]


def found_in_files(paths, needles):
    """{name: file}."""
    return {name: str(path) for path in paths for name, value in needles.items() if value in path.read_bytes()}


def core_limit(pid):
    """(soft, hard) limit of the size of a core dump, as the kernel writes it."""
    line = next(line for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core file size"))
    return tuple(line.split()[4:6])
