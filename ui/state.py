"""What one browser tab remembers: language, text, followed run, model looked at. The only file that names session keys.

Language, text and run also stand in the address (`?lang=fr&text=additions&run=…`), so that a reload and a shared
link find them again. Widgets keep their own values with `key=` and `persist_state="session"`.
"""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from minigpt_core import limits
from minigpt_core.errors import RunNotFound, StoreError, UserError
from minigpt_core.jobs.manager import JobManager
from minigpt_core.store.classes import Fact, Pupil
from minigpt_core.store.facts import FactStore
from minigpt_core.store.runs import Run
from minigpt_core.texts import corpus
from ui import orders, people, resources, teacher, text_access
from ui import workspace as workspaces
from ui.words.i18n import language, spoken
from ui.words.languages import LANGUAGES, nearest

LANGUAGE, TEXT, LETTERS, RUN = "language", "text", "letters", "run"
NEXT_SETTINGS = "next_settings"
CHOICES = "choices"
LANGUAGE_SWITCH = "language_switch"
WORKSPACE, TAB_WORKSPACE = "workspace", "tab_workspace"
NOTICES = "notices"
NOTICE_SECONDS = 5.0  # that a notice outlives the script runs that nobody asked for
DIALOG = "dialog"  # its name in the address
DESTINATION = "destination"
NICKNAME = "nickname"  # a widget
PUPIL_BOARD = "pupil_board"  # a component
VOCABULARY_TEXT, VOCABULARY_LOWER, VOCABULARY_START = (
    "vocabulary_text",
    "vocabulary_lower",
    "vocabulary_start",
)
TROUBLES = "troubles"
MICROSCOPE, COMPARE_BOARD = "training_microscope", "compare_board"  # components that ask for something

AUTHOR, CHECKPOINT, AGAINST, VIEW = "author", "checkpoint", "against", "view"
ROWS, TEMPERATURES, AFTER = "rows", "temperatures", "after"
LESSON, LESSON_STEP = "lesson", "lesson_step"
PROJECTOR, REPLAY = "projector", "replay"
FOLLOW = "follow"  # in a link within its own page: see `server/streamlit_changes.py`
DRAWN_MODEL = "model.drawn"  # on the Model page: a step of a lesson begins with the one that it names
SWITCHED_OFF = "ablation.off"  # parts of the model: a step of a lesson begins with all of them
PROMPT = "prompt"  # a widget bound to the address: its key is the name there
SAMPLING_RUN, SAMPLING_CHECKPOINT, SAMPLING_TEXT = "sampling_run", "sampling_checkpoint", "sampling_text"
SAMPLING_AGAINST, SAMPLING_PIPELINE = "sampling_against", "sampling_pipeline"

CHOSEN_TEXT = "chosen_text"  # a fact
COUNTED = ("bigram", "trigram")  # who can write without being a run
LONGEST_AFTER = 200  # characters
SEEDS = 9999  # short enough to be read out

IN_ADDRESS = {
    "lang": LANGUAGE, "text": TEXT, "letters": LETTERS, "run": RUN, "author": AUTHOR, "checkpoint": CHECKPOINT,
    "against": AGAINST, "view": VIEW, "rows": ROWS, "temperatures": TEMPERATURES, "after": AFTER,
    "settings": NEXT_SETTINGS, "lesson": LESSON, "step": LESSON_STEP, "choices": CHOICES,
    "projector": PROJECTOR, "replay": REPLAY,
}  # fmt: skip
BELONGS_TO = {
    "run": ("author", "checkpoint", "replay"),
    "author": ("checkpoint",),
    "lesson": ("step",),
}  # what another one leaves behind
FORM = {
    "lang": re.compile("|".join(map(re.escape, LANGUAGES))),
    "text": re.compile("|".join(map(re.escape, corpus.BUNDLED)) + "|[0-9a-f]{64}"),
    "letters": re.compile("original|lower"),
    "run": re.compile("[0-9A-Za-z]{1,64}"),
    "author": re.compile("[0-9A-Za-z]{1,64}"),
    "checkpoint": re.compile("best|last|[0-9]{1,12}"),
    "against": re.compile("bigram|trigram|[0-9A-Za-z]{1,64}:[0-9]{1,12}"),
    "view": re.compile("write|next|temperature|models|surprise|copied"),
    "rows": re.compile("draws"),
    "temperatures": re.compile(r"[0-9.]{1,4}(_[0-9.]{1,4}){0,7}"),
    "after": re.compile(f".{{0,{LONGEST_AFTER}}}", re.DOTALL),
    "settings": re.compile(r"[a-z0-9_.~+-]{1,1000}"),  # see `settings/address.py`
    "lesson": re.compile(r"[a-z0-9-]{1,60}"),
    "step": re.compile(r"[1-9][0-9]?"),
    "choices": re.compile(r"[A-Za-z0-9_.:~+-]{1,3000}"),  # see `kept_choices.py`
    "projector": re.compile("1"),
    "replay": re.compile("[0-9A-Za-z]{1,64}"),
}
TROUBLES_KEPT = 5
HIDDEN = re.compile("[a-z0-9_]{1,30}(,[a-z0-9_]{1,30}){0,60}")  # names of pages and controls
LONGEST_NAME = 60  # characters of who made a link


