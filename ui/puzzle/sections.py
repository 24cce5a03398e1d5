"""The page from top to bottom, one function a section."""

from collections.abc import Iterable

import streamlit as st

from minigpt_core.interpret.ablation import Part
from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.puzzle_heads import best_head, is_pattern
from minigpt_core.interpret.puzzles import Puzzle, answers, example_words
from minigpt_core.store.runs import Run
from ui import resources, state
from ui.inside import reading_guide, train_gpt
from ui.puzzle import contest, example
from ui.puzzle.contest import Solved
from ui.puzzle.example import Followed, Head, head_title
from ui.runs.wording import run_title, text_title
from ui.words.i18n import N_, _, n_, number, percent
from ui.words.tokens import escape, escape_markdown, face, name

TASK, QUESTION, OFFERED, DRAWN, SHOWN, BEFORE = (
    "puzzle.task",
    "puzzle.question",
    "puzzle.offered",
    "puzzle.drawn",
    "puzzle.shown",
    "puzzle.text_before",
)
EVERY = "every"
TRIED_WITHOUT = 60  # puzzles on which each head is left out
MOST_HEADS = 16
LONGEST_QUESTION = 20
INTRODUCTIONS = {
    "reversed-words": N_(
        "To write a word backwards, one must look at its letters again. Who sees only the last character cannot."
    ),
    "balanced-brackets": N_(
        "To close brackets, one must look for the one that is still open. Who sees only the last character cannot."
    ),
}
BEWARE = {
    "reversed-words": N_(
        "Solving them all does not mean that the model knows a rule for every word. It has only seen words of two to "
        "four syllables, each of them a consonant and a vowel: with any other word, even a short one, it mostly fails. "
        "Try it."
    ),
    "balanced-brackets": N_(
        "Solving them all does not mean that the model knows a rule for every length: with longer questions than in "
        "its text it may fail. Try it."
    ),
}


def introduction(task: str) -> str:
    """Why this puzzle needs attention."""
    return _(INTRODUCTIONS[task])


def choose_task() -> str:
    """Which generated text: its id."""
    state.keep_choices("puzzle", [TASK, SHOWN])
    task = st.segmented_control(
        _("Puzzle"),
        list(contest.TASKS),
        format_func=lambda task: _(contest.TASKS[task]),
        default="reversed-words",
        required=True,
        key=state.page_key(TASK),
        persist_state="session",
        label_visibility="collapsed",
    )
    return task or "reversed-words"


def offer_the_way_back() -> None:
    """A button to the text that was chosen before a GPT was trained from here."""
    before: resources.ChosenText | None = state.page_state(BEFORE, None)
    if before is None or state.text_id() == before.id:
        return
    st.button(
        _("Back to the text chosen before: “{title}”").format(title=_title(before)),
        icon=":material/undo:",
        key="puzzle_back",
        on_click=_choose_again,
        args=(before,),
    )


def _title(text: resources.ChosenText) -> str:
    return escape_markdown(text_title(text.title))


def _choose_again(before: resources.ChosenText) -> None:
    state.choose_text(before.id)
    state.choose_letters(before.lower)


def gpt_for(task: str) -> tuple[Run, int] | None:
    """The newest GPT that learned this text and has weights, and its last step."""
    text_id, characters = resources.fingerprint(task, True), resources.tokenizer(task, True).characters
    for run in state.visible_runs():
        if contest.can_take_part(run, text_id, characters):
            kept = resources.store().checkpoints(run.id)
            if kept and kept[-1].step:
                return run, kept[-1].step
    return None


def scoreboard(task: str, gpt: tuple[Run, int] | None) -> None:
    """How many puzzles each model solves."""
    tried = len(resources.puzzles(task))
    reading_guide.heading(
        _("Who solves it?"),
        "scores",
        shows=_("The share of {n} puzzles that each model solves without a single mistake.").format(
            n=number(tried)
        ),
        computed=_(
            "All puzzles come from the end of the text, which no model learned from. Each model always writes its "
            "likeliest character. TinyGPT is trained for {steps} steps when the page is opened for the first time."
        ).format(steps=number(contest.QUICK.steps)),
        beware=_(BEWARE[task]),
    )
    rows = [
        (_("Counted pairs"), _("sees one character"), resources.puzzle_score(task, "counted")),
        ("TinyGPT", _("sees one character"), resources.puzzle_score(task, "tinygpt")),
    ]
    if gpt:
        run, step = gpt
        heads = run.model.n_layer * run.model.n_head
        about = n_("looks back with {n} head", "looks back with {n} heads", heads).format(n=number(heads))
        rows.append(("GPT", about, resources.puzzle_score(task, run.id, step)))
    st.html(_scores(rows))
    if gpt is None:
        _train(task)
    else:
        st.caption(_("The GPT here: {run}").format(run=escape_markdown(run_title(gpt[0]))))


def _scores(rows: list[tuple[str, str, Solved]]) -> str:
    cells = "".join(
        f"<span><b>{escape(title)}</b> <small>{escape(about)}</small></span>"
        f"<i style='width:{100 * solved.share:.1f}%;--k:#009E73'></i>"
        f"<span class='mg-rank-n'>{escape(percent(solved.share, 0))}</span>"
        for title, about, solved in rows
    )
    return f"<div class='mg-ranks'>{cells}</div>"


