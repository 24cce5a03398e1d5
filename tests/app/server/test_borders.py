"""Numbers that cannot be meant: whatever stands in an address, there is an answer, and on a page a sentence at most."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as values
from starlette.applications import Starlette
from starlette.testclient import TestClient

from minigpt_core.generation.request import GenerationRequest
from minigpt_core.store import prepared
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import MetricsEvent, StepEvent
from tests.app.conftest import OpenPage
from ui.journey import PAGES
from ui.server import generation_routes, run_routes
from ui.state import FORM

RunMaker = Callable[..., Run]

ON_PAGES = ["inf", "nan", "1e400", "-1", "9" * 400]
NONSENSE = [*ON_PAGES, "-inf", "1e308", "0", "9" * 12, "-0.0", "٣", "²", "1_0", " 5 ", "\x00", ""]
NUMBERS = {"seed", "temperature", "top_k", "top_p", "length"}
PREPARED = "preparedTinyEn"

numbers = values.floats() | values.integers()
anything = values.sampled_from(NONSENSE) | values.text(max_size=20) | numbers.map(str)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("borders") / "home"
    with (
        pytest.MonkeyPatch.context() as patch,
        TestClient(Starlette(routes=[*run_routes.ROUTES, *generation_routes.ROUTES])) as client,
    ):
        patch.setenv("MINIGPT_HOME", str(home))
        prepared.adopt(RunStore(home))
        yield client


@settings(max_examples=100)
@given(
    route=values.sampled_from(["/api/sample", "/api/scores", "/api/lanes"]),
    query=values.dictionaries(
        values.sampled_from(sorted({*GenerationRequest().to_query(), "from", "length", "ids", "recipes", "lang"})),
        anything, max_size=4,
    ),
)  # fmt: skip
def test_every_route_answers_whatever_its_parameters_say(
    client: TestClient, route: str, query: dict[str, str]
) -> None:
    sound = {"run": PREPARED, "step": "400", "ids": "1", "length": "3", "prompt": "a"}
    assert client.get(route, params=sound | query).status_code in {200, 404, 422}


@given(name=values.text(min_size=1, max_size=40), part=values.sampled_from(["", "/details", "/pairs"]))
def test_every_run_has_an_answer(client: TestClient, name: str, part: str) -> None:
    address = f"/api/runs/{''.join(f'%{byte:02x}' for byte in name.encode('utf-8', 'replace'))}{part}"
    assert client.get(address).status_code == 404


# The settings of the next run are read by the shell, for all pages.
@pytest.mark.parametrize(
    ("page", "value"),
    [
        (page, value)
        for page in PAGES
        for value in (ON_PAGES if page in ("training", "sampling") else ON_PAGES[-2:])
    ],
)
def test_every_page_is_drawn_whatever_its_address_says(app: OpenPage, page: str, value: str) -> None:
    names = {*FORM, *NUMBERS, "prompt", "missing", "order", "step"} - {"lang"}
    opened = app(page, address=dict.fromkeys(names, value))
    assert not opened.exception
    assert not [shown.value for shown in opened.error if "inside the program" in shown.value]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_training_whose_losses_burst(
    app: OpenPage, some_run: RunMaker, home: Path, page: str
) -> None:
    run, store = some_run(steps=20), RunStore(home)
    losses = [3.8, 1e25, 3.4e38, float("inf"), float("nan")]
    made = [StepEvent(step=n, loss=x, learning_rate=1000, grad_norm=x) for n, x in enumerate(losses)]
    measured = [
        MetricsEvent(step=n, train_loss=x, val_loss=x, val_accuracy=0.0) for n, x in enumerate(losses[:3])
    ]
    store.append(run.id, steps=made, evaluations=measured, step=5, steps_per_second=1e308)
    opened = app(page, run=run.id)
    assert not opened.exception
    assert not [shown.value for shown in opened.error if "inside the program" in shown.value]
    for part in ("", "/details"):
        with TestClient(Starlette(routes=run_routes.ROUTES)) as client:
            assert client.get(f"/api/runs/{run.id}{part}").status_code == 200
