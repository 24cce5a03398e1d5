"""A small reverse proxy, such as a school puts before several programs: TLS, a path for each, the Host header kept."""

import asyncio
import base64
import hashlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
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
        """One connection: requests, one after the other, or a websocket for as long as it lasts."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):  # SSLError is an OSError
            while await self._answer(await read_head(reader), reader, writer):
                pass
        with suppress(OSError):
            writer.close()  # what has been written still goes out

    async def _answer(
        self, head: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request. Returns whether its connection takes another one."""
        self.asked.append(head[0])
        path = head[0].split(" ")[1].partition("?")[0]
        body = await reader.readexactly(int(field(head, "content-length") or 0))
        if path != self._prefix and not path.startswith(f"{self._prefix}/"):
            writer.write(nothing("404 Not Found"))
            return True
        try:
            there, upstream = await connect(self._port)
            upstream.write(as_bytes(handed_on(head)) + body)
            answer = await read_head(there)
        except (OSError, asyncio.IncompleteReadError) as error:
            writer.write(nothing(f"502 Bad Gateway: {error}"))
            return True
        with closing(upstream):
            writer.write(as_bytes(handed_back(answer)))
            if status(answer) == 101:
                await both_ways(reader, upstream, there, writer)
                return False
            await copy(there, writer)
        return says_where_it_ends(answer)


async def connect(port: int, tries: int = 5) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server. Raises OSError if it takes none."""
    for _ in range(tries - 1):
        with suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_HEAD)
        await asyncio.sleep(0.2)
    return await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_HEAD)


async def read_head(source: asyncio.StreamReader) -> list[str]:
    """The lines of a request or an answer, up to the empty one."""
    return (await source.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]


def field(head: list[str], name: str) -> str:
    """What a head says under this name, in lower case; empty where it does not say."""
    return next((line.partition(":")[2].strip() for line in head if line.lower().startswith(f"{name}:")), "")


def as_bytes(head: list[str]) -> bytes:
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"


def nothing(status: str) -> bytes:
    """An answer that says no more than this."""
    return as_bytes([f"HTTP/1.1 {status}", "Content-Length: 0"])


def handed_on(head: list[str]) -> list[str]:
    """The head of a request as the server gets it: who asks and how. It closes its connection when it has answered, and
    so says where an answer ends."""
    websocket = field(head, "upgrade").lower() == "websocket"
    dropped = ("x-forwarded-", "keep-alive:", *(() if websocket else ("connection:",)))
    kept = [line for line in head if not line.lower().startswith(dropped)]
    kept += ["X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.7"]
    return kept if websocket else [*kept, "Connection: close"]


def handed_back(head: list[str]) -> list[str]:
    """The head of an answer as the browser gets it: the server's connection ends, the browser's goes on."""
    return [line for line in head if line.lower() != "connection: close" or not says_where_it_ends(head)]


def status(answer: list[str]) -> int:
    return int(answer[0].split(" ")[1])


def says_where_it_ends(answer: list[str]) -> bool:
    """Whether another answer may follow this one over the same connection."""
    told = field(answer, "content-length") or field(answer, "transfer-encoding")
    return bool(told) or status(answer) in (204, 304)


async def both_ways(
    reader: asyncio.StreamReader,
    upstream: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """What a browser and the server say to each other, until one of them has left."""

    async def one_way(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await copy(source, target)

    ways = [asyncio.ensure_future(one_way(*way)) for way in ((reader, upstream), (there, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """All that comes from one side goes to the other. Raises OSError if that one has left."""
    while data := await source.read(1 << 16):
        target.write(data)
        await target.drain()


def certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A self-signed one for localhost, and the fingerprint of its key."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    public = subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "der"], check=True, capture_output=True
    ).stdout
    return context, base64.b64encode(hashlib.sha256(public).digest()).decode()


@contextmanager
def proxy_before(port: int, prefix: str, folder: Path) -> Iterator[tuple[str, Proxy, str]]:
    """The address at which the proxy answers, `https://localhost:…/prefix`, the proxy, and the argument that makes a
    Chromium trust it. A browser that is told to ignore errors instead makes two handshakes for one, the first of them
    given up, and a request that has met 32 such connections of others fails as ERR_TOO_MANY_RETRIES."""
    proxy, (context, fingerprint) = Proxy(port, prefix), certificate(folder)
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
        trust = f"--ignore-certificate-errors-spki-list={fingerprint}"
        yield f"https://localhost:{address[0]}{prefix}", proxy, trust
    finally:
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join(10)
