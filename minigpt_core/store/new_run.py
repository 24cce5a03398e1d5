"""Setting up a run: the settings are checked against the text before anything is stored."""

from functools import lru_cache
from typing import Any

from minigpt_core import limits
from minigpt_core.configs import ModelConfig, TrainConfig, check_fit
from minigpt_core.data import check_length, prepare
from minigpt_core.memory_budget import check_memory
from minigpt_core.presets import NOTEBOOK, find_preset
from minigpt_core.sameness import settings_without_effect
from minigpt_core.store.runs import LOCAL, MAX_NAME, Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer

RUNS_REMEMBERED = (
    4096  # whose settings were compared with their preset's: pages name all of them again and again
)


def new_run(
    store: RunStore,
    *,
    text: str,
    title: str,
    model_fields: dict[str, Any],
    training: TrainConfig,
    lower: bool = True,
    preset: str = NOTEBOOK.name,
    name: str = "",
    **columns: Any,
) -> Run:
    """Store a new run that a worker can train.

    Args:
        text: the normalized text (see `corpus.normalize`).
        title: what the text is called.
        model_fields: of `ModelConfig`, without `vocab_size`, which comes from the text.
        training: how to train.
        lower: whether the text was lower-cased; prompts will be treated likewise.
        preset: what the settings were made from.
        name: what the run is called; by default after what differs from the preset.
        columns: further arguments of `RunStore.create_run` (workspace, status, parent, …).

    Raises:
        TextError: the text is empty, has one distinct character, or is shorter than `block_size + 1`.
        ConfigError: a setting out of range, more memory needed than there is, or more than the `limits` of a class.
        StoreError: the store cannot be written, or its owner keeps as much as fits.
    """
    corpus.check_text(text)
    tokenizer = CharTokenizer.from_text(text)
    model = ModelConfig(vocab_size=tokenizer.vocab_size, **model_fields)
    check_fit(model, training)
    check_memory(model, training)
    workspace = columns.get("workspace", LOCAL)
    most = limits.in_force(store.home)
    limits.check_text(most, len(text))
    limits.check_training(most, model, training)
    if most is not None:
        limits.check_kept(most, *store.kept_by(workspace))
    check_length(prepare(text, training.val_fraction, tokenizer).train, model.block_size)
    return store.create_run(
        text_id=store.save_text(text, title, workspace),
        text_title=title,
        characters=tokenizer.characters,
        lower=lower,
        model=model,
        training=training,
        preset=preset,
        name=name or default_name(preset, model, training),
        **columns,
    )


def default_name(preset: str, model: ModelConfig, training: TrainConfig) -> str:
    """What it is made from, and whatever differs from that."""
    tiny, notebook = model.n_layer == 0, preset == NOTEBOOK.name
    begin = ("TinyGPT" if tiny else "GPT") if notebook else preset
    changed = settings_changed(preset, model, training)
    name = ", ".join([begin, *(_said(name, value) for name, value in changed.items())])
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def _said(name: str, value: Any) -> str:
    """ "learning_rate 0.1", but "50 steps": "steps 50" would read as a place in the run."""
    if name == "steps":
        return "1 step" if value == 1 else f"{value} steps"
    return f"{name} {value}"


def settings_changed(preset: str, model: ModelConfig, training: TrainConfig) -> dict[str, Any]:
    """The settings that decide the result and differ from the preset's, with their values."""
    kinds = map(type, vars(training).values())  # a rate of 1 equals one of 1.0, and is not called so
    return dict(_changed(preset, model, training, tuple(kinds)))


@lru_cache(maxsize=RUNS_REMEMBERED)
def _changed(
    preset: str, model: ModelConfig, training: TrainConfig, _kinds: tuple[type, ...]
) -> tuple[tuple[str, Any], ...]:
    usual = find_preset(preset)
    before = ModelConfig(vocab_size=model.vocab_size, **usual.model).to_dict() | usual.training.to_dict()
    after = model.to_dict() | training.to_dict()
    for name in settings_without_effect(training):
        del after[name]
    return tuple((name, value) for name, value in after.items() if value != before[name])
