"""Whether the addresses of the laboratory are free on this machine."""

import socket

from lab.enclaves import C2S_PORT, ENCLAVES, S2S_PORT


def occupied():
    """The addresses that somebody else listens on, as "ADDRESS port PORT"."""
    found = []
    for enclave in ENCLAVES:
        for address, port, kind in ((enclave.server(), C2S_PORT, socket.SOCK_STREAM), (enclave.server(), S2S_PORT, socket.SOCK_STREAM),
                                    (enclave.guard(), S2S_PORT, socket.SOCK_STREAM), (enclave.guard(), C2S_PORT, socket.SOCK_STREAM),
                                    (enclave.resolver(), 53, socket.SOCK_DGRAM)):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    found.append(f"{address} port {port} ({error.strerror})")
    return found
