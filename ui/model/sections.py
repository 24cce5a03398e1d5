"""The Model page from top to bottom, one function a section."""

import inspect
import math
from dataclasses import dataclass

import streamlit as st

from minigpt_core.configs import ModelConfig
from minigpt_core.data import check_length, draw_batch
from minigpt_core.errors import TextError
from minigpt_core.interpret.anatomy import IN_LAYERS, ModelPart, too_large_to_trace, total_memory
from minigpt_core.interpret.trace import SHOWN_PLACES, Stage
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from minigpt_core.tokenizer import CharTokenizer
from ui import problems, resources, state
from ui.batches import seeds
from ui.components import show_code
from ui.model import choice, controls, drawing, pictures, words
from ui.resources import ChosenText
from ui.runs.wording import KINDS
from ui.words import glossary
from ui.words.i18n import _, file_size, n_, number, percent
from ui.words.tokens import Row, escape, escape_markdown, face, rows

DRAWING_SHARE = (9, 11)


@dataclass(frozen=True)
class Journey:
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


def head(config: ModelConfig, parts: dict[str, ModelPart]) -> None:
    """The title, the live totals, and what this model is in a sentence."""
    parameters = sum(part.parameters.count for part in parts.values())
    work = sum(part.flops for part in parts.values())
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="model_head"
    ):
        st.title(_("Model"), width="content")
        st.html(
            pictures.figures(
                [
                    (glossary.term("parameter", _("parameters")), number(parameters)),
                    (escape(_("memory in training, at least")), file_size(total_memory(parts).total)),
                    (escape(_("operations a character")), number(work)),
                ]
            ),
            width="content",
        )
        _use_it()
    st.markdown(f"**{escape_markdown(words.model_title(config))}.** {controls.idea(config)}")


def _use_it() -> None:
    used = choice.chosen_fields() == choice.drawn_fields()
    st.button(
        _("The next training uses it") if used else _("Use this model for the next training"),
        icon=":material/check:" if used else ":material/arrow_forward:",
        type="primary",
        key="model_use",
        disabled=used,
        on_click=choice.choose,
    )


def journey(chosen: ChosenText, config: ModelConfig, batch_size: int, run: Run | None) -> Journey | None:
    """A batch of the chosen text, followed through the model; None if it cannot be: see `follow_batch`."""
    dataset, seed = resources.dataset(chosen.id, chosen.lower), seeds.seeds()[-1]
    if too_large_to_trace(config, batch_size):
        return None
    try:
        batch = draw_batch(dataset, "train", config.block_size, batch_size, seed)
    except TextError:
        return None
    weights, model_seed, origin = whose_weights(config, dataset.tokenizer, run)
    stages = resources.followed(chosen.id, chosen.lower, config, batch_size, seed, weights, model_seed)
    ids, targets = (line[0, :SHOWN_PLACES].tolist() for line in (batch.x, batch.y))
    place = min(choice.place(), len(ids) - 1)
    return Journey(stages, ids, targets, dataset.tokenizer, origin, place)


def whose_weights(
    config: ModelConfig, tokenizer: CharTokenizer, run: Run | None
) -> tuple[tuple[str, int] | None, int, str]:
    """The current run's last checkpoint if it is a model of this very kind, else none; the seed; and a sentence."""
    seed = run.training.seed if run else NOTEBOOK.training.seed
    same = run is not None and run.model == config and run.characters == tokenizer.characters
    kept = resources.store().checkpoints(run.id) if run and same else []
    if run and kept:
        words = _("Values of the current run, after step {step}.").format(step=number(kept[-1].step))
        return (run.id, kept[-1].step), seed, words
    words = _("Values of a freshly drawn model (seed {seed}), before any training.").format(seed=seed)
    return None, seed, words


def picture_and_part(
    config: ModelConfig, parts: dict[str, ModelPart], batch_size: int, seen: Journey | None
) -> None:
    """The drawing, and beside it the part that is open."""
    left, right = st.columns(DRAWING_SHARE, gap="medium")
    with left:
        drawing.model(config, parts)
    with right.container(key="model_panel", gap="small"):
        _opened(config, parts, batch_size, seen)


def _opened(config: ModelConfig, parts: dict[str, ModelPart], batch_size: int, seen: Journey | None) -> None:
    part = parts.get(choice.opened(), parts["embedding"])
    st.subheader(words.title(part.name, config))
    st.markdown(words.explanation(part.name, config, batch_size))
    formula = words.formula(part.name, config)
    if formula:
        st.latex(formula)
        if letters := words.letters(formula, config, batch_size):
            st.caption(letters)
    controls.settings(part.name, config)
    if seen:
        _values(part, config, seen)
    if part.parameters.shapes:
        st.html(_weights(part, config))
    _code(part, config)


def _weights(part: ModelPart, config: ModelConfig) -> str:
    """The parameters of a part: their names in the code and their shapes."""
    per_layer = part.name in IN_LAYERS and config.n_layer > 1
    count = n_("{n} parameter", "{n} parameters", part.parameters.count).format(
        n=number(part.parameters.count)
    )
    if per_layer:
        count = _("{parameters} in {n} layers; those of the first:").format(
            parameters=count, n=number(config.n_layer)
        )
    rows = "".join(
        f"<code>{escape(name)}</code><code>{escape(str(shape))}</code><span>{number(math.prod(shape))}</span>"
        for name, shape in part.parameters.shapes
    )
    return f"<div class='mg-label mg-plain'>{escape(count)}</div><div class='mg-weights'>{rows}</div>"


