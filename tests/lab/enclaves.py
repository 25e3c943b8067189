"""Names and addresses. Each enclave has an XMPP server, a DNS server with its own view, and a place for the guard's face."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Enclave:
    name: str
    net: int  # the third octet of its IPv4 addresses, and the second group of its IPv6 addresses

    @property
    def domain(self):
        return f"{self.name}.test"

    @property
    def rooms(self):
        return f"rooms.{self.name}.test"

    @property
    def uploads(self):
        return f"upload.{self.name}.test"

    @property
    def domains(self):
        return (self.domain, self.rooms)

    def address(self, host, family=4):
        return f"127.0.{self.net}.{host}" if family == 4 else f"fd00:{self.net}::{host}"

    def server(self, family=4):
        return self.address(1, family)

    def guard(self, family=4):
        return self.address(2, family)

    def stranger(self, family=4):
        """For hand-made peers that attack or measure."""
        return self.address(3, family)

    def resolver(self):
        return self.address(53)


NORTH = Enclave("north", 10)
SOUTH = Enclave("south", 20)
ENCLAVES = (NORTH, SOUTH)

C2S_PORT = 5222
C2S_TLS_PORT = 5223
S2S_PORT = 5269


def other(enclave):
    return SOUTH if enclave is NORTH else NORTH
