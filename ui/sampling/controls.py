"""The controls of the Sampling page: who writes, how characters are drawn, and from which prompt."""

import re
from dataclasses import dataclass, replace

import streamlit as st

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import RunNotFound, StoreError
from minigpt_core.store.runs import PREPARED, CheckpointInfo, Run, choose_checkpoint
from ui import resources, state
from ui.inside import subject
from ui.runs.health import broken, last_evaluation, spoiled
from ui.runs.wording import run_title, text_title
from ui.sampling import typewriter
from ui.sampling.recipe import MAX_LENGTH, MAX_PROMPT, MAX_SEED
from ui.sampling.words import (
    Losses,
    how_short_its_text_is,
    settings_words,
    what_it_has_learnt,
    what_the_settings_do,
)
from ui.words import glossary
from ui.words.i18n import N_, _, number
from ui.words.tokens import escape_markdown

PAIRS = "bigram"
COUNTED = {PAIRS: N_("Counted pairs of the text"), "trigram": N_("Counted triples of the text")}
ORDER_OF = {PAIRS: 2, "trigram": 3}
OPENINGS = ("un matin,", "one morning,")
TYPED = "sampling.typed"  # characters of the prompt before it was shortened
TEMPERATURE = 0.8
SEED = 1337
PROMPT_WIDTH = 430  # pixels: one line with words and buttons at 1280, a line of its own on a phone
FIRST = 6  # characters of any other text that the prompt begins with: "87+37=" asks for an answer
SEARCHED = 100_000  # characters of a text in which its opening is looked for


@dataclass(frozen=True)
class Author:
    """Who writes: a run at one of its checkpoints, or counted characters of a text (then `run` is None)."""

    run: Run | None
    step: int
    text: resources.ChosenText | None
    """What it learnt from; None if the text is not there any more."""

    losses: Losses
    """Measured at that checkpoint, or last before it."""

    order: int = 2
    """How many characters were counted together, if no run writes."""

    instead: bool = False
    """Whether somebody else was to write, who is not there any more."""

    @property
    def counted(self) -> str:
        """The name of the counted table that writes."""
        return next(name for name, order in ORDER_OF.items() if order == self.order)

    @property
    def broken(self) -> bool:
        """Whether these weights are worse than pure chance."""
        return (
            self.run is not None
            and self.losses.seen is not None
            and broken(self.losses.seen, self.run.model.vocab_size)
        )


@dataclass(frozen=True)
class Drawing:
    """How characters are drawn, and how many."""

    settings: SampleSettings
    length: int
    seed: int


def choose_author() -> Author:
    """A run and its checkpoint, or counted characters. Raises `StoreError` if the run has no checkpoint yet."""
    lost = somebody_is_lost()
    current = who_writes()
    runs = [current] if isinstance(current, Run) else []
    runs += [run for run in state.visible_runs() if all(run.id != known.id for known in runs)]
    titles = subject.titles(runs) | {name: _(COUNTED[name]) for name in COUNTED}
    st.session_state[state.SAMPLING_RUN] = current.id if isinstance(current, Run) else current
    st.selectbox(
        _("Who writes"),
        list(titles),
        format_func=titles.__getitem__,
        key=state.SAMPLING_RUN,
        on_change=_switch_author,
        help=_("A training of yours, one that comes with the program, or a table that was only counted."),
    )
    author = trained_author(current) if isinstance(current, Run) else counted_author(ORDER_OF[current])
    pin(author)
    return replace(author, instead=lost)


def somebody_is_lost() -> bool:
    """Whether who was asked to write, or wrote when the page was last drawn, has been deleted since."""
    names = (state.author(), st.session_state.get(state.SAMPLING_RUN))
    return any(is_lost(name) for name in names if name and name not in COUNTED)


def is_lost(run_id: str) -> bool:
    """Whether there is no such run, or not any more."""
    try:
        resources.run(run_id)
    except RunNotFound:
        return True
    return False


