"""Drives the dashboard's pages without a browser. Every test has a data folder of its own."""

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import cache
from inspect import unwrap
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner

from minigpt_core.configs import TrainConfig
from minigpt_core.jobs import manager
from minigpt_core.ladder import settings_up_to
from minigpt_core.store import prepared
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from ui import byte_cache
from ui.attention.cache import head_descriptions
from ui.puzzle.cache import head_attention, puzzle_score, puzzles
from ui.training import prediction
from ui.words.languages import LANGUAGES

ROOT = Path(__file__).parents[2]
SHELL = str(ROOT / "ui" / "shell.py")
OpenPage = Callable[..., AppTest]

# Every AppTest looks through all installed packages for components; they are the same ones all along.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


_look_for_end = local_script_runner.require_widgets_deltas


def wait_for_end(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
    """Wait for a script's end. Streamlit's own waiting looks through all that it has said a thousand times a second."""
    assert runner._script_thread is not None
    runner._script_thread.join(timeout)
    if not runner.script_stopped():
        _look_for_end(runner, 0)  # raises


local_script_runner.require_widgets_deltas = wait_for_end


# How many puzzles a checkpoint solves and where its heads look: a second each time, and always the same.
MEASURED = [*map(unwrap, (puzzles, puzzle_score, head_attention, head_descriptions))]


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the first page leaves it: with the prepared runs and nothing else."""
    folder = tmp_path_factory.mktemp("first") / "home"
    prepared.adopt(RunStore(folder))
    return folder


@pytest.fixture
def nothing_cached() -> None:
    """What earlier tests have calculated is calculated again, but for what is `MEASURED`."""
    measured = {key: entry for key, entry in byte_cache._entries.items() if key[0] in MEASURED}
    byte_cache.forget_all()
    byte_cache._entries.update(measured)
    prediction.book.cache_clear()


@pytest.fixture(autouse=True)
def home(
    data_home: Path, first_home: Path, nothing_cached: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A copy of `first_home`, no warm worker, nothing cached. At the end no worker is given time to leave."""
    shutil.copytree(first_home, data_home)
    monkeypatch.setattr(manager, "CLOSE_SECONDS", 0.0)
    monkeypatch.setenv("MINIGPT_WARM_WORKER", "0")
    monkeypatch.delenv("MINIGPT_SERVE", raising=False)
    yield data_home
    manager.close_shared()
    for thread in threading.enumerate():
        if thread.name.endswith("(_read)"):  # it still tells the store how its worker ended
            thread.join()


@pytest.fixture
def app() -> OpenPage:
    """`app("vocabulary", lang="fr", text="additions")`: that page after its first run, as a browser of that language.

    Keywords are query parameters of the address; `address={"lang": …}` gives those that are called like an argument.
    """

    def open_page(
        page: str = "home", lang: str = "en", address: dict[str, str] | None = None, **query: str
    ) -> AppTest:
        test = AppTest.from_file(SHELL, default_timeout=60)
        test.context = {
            "locale": LANGUAGES[lang].locale,
            "url": f"http://localhost:8501/{'' if page == 'home' else page}",
        }
        for name, value in (query | (address or {})).items():
            test.query_params[name] = value
        if page != "home":
            test.switch_page(f"../pages/{page}.py")
        return test.run()

    return open_page


@pytest.fixture
def some_run(home: Path) -> Callable[..., Run]:
    """`some_run(steps=20)`: a stored run that nobody trains, TinyGPT or the model of a `rung`, on the English story or
    a `text` of one's own; its samples would be short."""

    def make(
        workspace: str = "local", name: str = "", text: str = "", rung: str = "tinygpt", **settings: float
    ) -> Run:
        story = corpus.load("the-curious-cat")
        return new_run(
            RunStore(home),
            text=text or corpus.normalize(story.text),
            title="Mine" if text else story.title,
            model_fields={"block_size": 32, "n_embd": 64} | settings_up_to(rung)[0],
            training=TrainConfig(**{"sample_length": 20} | settings),
            workspace=workspace,
            name=name,
            status="stopped",
        )

    return make