def _train(task: str) -> None:
    train_gpt.go_to_training()
    st.markdown(_("**GPT**: none has learned these puzzles yet. It takes about a minute."))
    st.button(
        _("Train a GPT on these puzzles"),
        icon=":material/play_arrow:",
        type="primary",
        key="puzzle_train",
        on_click=_train_on,
        args=(task,),
    )
    if state.text_id() != task:
        words = _(
            "It takes you to the training, and the chosen text becomes “{title}”. On this page you can go back to your "
            "text afterwards."
        )
        st.caption(words.format(title=_title(resources.chosen_text(task, True))))


def _train_on(task: str) -> None:
    if state.text_id() != task:
        state.set_page_state(BEFORE, state.chosen_text())
    train_gpt.train(task)


def heads(task: str, run: Run, step: int) -> None:
    """What each head contributes: where it looks, and what happens without it."""
    reading_guide.heading(
        _("Which heads do it?"),
        "heads",
        shows=_(
            "For each head: how much of its attention goes to the character that has to be written next, and how many "
            "puzzles the model still solves without that head."
        ),
        computed=_(
            "Attention: the mean over all characters of the answers of {n} puzzles. Without: the head hands on zeros, "
            "and the model tries {few} puzzles again."
        ).format(n=number(100), few=number(TRIED_WITHOUT)),
        beware=_(
            "A head that does not look there can be needed all the same: it may prepare what another one works with. "
            "And several heads can share the work, each for its own distance."
        ),
    )
    scores = resources.puzzle_heads(task, run.id, step)
    order = scores.flatten().argsort(descending=True, stable=True).tolist()[:MOST_HEADS]
    rows = []
    for place in order:
        head = divmod(place, scores.size(1))
        without = resources.puzzle_score(task, run.id, step, Part("head", *head), TRIED_WITHOUT)
        rows.append((head, scores[head].item(), without.share))
    st.html(_heads_table(rows))


def _heads_table(rows: list[tuple[Head, float, float]]) -> str:
    titles = (_("head"), _("looks at the right character"), _("solved without it"))
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    lines = "".join(
        f"<tr><td>{escape(head_title(one))}</td><td>{escape(percent(looks, 0))}</td>"
        f"<td>{escape(percent(without, 0))}</td></tr>"
        for one, looks, without in rows
    )
    return f"<table class='mg-table mg-solvers'><tr>{head}</tr>{lines}</table>"


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
    puzzle = _ask(task)
    if puzzle is None:
        return
    model, words = resources.model(run.id, step), resources.tokenizer(task, True)
    size = run.model.block_size
    written = answers(model, words, [puzzle], size)[0]
    idx = words.encode(("\n" + puzzle.question + written.rstrip("\n"))[:size])[None]
    pattern = run_with_cache(model, idx, is_pattern)[1].layers("attn.pattern")[:, 0]  # (L, nh, T, T)
    followed = Followed(task, puzzle, written, pattern)
    _answer(task, puzzle, written)
    only = _which_head(task, run, step)
    st.html(example.picture(followed, only) + example.legend())


def _answer(task: str, puzzle: Puzzle, written: str) -> None:
    """What it writes, and whether the question was one that it can be expected to solve."""
    st.html(f"<div class='mg-answer'>{_verdict(puzzle, written)}</div>")
    if not contest.is_like_its_words(task, puzzle):
        words = _(
            "“{word}” is not built like the words that it learned from: what it writes here is a guess."
        )
        word = escape_markdown(puzzle.question.removesuffix(">"))
        st.markdown(f":orange[:material/warning:] {words.format(word=word)}")


def _verdict(puzzle: Puzzle, written: str) -> str:
    answer, wrote = (
        f"<b class='mg-last'>{escape(''.join(face(c) for c in text.removesuffix(chr(10))))}</b>"
        for text in (puzzle.answer, written)
    )
    if written == puzzle.answer:
        return escape(_("It writes {wrote}: right.")).format(wrote=wrote)
    return escape(_("It writes {wrote}; {answer} would be right.")).format(wrote=wrote, answer=answer)


def _ask(task: str) -> Puzzle | None:
    """The question: typed, or one of the unseen ones."""
    key = state.page_key(QUESTION)
    everything = resources.puzzles(task)
    offered = everything[state.page_state(DRAWN, 0) % len(everything)].question.rstrip(">")
    if state.page_state(OFFERED, None) != (task, offered):
        state.set_page_state(QUESTION, offered[:LONGEST_QUESTION])
        state.set_page_state(OFFERED, (task, offered))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        typed = st.text_input(
            _("A word to reverse") if task == "reversed-words" else _("Open brackets to close"),
            key=key,
            max_chars=LONGEST_QUESTION,
        )
        st.button(_("Another one"), icon=":material/casino:", key="puzzle_another", on_click=_another)
    if contest.is_word_puzzle(task):
        _offer_words(task)
    usable = contest.can_be_asked(task, resources.tokenizer(task, True).characters)
    asked = "".join(c for c in (typed or "").lower() if c in usable)
    puzzle = contest.puzzle_from(task, asked)
    _say_left_out(c for c in (typed or "").lower() if c not in usable)
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
        for title, words in ((_("Built alike:"), like), (_("Built otherwise:"), contest.OTHER_WORDS)):
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
    scores = resources.puzzle_heads(task, run.id, step)
    best = best_head(scores)
    every = [(layer, head) for layer in range(scores.size(0)) for head in range(scores.size(1))]
    titles = {EVERY: _("the best of each row")} | {
        f"{head[0]}.{head[1]}": head_title(head) for head in [best, *(one for one in every if one != best)]
    }
    chosen = st.selectbox(
        _("Whose attention?"), list(titles), format_func=titles.__getitem__, key=state.page_key(SHOWN)
    )
    if chosen == EVERY:
        return None
    layer, head = chosen.split(".")
    return int(layer), int(head)