def name_of(author: Author) -> str:
    """Who writes, in a few words."""
    return author_title(author.run) if author.run else _(COUNTED[author.counted])


def author_title(run: Run) -> str:
    """What a run is called among others."""
    return run_title(run) if run.prepared else f"{run_title(run)} · {run.id[:6]}"


def who_writes() -> Run | str:
    """Who was asked to; else the newest run that has weights (one that waits has none to write with); else the
    prepared run of the chosen text; else its counted pairs."""
    asked = state.author()
    if asked in COUNTED:
        return str(asked)
    if asked:
        try:
            return resources.run(asked)
        except RunNotFound:
            state.choose_author(None)
    if state.run_id():
        return state.current_run() or PAIRS
    store, found = resources.store(), state.visible_runs()
    own = (run for run in found if not run.prepared and store.checkpoints(run.id))
    learnt = resources.fingerprint(state.text_id(), state.lower())
    ready = (run for run in found if run.prepared and run.model.n_layer and run.text_id == learnt)
    return next(own, None) or next(ready, None) or PAIRS


def pin(author: Author) -> None:
    """Put who writes into the address, so that a link to this page gives the same text elsewhere."""
    if author.run is None:
        state.choose_author(author.counted)
        if author.text:
            state.choose_text(author.text.id)
    elif author.run.prepared and state.run_id() != author.run.id:
        state.choose_author(author.run.id)  # to look at it is not to follow it on every page
    else:
        state.choose_author(None)
        state.follow_run(author.run.id)


def trained_author(run: Run) -> Author:
    """The run with the checkpoint that is chosen, or with a sentence if that one is not kept."""
    infos = resources.store().checkpoints(run.id)
    which = state.checkpoint()
    if which.isdecimal() and infos and int(which) not in {info.step for info in infos}:
        words = _("Step {step} of this run is not kept: its last checkpoint writes.")
        st.caption(words.format(step=number(int(which))))
        which = "last"
    titles = checkpoint_titles(infos)
    if titles:
        st.session_state[state.SAMPLING_CHECKPOINT] = which if which in titles else "last"
        measured = any(info.val_loss is not None for info in infos)
        st.selectbox(
            _("Checkpoint (loss on text it never saw)") if measured else _("Checkpoint"),
            list(titles),
            format_func=titles.__getitem__,
            key=state.SAMPLING_CHECKPOINT,
            on_change=_switch_checkpoint,
            help=glossary.help("checkpoint"),
        )
    step = choose_checkpoint(
        infos, int(which) if which.isdecimal() else "best" if which == "best" else "last"
    )
    return Author(run, step, text_of(run), losses_of(run, step))


def counted_author(order: int, text: resources.ChosenText | None = None) -> Author:
    """Counted pairs or triples of a text, the chosen one if there is no other."""
    chosen = text or state.chosen_text()
    known = resources.baselines(chosen.id, chosen.lower)
    pairs = Losses(known.bigram_train, known.bigram_val)
    losses = pairs if order == 2 else Losses(known.trigram_train, known.trigram_val)
    return Author(None, 0, chosen, losses, order)


def checkpoint_titles(infos: list[CheckpointInfo]) -> dict[str, str]:
    """What each choice is called: the last, the best, then every kept step, the newest first."""
    if not infos:
        return {}
    last, best = infos[-1].step, choose_checkpoint(infos, "best")
    titles = {"last": _("last: step {step}").format(step=number(last))}
    if any(info.val_loss is not None for info in infos):
        titles["best"] = _("best: step {step}").format(step=number(best))
    for info in reversed(infos):
        loss = "" if info.val_loss is None else " · " + _("loss {loss}").format(loss=number(info.val_loss, 2))
        titles[str(info.step)] = _("step {step}").format(step=number(info.step)) + loss
    return titles