def read_address() -> dict[str, str]:
    """Take what the address says into the session, and write what navigation has dropped back into it.

    Returns what cannot be meant, by its name in the address.
    """
    nonsense = {}
    context = get_script_run_ctx()
    if context and context.is_history_navigation:
        st.query_params.update({})  # the browser shows the address of that time: say the present one
    for name, key in IN_ADDRESS.items():
        value = st.query_params.get(name)
        if value is not None and FORM[name].fullmatch(value):
            if value != st.session_state.get(key):
                for dependent in BELONGS_TO.get(name, ()):
                    st.session_state.pop(IN_ADDRESS[dependent], None)
            st.session_state[key] = value
            continue
        if value is not None:
            nonsense[name] = value
            del st.query_params[name]
        if key in st.session_state:
            st.query_params[name] = st.session_state[key]
    return nonsense


def drop_what_others_left() -> None:
    """Whoever comes after somebody at the same computer follows none of their runs, whatever the browser remembers."""
    left = workspaces.left_here(st.context.cookies) if workspaces.serving() else []
    if not left:
        return
    for name in ("run", "author", "text"):
        value = st.session_state.get(IN_ADDRESS[name])
        with suppress(StoreError):
            owners = resources.owners(name, value) if value else set()
            if owners and {workspaces.mark(owner) for owner in owners} <= {*left}:
                _remember(name, None)


def _remember(name: str, value: str | None) -> None:
    """Set or forget one of the values that stand in the address."""
    if value is None:
        st.session_state.pop(IN_ADDRESS[name], None)
        st.query_params.pop(name, None)
    else:
        st.session_state[IN_ADDRESS[name]] = value
        st.query_params[name] = value


# Language


def asked_language() -> str:
    """The language that was chosen, else the browser's, else English: what the shell lets the tab speak."""
    chosen = st.session_state.get(LANGUAGE)
    return str(chosen) if chosen in LANGUAGES else nearest(st.context.locale)


def choose_language(code: str) -> None:
    """Show everything in this language from the next run of the script on.

    Only who has trained nothing yet gets the story of the language; anyone else keeps the text.
    """
    if _has_run():
        choose_text(text_id())
    _remember("lang", code)


def remember_language(code: str) -> None:
    """Show everything in this language, whatever was chosen."""
    if st.session_state.get(LANGUAGE) != code:
        _remember("lang", code)


def _has_run() -> bool:
    try:
        return current_run() is not None
    except UserError:  # something is wrong with the store: the sidebar says so
        return False


# The chosen text


def text_id() -> str:
    """A name in `corpus.BUNDLED`, or the id of a text in the store."""
    return str(st.session_state.get(TEXT, spoken().story))


def lower() -> bool:
    """Whether the chosen text is put into small letters (it is, unless someone said otherwise)."""
    return st.session_state.get(LETTERS) != "original"


def choose_text(new_id: str) -> None:
    """Make this the chosen text on every page."""
    if new_id != text_id():
        come_so_far("chose_text")
    _remember("text", new_id)
    _keep_chosen_text()


def choose_letters(lower: bool) -> None:
    """Put the chosen text into small letters, or keep it as it is written."""
    _remember("letters", None if lower else "original")
    _keep_chosen_text()


