"""Whether a sample was invented or copied: its stretches that stand word for word in the text the model learned from.

The yardstick is the part of the same text that was kept back: stories repeat their phrases, so much of it stands word
for word in the other part, and no model has copied it.
"""

from collections.abc import Mapping, Sequence
from statistics import mean

import streamlit as st

from minigpt_core.interpret.memorization import STRETCH, Memorization, Span, knowledge, pieces_of, usual_share
from ui import problems, resources
from ui.runs.health import loss_number
from ui.sampling.inputs import Inputs, note_written, text_key
from ui.sampling.learning_explained import Losses
from ui.words import tokens
from ui.words.i18n import N_, _, n_, number, percent

LEAST = "least"  # its name in the address
SHORTEST, USUAL, LONGEST = 5, STRETCH, 60  # characters of a stretch that counts
LISTED = 4
AROUND = 34  # characters of the known text on each side of a stretch
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7")
AS_MUCH = N_("**About as much as this text repeats itself.**")
NO_TELLING = N_("**This text cannot tell**: even what was never seen stands in the rest of it already.")
LESS = N_("**Less than this text repeats itself.**")
ONE_PIECE = N_(
    "Of the end of the text, which the model never saw, {mean} stands word for word in the rest as well."
)
MANY_PIECES = N_(
    "Of the end of the text, which the model never saw, {mean} stands word for word in the rest as well ({lowest} to "
    "{highest} from piece to piece)."
)
WHY = N_(
    "How can an end that it never saw stand there? This text repeats its phrases again and again, in its end as well."
)
BETTER_KNOWN = N_(
    "Its losses tell more than one sample: {seen} on the text it learned from, {unseen} on text it never saw. It knows "
    "its own text better than the language, even where it does not write it out word for word."
)
REPEATS = 0.1  # share of the unseen end in the rest from which on this needs to be explained
NO_PROOF = N_("So this share alone does not show that it learned by heart.")
HOW_LONG = N_(
    "Short stretches such as common words stand in every text. Long ones were copied, or the text repeats them."
)


def show(inputs: Inputs) -> None:
    """The share that was copied, beside that of the part kept back; the sample; where its stretches stand."""
    key = text_key(inputs.model)
    known, unseen = resources.text_parts(*key) if key else ("", "")
    if key is None or not known:
        st.info(
            _(
                "The text that this model learned from is not here any more, so nothing can be compared with it."
            )
        )
        return
    sample = resources.generated_text(inputs.request).text(inputs.generation.length)
    note_written(inputs.request, searched=True)
    left, right = st.columns([3, 5], gap="medium")
    with left:
        least = st.slider(
            _("Copied: stretches from how many characters on?"), SHORTEST, LONGEST, USUAL,
            key=LEAST, bind="query-params",
            help=_(HOW_LONG),
        )  # fmt: skip
    copied = resources.copied(key, sample, least)
    unseen_shares = [resources.copied(key, piece, least).share for piece in pieces_of(unseen, len(sample))]
    with right:
        st.html(shares(copied.share, usual_share(unseen_shares)[0]))
    problems.doubt(resources.validation_warning(*key))
    better = "" if inputs.model.broken else better_known(inputs.model.losses)
    st.markdown(verdict(copied, unseen_shares, better))
    longest = resources.copied(key, sample, SHORTEST).longest(LISTED)
    with st.container(key="sampling_columns"):
        left, right = st.columns(2, gap="medium")
    with left:
        st.html(label(_("What it wrote")) + sample_html(sample, copied, longest))
    with right:
        st.html(
            label(_("The longest stretches, where they stand in the text it learned from"))
            + listed(longest, known)
        )


def label(words: str) -> str:
    """A heading in small letters."""
    return f"<div class='mg-label'>{tokens.escape(words)}</div>"


def shares(sample: float, unseen: float | None) -> str:
    """Two bars: how much of the sample counts as copied, and how much of the part that was kept back."""
    lines = [(_("of what it wrote"), sample, "#E69F00")]
    if unseen is not None:
        lines.append((_("of the end of that text, which it never saw"), unseen, "#7A7A7A"))
    cells = "".join(
        f"<span>{tokens.escape(words)}</span><div class='mg-share'>"
        f"<i style='width:{100 * share:.2f}%;background:{colour}'></i></div><b>{percent(share)}</b>"
        for words, share, colour in lines
    )
    heading = label(_("Share that stands word for word in the text it learned from"))
    return f"{heading}<div class='mg-shares'>{cells}</div>"