def losses_of(run: Run, step: int) -> Losses:
    """The losses at a checkpoint, or the last ones before it."""
    last = last_evaluation(run, step)
    return Losses(last.train_loss, last.val_loss) if last else Losses(None, None)


def text_of(run: Run) -> resources.ChosenText | None:
    """The text a run learnt from, if it can still be read."""
    try:
        return resources.chosen_text(run.text_id, run.lower)
    except StoreError:
        return None


def introduce(author: Author) -> None:
    """What the page is about in one sentence, or who writes if it is not a healthy run."""
    if author.instead:
        words = _("Who was to write is not there any more. Instead, **{name}** writes now.")
        st.markdown(f":orange[:material/warning:] {words.format(name=escape_markdown(name_of(author)))}")
    if author.run is None:
        counted_words(author)
    elif author.run.prepared:
        prepared_words(author.run)
    elif author.broken:
        broken_words()
    elif spoiled(author.run) and author.run.status != "diverged":
        words = _(
            "This training broke its model later on: the weights of step {step} write here, from before that."
        )
        st.markdown(words.format(step=number(author.step)))
    elif author.run.status == "diverged":
        words = _("This training diverged: its last good weights write here, those after step {step}.")
        st.markdown(words.format(step=number(author.step)))
    else:
        words = _(
            "**{name}**, trained on *{title}*, draws lots for each character that it writes: likely ones win more "
            "often."
        )
        title = escape_markdown(text_title(author.run.text_title))
        st.markdown(words.format(name=escape_markdown(name_of(author)), title=title))


def broken_words() -> None:
    """That these weights are worse than none, and what to do about it."""
    words = _(
        "**This training broke its model**: it writes worse than pure chance. Choose an earlier checkpoint, or train "
        "again with a smaller learning rate."
    )
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f":orange[:material/warning:] {words}")
        _to_training(_("Back to the training"))


def _to_training(label: str) -> None:
    st.page_link("../pages/training.py", label=label, icon=":material/show_chart:", width="content")


def counted_words(author: Author) -> None:
    """Who writes when nothing was trained, and the way to train."""
    words = (
        _("Nothing was trained for this: the **counted pairs** of *{title}* write, a bigram table.")
        if author.order == 2
        else _("Nothing was trained for this: the **counted triples** of *{title}* write, a trigram table.")
    )
    _offer_training(words.format(title=escape_markdown(author.text.title if author.text else "")))


def prepared_words(run: Run) -> None:
    """That this model comes with the program, and the way to train one's own."""
    words = _("This model comes with the program: a {model} trained on *{title}*.")
    model = "GPT" if run.model.n_layer else "TinyGPT"
    _offer_training(words.format(model=model, title=escape_markdown(text_title(run.text_title))))


