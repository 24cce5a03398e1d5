"""The words for a loss, and for what a model wrote: what a reader can use, also where a training broke its model."""

import pytest

from ui.home import card_pictures
from ui.ladder import rung_html
from ui.runs.health import loss_number
from ui.timeline import component_data
from ui.words.i18n import using


@pytest.mark.parametrize(
    ("loss", "shown"),
    [
        (None, "–"),
        (2.345, "2.34"),
        (1234.5, "1,234"),
        (4.7e25, "over 1,000,000"),
        (float("inf"), "over 1,000,000"),
    ],
)
def test_a_loss_beyond_all_that_can_be_meant_is_no_row_of_digits(loss: float | None, shown: str) -> None:
    with using("en"):
        assert loss_number(loss) == shown


@pytest.mark.parametrize("written", [" " * 60, "\n\n\n", " \n "])
def test_a_text_of_which_nothing_can_be_seen_is_described(written: str) -> None:
    with using("en"):
        assert component_data.readable(written, 90) == "(nothing but spaces and line breaks)"
        for html in (
            card_pictures.sample(written),
            card_pictures.sample(written, after="one"),
            rung_html.sample("one", written),
        ):
            assert "nothing but spaces" in html
        assert component_data.readable("a ", 90) == "a "
