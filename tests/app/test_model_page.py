"""The Model page draws the model that `build_model` makes, and changes it."""

from collections.abc import Callable

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.utils.flop_counter import FlopCounterMode

from minigpt_core import corpus
from minigpt_core.data import get_batch, prepare
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import GPT, ModelConfig, build_model, count_parameters
from minigpt_core.runs import Run, RunStore
from minigpt_core.training import CheckpointEvent, TrainConfig, Trainer
from tests.app.conftest import OpenPage
from ui.i18n import _, number, using
from ui.model import anatomy, choice, follow, pictures

TITLES = {"en": "Model", "fr": "Modèle"}
TEXT = corpus.normalize(corpus.load("the-curious-cat").text)
DATASET = prepare(TEXT)
V = DATASET.tokenizer.vocab_size
NAMES = [rung.name for rung in (*RUNGS, *MODERN)]
SWITCH = "page.model.modern."


def config_of(rung: str, **fields: object) -> ModelConfig:
    return ModelConfig.from_dict(
        {"vocab_size": V, "block_size": 16, "n_embd": 32, **settings_up_to(rung)[0], **fields}
    )


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=f"model_{key}").click().run()


def drawn(page: AppTest) -> ModelConfig:
    return ModelConfig(vocab_size=V, **page.session_state[f"page.{choice.DRAWN}"])


def shown_parameters(page: AppTest, config: ModelConfig) -> bool:
    return f"<div class='mg-n'>{number(count_parameters(build_model(config)))}</div>" in html(page)


@pytest.mark.parametrize("lang", TITLES)
def test_it_draws_the_notebooks_model_and_its_true_number_of_parameters(app: OpenPage, lang: str) -> None:
    page = app("model", lang=lang, text="the-curious-cat")
    assert not page.exception and not page.error
    assert page.title[0].value == TITLES[lang]
    with using(lang):
        assert shown_parameters(page, ModelConfig(vocab_size=V, n_embd=64, block_size=32))
    assert f"(4, 32, {V})" in html(page) and "(4, 32, 64)" in html(page)


