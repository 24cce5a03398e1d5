"""The folded sections: the code behind every page and what to try there, the words, the report."""

import inspect

from streamlit.testing.v1 import AppTest

from minigpt_core.batches import Epochs
from minigpt_core.data import get_batch
from minigpt_core.training import Trainer
from tests.app.conftest import OpenPage
from ui.words import glossary, i18n


def opened(page: AppTest, *keys: str) -> AppTest:
    """The page after clicks on what is folded there."""
    for key in keys:
        page.session_state[key] = True
    return page.run()


def test_the_code_stands_there_once_it_is_opened(app: OpenPage) -> None:
    page = app("batches", "fr")
    source = inspect.getsource(get_batch).strip()
    assert source not in [code.value for code in page.code]
    with i18n.using("fr"):
        page = opened(page, "batches_code")
    assert source in [code.value.strip() for code in page.code]
    with i18n.using("fr"):
        assert i18n.page_text("batches_code").strip() in [markdown.value for markdown in page.markdown]


def test_the_training_page_shows_its_loop(app: OpenPage) -> None:
    page = opened(app("training"), "training_code")
    shown = [code.value.strip() for code in page.code]
    assert inspect.getsource(Trainer._train_step).strip() in shown
    for called in ("loss.backward()", "self._network(", "optimizer.step()"):  # forward, backward, step
        assert any(called in source for source in shown), called


def test_the_words_are_explained_in_the_sidebar(app: OpenPage) -> None:
    page = opened(app("home", "fr"), "glossary")
    said = "".join(markdown.value for markdown in page.sidebar.markdown)
    with i18n.using("fr"):
        assert glossary.word("loss") in said


def test_the_training_page_shows_where_its_batches_come_from(app: OpenPage) -> None:
    for preset, source in (("notebook", get_batch), ("best-in-two-minutes", Epochs)):
        page = opened(app("training", address={"settings": preset}), "training_code", "training_gpt_code")
        assert inspect.getsource(source).strip() in [code.value.strip() for code in page.code], preset