def verdict(copied: Memorization, unseen: Sequence[float], better: str = "") -> str:
    """What the shares mean, and what the losses say besides, in Markdown.

    Args:
        unseen: the shares of pieces of the part that was kept back; none, if nothing was.
        better: see `better_known`.
    """
    return " ".join(filter(None, (shares_words(copied, unseen, proven=bool(better)), better)))


def shares_words(copied: Memorization, unseen: Sequence[float], proven: bool) -> str:
    """What the shares mean; `proven`: whether the losses show that the model learned by heart."""
    mean_share, spread = usual_share(unseen)
    if not copied.spans:
        return _("**Invented**: no stretch of this length stands in the text it learned from.")
    if mean_share is None:
        return _("Nothing was kept back from this model, so there is no unseen text to compare with.")
    if copied.share > mean_share + spread:
        return _(
            "**Copied in part**: much more of it stands word for word in the text it learned from than this text "
            "repeats itself. It has learned some of it by heart."
        )
    words = LESS if copied.share < mean_share - spread else AS_MUCH if mean_share + spread < 1 else NO_TELLING
    why = _(WHY) if mean_share >= REPEATS else ""
    proof = "" if proven else _(NO_PROOF)
    return " ".join(filter(None, (_(words), compared_with(unseen), why, proof)))


def compared_with(unseen: Sequence[float]) -> str:
    """How much the text repeats itself: at least one share."""
    values = {"mean": percent(mean(unseen)), "lowest": percent(min(unseen)), "highest": percent(max(unseen))}
    return _(ONE_PIECE if values["lowest"] == values["highest"] else MANY_PIECES).format(**values)


def better_known(losses: Losses) -> str:
    """That a model knows its own text better than what it never saw, by the rule of its diagnosis; else nothing."""
    seen, unseen = losses.seen, losses.unseen
    if seen is None or unseen is None or knowledge(seen, unseen) == "alike":
        return ""
    return _(BETTER_KNOWN).format(seen=loss_number(seen), unseen=loss_number(unseen))


def sample_html(sample: str, copied: Memorization, longest: Sequence[Span]) -> str:
    """The sample: its longest stretches each in a colour with a number, all other copied characters underlined."""
    rank: dict[int, int] = {}
    for i, stretch in reversed(list(enumerate(longest))):  # where they overlap, the longer one counts
        rank |= dict.fromkeys(range(stretch.start, stretch.end), i)
    covered = {place for stretch in copied.spans for place in range(stretch.start, stretch.end)}
    aloud = tokens.escape(tokens.read_aloud(sample))
    body = marked(sample, rank, covered)
    return f"<div class='mg-copied mg-flow' dir='ltr' translate='no' role='img' aria-label='{aloud}'>{body}</div>"


def marked(text: str, rank: Mapping[int, int], covered: set[int]) -> str:
    """Runs of characters of one kind, each in a span of its own."""
    parts: list[str] = []
    place = 0
    while place < len(text):
        kind = (rank.get(place), place in covered)
        end = place
        while end < len(text) and (rank.get(end), end in covered) == kind:
            end += 1
        parts.append(span(text[place:end], *kind))
        place = end
    return "".join(parts)


def span(text: str, rank: int | None, copied: bool, line_end: str = "\n") -> str:
    """A run of characters; line ends stay visible, followed by `line_end`."""
    shown = tokens.escape("".join(c if c == " " else tokens.face(c) + line_end * (c == "\n") for c in text))
    if rank is None:
        return f"<span class='mg-copied-some'>{shown}</span>" if copied else f"<span>{shown}</span>"
    return f"<span class='mg-copied-long' style='--k:{COLOURS[rank]}'><sup>{rank + 1}</sup>{shown}</span>"


def listed(longest: Sequence[Span], known: str) -> str:
    """Each of the longest stretches, with what stands around it in the known text."""
    if not longest:
        return f"<div class='mg-note'>{tokens.escape(_('There is none.'))}</div>"
    items = []
    for rank, stretch in enumerate(longest):
        before = known[max(stretch.source_start - AROUND, 0) : stretch.source_start]
        inside = known[stretch.source_start : stretch.source_start + stretch.length]
        after = known[stretch.source_start + stretch.length :][:AROUND]
        words = n_("{n} character", "{n} characters", stretch.length).format(n=number(stretch.length))
        items.append(
            f"<li><b>{tokens.escape(words)}</b><div class='mg-copied-place' translate='no'>"
            f"…{span(before, None, False, '')}{span(inside, rank, True, '')}{span(after, None, False, '')}…</div></li>"
        )
    return f"<ol class='mg-copied-list'>{''.join(items)}</ol>"
