"""A person with an ordinary XMPP client (slixmpp), who can wait for what arrives."""

import asyncio
import logging
import ssl

logging.getLogger("slixmpp").setLevel(logging.ERROR)

import slixmpp  # noqa: E402


class Person(slixmpp.ClientXMPP):
    def __init__(self, jid, password, address, trust, resource):
        super().__init__(f"{jid}/{resource}", password)
        self._address = (address, 5222)
        self.ca_certs = str(trust)
        self.ssl_context = ssl.create_default_context(cafile=str(trust))
        self.heard = []
        self._news = asyncio.Event()
        self.roster.auto_authorize = None
        self.roster.auto_subscribe = False
        for plugin in ("xep_0030", "xep_0045", "xep_0199", "xep_0092"):
            self.register_plugin(plugin)
        for event in ("message", "presence", "groupchat_message", "message_error"):
            self.add_event_handler(event, self._keep)

    def _keep(self, stanza):
        self.heard.append(stanza)
        self._news.set()

    async def enter(self):
        """Connects, logs in, fetches the roster and sends the first presence."""
        started = asyncio.Event()
        self.add_event_handler("session_start", lambda _: started.set())
        self.connect(self._address)
        await asyncio.wait_for(started.wait(), 20)
        await self.get_roster()
        self.send_presence()

    async def hear(self, wanted, what, deadline=20):
        """Takes the first stanza for which wanted(stanza) holds, waiting up to the deadline (seconds)."""
        async def look():
            while True:
                for index, stanza in enumerate(self.heard):
                    if wanted(stanza):
                        return self.heard.pop(index)
                self._news.clear()
                await self._news.wait()
        try:
            return await asyncio.wait_for(look(), deadline)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.boundjid} did not hear {what} within {deadline} s") from None

    async def leave(self):
        await self.disconnect(wait=2)