def _keep_chosen_text() -> None:
    """For the next tab of this browser whose address names no text."""
    with suppress(StoreError):
        FactStore().keep_newest(workspace(), CHOSEN_TEXT, text=text_id(), lower=lower())


def recall_text() -> None:
    """A tab that has just been opened, by an address that names no text, begins with the one chosen last here."""
    if TEXT in st.session_state or page_state("text.recalled", False):
        return
    set_page_state("text.recalled", True)
    with suppress(StoreError):
        for kept in FactStore().facts(workspace(), CHOSEN_TEXT):
            if kept["text"] in corpus.BUNDLED or resources.store().text(kept["text"]):
                _remember("text", kept["text"])
                _remember("letters", None if kept["lower"] else "original")


def take_text(new_id: str, letters: str) -> None:
    """Have the text that somebody else has chosen, "lower" or "original"; it stands among one's own from then on."""
    if (text_id(), lower()) != (new_id, letters == "lower"):
        _remember("text", new_id)
        choose_letters(letters == "lower")
    if new_id not in corpus.BUNDLED and may_read(new_id):
        with suppress(StoreError):
            resources.store().keep_text(new_id, workspace())
            resources.own_title.clear(new_id, workspace())


def chosen_text() -> resources.ChosenText:
    """The chosen text, ready for the tokenizer, under the title that it has in this workspace. Raises `StoreError` for
    one that is not there, or not for this browser."""
    if not may_read(text_id()):
        raise text_access.refusal()
    chosen = resources.chosen_text(text_id(), lower())
    if chosen.id in corpus.BUNDLED:
        return chosen
    return replace(chosen, title=resources.own_title(chosen.id, workspace()))


def may_read(text_id: str) -> bool:
    """Whether this browser may have a text: see `text_access.py`. Who watches a run may read what it learns from."""
    if text_access.may_read(text_id, workspace(), st.context.cookies):
        return True
    watched = (name for name in (run_id(), looked_at()) if name and name not in COUNTED)
    with suppress(StoreError):
        if any(resources.run(name).text_id == text_id for name in watched):
            text_access.grant(text_id, workspace())
            return True
    return False


def let_read(text_id: str) -> None:
    """A page shows this text: its components may ask for it, too."""
    text_access.grant(text_id, workspace())
    if without_cookie():  # its components are known by where they are
        text_access.grant(text_id, st.context.ip_address or workspaces.LOOPBACK[0])


def add_text(original: str, title: str) -> str:
    """Keep a person's text and make it the chosen one; returns its id.

    Raises:
        TextError: it cannot be used; nothing is kept then. ConfigError: it is longer than a class may use.
        StoreError: it cannot be saved.
    """
    corpus.check_text(corpus.normalize(original, lower=lower()))
    limits.check_text(limits.in_force(resources.store().home), len(original))
    new_id = resources.store().save_text(original, title, workspace())
    resources.own_title.clear(new_id, workspace())  # the newest title counts
    choose_text(new_id)
    return new_id


def text_wanted() -> bool:
    """Whether the dialog for another text is open. That stands in the address, so that it opens again in a session that
    begins anew: after two minutes without a connection, or when the server was restarted."""
    return st.query_params.get(DIALOG) == TEXT


def want_text(wanted: bool) -> None:
    """Open or close the dialog for another text, when the script runs next."""
    if wanted:
        st.query_params[DIALOG] = TEXT
    else:
        st.query_params.pop(DIALOG, None)


# The followed run


def run_id() -> str | None:
    """The run that this tab follows, or None. It may be somebody else's: see `owns`."""
    return st.session_state.get(RUN)


def follow_run(new_id: str | None) -> None:
    """Make this the run that Training shows, and the others until a model is chosen there; None: the newest of this
    workspace."""
    if new_id != run_id():
        look_at(None)
    play_again(None)
    _remember("run", new_id)


def replayed() -> str | None:
    """The run that the Training page plays again instead of showing the followed one, or None."""
    return st.session_state.get(REPLAY)


def play_again(run_id: str | None) -> None:
    """Play this run again on the Training page, or show the followed one (None). Nothing is trained or kept."""
    _remember("replay", run_id)


def current_run() -> Run | None:
    """The followed run, else the newest of this workspace, else None. Raises `StoreError`."""
    followed = run_id()
    if followed:
        return resources.run(followed)
    try:
        return resources.store().find_run("last", workspace())
    except RunNotFound:
        return None


