"""All words of the embedding map, in the reader's language."""

from typing import Any

from ui.words.i18n import N_, _

KINDS = {
    "vowel": N_("vowel"),
    "consonant": N_("consonant"),
    "space": N_("space, new line"),
    "digit": N_("digit"),
    "mark": N_("punctuation"),
}


def labels() -> dict[str, Any]:
    """By the names that the component uses."""
    return {
        "characters": _("characters"),
        "places": _("places"),
        "no_places": _("This model has learned no rows for places."),
        "flat": _("map"),
        "deep": _("in 3-D"),
        "table": _("table of all"),
        "kind": _("sorted by kind"),
        "alike": _("alike side by side"),
        "kinds": {kind: _(word) for kind, word in KINDS.items()},
        "accent": _("with an accent"),
        "quoted": _("“{c}”"),
        "place": _("place {n}"),
        "place_scale": _("place"),
        "cosine": _("cosine"),
        "times": _("{n} times in the part it learns from"),
        "time_none": _("never in the part it learns from"),
        "time_one": _("once in the part it learns from"),
        "rare": _("So rare that the training hardly moved it: where it lies is mostly chance."),
        "nearest": _("Nearest (cosine)"),
        "none_alike": _("None is nearer than chance brings."),
        "by_chance": _("Rows drawn at random reach up to {chance}: only what lies beyond is shown."),
        "farthest": _("Most opposite"),
        "kinship": _("Alike on average (cosine)"),
        "two_vowels": _("two vowels"),
        "two_consonants": _("two consonants"),
        "one_each": _("a vowel and a consonant"),
        "kept": _("This picture shows {share} of the differences between the rows."),
        "beyond": _("farther out than the map reaches"),
        "play": _("▶ Play"),
        "pause": _("❚❚ Pause"),
        "time": _("How far the training has got"),
        "step": _("step {n}"),
        "only": _("The weights of this run were kept after step {n} only."),
        "nearer": _("Enlarge"),
        "farther": _("Make smaller"),
        "hint": _("The arrow keys choose another one; its nearest stand beside the picture."),
        "map_alt": _("Map of the learned rows: those that differ little lie close together."),
        "table_alt": _("Table of the cosines between all learned rows."),
    }
