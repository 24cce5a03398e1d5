"""A small reverse proxy, such as a school puts before several programs: TLS, a path for each, the Host header kept."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_HEAD = 1 << 20  # bytes


class Proxy:
    """Hands on what is asked below `prefix` to a server on this machine; all else is another program's.

    Attributes:
        asked: the first line of every request.
    """

    def __init__(self, port: int, prefix: str) -> None:
        self._port, self._prefix = port, prefix
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, or a websocket for as long as it lasts."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):  # SSLError is an OSError
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            self.asked.append(head[0])
            path = head[0].split(" ")[1].partition("?")[0]
            if path != self._prefix and not path.startswith(f"{self._prefix}/"):
                writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            else:
                there, upstream = await asyncio.open_connection("127.0.0.1", self._port, limit=LONGEST_HEAD)
                upstream.write("\r\n".join(handed_on(head)).encode("latin-1") + b"\r\n\r\n")
                await asyncio.wait(
                    [
                        asyncio.ensure_future(copy(reader, upstream)),
                        asyncio.ensure_future(copy(there, writer)),
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                upstream.close()
        with suppress(OSError, ssl.SSLError):
            writer.close()


def handed_on(head: list[str]) -> list[str]:
    """The head of a request as the server gets it: who asks and how, and no second request over this connection."""
    websocket = any(line.lower() == "upgrade: websocket" for line in head)
    dropped = ("x-forwarded-", "keep-alive:", *(() if websocket else ("connection:",)))
    kept = [line for line in head if not line.lower().startswith(dropped)]
    kept += ["X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.7"]
    return kept if websocket else [*kept, "Connection: close"]


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """All that comes from one side goes to the other."""
    with suppress(OSError, ssl.SSLError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()


def certificate(folder: Path) -> ssl.SSLContext:
    """A self-signed one for localhost."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@contextmanager
def proxy_before(port: int, prefix: str, folder: Path) -> Iterator[tuple[str, Proxy]]:
    """The address at which the proxy answers, `https://localhost:…/prefix`, and the proxy."""
    proxy, context = Proxy(port, prefix), certificate(folder)
    loop, ready, address = asyncio.new_event_loop(), threading.Event(), list[int]()

    async def run() -> None:
        server = await asyncio.start_server(proxy.serve, "localhost", 0, ssl=context, limit=LONGEST_HEAD)
        address.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.Event().wait()

    def work() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(run())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield f"https://localhost:{address[0]}{prefix}", proxy
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(10)