def next_settings() -> str | None:
    """The settings of the next training, where they are not the usual ones; see `settings/address.py`."""
    return st.session_state.get(NEXT_SETTINGS)


def keep_next_settings(coded: str | None) -> None:
    """Keep these in the address, where a reload finds them; None: the usual ones."""
    if coded != next_settings():
        _remember("settings", coded)


def own_seed() -> int | None:
    """The seed with which a pupil's trainings begin unless something else is said; None: the preset's, as in a lesson,
    whose results are the same for all who follow it."""
    if not workspaces.serving() or lesson() is not None or is_teacher():
        return None
    return seed_of(workspace())


def seed_of(name: str) -> int:
    """The seed that belongs to a workspace."""
    return 1 + int(workspaces.mark(name), 16) % SEEDS


def set_up_settings(coded: str) -> None:
    """Let the controls of the next training say this, as in the address; "": the usual."""
    keep_next_settings(coded or None)
    set_page_state("training.filled", False)


def choices_in_address() -> str:
    """What was chosen on pages otherwise than usual; see `kept_choices.py`."""
    return str(st.session_state.get(CHOICES, ""))


def keep_choices_in_address(coded: str) -> None:
    """Keep this in the address, where a reload finds it, as far as there is room."""
    if coded != choices_in_address() and (not coded or FORM["choices"].fullmatch(coded)):
        _remember("choices", coded or None)


def visible_runs() -> list[Run]:
    """The runs that a page can show: one's own, the newest first, then the prepared ones."""
    return resources.visible_runs(workspace())


def owns(run: Run) -> bool:
    """Whether this browser may pause, rename or delete the run; everybody with its link may watch it."""
    return run.workspace == workspace()


def steer(run_id: str) -> JobManager:
    """What passes on what is asked of a run. Raises `StoreError` unless it is this browser's, or asked by the teacher.

    Buttons that may not be pressed are off; a callback does not rely on that.
    """
    store = resources.store()
    store.owned_run(run_id, store.run(run_id).workspace if is_teacher() else workspace())
    return resources.jobs()


def let_train() -> None:
    """Raise `UserError` while the teacher lets no training begin or go on."""
    if not is_teacher():
        orders.refuse_start()


# The model looked at: it writes, and pages look inside it. Looking changes nothing about the followed run


def looked_at() -> str | None:
    """What is looked at instead of the followed run: the id of another one, "bigram" (counted pairs) or "trigram"."""
    return st.session_state.get(AUTHOR)


def look_at(name: str | None) -> None:
    """Look at one of these, or at the followed run (None)."""
    if name != looked_at():
        choose_checkpoint(None)
    _remember("author", name)


def checkpoint() -> str | None:
    """Which of its checkpoints: "last", "best" or a step; None: the usual one (see `ui/runs/weights.py`)."""
    return st.session_state.get(CHECKPOINT)


def choose_checkpoint(which: str | None) -> None:
    """Look at this checkpoint; None: the usual one."""
    _remember("checkpoint", which)


# Sampling


def against() -> str | None:
    """Who writes beside the author: "bigram", "trigram", or a run and a step as "<id>:<step>"."""
    return st.session_state.get(AGAINST)


def choose_against(other: str) -> None:
    """Compare the author with this one."""
    _remember("against", other)


def view() -> str:
    """Which question the Sampling page answers; "write" to begin with."""
    return str(st.session_state.get(VIEW, "write"))


def choose_view(name: str) -> None:
    """Answer this question on the Sampling page."""
    _remember("view", None if name == "write" else name)


def setting(name: str, low: float, high: float, usual: float) -> float:
    """A number that the address names; else the one chosen before in this tab; else the usual one."""
    kept: float = page_state(f"sampling.{name}", usual)
    given = number_in_address(name, low, high)
    value = kept if given is None else given
    choose_setting(name, value, usual)
    return value


def widget_value(name: str) -> Any:
    """What the widget with this key says; None where there is none yet."""
    return st.session_state.get(name)


def set_widget(name: str, value: Any) -> None:
    """Let the widget with this key say so. Call it before the widget, or in a callback."""
    st.session_state[name] = value


