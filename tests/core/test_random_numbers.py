"""Random numbers belong to a run or a caller, however many threads draw at the same moment."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import torch

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.model import build_model
from minigpt_core.random_numbers import RandomNumbers
from minigpt_core.training import Trainer
from minigpt_core.weights import fresh_model, load_model

ROOT = Path(__file__).parents[2]
TEXT = "le chat curieux dort. un matin, le chat voit un oiseau.\n" * 10
THREADS = 6
LAYERS = {"n_layer": 1, "n_head": 2, "residual": True, "norm": "layernorm", "dropout": 0.3, "mlp": "gelu"}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return prepare(TEXT)


def config(dataset: Dataset, **fields: object) -> ModelConfig:
    return ModelConfig(vocab_size=dataset.tokenizer.vocab_size, block_size=8, n_embd=16, **fields)


@pytest.fixture
def crowded() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(work: Callable[[int], list[float]]) -> list[list[float]]:
    """What comes out of `work(0)`, `work(1)`, …, all begun at the same moment."""
    together = Barrier(THREADS)

    def begin(n: int) -> list[float]:
        together.wait()
        return work(n)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.mark.usefixtures("crowded")
def test_visitors_at_once_get_the_weights_and_losses_of_their_seeds(dataset: Dataset) -> None:
    """Half of them train with dropout, the others build fresh models and load kept ones."""
    gpt = config(dataset, **LAYERS)
    kept = fresh_model(gpt, 1).state_dict()

    def work(n: int) -> list[float]:
        if n % 2:
            found = []
            for seed in range(n, n + 12):
                found.append(sum(w.sum().item() for w in fresh_model(gpt, seed).parameters()))
                found.append(sum(w.sum().item() for w in load_model(gpt, kept).parameters()))
            return found
        trainer = Trainer(dataset, gpt, TrainConfig(seed=n, batch_size=2))
        return [trainer.make_step().loss for _ in range(12)]

    alone = [work(n) for n in range(THREADS)]
    assert at_once(work) == alone


@pytest.mark.parametrize(
    "fields", [{}, LAYERS, {"n_layer": 2, "tie_weights": True}, {"positions": "learned"}]
)
def test_a_seed_gives_what_manual_seed_gives(dataset: Dataset, fields: dict[str, object]) -> None:
    model = config(dataset, **fields)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        expected, behind = build_model(model).state_dict(), torch.get_rng_state()
    trainer = Trainer(dataset, model, TrainConfig(seed=7))
    for weights in (trainer.model.state_dict(), fresh_model(model, 7).state_dict()):
        assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
    assert torch.equal(trainer.checkpoint().tensors["rng.torch"], behind)


def test_loading_a_model_draws_nothing(dataset: Dataset) -> None:
    model = config(dataset, **LAYERS)
    weights, before = fresh_model(model, 3).state_dict(), torch.get_rng_state()
    loaded = load_model(model, weights)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in loaded.state_dict().items())
    assert not loaded.training


def test_lent_numbers_go_on_where_they_ended() -> None:
    before = torch.get_rng_state()
    numbers, drawn = RandomNumbers.seeded(5), []
    for _ in range(3):
        with numbers.lent():
            drawn.append(torch.rand(4))
    with pytest.raises(ZeroDivisionError), numbers.lent():
        raise ZeroDivisionError
    assert torch.equal(torch.cat(drawn), torch.rand(12, generator=torch.Generator().manual_seed(5)))
    assert torch.equal(torch.get_rng_state(), before)


def test_nobody_else_touches_the_random_state_of_the_process() -> None:
    forbidden = ("torch.manual_seed", "fork_rng", "rng_state", "torch.seed(", "initial_seed")
    found = [
        (file.name, word)
        for folder in ("minigpt_core", "ui", "pages")
        for file in (ROOT / folder).rglob("*.py")
        if file.name != "random_numbers.py"
        for word in forbidden
        if word in file.read_text("utf-8")
    ]
    assert not found
    builds = {
        str(file.relative_to(ROOT))
        for folder in ("minigpt_core", "ui", "pages")
        for file in (ROOT / folder).rglob("*.py")
        if "build_model(" in file.read_text("utf-8")
    }
    without_numbers = {"export/archive.py"}  # only shapes
    with_their_own = {"model.py", "weights.py", "training.py", "precision.py"}
    assert builds == {f"minigpt_core/{file}" for file in with_their_own | without_numbers}
