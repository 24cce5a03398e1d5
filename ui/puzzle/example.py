"""One puzzle followed on its way: the question, what the model writes, and where its heads look meanwhile."""

from collections.abc import Iterable

import streamlit as st

from minigpt_core.interpret.puzzle_heads import Head, attention_while_solving
from minigpt_core.interpret.puzzle_questions import (
    OTHER_WORDS,
    asks_for_words,
    is_like_its_text,
    typed_puzzle,
    usable_characters,
)
from minigpt_core.interpret.puzzles import Puzzle, example_words
from minigpt_core.store.runs import Run
from ui import kept_choices, resources, state
from ui.inside import reading_guide
from ui.limited_text import limited_text
from ui.puzzle import attention_picture
from ui.puzzle.attention_picture import head_title
from ui.puzzle.cache import head_attention, puzzles, run_model
from ui.puzzle.task import SHOWN_HEAD
from ui.words.i18n import _
from ui.words.tokens import escape, escape_markdown, face, name

QUESTION, OFFERED, DRAWN = "puzzle.question", "puzzle.offered", "puzzle.drawn"
EACH_BEST = "every"
LONGEST_QUESTION = 20


def follow_one(task: str, run: Run, step: int) -> None:
    """One example on its way, with the head that looks at the right character."""
    reading_guide.heading(
        _("Follow one example"),
        "example",
        shows=_(
            "A row for each character that the model writes, a column for each that it sees. The colour says how much "
            "it looks there just before writing; the frame marks the character that has to be copied or closed."
        ),
        computed=_(
            "The attention pattern of one head, on what the model has written itself. “The best of each row” shows, "
            "row by row, the head that looks most at the framed character."
        ),
        beware=_(
            "Looking is not copying: what is taken over from there, and what becomes of it, the later parts decide. "
            "Choosing the best head of each row makes the picture cleaner than any single head is."
        ),
    )
    puzzle = _choose_question(task)
    if puzzle is None:
        return
    solved = attention_while_solving(run_model(run.id, step), task, puzzle)
    _answer(task, puzzle, solved.written)
    only = _which_head(task, run, step)
    st.html(attention_picture.picture(solved, only) + attention_picture.legend())


def _answer(task: str, puzzle: Puzzle, written: str) -> None:
    """What it writes, and whether the question was one that it can be expected to solve."""
    st.html(f"<div class='mg-answer'>{_verdict(puzzle, written)}</div>")
    if not is_like_its_text(task, puzzle):
        words = _(
            "“{word}” is not built like the words that it learned from: what it writes here is a guess."
        )
        word = escape_markdown(puzzle.question.removesuffix(">"))
        st.markdown(f":orange[:material/warning:] {words.format(word=word)}")


def _verdict(puzzle: Puzzle, written: str) -> str:
    answer, wrote = (
        f"<b class='mg-last' translate='no'>{escape(''.join(face(c) for c in text.removesuffix(chr(10))))}</b>"
        for text in (puzzle.answer, written)
    )
    if written == puzzle.answer:
        return escape(_("It writes {wrote}: right.")).format(wrote=wrote)
    return escape(_("It writes {wrote}; {answer} would be right.")).format(wrote=wrote, answer=answer)


def _choose_question(task: str) -> Puzzle | None:
    """The question: typed, or one of the unseen ones."""
    key = state.page_key(QUESTION)
    everything = puzzles(task)
    drawn = kept_choices.keep(DRAWN, 0, kept_choices.whole_number(0, 1_000_000))
    offered = everything[drawn % len(everything)].question.rstrip(">")
    before = state.page_state(OFFERED, None)
    kept = kept_choices.keep_text(QUESTION, before[1] if before else None)
    if before != (task, offered):
        if before or kept is None:
            state.set_page_state(QUESTION, offered[:LONGEST_QUESTION])
        state.set_page_state(OFFERED, (task, offered))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = limited_text(
            st.text_input,
            _("A word to reverse") if task == "reversed-words" else _("Open brackets to close"),
            LONGEST_QUESTION,
            key=key,
        )
        st.button(_("Another one"), icon=":material/casino:", key="puzzle_another", on_click=_another)
    if asks_for_words(task):
        _offer_words(task)
    usable = usable_characters(task, resources.tokenizer(task, True).characters)
    question = "".join(c for c in typed.lower() if c in usable)
    puzzle = typed_puzzle(task, question)
    _say_left_out(c for c in typed.lower() if c not in usable)
    if puzzle is None:
        st.info(
            _("Type at least two letters of these words.")
            if task == "reversed-words"
            else _("Type brackets of which at least one is still open, and none is closed wrongly.")
        )
    return puzzle


def _offer_words(task: str) -> None:
    """What the words of the text look like, and a few of both kinds to try."""
    like = example_words(resources.chosen_text(task, True).text)
    st.caption(
        _(
            "It learned from made-up words: two to four times a consonant and a vowel. Any other word is outside what "
            "it has seen, and it mostly fails there."
        )
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for title, words in ((_("Built alike:"), like), (_("Built otherwise:"), OTHER_WORDS)):
            st.caption(title, width="content")
            for word in words:
                st.button(
                    word,
                    key=f"puzzle_try_{word}",
                    type="tertiary",
                    on_click=state.set_page_state,
                    args=(QUESTION, word),
                )


def _say_left_out(characters: Iterable[str]) -> None:
    """Name what the question was freed from."""
    left_out = [
        _("“{character}”").format(character=name(character)) for character in dict.fromkeys(characters)
    ]
    if left_out:
        words = _("Left out, because no question of these puzzles has it: {characters}")
        sentence = escape_markdown(words.format(characters=", ".join(left_out)))
        st.markdown(f":orange[:material/warning:] {sentence}")


def _another() -> None:
    state.set_page_state(DRAWN, state.page_state(DRAWN, 0) + 1)


def _which_head(task: str, run: Run, step: int) -> Head | None:
    attention = head_attention(task, run.id, step)
    best = next(iter(attention))
    titles = {EACH_BEST: _("the best of each row")} | {
        f"{head[0]}.{head[1]}": head_title(head)
        for head in [best, *(one for one in sorted(attention) if one != best)]
    }
    kept_choices.keep(SHOWN_HEAD, EACH_BEST, kept_choices.one_of(titles))
    chosen = st.selectbox(
        _("Whose attention?"), list(titles), format_func=titles.__getitem__, key=state.page_key(SHOWN_HEAD)
    )
    if chosen == EACH_BEST:
        return None
    layer, head = chosen.split(".")
    return int(layer), int(head)
