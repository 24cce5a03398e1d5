"""What a browser has kept of a page is not sent again, and nothing is referred to that it may have forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.running_app import running_app
from scripts.visitor import Visitor


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    home: Path = tmp_path_factory.mktemp("kept") / "home"
    with running_app(home, env={"MINIGPT_WARM_WORKER": "0"}) as app:
        visitor = Visitor(app.url)
        yield visitor
        visitor.close()


def type_and_size(element: Any) -> tuple[str, int]:
    return element.WhichOneof("type"), element.ByteSize()


def test_a_page_that_is_drawn_again_is_mostly_referred_to(visitor: Visitor) -> None:
    visitor.open("ladder")
    first = visitor.bytes_received
    visitor.open("ladder")
    drawn, again = [type_and_size(element) for element in visitor.drawn], visitor.bytes_received - first
    visitor.open("vocabulary")
    visitor.open("ladder")
    visitor.open("ladder")
    assert [type_and_size(element) for element in visitor.drawn] == drawn, "a reference is to what was drawn"
    assert again < 20_000 < first, "style sheets and scripts are not sent again"


def test_a_page_that_was_left_is_sent_whole(visitor: Visitor) -> None:
    """A browser forgets it within a run or two, while a request that names it may be under way already."""
    visitor.open("model")
    of_model = {message.hash for message in visitor.heard}
    visitor.open("vocabulary")
    of_vocabulary = {message.hash for message in visitor.heard}
    visitor.open("model")
    assert of_model - of_vocabulary, "the pages differ"
    assert visitor.referred and set(visitor.referred) <= of_vocabulary