def test_climbing_the_ladder_switches_the_parts_on(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    for rung in RUNGS:
        press(page, f"rung_{rung.name}")
        assert not page.exception and not page.error
        config = drawn(page)
        assert config == ModelConfig(vocab_size=V, n_embd=64, block_size=32, **settings_up_to(rung.name)[0])
        assert shown_parameters(page, config)
        assert rung.idea in "".join(markdown.value for markdown in page.markdown)


def test_every_modern_part_can_be_switched_alone(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    assert page.toggle(key=f"{SWITCH}rmsnorm").disabled
    press(page, "rung_dropout")
    before = drawn(page)
    for name, (field, modern, _classic) in choice.MODERN.items():
        page.toggle(key=f"{SWITCH}{name}").set_value(True).run()
        assert not page.exception and not page.error
        assert drawn(page).to_dict() == before.to_dict() | {field: modern}
        page.toggle(key=f"{SWITCH}{name}").set_value(False).run()
        assert drawn(page) == before


def test_plus_and_minus_change_the_sizes(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    press(page, "n_layer_more")
    assert drawn(page).n_layer == 1
    assert page.button(key="model_n_head_fewer").disabled
    press(page, "n_head_more")
    press(page, "n_embd_more")
    assert (drawn(page).n_head, drawn(page).n_embd) == (2, 96)
    assert shown_parameters(page, drawn(page))
    press(page, "n_layer_fewer")
    assert drawn(page) == ModelConfig(vocab_size=V, n_embd=96, block_size=32)


@pytest.mark.parametrize("lang", TITLES)
def test_a_setting_that_cannot_matter_is_off_and_says_why(app: OpenPage, lang: str) -> None:
    page = app("model", lang=lang, text="the-curious-cat")
    assert page.select_slider(key="page.model.context").disabled
    with using(lang):
        reason = _("TinyGPT sees one character: a longer context cannot help it.")
        assert reason in [caption.value for caption in page.caption]
        page.button(key="model_rung_one-head").click().run()
        assert not page.select_slider(key="page.model.context").disabled
        assert reason not in [caption.value for caption in page.caption]


def test_every_part_opens_to_its_code(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    press(page, "rung_dropout")
    for name, first_line in {
        "characters": "def get_batch(",
        "positions": "def forward(",
        "norm_1": "def make_norm(",
        "attention": "class CausalSelfAttention(",
        "add_2": "def forward(",
        "mlp": "class MLP(",
        "layer": "class Block(",
        "output": "def forward(",
        "softmax": "def next_probabilities(",
    }.items():
        press(page, f"open_{name}")
        assert not page.exception and not page.error
        assert any(first_line in code.value for code in page.code)
    press(page, "open_mlp")
    page.segmented_control(key="page.model.mlp").set_value("none").run()
    assert not page.exception and drawn(page).mlp == "none"


def test_the_batch_on_the_screen_is_that_of_get_batch_in_the_model_that_a_training_begins_with(
    app: OpenPage,
) -> None:
    page = app("model", text="the-curious-cat")
    x, y = get_batch(DATASET.train, 32, 4, torch.Generator().manual_seed(1337))
    config = ModelConfig(vocab_size=V, n_embd=64, block_size=32)
    model = Trainer(DATASET, config, TrainConfig(seed=1337)).model
    with torch.no_grad():
        probabilities = model(x)[0][0, 11].softmax(-1)
    assert pictures.likeliest(probabilities, int(y[0, 11]), DATASET.tokenizer) in html(page)
    assert "before any training" in "".join(caption.value for caption in page.caption)


def test_the_weights_of_the_current_run_are_used_if_it_is_the_same_model(
    app: OpenPage, some_run: Callable[..., Run]
) -> None:
    run = some_run(steps=3, sample_length=0)
    trainer = Trainer(DATASET, run.model, run.training)
    for event in trainer.run():
        if isinstance(event, CheckpointEvent):
            RunStore().save_checkpoint(run.id, event.checkpoint)
    page = app("model", text="the-curious-cat", run=run.id)
    x, y = get_batch(DATASET.train, 32, 4, torch.Generator().manual_seed(1337))
    with torch.no_grad():
        probabilities = trainer.model(x)[0][0, 11].softmax(-1)
    assert pictures.likeliest(probabilities, int(y[0, 11]), DATASET.tokenizer) in html(page)
    assert "after step 3" in "".join(caption.value for caption in page.caption)
    press(page, "rung_one-head")
    assert "before any training" in "".join(caption.value for caption in page.caption)
    press(page, "of_run")
    assert drawn(page) == run.model


def test_nothing_is_promised_about_the_training(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    keys = [button.key for button in page.button]
    assert ("model_use" in keys) == choice.TRAINING_USES_IT


def test_a_huge_model_is_counted_but_not_calculated(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    press(page, "rung_dropout")
    for _time in range(7):
        press(page, "n_embd_more")
    for _time in range(12):
        press(page, "n_layer_more")
    assert not page.exception and not page.error
    assert (drawn(page).n_layer, drawn(page).n_embd) == (48, 768)
    assert number(anatomy.total_parameters(drawn(page))) in html(page)
    assert len(page.info) == 1


@pytest.mark.parametrize("lang", TITLES)
def test_a_text_that_is_too_short_is_said_and_the_drawing_stays(app: OpenPage, lang: str) -> None:
    short = RunStore().save_text("a" * 10 + "b" * 10, "short")
    page = app("model", lang=lang, text=short)
    assert not page.exception
    assert "18" in page.error[0].value and "33" in page.error[0].value
    assert "(4, 32, 64)" in html(page)


def test_markup_in_a_text_is_shown_and_not_run(app: OpenPage) -> None:
    text_id = RunStore().save_text("<script>alert(1)</script>\u200b\u202e $x$ **b** " * 20, "<b>markup</b>")
    page = app("model", text=text_id)
    assert not page.exception and not page.error
    assert "<script" not in html(page) and "<b>markup" not in html(page)


@pytest.mark.parametrize("rung", NAMES)
def test_following_a_batch_gives_what_the_model_gives(rung: str) -> None:
    config = config_of(rung)
    model = follow.fresh_model(config, 7)
    idx = torch.randint(V, (3, 16), generator=torch.Generator().manual_seed(1))
    stages = follow.follow(model, idx, row=2)
    with torch.no_grad():
        logits = model(idx)[0]
    torch.testing.assert_close(stages[-1].values, logits[2].softmax(-1))
    torch.testing.assert_close(stages[-2].values, logits[2, :, : follow.SHOWN_NUMBERS])
    parts = anatomy.parts(config, 3)
    assert all(stage.shape == parts[stage.part].shape for stage in stages)
    followed = {stage.part for stage in stages}
    there = {name for name, part in parts.items() if part.there} - {"characters", "layer"}
    assert followed - {"layer"} == there - ({"positions"} if config.positions == "rotary" else set())


@pytest.mark.parametrize("rung", NAMES)
def test_parts_add_up_to_the_model(rung: str) -> None:
    for fields in ({}, {"tie_weights": True, "bias": False}):
        if fields and rung in ("tinygpt", "positions"):
            continue
        config = config_of(rung, **fields)
        assert anatomy.total_parameters(config) == count_parameters(build_model(config))


@pytest.mark.parametrize("rung", NAMES)
def test_operations_are_those_that_pytorch_counts(rung: str) -> None:
    config = config_of(rung)
    model, idx = follow.fresh_model(config, 1), torch.zeros(2, 16, dtype=torch.int64)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        list(follow.passed(model, idx))
        if config.n_layer > 1:  # the further layers take the fast path, whose kernel is not counted
            assert isinstance(model, GPT)
    uncounted = (config.n_layer - 1) * 4 * config.block_size * config.n_embd if config.n_layer > 1 else 0
    assert counted.get_total_flops() == (anatomy.total_operations(config) - uncounted) * idx.numel()


def test_sizes_that_do_not_fit_are_stepped_over() -> None:
    fields = choice.fields_of(config_of("heads", n_head=6, n_embd=96))
    assert choice.next_size(fields, "n_embd", 1) == 192
    assert choice.next_size(fields, "n_head", 1) == 8
    assert choice.next_size(fields | {"n_embd": 1024, "n_head": 16}, "n_embd", 1) is None
