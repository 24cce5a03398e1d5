"""The Batches page from top to bottom, one function a section."""

import streamlit as st

from minigpt_core.data import Dataset, check_length
from minigpt_core.errors import TextError
from minigpt_core.store.runs import Run
from minigpt_core.tokenizer import CharTokenizer
from ui import resources
from ui.batches import draws, pictures, sizes
from ui.batches.draws import Draw
from ui.batches.sizes import Sizes
from ui.resources import ChosenText
from ui.words import glossary
from ui.words.i18n import _, n_, number, translate
from ui.words.tokens import escape, escape_markdown


def head(drawn: Sizes, run: Run | None, part: str) -> None:
    """The title, what a batch is in a sentence, and the buttons that draw another one."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(_("Batches"), width="content")
        with st.container(horizontal=True, horizontal_alignment="right", width="content"):
            st.button(
                _("Previous draw"),
                icon=":material/undo:",
                key="batches_back",
                on_click=draws.draw_back,
                disabled=len(draws.seeds()) == 1,
                help=_("The same seed gives the same draw again."),
            )
            st.button(
                _("Draw again"),
                icon=":material/casino:",
                type="primary",
                key="batches_again",
                on_click=draws.draw_again,
            )
    st.markdown(_intro(drawn, run, part))


def _intro(drawn: Sizes, run: Run | None, part: str) -> str:
    rows = n_("**{n} stretch**", "**{n} stretches**", drawn.rows).format(n=number(drawn.rows))
    if part == "val":
        sentence = _(
            "**Nothing is learned from this part**: it is kept back to test the model. An evaluation reads windows of "
            "it, the same ones each time, and asks after every character: what comes next? Here are {rows} of "
            "**{block} characters** from it, picked by chance."
        )
        return sentence.format(rows=rows, block=number(drawn.block))
    sentence = _(
        "At each step of the training, the computer picks {rows} of **{block} characters** by chance, and "
        "asks after every character: what comes next?"
    )
    if run is None or drawn == sizes.of_run(run):
        return sentence.format(rows=rows, block=number(drawn.block))
    sentence = _(
        "At each step, a training with these sizes picks {rows} of **{block} characters** by chance, and asks after "
        "every character: what comes next?"
    )
    return f"{sentence.format(rows=rows, block=number(drawn.block))} {_what_the_run_takes(sizes.of_run(run))}"


def _what_the_run_takes(own: Sizes) -> str:
    """The sizes of the current run, and whether this page can draw them."""
    words = n_(
        "The current run picks {n} stretch of {block} characters at each step.",
        "The current run picks {n} stretches of {block} characters at each step.",
        own.rows,
    )
    said = words.format(n=number(own.rows), block=number(own.block))
    if own.block <= sizes.LARGEST.block and own.rows <= sizes.LARGEST.rows:
        return said
    limit = _("This page draws at most {rows} rows of {block} characters.").format(
        rows=number(sizes.LARGEST.rows), block=number(sizes.LARGEST.block)
    )
    return f"{said} {limit}"


def choose_seed() -> int:
    """The seed of the draw. It may also be typed: the same number always gives the same draw."""
    seeds = draws.seeds()
    typed = st.number_input(
        _("Seed of the draw"),
        0,
        draws.LARGEST_SEED,
        seeds[-1],
        key=f"batches_seed_{len(seeds)}",
        help=glossary.help("seed"),
    )
    if typed is not None and typed != seeds[-1]:
        draws.use_seed(typed)
    return draws.seeds()[-1]


def check(chosen: ChosenText, dataset: Dataset, part: str, block_size: int) -> None:
    """Say at once if the text has no room for a window, and end the page there."""
    try:
        check_length(dataset.train if part == "train" else dataset.val, block_size)
    except TextError as error:
        st.warning(escape_markdown(translate(error)), icon=":material/info:")
        total = len(chosen.text)
        st.html(pictures.text_bar(chosen.text, len(dataset.train), [], block_size))
        st.html(pictures.bar_legend(len(dataset.train), total))
        st.stop()


def where(chosen: ChosenText, dataset: Dataset, batch: Draw, part: str) -> int:
    """Where the windows fell in the text. Returns the row to look at closely, counted from 0."""
    n_train, total = len(dataset.train), len(chosen.text)
    bar = st.container()
    rows, words = st.columns(2, vertical_alignment="center")
    with rows.container(horizontal=True, vertical_alignment="center", gap="small"):
        row = _choose_row(batch.batch_size)
    words.html(f"<div class='mg-note mg-end'>{_shape_words(batch, row, part)}</div>")
    with bar:
        st.html(
            pictures.text_bar(chosen.text, n_train, batch.places, batch.block_size, row)
            + pictures.bar_legend(n_train, total)
        )
    return row


def _choose_row(batch_size: int) -> int:
    label, key = _("Look at row"), f"batches_row_{batch_size}"
    if batch_size == 1:
        return 0
    if batch_size > pictures.SHOWN_ROWS:
        return int(st.slider(label, 1, batch_size, 1, key=key, persist_state="session")) - 1
    st.markdown(f"**{label}**", width="content")
    row = st.segmented_control(
        label,
        range(1, batch_size + 1),
        default=1,
        required=True,
        key=key,
        label_visibility="collapsed",
        persist_state="session",
    )
    return int(row) - 1


def _shape_words(batch: Draw, row: int, part: str) -> str:
    n_rows, n_columns = batch.batch_size, batch.block_size
    sentence = _("Shape ({rows}, {columns}): {rows} × {columns} = {n} characters to guess in a single step.")
    if part == "val":
        sentence = _("Shape ({rows}, {columns}): {rows} × {columns} = {n} characters to guess.")
    words = sentence.format(rows=number(n_rows), columns=number(n_columns), n=number(n_rows * n_columns))
    shown = pictures.shown_rows(n_rows, row)
    if n_rows > len(shown):
        words += " " + _("Rows {first} to {last} are shown.").format(first=shown[0] + 1, last=shown[-1] + 1)
    if n_columns > pictures.SHOWN_CHARACTERS:
        words += " " + _("The first {n} characters of each row are shown.").format(
            n=pictures.SHOWN_CHARACTERS
        )
    return escape(words)


def batch(tokenizer: CharTokenizer, batch: Draw, row: int) -> None:
    """x and y side by side: the whole batch, or as much of it as fits."""
    for column, ids, title, words in zip(
        st.columns(2),
        (batch.x, batch.y),
        ("x", "y"),
        (_("what the model is given"), _("what it must guess: the next character")),
        strict=True,
    ):
        texts = [tokenizer.decode(line) for line in ids]
        label = f"{title} ({batch.batch_size}, {batch.block_size}) · {words}"
        column.html(
            f"<div class='mg-label mg-plain'>{escape(label)}</div>"
            + pictures.grid(texts, label, tokenizer.stoi, row)
        )


def one_row(chosen: ChosenText, tokenizer: CharTokenizer, batch: Draw, row: int) -> None:
    """One row where it was cut out of the text, and every exercise that it holds."""
    counts = resources.counts(chosen.id, chosen.lower)
    place, length = batch.places[row], batch.block_size
    st.subheader(_("Row {row}: y is x, moved by one place").format(row=row + 1))
    st.html(pictures.aligned(chosen.text, place, length, tokenizer.stoi, counts))
    if length > pictures.SHOWN_CHARACTERS:
        shown = min(length, pictures.LONG_ROW)
        words = _("The first {n} characters of the row: scroll the picture sideways to see them all.")
        st.caption(words.format(n=number(shown)))
    x, y = tokenizer.decode(batch.x[row]), tokenizer.decode(batch.y[row])
    title = n_("{n} exercise in this row", "{n} exercises in this row", length).format(n=number(length))
    st.subheader(title)
    example = pictures.good_example(y)
    st.html(
        f"<div class='mg-note'>{pictures.pair_words(x[: example + 1], y[example])}</div>{pictures.pairs(x, y)}"
    )
    st.caption(
        _(
            "To be honest: TinyGPT uses only the last character of each context, the one with a frame. "
            "The longer context is there for the models to come."
        )
    )


def as_tensors(batch: Draw) -> None:
    """The same batch as PyTorch prints it."""
    with st.expander(
        _("The same batch as PyTorch prints it"), icon=":material/data_array:", key="batches_tensors"
    ):
        st.code(f"x.shape = {batch.x.shape}\nx = {batch.x}", language="python")
        st.code(f"y.shape = {batch.y.shape}\ny = {batch.y}", language="python")