def number_in_address(name: str, low: float, high: float) -> float | None:
    """The number of this name in the address, whole if `low` is; None if there is none from `low` to `high`."""
    try:
        value = type(low)(st.query_params.get(name, ""))
    except ValueError:
        return None
    return value if low <= value <= high else None


def choose_setting(name: str, value: float, usual: float) -> None:
    """Keep a number, and put it into the address unless it is the usual one."""
    set_page_state(f"sampling.{name}", value)
    if value == usual:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(value)


def rows() -> str:
    """What differs between texts side by side: "temperatures", or only the random numbers ("draws")."""
    return str(st.session_state.get(ROWS, "temperatures"))


def choose_rows(what: str) -> None:
    """Let this differ between texts side by side."""
    _remember("rows", None if what == "temperatures" else what)


def temperatures() -> str | None:
    """The temperatures side by side, as in the address ("0_0.5_1"), if they were chosen."""
    return st.session_state.get(TEMPERATURES)


def choose_temperatures(chosen: str | None) -> None:
    """Show these temperatures side by side; None: the usual ones."""
    _remember("temperatures", chosen)


def offer_prompt(prompt: str) -> None:
    """Put this into the prompt, unless a person or the address has put something else there."""
    typed, offered = st.session_state.get(PROMPT), page_state("sampling.offered", None)
    if typed == offered and (typed is not None or PROMPT not in st.query_params):
        st.session_state[PROMPT] = prompt
    set_page_state("sampling.offered", prompt)


# Time machine


def after() -> str | None:
    """The text that a person has put there to ask what comes after it."""
    return st.session_state.get(AFTER)


def choose_after(text: str | None) -> None:
    """Ask what comes after this text; None: after the beginning of the run's own."""
    _remember("after", text)


# The lesson that is on


def lesson() -> str | None:
    """The name of the lesson that leads through the pages of this tab, or None."""
    return st.session_state.get(LESSON)


def lesson_step() -> int | None:
    """At which of its steps it is, counted from 1; None: where it was left."""
    kept = st.session_state.get(LESSON_STEP)
    return int(kept) if kept else None


def choose_lesson(name: str | None, step: int | None = None) -> None:
    """Be led by this lesson from this step on; None: by none."""
    _remember("lesson", name)
    _remember("step", None if name is None or step is None else str(step))


# At the front of a room


def projected() -> bool:
    """Whether this tab is shown to a room: large, without the side bar, one idea a page."""
    return PROJECTOR in st.session_state


def project(wanted: bool) -> None:
    """Show it so, or as usual."""
    _remember("projector", "1" if wanted else None)


# What a link sets up


def as_it_is() -> dict[str, str]:
    """What the address would say so that another tab is set up as this one, by its names there."""
    said = {name: st.session_state[key] for name, key in IN_ADDRESS.items() if key in st.session_state}
    return {
        name: value for name, value in said.items() if name != "projector"
    }  # that is of this screen alone


def take_set_up() -> tuple[str, str] | None:
    """What the address says is hidden, and whose link it is; taken out of it: from then on the store knows it."""
    hide, by = st.query_params.get("hide"), st.query_params.get("by", "")
    if hide is None or not HIDDEN.fullmatch(hide):
        return None
    for name in ("hide", "by"):
        st.query_params.pop(name, None)
    return hide, by[:LONGEST_NAME]


# Who is asking


def workspace() -> str:
    """Whose runs this browser may touch: "local", or the unguessable token of its cookie when serving a class.

    Without cookies it is the tab's own (see `tab_workspace.py`).
    """
    if not workspaces.serving():
        return workspaces.LOCAL
    token = st.context.cookies.get(workspaces.COOKIE)
    if workspaces.well_formed(token):
        return str(token)
    return str(st.session_state.setdefault(WORKSPACE, workspaces.new_token()))


def arrive(page: str) -> None:
    """Somebody opens a page: a pupil of a served class appears on the teacher's; the teacher is none of them."""
    if not teacher.secret():
        return
    with suppress(StoreError):  # the pages say so
        if is_teacher():
            resources.jobs().prefer(workspace())
            people.roll().leave(workspace())
        else:
            people.roll().arrive(workspace(), page, asked_language())


def pupil() -> Pupil | None:
    """Who this browser is in a served class."""
    try:
        return people.roll().find(workspace()) if teacher.secret() else None
    except StoreError:
        return None


