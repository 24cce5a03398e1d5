"""What the live chart is told."""

import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as values
from starlette.applications import Starlette
from starlette.testclient import TestClient

from minigpt_core.store.live_state import encoded
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent, SampleEvent, StepEvent
from ui.server import run_routes
from ui.server.live_answers import FRESH, LATEST_MS, SOONEST_MS
from ui.words.tokens import visible

RunMaker = Callable[..., Run]


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=run_routes.ROUTES)) as client:
        yield client


def loss_at(step: int) -> float:
    """A falling curve with a little saw on it."""
    return 2 + 2 * math.exp(-step / 50) + step % 7 / 10


def fill(home: Path, run: Run, steps: int) -> None:
    """Steps, evaluations and samples as a training of that length leaves them."""
    store, every = RunStore(home), max(1, steps // 20)
    for start in range(0, steps, 10_000):
        numbers = range(start, min(start + 10_000, steps))
        store.append(
            run.id,
            steps=[StepEvent(step=n, loss=loss_at(n), learning_rate=0.01, grad_norm=1.0) for n in numbers],
        )
    marks = range(0, steps + 1, every)
    store.append(
        run.id,
        evaluations=[
            MetricsEvent(step=n, train_loss=2.5, val_loss=2.6, val_accuracy=0.25, val_error=0.03)
            for n in marks
        ],
        samples=[SampleEvent(step=n, text=f"à {n}\n" + "œ" * 2000) for n in marks],
        step=steps,
        steps_per_second=50.0,
    )


def test_a_run_as_json(client: TestClient, some_run: RunMaker, home: Path) -> None:
    run = some_run(steps=40)
    fill(home, run, 40)
    state = client.get(f"/api/runs/{run.id}").json()
    assert (state["status"], state["step"], state["steps"]) == ("stopped", 40, 40)
    assert len(state["raw"]["x"]) == len(state["raw"]["y"]) == 40
    assert state["val"]["y"][-1] == 2.6
    assert (state["accuracy"], state["val_loss"], state["val_error"], state["evaluated"]) == (
        0.25,
        2.6,
        0.03,
        40,
    )
    assert [state["samples"][0]["step"], state["samples"][-1]["step"]] == [0, 40]
    assert state["rate"] is None
    assert state["seconds_left"] is None


def test_a_fresh_run_has_no_numbers_yet(client: TestClient, some_run: RunMaker) -> None:
    state = client.get(f"/api/runs/{some_run().id}").json()
    assert (state["loss"], state["accuracy"], state["samples"]) == (None, None, [])
    assert state["smooth"] == {"x": [], "y": []}


def test_a_run_of_100_000_steps_still_fits_into_15_kilobytes(
    client: TestClient, some_run: RunMaker, home: Path
) -> None:
    run = some_run(steps=1_000_000)
    fill(home, run, 100_000)
    answer = client.get(f"/api/runs/{run.id}")
    assert len(answer.content) < 15_000
    assert max(answer.json()["raw"]["y"]) == pytest.approx(max(map(loss_at, range(100))), abs=1e-4), (
        "a spike survives"
    )


def test_an_unchanged_run_is_answered_without_a_body(
    client: TestClient, some_run: RunMaker, home: Path
) -> None:
    run = some_run(steps=40)
    tag = client.get(f"/api/runs/{run.id}").headers["etag"]
    same = client.get(f"/api/runs/{run.id}", headers={"if-none-match": tag})
    assert (same.status_code, same.content) == (304, b"")
    fill(home, run, 40)
    time.sleep(FRESH)
    assert client.get(f"/api/runs/{run.id}", headers={"if-none-match": tag}).status_code == 200


def test_an_answer_is_composed_once_for_all_who_watch(
    client: TestClient, some_run: RunMaker, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    usual = RunStore.evaluations

    def counted(store: RunStore, run_id: str, most: int | None = None) -> list[MetricsEvent]:
        read.append(run_id)
        return usual(store, run_id, most)

    monkeypatch.setattr(RunStore, "evaluations", counted)
    run = some_run(steps=40)
    fill(home, run, 40)
    with ThreadPoolExecutor(10) as watchers:
        bodies = {answer.content for answer in watchers.map(client.get, [f"/api/runs/{run.id}"] * 30)}
    assert len(bodies) == 1
    composed = len(read)
    assert composed <= 3, "30 watchers"
    time.sleep(FRESH)
    assert client.get(f"/api/runs/{run.id}").content in bodies
    assert len(read) == composed, "a run that has ended is not read again"


@pytest.mark.parametrize("run_id", ["abc", "..", "%00", "x" * 5000])
def test_an_unknown_run_is_404(client: TestClient, run_id: str) -> None:
    assert client.get(f"/api/runs/{run_id}").status_code == 404


def test_a_deleted_run_is_404(client: TestClient, some_run: RunMaker, home: Path) -> None:
    run = some_run()
    RunStore(home).delete(run.id)
    assert client.get(f"/api/runs/{run.id}").status_code == 404


def test_a_failing_store_is_503(client: TestClient, some_run: RunMaker, home: Path) -> None:
    run = some_run()
    (home / "runs.sqlite3-wal").unlink(missing_ok=True)
    (home / "runs.sqlite3").write_bytes(b"not a database" * 1000)
    assert client.get(f"/api/runs/{run.id}").status_code == 503


def test_nothing_can_be_changed_through_the_routes(client: TestClient, some_run: RunMaker) -> None:
    address = f"/api/runs/{some_run().id}"
    assert {client.request(method, address).status_code for method in ("POST", "PUT", "PATCH", "DELETE")} == {
        405
    }


def test_plotly_comes_from_the_installed_package(client: TestClient) -> None:
    answer = client.get("/api/plotly.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"plotly.js v" in answer.content[:300]


@given(values.text())
def test_any_sample_survives_the_way_to_the_browser(text: str) -> None:
    shown = json.loads(encoded({"text": visible(text)}))["text"]
    assert not any(ord(c) < 32 and c != "\n" for c in shown)


def test_the_more_watch_the_later_each_asks_again(client: TestClient, some_run: RunMaker) -> None:
    address = f"/api/runs/{some_run().id}"

    def again(watcher: int) -> int:
        return int(client.get(address, headers={"cookie": f"who={watcher}"}).headers["ask-again"])

    assert again(0) == again(0) == SOONEST_MS
    waits = [again(watcher) for watcher in range(200)]
    assert waits == sorted(waits) and waits[29] == SOONEST_MS and waits[-1] == LATEST_MS