def _values(part: ModelPart, config: ModelConfig, seen: Journey) -> None:
    """What really leaves this part for one character; for attention also where it looks."""
    stage = stage_of(part.name, seen.stages)
    if stage is None:
        return
    title = _("What leaves it for the character in place {place}:")
    if part.name == "layer":
        title = _("What leaves the last layer for the character in place {place}:")
    elif part.name in IN_LAYERS and config.n_layer > 1:
        title = _("What leaves it in the first layer, for the character in place {place}:")
    label, character = escape(title.format(place=number(seen.place + 1))), escape(face(seen.text[seen.place]))
    picture = pictures.glimpse(stage, seen.place, seen.target, seen.tokenizer)
    st.html(
        f"<div class='mg-label mg-plain'>{label} <b class='mg-last' translate='no'><bdi>{character}</bdi></b></div>"
        f"{picture}"
    )
    if stage.pattern is not None:
        label = escape(_("Where each head looks from there:"))
        st.html(
            f"<div class='mg-label mg-plain'>{label}</div>{pictures.looks(stage.pattern, seen.text, seen.place)}"
        )


def stage_of(part: str, stages: list[Stage]) -> Stage | None:
    """What left a part, in the first layer for one that stands in layers; for the layers what left the last one."""
    if part == "layer":
        return next((stage for stage in reversed(stages) if stage.layer), None)
    return next((stage for stage in stages if stage.part == part), None)


def _code(part: ModelPart, config: ModelConfig) -> None:
    with st.expander(_("Its code"), icon=":material/code:", key="model_part_code"):
        for source in words.sources(part.name, config):
            st.caption(show_code.where(source))
            st.code(inspect.getsource(source), language="python")


def costs(config: ModelConfig, parts: dict[str, ModelPart], batch_size: int) -> None:
    """What each part costs."""
    st.subheader(_("Where are the parameters and the work?"))
    st.html(pictures.costs(parts, config, batch_size))
    st.caption(_memory_words(config, parts) + " " + _work_words(config, parts, batch_size))


def _memory_words(config: ModelConfig, parts: dict[str, ModelPart]) -> str:
    """What lies in memory during a step, and why so much."""
    kept, most = total_memory(parts), max(parts.values(), key=lambda part: part.memory.activations)
    sentence = _(
        "Memory in training, 4 bytes a number: weights {weights}, gradients {gradients}, the optimizer {name} "
        "{optimizer}. To find the gradients, a step goes back the way it came: until then {batch} of the numbers in "
        "between are kept, {share} of them in “{part}”. What is needed only for a moment comes on top."
    ).format(
        weights=file_size(kept.parameters),
        gradients=file_size(kept.gradients),
        name=KINDS["optimizer"][choice.optimizer()],
        optimizer=file_size(kept.optimizer),
        batch=file_size(kept.activations),
        share=percent(most.memory.activations / kept.activations),
        part=words.title(most.name, config),
    )
    if not config.dropout:
        return sentence
    block = number(config.block_size)
    more = _(
        "Dropout makes attention keep the whole pattern of every row and head, {block} × {block} numbers; without it, "
        "it keeps none of them."
    )
    return f"{sentence} {more.format(block=block)}"


def _work_words(config: ModelConfig, parts: dict[str, ModelPart], batch_size: int) -> str:
    """What is counted as work, and how much of it a step is."""
    characters = batch_size * config.block_size
    work = sum(part.flops for part in parts.values())
    return _(
        "Operations: multiplications and additions of the matrix products for one character, forward. Training takes "
        "about three times as many a character, and a step has {rows} × {block} = {n} characters: about {total} "
        "operations."
    ).format(
        rows=number(batch_size),
        block=number(config.block_size),
        n=number(characters),
        total=words.large(3 * work * characters),
    )


def follow_batch(chosen: ChosenText, config: ModelConfig, batch_size: int, seen: Journey | None) -> None:
    """One character of a real batch, from its id to the probabilities of the next one."""
    st.subheader(_("A real batch followed through"))
    if seen is None:
        _why_not(chosen, config, batch_size)
        return
    if len(seen.ids) > 1:
        state.set_page_state(choice.PLACE, seen.place + 1)
        st.slider(
            _("Which character of the first row?"),
            1,
            len(seen.ids),
            key=state.page_key(choice.PLACE),
            width=420,
        )
    line = Row("", seen.text, rings=[seen.place])
    row = rows([line], seen.tokenizer.stoi, label=_("The first row of the batch"))
    st.html(f"<div class='mg-compact'>{row}</div>")
    sentence = _(
        "The batch has {rows} rows; this is character {place} of the first one. Blue is above 0, orange below, each "
        "line on a scale of its own."
    ).format(rows=number(batch_size), place=number(seen.place + 1))
    st.caption(f"{seen.origin} {sentence}")
    st.html(pictures.path(seen.stages, config, seen.tokenizer, seen.ids[seen.place], seen.target, seen.place))


def _why_not(chosen: ChosenText, config: ModelConfig, batch_size: int) -> None:
    """Why no batch was followed."""
    try:
        check_length(resources.dataset(chosen.id, chosen.lower).train, config.block_size)
    except TextError as error:
        problems.show(error)
        return
    assert too_large_to_trace(config, batch_size)
    st.info(
        _(
            "A model or batch of this size takes too long to calculate just for a look. All shapes and counts on this "
            "page stay exact. Make it smaller to see its values."
        )
    )
