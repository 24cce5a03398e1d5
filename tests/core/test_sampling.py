"""Sampling is exact: one random number on a cumulative bar."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from minigpt_core.configs import ModelConfig, SampleSettings
from minigpt_core.errors import ConfigError, UserError
from minigpt_core.model import TinyGPT, build_model
from minigpt_core.sampling import (
    check_logits,
    generate,
    next_probabilities,
    predict,
    sample_next,
    start_id,
    token_at,
    tokens_at,
)
from minigpt_core.tokenizer import CharTokenizer

LOGITS = torch.tensor([2.0, -1.0, 0.5, 0.5, -3.0, 1.0])
DRAWS = 100_000


def settings(**fields: float) -> SampleSettings:
    return SampleSettings(**fields)


@pytest.mark.parametrize("temperature", [0.1, 0.8, 1.0, 2.0, 100.0])
def test_temperature_divides_the_logits(temperature: float) -> None:
    expected = (LOGITS.double() / temperature).softmax(-1)
    torch.testing.assert_close(next_probabilities(LOGITS, settings(temperature=temperature)), expected)


def test_temperature_zero_is_argmax_with_the_lowest_id_of_equals() -> None:
    probabilities = next_probabilities(torch.tensor([0.0, 3.0, 3.0]), settings(temperature=0))
    assert probabilities.tolist() == [0.0, 1.0, 0.0]


def test_tiny_and_huge_temperatures_do_not_overflow() -> None:
    cold = next_probabilities(LOGITS * 1e4, settings(temperature=1e-6))
    assert cold.tolist() == [1.0, 0, 0, 0, 0, 0]
    hot = next_probabilities(LOGITS, settings(temperature=100))
    assert hot.max() / hot.min() < 1.06


@pytest.mark.parametrize("fields", [{"temperature": -0.1}, {"temperature": math.nan}, {"top_k": -1}])
def test_settings_out_of_range_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="choose a number"):
        settings(**fields)


@pytest.mark.parametrize("top_p", [0, -1, 1.1, math.nan])
def test_top_p_out_of_range_is_refused(top_p: float) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        settings(top_p=top_p)


@given(k=st.integers(1, 10), ties=st.lists(st.integers(-2, 2), min_size=2, max_size=8))
def test_exactly_k_survive_top_k(k: int, ties: list[int]) -> None:
    probabilities = next_probabilities(torch.tensor(ties, dtype=torch.float32), settings(top_k=k))
    assert int((probabilities > 0).sum()) == min(k, len(ties))
    assert probabilities.sum().item() == pytest.approx(1)


@given(
    logits=st.lists(st.floats(-20, 20), min_size=1, max_size=12),
    p=st.floats(1e-9, 1, exclude_min=True),
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(logits: list[float], p: float) -> None:
    full = torch.tensor(logits).double().softmax(-1)
    kept = next_probabilities(torch.tensor(logits), settings(top_p=p)) > 0
    mass = full[kept].sum().item()
    assert mass >= p - 1e-9
    least = full[kept].min().item()
    assert mass - least < p + 1e-9  # without its least likely member it falls short
    assert full[~kept].max().item() <= least if (~kept).any() else True


def test_minus_infinity_is_never_drawn() -> None:
    logits = torch.tensor([0.0, -math.inf, 0.0])
    assert next_probabilities(logits, settings()).tolist() == [0.5, 0.0, 0.5]
    assert next_probabilities(logits, settings(top_k=3))[1] == 0
    assert token_at(torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64), 0.5) == 2


@pytest.mark.parametrize("bad", [[0.0, math.nan], [math.inf, 0.0], [-math.inf, -math.inf]])
def test_scores_that_are_no_numbers_are_refused(bad: list[float]) -> None:
    with pytest.raises(UserError, match="diverged"):
        next_probabilities(torch.tensor(bad), settings())


def test_the_token_is_where_the_random_number_falls() -> None:
    probabilities = torch.tensor([0.25, 0.0, 0.5, 0.25, 0.0], dtype=torch.float64)
    landed = [token_at(probabilities, u) for u in (0.0, 0.2499, 0.25, 0.7499, 0.75, math.nextafter(1, 0))]
    assert landed == [0, 0, 2, 2, 3, 3]


def test_a_bar_that_rounding_left_short_still_gives_a_possible_token() -> None:
    short = torch.tensor([0.5, 0.4999, 0.0], dtype=torch.float64)
    assert token_at(short, 0.99999) == 1


LIMITED: dict[str, dict[str, float]] = {
    "nothing": {},
    "temperature": {"temperature": 0.7},
    "hot": {"temperature": 1.8},
    "top-k": {"top_k": 3},
    "top-p": {"top_p": 0.8},
    "temperature and top-k": {"temperature": 1.5, "top_k": 4},
    "temperature and top-p": {"temperature": 1.5, "top_p": 0.8},
    "top-k and top-p": {"top_k": 4, "top_p": 0.9},
    "all": {"temperature": 0.9, "top_k": 5, "top_p": 0.95},
}
CRITICAL = {1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 6: 22.46, 7: 24.32}  # chi-square table, 0.001


def stated(logits: Tensor, temperature: float = 1, top_k: int = 0, top_p: float = 1) -> list[float]:
    """What the settings promise, in plain Python: divide, keep the k likeliest, keep the likeliest that reach p."""
    weights = [math.exp(float(x) / temperature) for x in logits]
    order = sorted(range(len(weights)), key=lambda i: -weights[i])[: top_k or None]
    total, kept, reached = sum(weights[i] for i in order), [], 0.0
    for i in order:
        if reached < top_p:
            kept.append(i)
        reached += weights[i] / total
    mass = sum(weights[i] for i in kept)
    return [weights[i] / mass if i in kept else 0.0 for i in range(len(weights))]


def chi_square(counts: Tensor, probabilities: Tensor) -> float:
    """How badly the counts fit, over the characters that can be drawn."""
    possible = probabilities > 0
    assert counts[~possible].sum() == 0
    expected = probabilities[possible] * counts.sum()
    return ((counts[possible] - expected) ** 2 / expected).sum().item()


@pytest.mark.parametrize("fields", LIMITED.values(), ids=LIMITED.keys())
@pytest.mark.parametrize(
    "logits", [LOGITS, torch.tensor([1.0, 0, 0, 1, -0.5, 0.3, -math.inf, -1])], ids=["six", "ties"]
)
def test_over_100_000_draws_the_frequencies_fit_the_stated_distribution(
    logits: Tensor, fields: dict[str, float]
) -> None:
    probabilities = next_probabilities(logits, settings(**fields))
    assert probabilities.tolist() == pytest.approx(stated(logits, **fields), abs=1e-12)
    u = torch.rand(DRAWS, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
    counts = torch.bincount(tokens_at(probabilities, u), minlength=len(logits)).double()
    assert chi_square(counts, probabilities) < CRITICAL[int((probabilities > 0).sum()) - 1]


def test_drawing_one_by_one_is_drawing_them_all() -> None:
    """So the 100,000 draws above are those of `sample_next`: one number of the generator after the other."""
    generator, how = torch.Generator().manual_seed(11), settings(temperature=0.9, top_k=5, top_p=0.95)
    steps = [sample_next(LOGITS, generator, how) for _ in range(500)]
    u = torch.rand(500, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
    assert [step.u for step in steps] == u.tolist()
    assert [step.token for step in steps] == tokens_at(steps[0].probabilities, u).tolist()


def test_a_distribution_that_is_off_by_little_is_noticed() -> None:
    """The chi-square test can fail: one per cent more for one character is enough."""
    probabilities = next_probabilities(LOGITS, settings())
    wrong = probabilities.clone()
    wrong[1] += 0.01
    u = torch.rand(DRAWS, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
    counts = torch.bincount(tokens_at(wrong / wrong.sum(), u), minlength=len(LOGITS)).double()
    assert chi_square(counts, probabilities) > CRITICAL[5]


@pytest.mark.parametrize("k", [len(LOGITS), len(LOGITS) + 1, 1_000_000])
def test_top_k_as_large_as_the_vocabulary_changes_nothing(k: int) -> None:
    assert next_probabilities(LOGITS, settings(top_k=k)).equal(next_probabilities(LOGITS, settings()))


@pytest.mark.parametrize("p", [1e-300, 5e-324, 1e-9])
def test_top_p_towards_zero_leaves_the_likeliest(p: float) -> None:
    assert next_probabilities(LOGITS, settings(top_p=p)).tolist() == [1.0, 0, 0, 0, 0, 0]
    assert next_probabilities(torch.zeros(4), settings(top_p=p)).tolist() == [1.0, 0, 0, 0]


@pytest.mark.parametrize("t", [1e-3, 1e-9, 1e-300, 5e-324])
def test_temperature_towards_zero_leaves_the_likeliest(t: float) -> None:
    assert next_probabilities(LOGITS, settings(temperature=t)).tolist() == [1.0, 0, 0, 0, 0, 0]
    assert next_probabilities(torch.tensor([3.0, -math.inf, 3.0]), settings(temperature=t)).tolist() == [
        0.5,
        0,
        0.5,
    ]


@pytest.mark.parametrize("scale", [1e30, 1e38, 1.7e308])
def test_huge_scores_do_not_overflow(scale: float) -> None:
    huge = torch.tensor([scale, -scale, scale, -math.inf], dtype=torch.float64)
    for fields in LIMITED.values():
        probabilities = next_probabilities(huge, settings(**fields))
        assert probabilities.isfinite().all() and probabilities[[1, 3]].tolist() == [0, 0]
        assert probabilities.sum().item() == pytest.approx(1)


def test_a_step_says_how_it_came_about() -> None:
    step = sample_next(LOGITS, torch.Generator().manual_seed(3))
    u = torch.rand(1, generator=torch.Generator().manual_seed(3), dtype=torch.float64).item()
    assert step.u == u
    assert step.token == token_at(step.probabilities, u)
    assert step.probability == step.probabilities[step.token].item()


@pytest.fixture
def model() -> TinyGPT:
    torch.manual_seed(1)
    return TinyGPT(ModelConfig(vocab_size=6, block_size=4, n_embd=8))


def test_generate_is_predict_draw_append(model: TinyGPT) -> None:
    idx = torch.tensor([1, 2])
    written = generate(model, idx, 8, 4, generator=torch.Generator().manual_seed(5))
    generator, context = torch.Generator().manual_seed(5), [1, 2]
    for _ in range(8):
        context.append(sample_next(predict(model, torch.tensor(context[-4:])), generator).token)
    assert written.tolist() == context and idx.tolist() == [1, 2]


def test_generate_shows_the_model_at_most_block_size_characters() -> None:
    class Spy(torch.nn.Module):
        lengths: list[int] = []

        def forward(self, idx: Tensor) -> tuple[Tensor, None]:
            self.lengths.append(idx.shape[1])
            return torch.zeros(*idx.shape, 6), None

    spy = Spy()
    generate(spy, torch.zeros(2, dtype=torch.int64), 5, 4, generator=torch.Generator())
    assert spy.lengths == [2, 3, 4, 4, 4]


def test_the_same_seed_gives_the_same_text(model: TinyGPT) -> None:
    def draw(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return generate(model, torch.tensor([0]), 50, 4, generator=generator).tolist()

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_generate_writes_without_dropout() -> None:
    torch.manual_seed(1)
    fields = {"n_layer": 1, "dropout": 0.5}
    model = build_model(ModelConfig(vocab_size=6, block_size=4, n_embd=8, **fields)).train()
    texts = [
        generate(model, torch.tensor([0]), 50, 4, generator=torch.Generator().manual_seed(5)) for _ in "ab"
    ]
    assert texts[0].equal(texts[1])


@pytest.mark.parametrize(("text", "start"), [("ab \n", "\n"), ("ab c", " "), ("bca", "a")])
def test_an_empty_prompt_starts_after_a_stated_character(text: str, start: str) -> None:
    tokenizer = CharTokenizer.from_text(text)
    assert tokenizer.itos[start_id(tokenizer)] == start


def test_scores_that_are_not_numbers_are_refused() -> None:
    check_logits(torch.zeros(2, 3))
    with pytest.raises(UserError, match="not numbers"):
        check_logits(torch.tensor([0.0, torch.nan]))
