"""A place on the way of connections where they can be broken, as by a network that fails."""

import selectors
import socket
import struct
import threading

CHUNK = 65536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


class Cutter:
    """Listens at (address, port) and carries every connection on to `target`. One thread."""

    def __init__(self, address, port, target):
        self.endpoint = f"{address}:{port}"
        self.cuts = 0  # connections that were broken
        self._target = target
        self._source = address
        self._server = socket.create_server((address, port), backlog=64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._ending = False
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        """Breaks every connection by a TCP reset to both sides; returns when that has happened."""
        self._idle.clear()
        self._wake.send(b"c")
        assert self._idle.wait(10), "the cutter is stuck"

    def close(self):
        self._ending = True
        self._wake.send(b"e")
        self._thread.join(10)
        self._server.close()

    def _run(self):
        while not self._ending:
            for key, _ in self._selector.select():
                if key.fileobj is self._server:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(1)
                    self._break_all()
                elif key.fileobj.fileno() >= 0:
                    self._carry(key.fileobj, key.data)
        self._break_all()

    def _accept(self):
        near, _ = self._server.accept()
        try:
            far = socket.create_connection(self._target, 10)
        except OSError:
            near.close()
            return
        for here, there in ((near, far), (far, near)):
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(here, selectors.EVENT_READ, there)

    def _carry(self, here, there):
        try:
            octets = here.recv(CHUNK)
            there.sendall(octets)
        except OSError:
            octets = b""
        if not octets:
            for each in (here, there):
                self._selector.unregister(each)
                each.close()

    def _break_all(self):
        ways = [key.fileobj for key in self._selector.get_map().values() if key.data]
        for way in ways:
            self._selector.unregister(way)
            way.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            way.close()
        self.cuts += len(ways) // 2
        self._idle.set()
