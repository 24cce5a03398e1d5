"""A batch: where its windows fell in the text, what is in it, one row from close by, and the tensors."""

import streamlit as st

from minigpt_core.data import Batch, Dataset, check_length
from minigpt_core.errors import TextError
from minigpt_core.tokenizer import CharTokenizer
from ui import kept_choices, resources, state
from ui.batches import batch_pictures
from ui.components.printed import printed
from ui.resources import ChosenText
from ui.words.i18n import _, n_, number, translate
from ui.words.tokens import escape, escape_markdown


def problem(dataset: Dataset, part: str, block_size: int) -> TextError | None:
    """Why the text has no room for a window, if it has none."""
    try:
        check_length(dataset.train if part == "train" else dataset.val, block_size)
    except TextError as error:
        return error
    return None


def impossible(chosen: ChosenText, dataset: Dataset, block_size: int, why: TextError) -> None:
    """Say so, and end the page there."""
    st.warning(escape_markdown(translate(why)), icon=":material/info:")
    st.html(batch_pictures.text_bar(chosen.text, len(dataset.train), [], block_size))
    st.html(batch_pictures.bar_legend(len(dataset.train), len(chosen.text)))
    st.stop()


def where(chosen: ChosenText, dataset: Dataset, batch: Batch, part: str) -> int:
    """Where the windows fell in the text. Returns the row to look at closely, counted from 0."""
    n_train, total = len(dataset.train), len(chosen.text)
    bar = st.container()
    rows, words = st.columns(2, vertical_alignment="center")
    with rows.container(horizontal=True, vertical_alignment="center", gap="small"):
        row = _choose_row(batch.batch_size)
    with words.container(key="batches_shape"):
        st.html(f"<div class='mg-note mg-end'>{_shape_words(batch, row, part)}</div>")
    with bar:
        st.html(
            batch_pictures.text_bar(chosen.text, n_train, batch.starts, batch.block_size, row)
            + batch_pictures.bar_legend(n_train, total)
        )
    return row


def _choose_row(batch_size: int) -> int:
    label, kept = _("Look at row"), f"batches.row_{batch_size}"
    if batch_size == 1:
        return 0
    kept_choices.keep(kept, 1, kept_choices.whole_number(1, batch_size))
    key = state.page_key(kept)
    if batch_size > batch_pictures.SHOWN_ROWS:
        return int(st.slider(label, 1, batch_size, key=key, persist_state="session")) - 1
    st.markdown(f"**{label}**", width="content")
    row = st.segmented_control(
        label,
        range(1, batch_size + 1),
        required=True,
        key=key,
        label_visibility="collapsed",
        persist_state="session",
    )
    return int(row or 1) - 1


def _shape_words(batch: Batch, row: int, part: str) -> str:
    n_rows, n_columns = batch.batch_size, batch.block_size
    sentence = _("Shape ({rows}, {columns}): {rows} × {columns} = {n} characters to guess in a single step.")
    if part == "val":
        sentence = _("Shape ({rows}, {columns}): {rows} × {columns} = {n} characters to guess.")
    words = sentence.format(rows=number(n_rows), columns=number(n_columns), n=number(n_rows * n_columns))
    shown = batch_pictures.shown_rows(n_rows, row)
    if n_rows > len(shown):
        words += " " + _("Rows {first} to {last} are shown.").format(first=shown[0] + 1, last=shown[-1] + 1)
    if n_columns > batch_pictures.SHOWN_CHARACTERS:
        words += " " + _("The first {n} characters of each row are shown.").format(
            n=batch_pictures.SHOWN_CHARACTERS
        )
    return escape(words)


def whole(tokenizer: CharTokenizer, batch: Batch, row: int) -> None:
    """x and y side by side: the whole batch, or as much of it as fits."""
    with st.container(key="batches_both"):
        columns = st.columns(2)
    for column, ids, title, words in zip(
        columns,
        (batch.x, batch.y),
        ("x", "y"),
        (_("what the model is given"), _("what it must guess: the next character")),
        strict=True,
    ):
        texts = [tokenizer.decode(line) for line in ids]
        label = f"{title} ({batch.batch_size}, {batch.block_size}) · {words}"
        column.html(
            f"<div class='mg-label mg-plain'>{escape(label)}</div>"
            + batch_pictures.grid(texts, label, tokenizer.stoi, row)
        )


def one_row(chosen: ChosenText, tokenizer: CharTokenizer, batch: Batch, row: int) -> None:
    """One row where it was cut out of the text, and every exercise that it holds."""
    counts = resources.counts(chosen.id, chosen.lower)
    place, length = batch.starts[row], batch.block_size
    with st.container(key="batches_row"):
        st.header(_("Row {row}: y is x, moved by one place").format(row=row + 1))
        st.html(batch_pictures.aligned(chosen.text, place, length, tokenizer.stoi, counts))
    if length > batch_pictures.SHOWN_CHARACTERS:
        shown = min(length, batch_pictures.LONG_ROW)
        words = _("The first {n} characters of the row: scroll the picture sideways to see them all.")
        st.caption(words.format(n=number(shown)))
    with st.container(key="batches_questions"):
        _questions(tokenizer, batch, row)


def _questions(tokenizer: CharTokenizer, batch: Batch, row: int) -> None:
    """Every exercise that a row holds."""
    length = batch.block_size
    x, y = tokenizer.decode(batch.x[row]), tokenizer.decode(batch.y[row])
    title = n_("{n} exercise in this row", "{n} exercises in this row", length).format(n=number(length))
    st.header(title)
    example = batch_pictures.good_example(y)
    in_words = batch_pictures.pair_words(x[: example + 1], y[example])
    st.html(f"<div class='mg-note'>{in_words}</div>{batch_pictures.pairs(x, y)}")
    st.caption(
        _(
            "To be honest: TinyGPT uses only the last character of each context, the one with a frame. "
            "The longer context is there for the models to come."
        )
    )


def as_tensors(batch: Batch) -> None:
    """The same batch as PyTorch prints it."""
    with (
        st.container(key="batches_tensors"),
        st.expander(_("The same batch as PyTorch prints it"), icon=":material/data_array:"),
    ):
        for name, ids in (("x", batch.x), ("y", batch.y)):
            printed(f">>> {name}.shape\n{ids.shape}\n>>> {name}\n{ids}")
