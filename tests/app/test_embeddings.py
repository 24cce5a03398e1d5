"""The Embeddings page sends the learned rows of every checkpoint as points and cosines."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.interpret.embedding_map import chance_cosine, cosine_matrix, nearest, pca
from minigpt_core.store.runs import Run
from tests.app.conftest import OpenPage
from tests.app.small_runs import small_run
from ui import resources
from ui.embeddings.character_order import by_kind, has_accent
from ui.embeddings.embedding_map_labels import labels
from ui.words.i18n import using

MODEL: dict[str, Any] = {
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 16,
    "block_size": 24,
    "positions": "learned",
    "residual": True,
}


def trained_run(**model: object) -> Run:
    """A run with checkpoints a few real steps apart."""
    return small_run(MODEL | model, 6, eval_interval=3, learning_rate=0.05)


def sent(page: AppTest) -> dict[str, Any]:
    """What the component is given."""
    found = (part.proto for part in page.get("bidi_component"))
    data: dict[str, Any] = json.loads(
        next(proto.json for proto in found if proto.component_name == "embedding_map")
    )
    return data


def numbers(base64_: str, kind: str, *shape: int) -> Any:
    return np.frombuffer(base64.b64decode(base64_), dtype=kind).reshape(shape)


def said(page: AppTest) -> str:
    return " ".join(part.value for part in (*page.markdown, *page.caption))


def test_the_cosines_and_the_last_map_are_those_of_the_model(app: OpenPage) -> None:
    run = trained_run()
    page = app("embeddings", run=run.id)
    assert not page.exception and "16 numbers" in said(page)
    data = sent(page)
    steps, shown = data["steps"], data["sets"]["characters"]
    assert steps[0] == 0 and steps[-1] == 6 and len(shown["items"]) == run.model.vocab_size
    S, N = len(steps), run.model.vocab_size
    model: Any = resources.model(run.id, 6)
    rows = model.token_embedding.weight.detach()
    cosines = numbers(shown["cosines"], "<i2", S, N, N) / data["unit"]
    np.testing.assert_allclose(cosines[-1], cosine_matrix(rows), atol=1 / data["unit"])
    flat = numbers(shown["flat"], "<f4", S, N, 2)
    np.testing.assert_allclose(flat[-1], pca(rows, 2).points, atol=1e-4)
    assert shown["flat_kept"][-1] == pytest.approx(sum(pca(rows, 2).explained))
    place, _cosine = nearest(rows, 3, 1)[0]
    assert np.argsort(-cosines[-1][3])[1] == place
    before: Any = resources.model(run.id, 0)
    first = before.token_embedding.weight.detach()
    np.testing.assert_allclose(cosines[0], cosine_matrix(first), atol=1 / data["unit"])


def test_chance_is_that_of_so_many_rows_of_so_many_numbers(app: OpenPage) -> None:
    """TinyGPT's rows hardly leave the places where they were drawn, and the page says so."""
    page = app("embeddings", run="preparedTinyEn")
    shown = sent(page)["sets"]["characters"]
    N = len(shown["items"])
    assert shown["chance"] == chance_cosine(64, N * (N - 1) // 2) and 0.4 < shown["chance"] < 0.55
    cosines = numbers(shown["cosines"], "<i2", -1, N, N)[-1] / sent(page)["unit"] - np.eye(N)
    alike = (
        cosines.max() > shown["chance"]
    )  # a pair that is shown as alike, and this sentence, exclude each other
    assert ("No two characters of this model are more alike" in said(page)) == (not alike)


def test_places_are_shown_where_they_were_learned(app: OpenPage) -> None:
    learned = sent(app("embeddings", run=trained_run().id))
    assert [item["place"] for item in learned["sets"]["places"]["items"]] == list(range(1, 25))
    without = app("embeddings", run=trained_run(positions="none").id)
    assert "places" not in sent(without)["sets"] and "does not know where" in said(without)


def test_tinygpt_has_a_map_too(app: OpenPage) -> None:
    page = app("embeddings", "fr", run="preparedTinyFr")
    assert not page.exception
    data = sent(page)
    assert len(data["steps"]) > 5 and data["sets"]["characters"]["items"][data["start"]]["kind"] == "vowel"
    with using("fr"):
        assert data["labels"] == labels()


def test_counts_and_kinds_are_those_of_the_text(app: OpenPage) -> None:
    run = trained_run()
    data = sent(app("embeddings", run=run.id))
    items = data["sets"]["characters"]["items"]
    assert data["labels"]["times"].endswith("in the part it learns from")  # Vocabulary counts the whole
    dataset = resources.run_dataset(run.id)
    train = dataset.tokenizer.decode(dataset.train)
    assert [item["count"] for item in items] == [train.count(c) for c in dataset.tokenizer.characters]
    kinds = dict(zip(dataset.tokenizer.characters, (item["kind"] for item in items), strict=True))
    assert (
        kinds["e"] == "vowel" and kinds["t"] == "consonant" and kinds[" "] == "space" and kinds["."] == "mark"
    )


def test_sorted_by_kind_accents_stand_beside_their_letter() -> None:
    assert "".join("b1é, eaç"[i] for i in by_kind("b1é, eaç")) == "aeébç 1,"
    assert [has_accent(c) for c in "éçñe1œ "] == [True, True, True, False, False, False, False]
