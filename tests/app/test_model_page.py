"""The Model page draws the model that `build_model` makes, and changes it."""

from collections.abc import Callable

import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import get_batch, prepare
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.memory import training_memory
from minigpt_core.model import build_model
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import CheckpointEvent, Trainer
from minigpt_core.weights import count_parameters
from tests.app.conftest import OpenPage
from ui.model import drawn_model, value_pictures
from ui.model.formulas import formula, letters
from ui.words.i18n import _, file_size, number, using

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
    return ModelConfig(vocab_size=V, **page.session_state[f"page.{drawn_model.DRAWN}"])


def shown_parameters(page: AppTest, config: ModelConfig) -> bool:
    return f"<div class='mg-n'>{number(count_parameters(build_model(config)))}</div>" in html(page)


def test_it_draws_the_notebooks_model_and_its_true_number_of_parameters(app: OpenPage) -> None:
    page = app("model", lang="fr", text="the-curious-cat")
    assert not page.exception and not page.error
    with using("fr"):
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
    for name, (field, modern, _classic) in drawn_model.MODERN.items():
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


def test_a_setting_that_cannot_matter_is_off_and_says_why(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    assert page.select_slider(key="page.model.context").disabled
    with using("en"):
        reason = _("TinyGPT sees one character: a longer context cannot help it.")
        assert reason in [caption.value for caption in page.caption]
        page.button(key="model_rung_one-head").click().run()
        assert not page.select_slider(key="page.model.context").disabled
        assert reason not in [caption.value for caption in page.caption]


def test_every_part_opens_to_its_code(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat", choices="model_deeper~True")
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


def test_the_embedding_tells_of_a_token_shift_once_there_are_layers(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat", choices="model_deeper~True")
    assert "page.model.token_shift" not in [toggle.key for toggle in page.toggle]
    press(page, "rung_layers")
    press(page, "open_embedding")
    assert not any("def rows_before(" in code.value for code in page.code)
    page.toggle(key="page.model.token_shift").set_value(True).run()
    assert not page.exception and drawn(page).token_shift
    assert shown_parameters(page, drawn(page))
    assert any("def rows_before(" in code.value for code in page.code)
    assert any(r"s \odot E" in latex.value for latex in page.latex)


def test_the_batch_on_the_screen_is_that_of_get_batch_in_the_model_that_a_training_begins_with(
    app: OpenPage,
) -> None:
    page = app("model", text="the-curious-cat")
    x, y = get_batch(DATASET.train, 32, 4, torch.Generator().manual_seed(1337))
    config = ModelConfig(vocab_size=V, n_embd=64, block_size=32)
    model = Trainer(DATASET, config, TrainConfig(seed=1337)).model
    with torch.no_grad():
        probabilities = model(x)[0][0, 11].softmax(-1)
    assert value_pictures.likeliest(probabilities.numpy(), int(y[0, 11]), DATASET.tokenizer) in html(page)
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
    assert value_pictures.likeliest(probabilities.numpy(), int(y[0, 11]), DATASET.tokenizer) in html(page)
    assert "after step 3" in "".join(caption.value for caption in page.caption)
    press(page, "rung_one-head")
    assert "before any training" in "".join(caption.value for caption in page.caption)
    press(page, "of_run")
    assert drawn(page) == run.model


def test_the_drawn_model_becomes_that_of_the_next_training(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    with using("en"):
        assert page.button(key="model_use").disabled  # the notebook's model is what comes next anyway
        for key in ("rung_dropout", "n_layer_more", "use"):
            page.button(key=f"model_{key}").click().run()
        wanted = drawn(page)
        assert page.button(key="model_use").label == _("The next training uses it")
        page.session_state["training_advanced"] = True
        page.switch_page("../pages/training.py").run()
        assert not page.exception
        planned = {
            name: page.session_state[f"page.training.{name}"]
            for name in wanted.to_dict()
            if name != "vocab_size"
        }
    assert ModelConfig(vocab_size=V, **planned) == wanted
    assert page.select_slider(key="page.training.n_layer").value == wanted.n_layer


def test_the_memory_in_the_head_contains_the_batch(app: OpenPage) -> None:
    page = app("model", text="the-curious-cat")
    press(page, "rung_dropout")
    page.select_slider(key="page.model.context").set_value(1024).run()
    page.select_slider(key="page.model.batch_size").set_value(64).run()
    assert not page.exception
    kept = training_memory(drawn(page), 64)
    assert kept.activations > 14e9
    with using("en"):
        assert f"<div class='mg-n'>{file_size(kept.total)}</div>" in html(page)
    assert "64 × 1,024 = 65,536 characters" in " ".join(caption.value for caption in page.caption)


def test_the_model_of_a_run_comes_with_its_batch_size_and_optimizer(
    app: OpenPage, some_run: Callable[..., Run]
) -> None:
    run = some_run(steps=3, batch_size=12, optimizer="sgd")
    page = app("model", text="the-curious-cat", run=run.id)
    press(page, "of_run")
    assert not page.exception and drawn(page) == run.model
    assert page.select_slider(key="page.model.batch_size").value == 12
    assert "the optimizer SGD 0" in " ".join(caption.value for caption in page.caption)
    assert "model_of_run" not in [button.key for button in page.button]


def test_the_formula_of_attention_is_that_of_the_configuration() -> None:
    plain, full = (
        formula("attention", config_of("layers", **fields)) or ""
        for fields in ({"bias": False}, {"positions": "rotary", "qk_norm": True})
    )
    assert all(letter in plain for letter in ("M_{ts}", "W_o", "hs", " = 8")) and "b_" not in plain
    assert "R_t" not in plain and "varepsilon" not in plain
    assert "R_t" in full and "varepsilon" in full and "b_o" in full


def test_the_letters_of_a_formula_are_explained_with_this_models_numbers(app: OpenPage) -> None:
    config = config_of("layers")
    with using("en"):
        said = {
            part: letters(formula(part, config) or "", config, 4)
            for part in ("embedding", "attention", "mlp")
        }
        assert (
            said["embedding"]
            == f"$V$ = {V} (characters of the vocabulary) · $C$ = 32 (numbers per character, the embedding dimension)"
        )
        assert said["attention"].endswith(f"$nh$ = {config.n_head} (heads) · $hs$ = 8 (numbers per head)")
        assert said["mlp"] == "$C$ = 32 (numbers per character, the embedding dimension)"
        assert letters(formula("softmax", config) or "", config, 4) == ""
    page = app("model", text="the-curious-cat", choices="model_deeper~True")
    assert any("(characters of the vocabulary)" in caption.value for caption in page.caption)
