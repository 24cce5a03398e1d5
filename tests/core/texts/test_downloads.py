"""Fetching a text, from a server on this machine: what comes is kept whole, and everything else is refused."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from minigpt_core.errors import StoreError
from minigpt_core.store.runs import LOCAL, RunStore
from minigpt_core.texts import downloads
from minigpt_core.texts.corpus import check_size
from minigpt_core.texts.downloads import SOURCES, DownloadError, Source, fetch, is_here

TEXT = ("O for a Muse of fire, that would ascend\nThe brightest heaven of invention, é!\n" * 3000).encode()
Serve = Callable[..., Source]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(body, status=200, announced=None)`: the source of `TEXT`, at a server that answers like this."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes = TEXT, status: int = 200, announced: int | None = None) -> Source:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) if announced is None else announced))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return source(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def source(port: int) -> Source:
    return Source(
        id="henry", title="Henry V", about="", language="en", address=f"http://127.0.0.1:{port}/input.txt", page="",
        licence="", size=len(TEXT), sha256=sha256(TEXT).hexdigest(),
    )  # fmt: skip


def test_a_text_comes_piece_by_piece_and_is_kept_for_everyone(serve: Serve, store: RunStore) -> None:
    there = serve()
    assert not is_here(there, store)
    progress = list(fetch(there, store, workspace="a" * 22))
    assert len(progress) > 1 and progress == sorted(progress) and progress[-1] == len(TEXT)
    assert is_here(there, store)
    kept = store.text(there.sha256)
    assert (kept.text.encode(), kept.title) == (TEXT, "Henry V")
    assert is_here(there, RunStore(store.home))


def test_leaving_in_the_middle_keeps_nothing(serve: Serve, store: RunStore) -> None:
    there = serve()
    coming = fetch(there, store, LOCAL)
    next(coming)
    coming.close()
    assert not is_here(there, store)
    assert not list(store.home.rglob("*.txt*"))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"body": TEXT[:-1] + b"?"}, "checksum is another"),
        ({"body": TEXT[:-1] + b"\xff"}, "checksum is another"),
        ({"body": TEXT + b"!"}, "larger than the text that was expected"),
        ({"body": TEXT[:70_000], "announced": len(TEXT)}, "broke off after 0.1 of 0.2 MB"),
        ({"body": b"", "status": 404}, "error 404"),
        ({"body": b"try later", "status": 503}, "error 503"),
    ],
)
def test_anything_else_is_refused_and_nothing_kept(
    serve: Serve, store: RunStore, answer: dict[str, object], sentence: str
) -> None:
    there = serve(**answer)
    with pytest.raises(DownloadError, match=sentence) as refused:
        list(fetch(there, store, LOCAL))
    assert "127.0.0.1" in str(refused.value)
    assert not is_here(there, store)


def test_an_endless_answer_is_not_read_to_its_end(serve: Serve, store: RunStore) -> None:
    there = serve(body=TEXT * 50, announced=10**12)
    seen: list[int] = []
    with pytest.raises(DownloadError, match="larger"):
        seen.extend(fetch(there, store, LOCAL))
    assert not seen or seen[-1] <= there.size


def test_nobody_there(store: RunStore) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: refused
        with pytest.raises(DownloadError, match=r"connection to 127\.0\.0\.1 did not work"):
            list(fetch(source(taken.getsockname()[1]), store, LOCAL))


def test_a_server_that_never_answers(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "SILENCE_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DownloadError, match="does not answer"):
            list(fetch(source(silent.getsockname()[1]), store, LOCAL))


def test_a_name_that_is_nowhere_is_called_being_offline(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*args: object, **options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    there = replace(source(1), address="http://text.example/input.txt")
    with pytest.raises(
        DownloadError, match=r"text\.example cannot be found: this computer seems to be offline"
    ):
        list(fetch(there, store, LOCAL))


def test_a_data_folder_that_cannot_be_used_is_said(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="a file where a folder should be"):
        list(fetch(serve(), RunStore(tmp_path / "home"), LOCAL))


def test_the_sources_are_https_and_fit_what_the_program_can_read() -> None:

    for real in SOURCES:
        assert real.address.startswith("https://") and real.page.startswith("https://")
        assert len(bytes.fromhex(real.sha256)) == 32
        check_size(real.size)
