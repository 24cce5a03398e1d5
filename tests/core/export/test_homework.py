"""The page to take home: its own arithmetic comes to our probabilities, and nothing in it becomes markup."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from minigpt_core.configs import ModelConfig, SampleSettings, TrainConfig
from minigpt_core.export import homework
from minigpt_core.export.homework import HomeworkError, as_data, export_homework, why_not, words_of
from minigpt_core.sampling import next_probabilities, predict
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import Checkpoint
from minigpt_core.weights import fresh_model, load_model, parameters_of

TEXT = corpus.normalize(corpus.load("le-chat-curieux").text)[:3000]
GPT = {"n_layer": 2, "n_head": 2, "residual": True}
CASES: dict[str, dict[str, Any]] = {
    "tiny": {},
    "positions": {"positions": "learned", "norm": "none"},
    "bare": {"n_layer": 1, "n_head": 2},
    "modern": GPT
    | {"positions": "rotary", "mlp": "relu2", "norm": "rmsnorm", "bias": False, "qk_norm": True},
    "token shift": GPT | {"positions": "rotary", "norm": "rmsnorm", "bias": False, "token_shift": True},
    "gpt2": GPT | {"positions": "learned", "mlp": "gelu", "norm": "layernorm", "tie_weights": True},
    "no bias": GPT
    | {"mlp": "gelu", "norm": "layernorm", "bias": False, "positions": "rotary", "residual": False},
}
ATTACK = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>@model@@title@{name}"
RUN_IT = """
const model = unpack(JSON.parse(require("fs").readFileSync(0, "utf8")));
const cases = JSON.parse(process.argv[1]);
console.log(JSON.stringify(cases.map(([ids, temperature, k]) => chances(scores(model, ids), temperature, k))));
"""


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


def a_run(store: RunStore, fields: dict[str, Any], text: str = TEXT, name: str = "") -> Run:
    """A run whose weights are drawn, far from where a training begins: every number counts."""
    run = new_run(
        store, text=text, title=name or "Le chat", name=name,
        model_fields={"n_embd": 16, "block_size": 8} | fields, training=TrainConfig(steps=1),
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(5)
        weights = {
            f"model.{key}": tensor + 0.3 * torch.randn_like(tensor)
            for key, tensor in fresh_model(run.model, 1).state_dict().items()
        }
    if run.model.tie_weights:
        weights["model.lm_head.weight"] = weights["model.token_embedding.weight"].clone()
    store.save_checkpoint(run.id, Checkpoint(step=1, tensors=weights, state={}))
    return store.run(run.id)


def scripts(page: str) -> dict[str, str]:
    """What stands in each script element, as a browser reads it: to the first end tag."""
    return dict(re.findall(r'<script(?: type="application/json")? id="(\w+)">(.*?)</script', page, re.DOTALL))


def node() -> str:
    """A JavaScript engine: that of this machine, else the one that Playwright brings."""
    if found := shutil.which("node"):
        return found
    playwright = pytest.importorskip("playwright._impl._driver")
    return str(playwright.compute_driver_executable()[0])


@pytest.mark.parametrize("name", CASES)
def test_its_probabilities_are_ours(store: RunStore, name: str) -> None:
    run = a_run(store, CASES[name])
    found = scripts(export_homework(store, run))
    model = load_model(
        run.model, {k.removeprefix("model."): v for k, v in store.load_checkpoint(run.id).tensors.items()}
    )
    asked = [([3], 1.0, 99), ([1, 2, 3, 4, 5], 0.7, 99), ([*range(1, 20)], 1.3, 5), ([4, 4, 2], 0.0, 99)]
    told = subprocess.run(
        [node(), "-e", found["calculate"] + RUN_IT, json.dumps(asked)], input=found["model"], capture_output=True,
        text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    for (ids, temperature, k), theirs in zip(asked, json.loads(told), strict=True):
        logits = predict(model, torch.tensor(ids[-run.model.block_size :]))
        ours = next_probabilities(logits, SampleSettings(temperature=temperature, top_k=k))
        assert torch.allclose(torch.tensor(theirs, dtype=torch.float64), ours, atol=1e-4), (ids, temperature)


class Elements(HTMLParser):
    """The elements of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append(tag)


def test_nothing_of_a_users_becomes_structure(store: RunStore) -> None:
    quiet = export_homework(store, a_run(store, {}))
    loud = export_homework(
        store, a_run(store, {}, text=ATTACK * 60, name=ATTACK), title=ATTACK, prompt=ATTACK
    )
    assert Elements(loud).found == Elements(quiet).found and "alert" not in Elements(loud).found
    assert scripts(loud)["page"] == scripts(quiet)["page"] and "<" not in scripts(loud)["model"]
    data = json.loads(scripts(loud)["model"])
    assert data["prompt"] == ATTACK[: homework.LONGEST_PROMPT] and ATTACK in data["words"]["about"]
    assert {*data["characters"]} == {*ATTACK.lower()} and json.loads(as_data("\u2028&")) == "\u2028&"
    assert "default-src 'none'" in loud and not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", loud)


def test_it_speaks_the_language_of_its_reader_and_english_where_nobody_has_written_it(
    store: RunStore,
) -> None:
    run = a_run(store, {})
    for language, words in (
        ("fr", "Que vient-il ensuite\u202f?"),
        ("en", "What comes next?"),
        ("xx", "What comes next?"),
    ):
        assert words in json.loads(scripts(export_homework(store, run, language))["model"])["words"]["next"]
    english, french = words_of("en"), words_of("fr")
    assert english.keys() == french.keys() and len(english["all_tasks"]) == len(french["all_tasks"])
    for key in {*english} - {"all_tasks", "numbers"}:
        assert {*re.findall(r"{\w+}", english[key])} == {*re.findall(r"{\w+}", french[key])}, key


@pytest.mark.parametrize(("language", "mark"), [("en", ","), ("fr", "\u202f"), ("xx", ",")])
def test_its_numbers_are_written_as_its_reader_does(store: RunStore, language: str, mark: str) -> None:
    run = a_run(store, {"n_embd": 48})
    words = json.loads(scripts(export_homework(store, run, language))["model"])["words"]
    count = parameters_of(run.model)
    assert count > 999 and f" {count:,} ".replace(",", mark) in words["about"] and "numbers" not in words


def test_a_large_model_is_refused_in_a_sentence() -> None:
    large = ModelConfig(vocab_size=50, n_embd=256, n_layer=4, n_head=4, mlp="gelu")
    reason = why_not(large)
    assert isinstance(reason, HomeworkError) and "at most 1000000 numbers" in str(reason)
    assert why_not(ModelConfig(vocab_size=50)) is None