def _offer_training(sentence: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(sentence, width="content")
        own = state.current_run()
        if own is None or own.prepared:
            _to_training(_("Train a model"))


def expectation(author: Author, vocab_size: int, settings: SampleSettings) -> str:
    """Whether gibberish is normal: the part of the settings in it, then a short text's, then the model's."""
    known, short = None, ""
    if author.text:
        known = (
            resources.run_baselines(author.run.id)
            if author.run
            else resources.baselines(author.text.id, author.text.lower)
        )
        short = how_short_its_text_is(len(author.text.text))
    said = [what_the_settings_do(settings), short, what_it_has_learnt(author.losses, vocab_size, known)]
    return " ".join(filter(None, said))


def choose_drawing(view: str) -> Drawing:
    """Temperature and its meaning in words, then the rest. All of it stands in the address.

    What a view does not use, or shows itself, is hidden by the style sheet: a widget that is not drawn would leave the
    address.
    """
    with st.container(key=f"sampling_drawing_{view}"):
        return _drawing()


def _drawing() -> Drawing:
    temperature = st.slider(
        glossary.word("temperature").capitalize(),
        0.0, 2.0, TEMPERATURE, 0.05,
        key="temperature", bind="query-params", help=glossary.help("temperature"),
    )  # fmt: skip
    meaning = st.container(key="sampling_temperature_words")  # written when all settings are known
    left, right = st.columns(2, gap="small")
    with left:
        top_k = st.number_input(
            "top-k", 0, 1000, 0, key="top_k", bind="query-params", help=glossary.help("top_k")
        )
        length = st.number_input(
            _("Length"), 10, MAX_LENGTH, 300, 50,
            key="length", bind="query-params", help=_("How many characters to write."),
        )  # fmt: skip
    state.offer_seed(SEED)
    with right:
        top_p = st.number_input(
            "top-p", 0.05, 1.0, 1.0, 0.05, key="top_p", bind="query-params", help=glossary.help("top_p")
        )
        seed = st.number_input(
            glossary.word("seed").capitalize(),
            0, MAX_SEED, None,
            key=state.SEED, bind="query-params", help=glossary.help("seed"),
        )  # fmt: skip
    settings = SampleSettings(temperature=temperature, top_k=int(top_k), top_p=float(top_p))
    meaning.caption(escape_markdown(settings_words(settings)))
    return Drawing(settings, int(length), SEED if seed is None else int(seed))


def choose_prompt(text: resources.ChosenText | None, *, with_buttons: bool) -> str:
    """The prompt, and beside it the buttons of the text that is being written."""
    state.offer_prompt(opening(text.text) if text else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        label = _("Write a beginning, it goes on:")
        st.markdown(label, width="content", help=glossary.help("prompt"))
        prompt = st.text_input(
            label,
            value=None,
            key=state.PROMPT,
            bind="query-params",
            on_change=_shorten_prompt,
            label_visibility="collapsed",
            width=PROMPT_WIDTH,
        )
        if with_buttons:
            st.button(
                _("Generate"),
                type="primary",
                icon=":material/play_arrow:",
                key="sampling_generate",
                on_click=typewriter.watch_again,
                help=_(
                    "Write the text once more, slowly enough to watch. The same seed gives the same text."
                ),
            )
        st.button(
            _("Another draw"),
            icon=":material/casino:",
            key="sampling_another",
            on_click=_another_draw,
            help=_("The same model and settings with the next seed: other random numbers, another text."),
        )
    prompt = prompt or ""
    typed = max(len(prompt), state.page_state(TYPED, 0))
    if len(prompt) >= MAX_PROMPT and typed > MAX_PROMPT:
        words = _("The prompt had {n} characters: its last {limit} are used.")
        words = words.format(n=number(typed), limit=number(MAX_PROMPT))
        st.markdown(f":orange[:material/warning:] {words}")
    return prompt[-MAX_PROMPT:]


def opening(text: str) -> str:
    """How a prompt may begin: as our stories do, else with the first characters of the text."""
    for words in OPENINGS:
        found = re.search(re.escape(words), text[:SEARCHED], re.IGNORECASE)
        if found:
            return found.group()
    return text[:FIRST].split("\n")[0]


def _switch_author() -> None:
    chosen = st.session_state[state.SAMPLING_RUN]
    is_own = chosen not in COUNTED and not chosen.startswith(PREPARED)
    state.choose_author(None if is_own else chosen)
    if is_own:
        state.follow_run(chosen)
    else:
        state.choose_checkpoint(None)


def _switch_checkpoint() -> None:
    state.choose_checkpoint(st.session_state[state.SAMPLING_CHECKPOINT])


def _shorten_prompt() -> None:
    """A long prompt would make an address too long to be opened again."""
    typed = st.session_state[state.PROMPT] or ""
    state.set_page_state(TYPED, len(typed))
    st.session_state[state.PROMPT] = typed[-MAX_PROMPT:]


def _another_draw() -> None:
    st.session_state[state.SEED] = (int(st.session_state.get(state.SEED) or 0) + 1) % MAX_SEED
    typewriter.watch_again()
