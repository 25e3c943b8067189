"""A client made with slixmpp, for lab.program_client: it logs in as the library does, says what its input says, and tells what it hears.

Arguments: JID PASSWORD ADDRESS PORT starttls|direct TRUST MECHANISM. Lines in: a stanza each. Lines out: see lab.program_client.
"""

import asyncio
import logging
import ssl
import sys
import xml.etree.ElementTree as ElementTree

logging.disable(logging.CRITICAL)

import slixmpp  # noqa: E402


def tell(what, text=""):
    print(what, text.replace("\n", "&#10;"), flush=True)


class Teller(slixmpp.ClientXMPP):
    def __init__(self, jid, password, trust, mechanism):
        super().__init__(jid, password, sasl_mech=mechanism)
        self.ca_certs = trust
        self.ssl_context = ssl.create_default_context(cafile=trust)
        self.credentials["service-name"] = self.boundjid.host  # of GSSAPI; the library would take the address for it
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("failed_auth", lambda failure: tell("refused", failure["condition"]))
        self.add_event_handler("stream_error", lambda error: tell("ended", error["condition"]))
        self.add_event_handler("disconnected", lambda _: tell("ended", "disconnected"))

    def incoming_filter(self, xml):
        if xml.tag.startswith("{jabber:client}"):
            tell("stanza", ElementTree.tostring(xml, encoding="unicode"))
        return xml

    async def started(self, _):
        await self.get_roster()
        tell("bound", self.boundjid.full)

    async def listen(self):
        reader = asyncio.StreamReader(limit=1 << 20)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self.send_raw(line.decode().rstrip("\n"))
        await self.disconnect(wait=2)


def main():
    jid, password, address, port, tls, trust, mechanism = sys.argv[1:]
    client = Teller(jid, password, trust, mechanism)
    client.connect((address, int(port)), use_ssl=tls == "direct")
    client.default_domain = client.boundjid.host  # of the certificate; the library would take the address for it
    listening = client.loop.create_task(client.listen())  # whoever holds no task has it collected
    client.loop.run_until_complete(listening)


main()
