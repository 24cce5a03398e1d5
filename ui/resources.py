"""What pages share and is expensive to make. The only file with `st.cache_*`.

Cached things are keyed by ids of what never changes (a text's contents, a checkpoint); they must not be modified.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
import torch
from torch import nn

from minigpt_core import corpus, ngrams
from minigpt_core import jobs as job_managers
from minigpt_core.data import Dataset, get_batch, prepare, split
from minigpt_core.errors import RunNotFound
from minigpt_core.model import ModelConfig, build_model
from minigpt_core.runs import Run, RunStore
from minigpt_core.tokenizer import CharTokenizer
from ui.model.follow import Stage, follow, fresh_model
from ui.sampling.drawing import CountedModel, Draw, Writer
from ui.sampling.recipe import Recipe


@dataclass(frozen=True)
class ChosenText:
    """A text as the pages show it and as the tokenizer reads it."""

    id: str
    """A name in `corpus.BUNDLED`, or the id under which the store keeps it."""

    title: str
    text: str
    """Normalised: what the vocabulary is made from."""

    original: str
    lower: bool
    language: str
    """"fr", "en" or "" where it is not known."""


def store() -> RunStore:
    """The runs of this machine. Costs nothing to make, and needs no Streamlit."""
    return RunStore()


def jobs() -> job_managers.JobManager:
    """The one that starts, pauses and stops trainings."""
    return job_managers.shared()


def run(run_id: str) -> Run:
    """The run as it is now. Raises `RunNotFound`, also for one in the bin."""
    found = store().run(run_id)
    if found.deleted is not None:
        raise no_run(run_id)
    return found


def no_run(run_id: str) -> RunNotFound:
    """What to say of a run that is not there."""
    return RunNotFound("There is no run {id}, or not any more. Choose another one.", id=run_id)


@st.cache_resource(show_spinner=False, max_entries=16)
def chosen_text(text_id: str, lower: bool) -> ChosenText:
    """A bundled text or one from the store. Raises `StoreError` for an unknown id."""
    if text_id in corpus.BUNDLED:
        bundled = corpus.load(text_id)
        title, original, language = bundled.title, bundled.text, bundled.language
    else:
        kept = store().text(text_id)
        title, original, language = kept.title, kept.text, ""
    return ChosenText(text_id, title, corpus.normalize(original, lower=lower), original, lower, language)


@st.cache_resource(show_spinner=False, max_entries=64)
def own_title(text_id: str, workspace: str) -> str:
    """What a text from the store is called in a workspace. Raises `StoreError` for an unknown id."""
    return store().text_title(text_id, workspace)


@st.cache_resource(show_spinner=False, max_entries=64)
def fingerprint(text_id: str, lower: bool) -> str:
    """The id under which the runs of a text keep it: that of its normalised form."""
    return hashlib.sha256(chosen_text(text_id, lower).text.encode()).hexdigest()


@st.cache_resource(show_spinner=False, max_entries=16)
def tokenizer(text_id: str, lower: bool) -> CharTokenizer:
    """The vocabulary of a text."""
    return CharTokenizer.from_text(chosen_text(text_id, lower).text)


@st.cache_resource(show_spinner=False, max_entries=8)
def ids(text_id: str, lower: bool) -> torch.Tensor:
    """A whole text as ids, (N,) int64: 8 bytes a character, kept once for everybody."""
    return tokenizer(text_id, lower).encode(chosen_text(text_id, lower).text)


@st.cache_resource(show_spinner=False, max_entries=16)
def counts(text_id: str, lower: bool) -> dict[str, int]:
    """How often each character stands in a text, in the order of the ids."""
    words = tokenizer(text_id, lower)
    each = torch.bincount(ids(text_id, lower), minlength=words.vocab_size).tolist()
    return dict(zip(words.characters, each, strict=True))


def dataset(text_id: str, lower: bool, val_fraction: float = 0.1) -> Dataset:
    """A text as ids, split into training and validation part; both are views of `ids`."""
    train, val = split(ids(text_id, lower), val_fraction)
    return Dataset(tokenizer(text_id, lower), train, val)


@st.cache_resource(show_spinner=False, max_entries=16)
def baselines(text_id: str, lower: bool, val_fraction: float = 0.1) -> ngrams.Baselines:
    """The losses of the counted models on a text."""
    return ngrams.baselines(dataset(text_id, lower, val_fraction))


@st.cache_resource(show_spinner=False, max_entries=8)
def run_dataset(run_id: str) -> Dataset:
    """The text that a run learns from, as it does: with its vocabulary and its split."""
    trained = store().run(run_id)
    words = CharTokenizer.from_characters(trained.characters)
    return prepare(store().text(trained.text_id).text, trained.training.val_fraction, words)


@st.cache_resource(show_spinner=False, max_entries=16)
def run_baselines(run_id: str) -> ngrams.Baselines:
    """The losses of the counted models on a run's own text."""
    return ngrams.baselines(run_dataset(run_id))


@st.cache_resource(show_spinner=False, max_entries=16)
def model(run_id: str, step: int) -> nn.Module:
    """A copy of a run's model as it was after `step` steps, ready to predict. Raises `StoreError`."""
    kept = store().load_checkpoint(run_id, step, model_only=True)
    built = build_model(store().run(run_id).model)
    built.load_state_dict({name.removeprefix("model."): tensor for name, tensor in kept.tensors.items()})
    return built.eval()


@st.cache_resource(show_spinner=False, max_entries=8)
def counted(text_id: str, lower: bool) -> nn.Module:
    """The counted pairs of characters of a text's training part, in the shape of a model."""
    known = dataset(text_id, lower)
    return CountedModel(ngrams.NgramModel(2, known.tokenizer.vocab_size).fit(known.train))


@st.cache_resource(show_spinner=False, max_entries=64)
def followed(
    text_id: str,
    lower: bool,
    config: ModelConfig,
    batch_size: int,
    batch_seed: int,
    weights: tuple[str, int] | None,
    model_seed: int,
) -> list[Stage]:
    """A batch of a text on its way through a model: that of a run's checkpoint, or a freshly drawn one.

    Args:
        weights: (run id, step), or None for the model with which a training with `model_seed` begins.

    Raises:
        TextError: the text is too short. StoreError: the checkpoint cannot be read.
    """
    generator = torch.Generator().manual_seed(batch_seed)
    idx, _targets = get_batch(dataset(text_id, lower).train, config.block_size, batch_size, generator)
    return follow(model(*weights) if weights else fresh_model(config, model_seed), idx)


def writer(recipe: Recipe) -> Writer:
    """The model of a recipe: that of a run, or counted pairs. Raises `StoreError`."""
    if not recipe.run:
        return Writer(
            counted(recipe.text, recipe.lower), tokenizer(recipe.text, recipe.lower), recipe.lower, 1, 1
        )
    trained = run(recipe.run)
    words = CharTokenizer.from_characters(trained.characters)
    block_size = trained.model.block_size
    looks_at = block_size if trained.model.n_layer else 1  # without attention, each character is on its own
    return Writer(model(trained.id, recipe.step), words, trained.lower, block_size, looks_at)


@st.cache_resource(show_spinner=False, max_entries=64)
def draw(recipe: Recipe) -> Draw:
    """The text of a recipe, as far as it has been asked for; the page and the stream share it."""
    return Draw(writer(recipe), recipe)


@st.cache_resource(show_spinner=False)
def component(name: str, folder: Path, html: str) -> Any:
    """What mounts the component whose `name`.js and `name`.css stand in `folder`. It uses the page's own styles."""
    css, js = ((folder / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component(name, html=html, css=css, js=js, isolate_styles=False)