def call_me(nickname: str) -> None:
    """Be called so in the class. Raises `UserError`."""
    people.roll().call(workspace(), nickname)


def come_so_far(fact: Fact) -> None:
    """The teacher sees that a pupil has come so far."""
    if workspaces.serving():
        with suppress(StoreError):
            people.roll().note(workspace(), fact)


def is_teacher() -> bool:
    """Whether this browser has opened the teacher's link: see `ui/teacher.py`."""
    return teacher.is_teacher(st.context.cookies)


def may_teach() -> bool:
    """Whether this browser is the teacher's, or no class is served: whoever is at this machine may be one."""
    return is_teacher() or not workspaces.serving()


def teacher_only() -> None:
    """Raise `StoreError` for everybody else."""
    if not is_teacher():
        raise StoreError("This is for the teacher of the class.")


def without_cookie() -> bool:
    """Whether a class is served and this browser has sent no cookie of ours."""
    return workspaces.serving() and not workspaces.well_formed(st.context.cookies.get(workspaces.COOKIE))


def keep_workspace(token: object) -> None:
    """Take over the workspace that this tab had before it was reloaded."""
    if workspaces.well_formed(token) and without_cookie():
        st.session_state[WORKSPACE] = token


def forget_everything() -> None:
    """Know nothing any more, as a tab that was just opened. What stands in the address goes too."""
    st.session_state.clear()
    st.query_params.clear()


# Where to


def go_to(script: str) -> None:
    """Show this page next. For callbacks, which cannot change the page themselves."""
    st.session_state[DESTINATION] = script


def take_destination() -> str | None:
    """The page that a callback wants to be shown, once."""
    return st.session_state.pop(DESTINATION, None)


# What went wrong


def notify(sentence: str) -> None:
    """Show this sentence once, above the page, when the script runs next."""
    st.session_state.setdefault(NOTICES, {})[sentence] = None


def take_notices(page: str = "") -> list[str]:
    """The sentences to be shown above this page: those that wait, and those that have just been shown there. A page may
    draw itself anew at once, as when an estimate is measured: nobody would have read them."""
    now, notices = time.monotonic(), st.session_state.get(NOTICES, {})
    shown = {sentence: seen or (page, now) for sentence, seen in notices.items()}
    st.session_state[NOTICES] = {
        sentence: (where, since)
        for sentence, (where, since) in shown.items()
        if where == page and now - since < NOTICE_SECONDS
    }
    return [*st.session_state[NOTICES]]


def note_trouble(report: str) -> None:
    """Keep the report of an unexpected error for this tab's diagnostics."""
    st.session_state[TROUBLES] = [*troubles(), report][-TROUBLES_KEPT:]


def troubles() -> list[str]:
    """The latest unexpected errors of this tab."""
    return list(st.session_state.get(TROUBLES, []))


def page_key(name: str) -> str:
    """The session key of `page_state(name)`; a widget with this `key=` can be set through `set_page_state`."""
    return f"page.{name}"


def page_state(name: str, default: Any) -> Any:
    """A value of one page that is no widget's: `page_state("batches.draw", 0)`."""
    return st.session_state.setdefault(page_key(name), default)


def keep_choices(area: str, names: Iterable[str]) -> None:
    """Keep the choices of these widgets (by key or `page_state` name) when the language changes. Call it before them.

    The browser knows what is chosen by its words only: in another language it would find none of them and fall back
    to the first.
    """
    drawn_in = f"{area}.language"
    if page_state(drawn_in, language()) != language():
        for key in filter(st.session_state.__contains__, chain(*((name, page_key(name)) for name in names))):
            st.session_state[key] = st.session_state[key]
        set_page_state(drawn_in, language())


def set_page_state(name: str, value: Any) -> None:
    """Change a value of one page."""
    st.session_state[page_key(name)] = value


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Nothing in here is cut short. Streamlit gives up a script run at the next use of the session or the address once
    another one has been asked for (by a component, say), in the middle of a callback too: then a click would be lost
    half done."""
    context = get_script_run_ctx()
    requests = context.script_requests if context else None
    if requests is None or "on_scriptrunner_yield" in vars(requests):  # nobody asks, or we are inside already
        yield
        return
    requests.on_scriptrunner_yield = lambda: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del requests.on_scriptrunner_yield
