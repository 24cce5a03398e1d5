"""What somebody does who does not use our pages: on a real server that serves a class."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from minigpt_core.configs import TrainConfig
from minigpt_core.data import prepare
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import Trainer
from scripts.running_app import RunningApp, running_app
from scripts.visitor import Visitor
from ui.server import streamlit_changes as streamlit_changes  # importing it is enough
from ui.server import streams

LARGE = {"n_layer": 6, "n_embd": 256, "n_head": 8, "block_size": 256, "positions": "learned", "mlp": "gelu"}

LIMITS = "class,minutes=1,parameters=200000,block_size=64,characters=100000,runs=1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    home = tmp_path_factory.mktemp("attacked") / "home"
    env = {"MINIGPT_SERVE": "1", "MINIGPT_WARM_WORKER": "0", "MINIGPT_LIMITS": LIMITS}
    with running_app(home, env=env) as app:
        yield app


@pytest.fixture
def somebody_elses_run(server: RunningApp) -> Run:
    """A large model as it is before its training, of a workspace that no visitor has."""
    store, text = RunStore(server.home), corpus.normalize(corpus.load("the-curious-cat").text)
    run = new_run(
        store, text=text, title="A story", model_fields=LARGE, training=TrainConfig(steps=10),
        workspace="A" * 22, status="stopped",
    )  # fmt: skip
    store.save_checkpoint(run.id, Trainer(prepare(text), run.model, run.training).checkpoint())
    return run


def status_of(server: RunningApp, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().status


def click(widget_id: str) -> WidgetState:
    return WidgetState(id=widget_id, trigger_value=True)


def seconds_of_work(server: RunningApp, during: float) -> float:
    """How long the server's processor works in so many seconds."""

    def so_far() -> float:
        fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = so_far()
    time.sleep(during)
    return so_far() - before


def test_many_streams_hold_up_no_page_and_end_with_their_readers(
    server: RunningApp, somebody_elses_run: Run
) -> None:
    path = f"/api/sample?run={somebody_elses_run.id}&from=900&length=1000&seed="
    answers: list[int] = []
    sockets: list[http.client.HTTPConnection] = []

    def ask(n: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        sockets.append(connection)
        connection.request("GET", f"{path}{n}")
        try:
            answers.append(connection.getresponse().status)
        except OSError:
            pass  # it has left

    readers = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(45)]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 30
    while len(answers) < 45 - streams.AT_ONCE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answers.count(streams.TOO_MANY) == 45 - streams.AT_ONCE
    visitor = Visitor(server.url)
    visitor.open("training")
    ask(45)
    assert answers.count(streams.TOO_MANY) == 46 - streams.AT_ONCE, (
        "a page is drawn before one of them is written"
    )
    visitor.close()
    for connection in sockets:
        if connection.sock:
            connection.sock.shutdown(socket.SHUT_RDWR)
    deadline = time.monotonic() + 30
    while seconds_of_work(server, 1) > 0.3:
        assert time.monotonic() < deadline, "nothing is written for nobody"


def test_a_crafted_click_moves_nobody_elses_run(server: RunningApp) -> None:
    owner, other = Visitor(server.url), Visitor(server.url)
    owner.open("training")
    owner.send_widgets(click(owner.widget("training_step")), page="training")
    (run,) = RunStore(server.home).runs(owner.workspace)
    deadline = time.monotonic() + 60
    while (run.status, run.step) != ("paused", 1) and time.monotonic() < deadline:
        time.sleep(0.1)
        run = RunStore(server.home).run(run.id)
    assert (run.status, run.step) == ("paused", 1)
    for key in ("training_hold", "training_step", "training_stop", "training_restart"):
        other.open("training", run=run.id)
        other.send_widgets(click(other.widget(key)), page="training", run=run.id)
    other.open("training", run=run.id)
    faster = WidgetState(
        id=other.widget("page.training.pace"), string_array_value=StringArray(data=["1 step/s"])
    )
    other.send_widgets(faster, page="training", run=run.id)
    time.sleep(0.5)
    assert RunStore(server.home).run(run.id) == run
    assert RunStore(server.home).runs(other.workspace) == []
    owner.send_widgets(click(owner.widget("training_stop")), page="training")
    assert RunStore(server.home).run(run.id).status == "stopped", "the very message of who may"
    owner.close()
    other.close()


@pytest.mark.parametrize(
    "settings", ["notebook~steps~1000000", "notebook~block_size~128", "nanogpt-cpu~steps~10"]
)
def test_a_crafted_click_begins_nothing_that_a_class_cannot_afford(server: RunningApp, settings: str) -> None:
    visitor = Visitor(server.url)
    visitor.open("training", settings=settings)
    for key in ("start", "training_step"):
        visitor.send_widgets(click(visitor.widget(key)), page="training", settings=settings)
    assert RunStore(server.home).runs(visitor.workspace) == []
    visitor.close()


def test_a_crafted_click_keeps_no_more_than_a_class_may(server: RunningApp) -> None:
    visitor, few = Visitor(server.url), "notebook~steps~1"
    for _ in range(3):
        visitor.open("training", settings=few)
        visitor.send_widgets(click(visitor.widget("start")), page="training", settings=few)
    assert len(RunStore(server.home).runs(visitor.workspace)) == 1
    visitor.close()


