"""A real batch followed through the drawn model, from the ids to the probabilities of the next character."""

from dataclasses import dataclass

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.data import check_length, draw_batch
from minigpt_core.errors import TextError
from minigpt_core.interpret.anatomy import too_large_to_trace
from minigpt_core.interpret.trace import SHOWN_PLACES, Stage
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from minigpt_core.tokenizer import CharTokenizer
from ui import kept_choices, problems, resources, state
from ui.batches import seeds
from ui.model import cache, drawn_model, value_pictures
from ui.resources import ChosenText
from ui.runs.weights import usual_of
from ui.words.i18n import _, number
from ui.words.tokens import Row, rows


@dataclass(frozen=True)
class TracedBatch:
    """A real batch that went through the drawn model, and whose weights that model has."""

    stages: list[Stage]
    ids: list[int]
    """The row that is looked at."""

    targets: list[int]
    """What really comes after each of them."""

    tokenizer: CharTokenizer
    origin: str
    """Whose weights, in a sentence."""

    place: int
    """Which character of the row is looked at, counted from 0."""

    @property
    def target(self) -> int:
        """The id that really comes next."""
        return self.targets[self.place]

    @property
    def text(self) -> str:
        """The characters of the row."""
        return self.tokenizer.decode(self.ids)


def traced_batch(
    chosen: ChosenText, config: ModelConfig, batch_size: int, run: Run | None
) -> TracedBatch | None:
    """A batch of the chosen text, followed through the model; None if it cannot be: see `follow_batch`."""
    dataset, seed = resources.dataset(chosen.id, chosen.lower), seeds.seeds()[-1]
    if too_large_to_trace(config):
        return None
    try:
        batch = draw_batch(dataset, "train", config.block_size, batch_size, seed)
    except TextError:
        return None
    weights, model_seed, origin = whose_weights(config, dataset.tokenizer, run)
    stages = cache.trace_of(chosen.id, chosen.lower, config, batch_size, seed, weights, model_seed)
    ids, targets = (line[0, :SHOWN_PLACES].tolist() for line in (batch.x, batch.y))
    kept_choices.keep(drawn_model.PLACE, drawn_model.FIRST_PLACE, kept_choices.whole_number(1, SHOWN_PLACES))
    place = min(drawn_model.place(), len(ids) - 1)
    return TracedBatch(stages, ids, targets, dataset.tokenizer, origin, place)


def whose_weights(
    config: ModelConfig, tokenizer: CharTokenizer, run: Run | None
) -> tuple[tuple[str, int] | None, int, str]:
    """The current run's usual checkpoint if it is a model of this very kind, else none; the seed; and a sentence."""
    seed = run.training.seed if run else NOTEBOOK.training.seed
    same = run is not None and run.model == config and run.characters == tokenizer.characters
    kept = resources.store().checkpoints(run.id) if run and same else []
    if run and kept:
        step = usual_of(run, kept)
        words = _("Values of the current run, after step {step}.").format(step=number(step))
        return (run.id, step), seed, words
    words = _("Values of a freshly drawn model (seed {seed}), before any training.").format(seed=seed)
    return None, seed, words


def section(chosen: ChosenText, config: ModelConfig, batch_size: int, traced: TracedBatch | None) -> None:
    """One character of a real batch, from its id to the probabilities of the next one."""
    st.header(_("A real batch followed through"))
    if traced is None:
        _why_not(chosen, config)
        return
    if len(traced.ids) > 1:
        state.set_page_state(drawn_model.PLACE, traced.place + 1)
        st.slider(
            _("Which character of the first row?"),
            1,
            len(traced.ids),
            key=state.page_key(drawn_model.PLACE),
            width=420,
        )
    line = Row("", traced.text, rings=[traced.place])
    row = rows([line], traced.tokenizer.stoi, label=_("The first row of the batch"))
    st.html(f"<div class='mg-compact'>{row}</div>")
    sentence = _(
        "The batch has {rows} rows; this is character {place} of the first one. Blue is above 0, orange below, each "
        "line on a scale of its own."
    ).format(rows=number(batch_size), place=number(traced.place + 1))
    st.caption(f"{traced.origin} {sentence}")
    lines = value_pictures.trace_lines(
        traced.stages, config, traced.tokenizer, traced.ids[traced.place], traced.target, traced.place
    )
    st.html(lines)


def _why_not(chosen: ChosenText, config: ModelConfig) -> None:
    """Why no batch was followed."""
    try:
        check_length(resources.dataset(chosen.id, chosen.lower).train, config.block_size)
    except TextError as error:
        problems.show(error)
        return
    assert too_large_to_trace(config)
    st.info(
        _(
            "A model of this size takes too long to calculate just for a look. All shapes and counts on this page stay "
            "exact. Make it smaller to see its values."
        )
    )
