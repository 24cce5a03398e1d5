"""What a step asks to be done, as a list: a line for each part of its condition, in a few words, with a tick once it
holds.

A text or a model is named where it is another one than the chosen one: there the reader has to change something.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from minigpt_core.errors import UserError
from minigpt_core.lessons.checks import CHECKS, OWN
from minigpt_core.lessons.conditions import Call, Condition, alike, holds_in_any, parts_of
from minigpt_core.texts import corpus
from ui import resources, state
from ui.journey import PAGES
from ui.lessons import current
from ui.lessons.current import Current
from ui.runs.wording import run_title, text_title
from ui.words.i18n import N_, _, language, n_, number, using
from ui.words.languages import LANGUAGES
from ui.words.tokens import escape

QUESTIONS = {
    "write": N_("What does it write?"), "next": N_("Why this character?"),
    "temperature": N_("What does temperature do?"), "models": N_("Which model?"),
    "surprise": N_("What surprises it?"), "copied": N_("Invented or copied?"),
}  # fmt: skip
"""Those of the Sampling page, as it has them."""

ROWS = {"draws": N_("Several draws at one temperature")}
MODELS = {
    "TinyGPT": "TinyGPT",
    "GPT": N_("a GPT"),
    "pairs": N_("counted pairs"),
    "triples": N_("counted triples"),
}
VERDICTS = {
    "diverged": N_("it diverges"), "overfitting": N_("it overfits"), "by_heart": N_("it learns by heart"),
    "growing_gap": N_("the gap grows"), "gap": N_("a gap opens"), "at_chance": N_("no better than chance"),
    "stuck": N_("it is stuck"), "floor": N_("at its floor"), "near_floor": N_("near its floor"),
    "rate_too_high": N_("its rate is too high"), "rate_too_low": N_("its rate is too low"),
    "still_learning": N_("still learning"), "too_early": N_("ended too early"),
    "nothing_wrong": N_("nothing wrong"), "too_short": N_("too short to say"),
}  # fmt: skip


@dataclass(frozen=True)
class Deed:
    """One part of a step's condition."""

    words: str
    done: bool


def deeds(now: Current) -> list[Deed]:
    """What the step asks for, in its order; a part of which one of several things is enough is one line."""
    asked = current.conditions(now)
    if not asked:
        return []
    joined = alike(asked) and asked[0].call is None and asked[0].join == "and"
    holds = current.holding(now)
    with using(now.lesson.language if now.lesson.language in LANGUAGES else language()):
        return [
            Deed(words(next(filter(_fits, versions), versions[0])), holds_in_any(versions, holds))
            for versions in (parts_of(asked) if joined else [asked])
        ]


def _fits(version: Condition) -> bool:
    """Whether it asks for the text and the model that are chosen."""
    given = map(_given, version.calls())
    return all(
        one.get("text", "") in ("", OWN, state.text_id()) and not _named(one.get("run", "")) for one in given
    )


def picture(found: list[Deed]) -> str:
    """The list as HTML."""
    rows = "".join(
        f"<li><b class='{'mg-tick' if one.done else ''}' aria-hidden='true'>{'✓' if one.done else '○'}</b>"
        f"<span><span class='mg-hidden'>{escape(_('done') if one.done else _('still to be done'))}, </span>"
        f"{escape(one.words)}</span></li>"
        for one in found
    )
    return f"<ul class='mg-todo mg-deeds'>{rows}</ul>"


def words(condition: Condition) -> str:
    """A condition in a few words."""
    if condition.call is not None:
        return said(condition.call)
    both = _("{one} and {other}") if condition.join == "and" else _("{one} or {other}")
    return reduce(lambda one, other: both.format(one=one, other=other), map(words, condition.parts))


def said(call: Call) -> str:
    """One check in a few words, with the values of its arguments."""
    return WORDS[call.name](**_given(call))


def _given(call: Call) -> dict[str, Any]:
    """The arguments of a check by their names, those that are left out too."""
    signature = inspect.signature(CHECKS[call.name])
    named = {name: value for name, value in call.named if name in signature.parameters}
    bound = signature.bind(None, *call.positional, **named)
    bound.apply_defaults()
    return dict([*bound.arguments.items()][1:])


