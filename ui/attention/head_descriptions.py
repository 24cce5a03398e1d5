"""Where a head looks, in words, with the measurement that says so."""

from typing import Any

from minigpt_core.interpret.heads import HeadDescription, Share
from ui.words.i18n import N_, _, number, percent

CAPTIONS = {  # beneath a small map, beside a bar
    "itself": N_("itself"),
    "previous": N_("the previous"),
    "two_before": N_("two before"),
    "first": N_("the very first"),
    "same": N_("the same one"),
    "after_same": N_("after the same one"),
    "word_start": N_("start of word"),
    "line_start": N_("start of line"),
    "break": N_("spaces, signs"),
    "vowel": N_("vowels"),
}
PLACES = {  # inside a sentence
    "itself": N_("the character itself"),
    "previous": N_("the character just before"),
    "two_before": N_("the character two places before"),
    "first": N_("the very first character"),
    "same": N_("the same character, earlier in the text"),
    "after_same": N_("what came after the same character, earlier in the text"),
    "word_start": N_("the first letter of the word"),
    "line_start": N_("the first character of the line"),
    "break": N_("spaces and punctuation"),
    "vowel": N_("the vowels"),
}
SHOWN_RULES = 3
FAINTLY = 0.1  # share of the attention above chance, below which a rule says nothing about a head


def described_heads(described: list[HeadDescription]) -> list[dict[str, Any]]:
    """What the component says of every head, layer by layer."""
    return [
        {
            "layer": head.layer,
            "head": head.head,
            "caption": caption(head),
            "sentence": sentence(head),
            "tip": tip(head),
            "clear": head.rule != "",
            "rules": [bar(name, share) for name, share in list(head.shares.items())[:SHOWN_RULES]],
        }
        for head in described
    ]


def caption(head: HeadDescription) -> str:
    """The nearest rule in two or three words, and its score."""
    if head.rule == "evenly":
        return _("everywhere alike")
    rule = leaning(head)
    if rule is None:
        return _("no simple rule")
    return f"{_(CAPTIONS[rule])} {percent(head.shares[rule].attention)}"


def sentence(head: HeadDescription) -> str:
    """What a head was measured to do."""
    if head.rule == "evenly":
        words = _(
            "Looks at everything nearly alike: its attention is spread out to {spread} of what is possible."
        )
        return words.format(spread=percent(head.entropy))
    if head.rule:
        share = head.shares[head.rule]
        return _("Looks mostly at {where}: {share} of its attention goes there.").format(
            where=_(PLACES[head.rule]), share=percent(share.attention)
        )
    if (nearest := leaning(head)) is not None:
        return _(
            "Leans towards {where} ({share} of its attention); no simple rule explains most of it."
        ).format(where=_(PLACES[nearest]), share=percent(head.shares[nearest].attention))
    return _("None of {n} simple rules explains where it looks. The nearest ones:").format(
        n=number(len(PLACES))
    )


def leaning(head: HeadDescription) -> str | None:
    """The rule that a head follows more than chance would, though not mostly."""
    rule, share = next(iter(head.shares.items()), ("", None))
    return rule if share is not None and share.excess >= FAINTLY else None


def tip(head: HeadDescription) -> str:
    """What to say of a head where its bars are not in sight."""
    if head.rule or leaning(head):
        return sentence(head)
    return _("No simple rule explains where it looks. The nearest one: {rule}").format(
        rule=", ".join(bar(rule, share)["words"] for rule, share in list(head.shares.items())[:1])
    )


def bar(rule: str, share: Share) -> dict[str, Any]:
    """One measured rule: how much attention follows it, and what evenly spread attention would give."""
    words = _("{share}; evenly spread it would be {chance}").format(
        share=percent(share.attention), chance=percent(share.chance)
    )
    words = f"{_(PLACES[rule])}: {words}"
    return {"name": _(CAPTIONS[rule]), "share": share.attention, "chance": share.chance, "words": words}
