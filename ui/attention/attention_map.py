"""The picture of a model's attention: how to read it, and the component with what it is sent."""

from pathlib import Path

from minigpt_core.interpret.heads import HeadDescription
from ui.attention import cache
from ui.attention.head_descriptions import described_heads
from ui.attention.text_window import TextWindow
from ui.components.binary import base64_of
from ui.components.mounting import component
from ui.inside import reading_guide
from ui.inside.inspected_model import InspectedModel
from ui.words import tokens
from ui.words.i18n import _, language

HERE = Path(__file__).parent
HTML = "<div class='mg-att'></div>"


def how_to_read() -> None:
    """Behind one small button."""
    reading_guide.how_to_read(
        "attention",
        shows=_(
            "For each character, how it shares out its attention among itself and the characters before "
            "it. All shares of one character add up to 100 %. Each layer (Transformer block) has several heads, "
            "and every head looks in its own way. On a map, a line is a character that looks, a column one that is "
            "looked at; the hatched half is still to come and hidden."
        ),
        computed=_(
            "In every head a character asks (query) and all characters offer (key). Query times key, "
            "divided by the root of their length, later characters masked out, then softmax (“Attention Is "
            "All You Need”, 2017). The words about a head come from measuring, on other text, how much of "
            "its attention follows a simple rule; the dotted mark says how much evenly spread attention "
            "would give. Darkness grows with the root of the share."
        ),
        beware=_(
            "Attention is not importance. It says from where a head takes something, not what it takes nor "
            "whether the prediction depends on it: other attention can lead to the same prediction (Jain "
            "and Wallace, 2019). From the second layer on, a place holds traces of other characters, too. "
            "To see what a head is for, take it out."
        ),
    )  # fmt: skip


def no_attention() -> str:
    """What a model without layers lacks, and what is shown in its place."""
    return _(
        "“{mine}” has no attention, for it has no layers: each character is all that it sees, so that it can only "
        "learn which character follows which. So this shows “{other}”."
    )


def draw(inspected: InspectedModel, shown: TextWindow) -> None:
    """The text with its arcs, all heads, one head large, the calculation: one component, sent once."""
    seen = cache.text_queries_keys(inspected.run.id, inspected.step, shown.part)
    described = cache.head_descriptions(inspected.run.id, inspected.step)
    component("attention_map", HERE, HTML)(
        data={
            "model": inspected.run.id,
            "layers": inspected.config.n_layer,
            "heads": inspected.config.n_head,
            "size": inspected.config.head_size,
            "length": shown.length,
            "queries": base64_of(seen.queries, "<f4"),
            "keys": base64_of(seen.keys, "<f4"),
            "ids": seen.ids,
            "characters": {
                id_: [tokens.face(c), tokens.name(c), tokens.kind(c)]
                for id_, c in zip(seen.ids, shown.part, strict=True)
            },
            "first": shown.first + 1,
            "written": max(shown.written - shown.first, 0),
            "start": clearest(described),
            "about": described_heads(described),
            "locale": language(),
            "labels": labels(),
        },
        key="attention_map",
        height="content",
    )


def clearest(described: list[HeadDescription]) -> int:
    """The number of the head that a simple rule describes best: a good one to begin with."""
    telling = [
        max((share.excess for rule, share in head.shares.items() if rule != "itself"), default=0.0)
        for head in described
    ]
    return telling.index(max(telling))


def labels() -> dict[str, str]:
    """All words of the component, in the reader's language."""
    return {
        "text": _("The text. Arrow keys move from character to character."),
        "point": _("Point at a character: where does it look to guess what comes next?"),
        "written": _("dashed: written by the model"),
        "quoted": _("“{c}”"),
        "one": _("this head"),
        "layer": _("average of its layer"),
        "all": _("average of all"),
        "back": _("where it looks"),
        "by": _("who looks at it"),
        "scale": _("share of the attention"),
        "place": _("place {n}"),
        "looks": _("{character} (place {n}) looks at"),
        "seen_by": _("{character} (place {n}) is looked at by"),
        "nobody": _("nobody: it is the last one"),
        "grid": _("All heads"),
        "grid_hint": _("{n} layers, {heads} heads each. Choose one."),
        "grid_hint_one": _("1 layer, {heads} heads. Choose one."),
        "layer_n": _("layer {n}"),
        "head_n": _("Layer {layer}, head {head}"),
        "mean_layer": _("Layer {layer}, average of {n} heads"),
        "mean_all": _("Average of all {n} heads"),
        "mean_words": _("An average hides what single heads do: no head needs to look like it."),
        "map_hint": _("Map of the attention. Up and down: another line; left and right: another column."),
        "who": _("each line: who looks"),
        "whom": _("each column: who is looked at"),
        "later": _("still to come: hidden"),
        "whole": _("whole text"),
        "near": _("enlarged"),
        "steps": _("The calculation"),
        "to_map": _("Back to the map"),
        "steps_title": _("How {character} (place {n}) shares out its attention · {head}"),
        "query": _("What {character} asks for (query)"),
        "key": _("What {character} offers (key)"),
        "product": _("Multiplied, number by number"),
        "sum": _("sum = {n}"),
        "column_whom": _("at whom"),
        "column_score": _("sum: query · key"),
        "column_scaled": _("divided by √{n}"),
        "column_masked": _("mask"),
        "column_exp": _("e to that"),
        "column_share": _("share (softmax)"),
        "other": _("1 other"),
        "others": _("{n} others"),
        "total": _("total"),
        "forbidden": _("comes later"),
        "pick_row": _("Choose a line to see its multiplication."),
        "measured": _("Measured on other text, not on yours"),
    }