def _with(deed: str, details: list[str]) -> str:
    details = [*filter(None, details)]
    return _("{deed}: {details}").format(deed=deed, details=", ".join(details)) if details else deed


def _page_opened(page: str, view: str, rows: str) -> str:
    if rows:
        return _("choose “{name}”").format(name=_(ROWS[rows]))
    if view:
        return _("choose “{name}”").format(name=_(QUESTIONS[view]))
    return _("open “{name}”").format(name=_(PAGES[page].title))


def _text_chosen(text: str, capitals: bool = False) -> str:
    deed = _("choose “{name}”").format(name=text_title(corpus.BUNDLED[text].title)) if text != OWN else ""
    return _with(deed or _("choose a text of your own"), [_("with its capitals") if capitals else ""])


def _sentence_typed(unknown: bool) -> str:
    return _("type a sentence with an unknown character") if unknown else _("type a sentence")


def _batch_drawn(times: int, part: str) -> str:
    if times > 1 or not part:
        deed = n_("look at {n} batch", "look at {n} batches", times).format(n=number(times))
    else:
        deed = _("look at a batch")
    return _with(
        deed, [{"val": _("from the validation part"), "train": _("from the training part")}.get(part, "")]
    )


def _run(**given: Any) -> str:
    return _training(_("train {model}"), **given)


def _run_ended(verdict: str, **given: Any) -> str:
    return _training(_("train {model} to its end"), **given, verdict=verdict)


def _training(
    deed: str,
    *,
    model: str,
    text: str,
    loss_below: float,
    steps: int,
    learning_rate_below: float,
    learning_rate_above: float,
    times: int,
    learning_rate: float = 0.0,
    gap_above: float = 0.0,
    verdict: str = "",
) -> str:
    details = [
        n_("{n} training", "{n} trainings", times).format(n=number(times)) if times > 1 else "",
        _on(text),
        n_("{n} step", "{n} steps", steps).format(n=number(steps)) if steps else "",
        _amount(_("learning rate {n}"), learning_rate),
        _amount(_("learning rate above {n}"), learning_rate_above),
        _amount(_("learning rate below {n}"), learning_rate_below),
        _amount(_("loss on unseen text below {n}"), loss_below),
        _amount(_("a gap of {n} between the losses"), gap_above),
        _(VERDICTS[verdict]) if verdict else "",
    ]
    return _with(deed.format(model=_(MODELS[model]) if model else _("a model")), details)


def _amount(sentence: str, value: float) -> str:
    return sentence.format(n=number(value)) if value else ""


def _on(text: str) -> str:
    if text == OWN:
        return _("on a text of your own") if state.text_id() in corpus.BUNDLED else _("on your text")
    if not text or text == state.text_id():
        return ""
    return _("on “{name}”").format(name=text_title(corpus.BUNDLED[text].title))


def _stepped(times: int, model: str, text: str) -> str:
    return _with(_press(_("Step"), times), [_(MODELS[model]) if model else "", _on(text)])


def _press(button: str, times: int) -> str:
    return n_("press “{button}” {n} time", "press “{button}” {n} times", times).format(
        button=button, n=number(times)
    )


def _temperature_was(temperature: float) -> str:
    return _("let it write at temperature {n}").format(n=number(temperature))


def _sampled(
    times: int, seeds: int, model: str, run: str, temperature: float, temperatures: int, prompts: int,
    checkpoints: int, new_word: bool,
) -> str:  # fmt: skip
    who = _(MODELS[model]) if model else _named(run)
    deed = _("let {model} write").format(model=who) if who else _("let it write")
    return _with(
        deed,
        [
            n_("{n} text", "{n} texts", times).format(n=number(times)) if times > 1 else "",
            _("temperature {n}").format(n=number(temperature)) if temperature >= 0 else "",
            _several(_("{n} temperatures in all"), temperatures),
            _several(_("{n} seeds"), seeds),
            _several(_("{n} checkpoints"), checkpoints),
            _beginnings(prompts, new_word),
        ],
    )


