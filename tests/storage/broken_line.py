"""A line to PostgreSQL that breaks at the worst moment: around COMMIT."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Mode = Literal["whole", "before", "after", "half_open"]
"""Cut before COMMIT reaches the server, after it was carried out, or so that the server notices nothing."""


class BrokenLine:
    """Forwards connections to a server; the next COMMIT meets `mode`, once."""

    def __init__(self, dsn: str) -> None:
        self._server = urlsplit(dsn)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.mode: Mode = "whole"
        self.met = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def dsn(self) -> str:
        """The server's address by way of this line."""
        user = self._server.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        return urlunsplit(
            self._server._replace(netloc=f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}")
        )

    def close(self) -> None:
        """Cut everything."""
        for each in (self._listener, *self._sockets):
            _cut(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(
                    (self._server.hostname or "127.0.0.1", self._server.port or 5432)
                )
                self._sockets += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=_pump, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(65_536):
                mode = self.mode
                if mode == "whole" or b"COMMIT" not in chunk:
                    server.sendall(chunk)
                    continue
                self.mode, self.met = "whole", self.met + 1
                _cut(client)
                if mode == "before":
                    _cut(server)
                elif mode == "after":
                    server.sendall(chunk)
                return
        _cut(server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    _cut(target)


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def broken_line(dsn: str) -> Iterator[BrokenLine]:
    """A line that is cut at the end."""
    line = BrokenLine(dsn)
    try:
        yield line
    finally:
        line.close()
