"""Includes point downwards only, what is pure stays pure, and the guard sees no parser, TLS or resolver.

Each check is also run on a file made to break it, since a check that finds nothing may be one that looks at nothing.
"""

import re

import sources

# What each folder may include of the project, itself apart.
MAY_INCLUDE = {
    "inspect": set(),
    "certs": {"inspect"},
    "audit": {"inspect"},
    "policy": {"inspect"},
    "proxy/airlock": {"inspect"},
    "proxy/config": {"inspect"},
    "proxy/relay": {"inspect"},
    "proxy/guard": {"proxy/airlock", "proxy/relay", "proxy/config", "policy", "audit", "inspect"},
    "proxy/edge": {"proxy/airlock", "proxy/config", "proxy/relay", "certs", "inspect"},
    "proxy/main": {"proxy/edge", "proxy/guard", "proxy/airlock", "proxy/config", "policy", "audit", "certs", "inspect"},
}

# inspect and policy are pure. policy/source reads the officer's files, so files alone are allowed there.
IMPURE = re.compile(r"^(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier|ctime|time\.h|"
                    r"iostream|csignal|signal\.h|unistd\.h|fcntl\.h|poll\.h|netdb\.h|pthread\.h|sys/.*|netinet/.*|arpa/.*|"
                    r"boost/asio.*|spdlog/.*|openssl/.*|unbound\.h)$")
FILES = re.compile(r"^(fstream|filesystem|cstdio|stdio\.h)$")
CLOCK = re.compile(r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock)::now\b|\bclock_gettime\b|\brandom_device\b")

# Nothing that the guard links may see these.
FOREIGN_TEXT = re.compile(r"^(libxml/.*|expat\.h|openssl/.*|unbound\.h|xercesc/.*|netdb\.h|netinet/.*|arpa/.*)$")
GUARD_SIDE = ("inspect", "audit", "policy", "proxy/airlock", "proxy/relay", "proxy/guard")
XML_READERS = ("inspect/stream_parser", "policy/source/")
OF_XML_TARGET = "inspect/stream_parser"


def folder(path):
    """The layer of a project path, or None for a path outside the project."""
    parts = path.split("/")
    name = "/".join(parts[:2]) if parts[0] == "proxy" else parts[0]
    return name if name in MAY_INCLUDE else None


def wrong_direction(name, includes):
    own = folder(name)
    found = []
    for quoted, path in includes:
        layer = folder(path)
        if layer is not None and layer != own and layer not in MAY_INCLUDE[own]:
            found.append(f"{name} includes {path}")
        if quoted and layer is None:
            found.append(f"{name} includes {path}, which is not written from the top of the tree")
    return found


def impure(name, includes, text):
    files_allowed = name.startswith("policy/source/")
    found = [f"{name} includes <{path}>" for quoted, path in includes
             if not quoted and (IMPURE.match(path) or (FILES.match(path) and not files_allowed))]
    return found + [f"{name} reads {match.group()}" for match in CLOCK.finditer(text)]


def foreign_to_the_guard(name, includes):
    reader = name.startswith(XML_READERS)
    found = [f"{name} includes <{path}>" for quoted, path in includes
             if not quoted and FOREIGN_TEXT.match(path) and not reader]
    return found + [f"{name} includes {path}" for quoted, path in includes
                    if quoted and path.startswith(OF_XML_TARGET) and not reader]


def test_includes_point_downwards():
    found = [line for name in sources.product(".h", ".cc") for line in wrong_direction(name, sources.includes(name))]
    assert not found, "\n".join(found)


def test_the_direction_check_finds_what_it_looks_for():
    assert wrong_direction("proxy/guard/lane.cc", [(True, "proxy/edge/leg.h")])
    assert wrong_direction("inspect/jid.cc", [(True, "policy/verdict.h")])
    assert wrong_direction("audit/log.cc", [(True, "certs/store.h")])
    assert wrong_direction("audit/log.cc", [(True, "record.h")])
    assert not wrong_direction("proxy/guard/lane.cc", [(True, "audit/log.h"), (False, "vector"), (True, "proxy/guard/leg.h")])


def test_inspect_and_policy_are_pure():
    names = [name for name in sources.product(".h", ".cc") if name.startswith(("inspect/", "policy/"))]
    assert names
    found = [line for name in names for line in impure(name, sources.includes(name), sources.text(name))]
    assert not found, "\n".join(found)


def test_the_purity_check_finds_what_it_looks_for():
    assert impure("inspect/jid.cc", [(False, "mutex")], "")
    assert impure("policy/rate.cc", [], "auto now = std::chrono::steady_clock::now();")
    assert impure("policy/bundle.cc", [(False, "fstream")], "")
    assert not impure("policy/source/reader.cc", [(False, "fstream")], "std::chrono::seconds")


def test_nothing_on_the_guards_side_sees_foreign_text_or_keys():
    names = [name for name in sources.product(".h", ".cc") if folder(name) in GUARD_SIDE]
    found = [line for name in names for line in foreign_to_the_guard(name, sources.includes(name))]
    assert not found, "\n".join(found)


def test_the_foreign_text_check_finds_what_it_looks_for():
    assert foreign_to_the_guard("proxy/guard/lane.cc", [(False, "libxml/parser.h")])
    assert foreign_to_the_guard("audit/log.cc", [(False, "openssl/evp.h")])
    assert foreign_to_the_guard("proxy/guard/lane.cc", [(True, "inspect/stream_parser.h")])
    assert not foreign_to_the_guard("inspect/stream_parser.cc", [(False, "libxml/parser.h")])
