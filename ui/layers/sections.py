"""The page from top to bottom, one function a section."""

from typing import cast

import streamlit as st
import torch

from minigpt_core.interpret.activations import ActivationCache, activation_norms, residual_components
from minigpt_core.interpret.lens import lens_points, logit_lens
from ui import resources, state
from ui.components import charts as plots
from ui.inside import reading_guide
from ui.inside.input_text import InputText
from ui.inside.inspected_model import InspectedModel
from ui.layers import charts, lens, words
from ui.words.i18n import _, number

WITHIN = "layers.within"


def lens_table(inspected: InspectedModel, given: InputText) -> None:
    """Layer by position, the best guess and its probability."""
    config = inspected.config
    reading_guide.heading(
        _("Where does the model make up its mind?"),
        "lens",
        shows=_(
            "Each column is a place in the text, each row a point on the way through the model. The cell shows the "
            "character that it would guess next if it ended there, coloured by the probability of that guess. A frame "
            "marks where the final guess appears and stays. Point at a cell for the five best guesses. The last line "
            "is the real text, with a green edge where the answer was right."
        ),
        computed=_(
            "The numbers of that place are taken as they are at that point, brought to scale by the model’s final "
            "norm, and read by its output layer: the “logit lens”. The last row is the model’s real answer."
        ),
        beware=_(
            "The layers were never trained to be read half way. A row of nonsense does not mean that nothing is known "
            "there yet: it may be written in a way that only the next layers can read. A frame says when the guess "
            "appears, not which part made it: for that, take the model apart."
        ),
    )
    within = config.mlp != "none" and state.page_state(WITHIN, False)
    cache = resources.activations(inspected.run.id, inspected.step, given.ids)
    points = lens_points(config, within_layers=bool(within))
    scores = logit_lens(resources.model(inspected.run.id, inspected.step), cache, points)[:, 0]  # (P, T, V)
    seen = lens.look(scores, tuple(words.point(name, config) for name in points))
    st.html(lens.table(seen, given, inspected.tokenizer))
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    ):
        st.html(lens.legend(), width="content")
        if config.mlp != "none":
            st.toggle(
                _("also between attention and MLP"),
                key=state.page_key(WITHIN),
                persist_state="session",
                help=_("A layer first looks around (attention), then thinks at each place on its own (MLP)."),
            )
    st.markdown(lens.summary(seen))


def losses(inspected: InspectedModel) -> None:
    """How good the guess is after each layer, on text it never saw."""
    scores = resources.lens_scores(inspected.run.id, inspected.step)
    reading_guide.heading(
        _("What would it cost to stop early?"),
        "losses",
        shows=_("The loss if the model ended at each point: the lower, the better its guesses there."),
        computed=_(
            "By the same lens, on {n} characters of its text that were kept out of the training (of the training "
            "text, if none were). The last point is the model’s own loss on them."
        ).format(n=number(scores.characters)),
        beware=_(
            "A high loss half way does not mean that the layer is useless: it may prepare what the next ones need. "
            "Above ln(vocabulary) a guess is worse than pure chance, because it is sure of the wrong things."
        ),
    )
    titles = [words.point(name, inspected.config) for name in scores.points]
    figure = charts.losses(scores, titles)
    alt = _("The loss after each layer: {losses}").format(
        losses=", ".join(
            f"{title} {number(loss, 2)}" for title, loss in zip(titles, scores.losses, strict=True)
        )
    )
    st.plotly_chart(figure, key="layers_losses", alt=alt, config=plots.CONFIG)


def sizes(inspected: InspectedModel, given: InputText) -> None:
    """The length of the residual stream and of what each part adds to it."""
    config = inspected.config
    reading_guide.heading(
        _("How much does each part add?"),
        "sizes",
        shows=_(
            "Every character travels through the model as a row of {n} numbers. Bars: the length of what each part "
            "adds to it. Dotted line: the length of the row after that."
        ).format(n=number(config.n_embd)),
        computed=_(
            "Length is the square root of the sum of the squares of a row, averaged over the {n} characters of the "
            "text above."
        ).format(n=number(len(given.ids))),
        beware=_(
            "Long is not important: two parts can cancel each other out, and the norm before each part takes the "
            "total length away again. What a part is worth shows when it is taken out."
        ),
    )
    cache = resources.activations(inspected.run.id, inspected.step, given.ids)
    names = residual_components(config)
    added = activation_norms(cache, names)[:, 0].mean(-1).tolist()
    titles = [words.part(name) for name in names]
    figure = charts.sizes(titles, added, stream_lengths(cache, names))
    alt = _("What each part adds: {lengths}").format(
        lengths=", ".join(f"{title} {number(length, 1)}" for title, length in zip(titles, added, strict=True))
    )
    st.plotly_chart(figure, key="layers_sizes", alt=alt, config=plots.CONFIG)
    if not config.residual:
        st.caption(_("Without residual connections a part does not add to the row: it replaces it."))


def stream_lengths(cache: ActivationCache, names: tuple[str, ...]) -> list[float]:
    """The mean length of the residual stream after each part."""
    after = {"embed": cache["embed"]}
    if "pos_embed" in cache:
        after["pos_embed"] = cache["embed"] + cache["pos_embed"]
    for name in names[len(after) :]:
        after[name] = cache[name.replace("attn_out", "resid_mid").replace("mlp_out", "resid_post")]
    return cast(list[float], torch.stack([after[name][0].norm(dim=-1).mean() for name in names]).tolist())