def test_a_pasted_text_is_no_longer_than_a_class_may(server: RunningApp) -> None:
    visitor = Visitor(server.url)
    for length, kept in ((110_000, False), (4_000, True)):
        visitor.open("vocabulary", dialog="text")
        text = WidgetState(
            id=visitor.widget("vocabulary_paste"),
            string_value="a marker that is looked for " * (length // 28),
        )
        visitor.send_widgets(
            text, click(visitor.widget("vocabulary_paste_use")), page="vocabulary", dialog="text"
        )
        assert (
            any(b"a marker that is" in path.read_bytes() for path in server.home.rglob("*") if path.is_file())
            == kept
        )
    visitor.close()


def answer_to(server: RunningApp, path: str, visitor: Visitor) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    connection.request("GET", path, headers=visitor.cookies)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_text_is_read_by_who_has_it_or_watches_a_run_of_it(server: RunningApp) -> None:
    store, marker = RunStore(server.home), "zyxquark"
    owner, other, watcher = Visitor(server.url), Visitor(server.url), Visitor(server.url)
    text = f"{marker} is what I have written today. " * 30
    text_id = store.save_text(text, f"Diary of {marker}", owner.workspace)
    recipe = quote(json.dumps([{"text": text_id, "order": "2"}]))
    routes = [
        f"/api/sample?text={text_id}",
        f"/api/scores?text={text_id}&ids=0",
        f"/api/lanes?recipes={recipe}",
    ]

    owner.open("vocabulary", text=text_id)
    assert marker in owner.words()
    assert [answer_to(server, route, owner)[0] for route in routes] == [200] * 3

    for page in ("", "vocabulary", "batches", "model", "training", "sampling", "ladder", "lessons"):
        other.open(page, text=text_id)
        assert marker not in other.words(), page
    other.open("sampling", text=text_id, author="bigram")
    for route in routes:
        status, body = answer_to(server, route, other)
        assert status == 422 and marker not in body
        unknown = answer_to(server, route.replace(text_id, "0" * 64), other)
        assert (status, body.replace(text_id, "0" * 64)) == unknown, "nobody learns that there is such a text"

    run = new_run(
        store, text=text, title=f"Diary of {marker}", model_fields={}, training=TrainConfig(steps=10),
        workspace=owner.workspace, status="stopped",
    )  # fmt: skip
    watcher.open("vocabulary", text=run.text_id, run=run.id)
    assert marker in watcher.words(), "who has a run's link may read what it learns from"
    other.open("vocabulary", text=run.text_id, run="A" * 22)
    assert marker not in other.words()
    for visitor in (owner, other, watcher):
        visitor.close()


def test_nobody_empties_what_is_remembered_for_all(server: RunningApp) -> None:
    visitor = Visitor(server.url)
    visitor.open("", lang="fr")
    assert "caractères" in visitor.words()
    visitor.send(BackMsg(clear_cache=True))
    visitor.open("")
    assert "caractères" in visitor.words(), "the session and the caches are what they were"
    visitor.close()


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics?families=cache_memory_bytes"])
def test_nobody_is_told_how_much_the_server_works(server: RunningApp, path: str) -> None:
    assert status_of(server, path) == 404


def test_visits_that_are_over_leave_few_files_open(server: RunningApp) -> None:
    files = Path(f"/proc/{server.process.pid}/fd")
    counts = []
    for _ in range(2):
        for _ in range(60):
            visitor = Visitor(server.url)
            visitor.open("no-such-page")
            visitor.close()
        counts.append(len(list(files.iterdir())))
    assert counts[1] <= counts[0] + 10, "as many as are kept"


def rerun(page_script_hash: str, fragment_id: str = "") -> BackMsg:
    message = BackMsg()
    message.rerun_script.page_script_hash = page_script_hash
    message.rerun_script.fragment_id = fragment_id
    return message


def test_what_a_page_asks_after_somebody_has_left_it_does_not_clear_the_next_one(server: RunningApp) -> None:
    visitor = Visitor(server.url)
    visitor.open("")
    pages = visitor.pages()
    fragment = next(message.delta.fragment_id for message in visitor.heard if message.delta.fragment_id)
    visitor.send(rerun(pages["training"]))
    [*visitor.until("new_session")]
    visitor.send(rerun(pages[""], fragment))  # a browser that has not heard yet that the page is another one
    [*visitor.until("script_finished")]
    begun = [
        message for message in visitor.until("new_session") if message.WhichOneof("type") == "new_session"
    ]
    assert begun[-1].new_session.page_script_hash == pages["training"]
    drawn = [message.delta for message in visitor.until("script_finished") if message.HasField("delta")]
    assert any("training" in str(delta) for delta in drawn)
    visitor.close()


def test_what_a_page_asks_while_another_one_is_wanted_does_not_bring_it_back() -> None:
    wanted = RerunData(page_script_hash="home", query_string="a=1")
    requests = ScriptRequests()
    requests.request_rerun(wanted)
    requests.request_rerun(RerunData(page_script_hash="training", query_string="b=2", fragment_id="one"))
    asked = requests.on_scriptrunner_ready().rerun_data
    assert (asked.page_script_hash, asked.query_string, asked.fragment_id_queue) == ("home", "a=1", [])