def _beginnings(prompts: int, new_word: bool) -> str:
    if not new_word:
        return _several(_("{n} beginnings"), prompts)
    return n_(
        "{n} beginning with a word that its text lacks",
        "{n} beginnings with a word that its text lacks",
        prompts,
    ).format(n=number(prompts))


def _several(sentence: str, n: int) -> str:
    return sentence.format(n=number(n)) if n > 1 else ""


def _named(run: str) -> str:
    """A run that is not the one looked at, by its name; "" for one that is, or that nobody has."""
    if not run or run in (state.looked_at(), state.run_id() if state.looked_at() is None else None):
        return ""
    try:
        return run_title(resources.run(run))
    except UserError:
        return ""


def _copies_searched(times: int, run: str) -> str:
    deed = n_("search {n} text for copies", "search {n} texts for copies", times).format(n=number(times))
    return _with(deed, [_named(run)])


def _character_drawn_by_hand(times: int) -> str:
    return n_("choose {n} character by hand", "choose {n} characters by hand", times).format(n=number(times))


def _part_switched_off(kind: str, times: int, together: int, alone: bool) -> str:
    details = [_("all at once") if together else "", _("nothing else off") if alone else ""]
    n = max(times, together)
    if kind == "positions":
        deed = _("switch the positions off")
    elif kind == "head":
        deed = n_("switch {n} head off", "switch {n} heads off", n)
    elif kind == "mlp":
        deed = n_("switch {n} MLP off", "switch {n} MLPs off", n)
    elif kind == "layer":
        deed = n_("switch {n} layer off", "switch {n} layers off", n)
    else:
        deed = n_("switch {n} part off", "switch {n} parts off", n)
    return _with(deed.format(n=number(n)), details)


def _head_switched_off(times: int, together: int, alone: bool) -> str:
    return _part_switched_off("head", times, together, alone)


def _table_edited(times: int) -> str:
    return n_("change {n} number of the table", "change {n} numbers of the table", times).format(
        n=number(times)
    )


def _text_judged(times: int, given: str, run: str) -> str:
    if given:
        return _with(_("choose “{name}”").format(name=_("Text it learned from")), [_named(run)])
    return n_("let it read {n} text of yours", "let it read {n} texts of yours", times).format(
        n=number(times)
    )


def _attention_read(times: int, twice: bool) -> str:
    deed = n_("type {n} text of yours", "type {n} texts of yours", times).format(n=number(times))
    return _with(deed, [_("with a word that comes twice") if twice else ""])


def _fingerprint_taken(run: str, texts: int, prompts: int) -> str:
    details = [
        n_("{n} text", "{n} texts", texts).format(n=number(texts)) if texts else "",
        n_("{n} new beginning", "{n} new beginnings", prompts).format(n=number(prompts)) if prompts else "",
    ]
    if not any(details):
        return _with(_("take its fingerprint"), [_named(run)])
    who = _named(run)
    return _with(_("let {model} write").format(model=who) if who else _("let it write"), details)


def _code_shown(page: str) -> str:
    return _with(_("open “{name}”").format(name=_("Show the code")), [_(PAGES[page].title) if page else ""])


def _guessed(step: int) -> str:
    return _("make your guess")


WORDS: dict[str, Callable[..., str]] = {
    "page_opened": _page_opened, "text_chosen": _text_chosen, "sentence_typed": _sentence_typed,
    "batch_drawn": _batch_drawn, "run": _run, "run_ended": _run_ended, "stepped": _stepped,
    "temperature_was": _temperature_was, "sampled": _sampled, "copies_searched": _copies_searched,
    "character_drawn_by_hand": _character_drawn_by_hand, "part_switched_off": _part_switched_off,
    "head_switched_off": _head_switched_off, "table_edited": _table_edited, "text_judged": _text_judged,
    "attention_read": _attention_read, "fingerprint_taken": _fingerprint_taken, "code_shown": _code_shown,
    "guessed": _guessed,
}  # fmt: skip
"""How each of the named checks is said."""
