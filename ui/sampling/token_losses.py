"""What surprises it? The loss at each character of a text, and that their mean is the loss."""

import math
from pathlib import Path
from typing import Any

import streamlit as st

from minigpt_core.generation.language_model import EncodedPrompt, LanguageModel, encode_prompt
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.generation.token_losses import TokenLosses
from minigpt_core.generation.token_losses import token_losses as token_losses
from ui import facts, kept_choices, resources, state
from ui.byte_cache import byte_cached
from ui.components.mounting import component
from ui.sampling.inputs import Inputs, train_text, val_text
from ui.sampling.prompt_explained import exchanged_words, unknown_words
from ui.style import PROBABILITY_SCALE
from ui.words import tokens
from ui.words.i18n import _, language, number
from ui.words.tokens import cell

HERE = Path(__file__).parent
TEXT = "sampling.surprise_text"
LONGEST = 10_000  # characters
SAMPLE = 400  # characters of a text that a button puts in
DARKEST = 6.0  # nats: a probability of 0.25 %
HIGHEST = 9999.0  # JSON knows no infinity


def show(inputs: Inputs) -> None:
    """The text to read, the picture, and the sum."""
    typed = choose_text(inputs)
    request = inputs.request
    lm = resources.language_model(request)
    read = encode_prompt(lm, typed[:LONGEST])
    if len(typed) > LONGEST:
        words = _("The text has {n} characters: the first {limit} are read.")
        warn(words.format(n=number(len(typed)), limit=number(LONGEST)))
    if read.exchanged:
        st.caption(exchanged_words(read.exchanged))
    if read.unknown:
        warn(unknown_words(read.unknown))
    if len(read.text) < 2:
        st.info(
            _(
                "Write or paste at least two characters: the first one is never guessed, it has nothing before it."
            )
        )
        return
    if typed == beginning_of(train_text(inputs.model)):
        facts.note("judged", given="learned", run=inputs.model.run.id if inputs.model.run else "")
    elif typed != beginning_of(val_text(inputs.model)):
        facts.note("judged", text=facts.short(typed))
    picture(request, lm, read)


def warn(sentence: str) -> None:
    """A sentence with a sign before it. What is in it may be a person's."""
    st.markdown(f":orange[:material/warning:] {tokens.escape_markdown(sentence)}")


def choose_text(inputs: Inputs) -> str:
    """What is read: pasted, or put in by a button."""
    unseen, learned = val_text(inputs.model), train_text(inputs.model)
    kept_choices.keep_text(TEXT, beginning_of(unseen or learned))
    typed = st.text_area(
        _("Paste any text: each character is coloured by how much it surprises the model (−ln p)."),
        key=state.page_key(TEXT), height=82, persist_state="session",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small"):
        _button("unseen", _("Text it never saw"), beginning_of(unseen))
        _button("learned", _("Text it learned from"), beginning_of(learned))
        _button("shuffled", _("The same letters, shuffled"), shuffled(typed[:SAMPLE]))
    return str(typed or "")


def beginning_of(text: str) -> str:
    """The first sentences; the part that was kept back may begin within a word."""
    blank = text[:SAMPLE].find(" ") if text[:1].isalnum() else -1
    return text[blank + 1 :][:SAMPLE]


def _button(name: str, label: str, text: str) -> None:
    st.button(
        label, key=f"sampling_text_{name}", on_click=state.set_page_state, args=(TEXT, text), disabled=not text,
        type="tertiary", icon=":material/input:",
    )  # fmt: skip


def shuffled(text: str) -> str:
    """The characters of a text in an order without sense, always the same one."""
    return "".join(text[i] for i in sorted(range(len(text)), key=lambda i: (i * 7919 + 13) % 10007))


@byte_cached
def losses_of(model: GenerationRequest, text: str) -> TokenLosses:
    """The loss of a request's model at each character of a text that it knows all characters of."""
    lm = resources.language_model(model)
    ids = lm.tokenizer.encode(text)
    if model.run:
        return resources.look(model.run, model.step, token_losses, ids, lm.loss_window)
    return token_losses(lm.network, ids, lm.loss_window)


def picture(request: GenerationRequest, lm: LanguageModel, read: EncodedPrompt) -> None:
    """The sum above, the coloured text below."""
    found = losses_of(request.model_only, read.text)
    looks_back = lm.context_used > 1 and bool(request.run)
    st.html(figures(found.losses.mean().item(), found.loss, len(found.losses), lm.tokenizer.vocab_size))
    mount = component("token_losses", HERE, "<div class='mg-surprise'></div>")
    mount(
        data={
            "ids": read.ids,
            "losses": [min(round(loss, 4), HIGHEST) for loss in found.losses.tolist()],
            "likeliest": found.likeliest.flatten().tolist(),
            "chances": [round(p, 4) for p in found.probabilities.flatten().tolist()],
            "top": found.likeliest.size(1),
            "cells": [cell(character) for character in lm.tokenizer.characters],
            "stretch": lm.loss_window if looks_back else 0,
            "scale": PROBABILITY_SCALE,
            "most": DARKEST,
            "locale": language(),
            "labels": labels(),
        },
        key="sampling_token_losses",
        height="content",
    )
    st.html(legend(lm.loss_window if looks_back and len(read.ids) > lm.loss_window + 1 else 0))


def figures(mean: float, loss: float, n: int, vocab_size: int) -> str:
    """That the mean of all surprises is the loss: both numbers, calculated separately."""
    parts = (
        (_("all surprises added"), _("{n} nats").format(n=number(mean * n, 1))),
        (_("characters to guess"), number(n)),
        (_("their mean"), _("{n} nats").format(n=number(mean, 4))),
        (_("the model’s own loss function"), _("{n} nats").format(n=number(loss, 4))),
        (_("pure chance would cost"), _("{n} nats").format(n=number(math.log(vocab_size), 2))),
    )
    signs = ("÷", "=", "=", "")
    cells = [
        f"<div><div class='mg-label'>{tokens.escape(label)}</div><div class='mg-n'>{tokens.escape(value)}</div></div>"
        for label, value in parts
    ]
    joined = "".join(
        f"{c}<div class='mg-n mg-sum'>{s}</div>" for c, s in zip(cells, (*signs, ""), strict=True)
    )
    return f"<div class='mg-figures mg-sums'>{joined}</div>"


def legend(stretch: int) -> str:
    """What the colours and the marks mean."""
    stops = ", ".join(f"rgb{stop}" for stop in PROBABILITY_SCALE)
    low = tokens.escape(_("{n} nats or more: a great surprise").format(n=number(DARKEST)))
    high = tokens.escape(_("0 nats: no surprise"))
    words = f"{low}<i class='mg-scale' style='background:linear-gradient(90deg, {stops})'></i>{high}"
    if stretch:
        again = _("at each mark it starts reading anew, as in training: every {n} characters")
        words += f" <span class='mg-mark-again'></span>{tokens.escape(again.format(n=number(stretch)))}"
    return f"<div class='mg-note'>{words}</div>"


def labels() -> dict[str, Any]:
    """All words of the component, in the reader's language."""
    return {
        "hint": _("The text. Arrow keys move from character to character."),
        "place": _("Character {n} of {all}"),
        "chance": _("chance p = {p}"),
        "surprise": _("surprise −ln p = {nats} nats"),
        "expected": _("What it expected most"),
    }
