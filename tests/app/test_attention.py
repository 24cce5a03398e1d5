"""The Attention page sends queries and keys from which the browser gets the model's own attention."""

import base64
import json
from typing import Any

import torch
from streamlit.testing.v1 import AppTest

from minigpt_core.interpret.activations import run_with_cache
from minigpt_core.interpret.heads import HeadDescription, Share
from minigpt_core.store.runs import Run
from minigpt_core.texts import corpus
from tests.app.conftest import OpenPage
from tests.app.small_runs import GPT, small_run
from ui import resources
from ui.attention import attention_map
from ui.attention.head_descriptions import caption, described_heads
from ui.words.i18n import percent, using

TEXT = "page.inside.text"


def small_gpt(**model: object) -> Run:
    return small_run(GPT | model, 1)


def sent(page: AppTest, name: str = "attention_map") -> dict[str, Any]:
    """What the component is given."""
    proto = next(part.proto for part in page.get("bidi_component") if part.proto.component_name == name)
    data: dict[str, Any] = json.loads(proto.json)
    return data


def typed(page: AppTest, text: str) -> AppTest:
    return page.text_area(key=TEXT).set_value(text).run()


def field(page: AppTest) -> str:
    """What stands in the text field."""
    return str(page.text_area(key=TEXT).value)


def said(page: AppTest) -> str:
    return " ".join(part.value for part in (*page.markdown, *page.caption, *page.info))


def patterns(data: dict[str, Any]) -> torch.Tensor:
    """(L, nh, T, T) as the browser calculates them."""
    shape = [data[name] for name in ("layers", "heads", "length", "size")]
    q, k = (torch.frombuffer(bytearray(base64.b64decode(data[name])), dtype=torch.float32).view(shape)
            for name in ("queries", "keys"))  # fmt: skip
    scores = q @ k.transpose(-2, -1) / data["size"] ** 0.5
    later = torch.ones(data["length"], data["length"], dtype=torch.bool).triu(1)
    return scores.masked_fill(later, -torch.inf).softmax(-1)


def test_what_is_sent_gives_the_models_own_attention(app: OpenPage) -> None:
    run = small_gpt()
    page = typed(app("attention", run=run.id), "the cat sat on it")
    assert not page.exception
    data = sent(page)
    idx = resources.run_dataset(run.id).tokenizer.encode("the cat sat on it")
    _logits, cache = run_with_cache(resources.model(run.id, 1), idx[None])
    torch.testing.assert_close(patterns(data), cache.layers("attn.pattern")[:, 0])
    assert data["ids"] == idx.tolist() and len(data["about"]) == 4


def test_the_model_turns_its_queries_before_they_are_sent(app: OpenPage) -> None:
    run = small_gpt(positions="rotary", qk_norm=True, norm="rmsnorm", mlp="relu2", bias=False)
    data = sent(typed(app("attention", run=run.id), "the cat"))
    _logits, cache = run_with_cache(resources.model(run.id, 1), torch.tensor([data["ids"]]))
    torch.testing.assert_close(patterns(data), cache.layers("attn.pattern")[:, 0])


def test_a_first_visitor_sees_the_prepared_gpt_of_their_language(app: OpenPage) -> None:
    page = app("attention", "fr")
    assert not page.exception
    data, shown = sent(page), field(page)
    assert (
        shown in corpus.normalize(corpus.load("le-chat-curieux").text) and data["length"] == len(shown) > 20
    )
    with using("fr"):
        assert data["labels"] == attention_map.labels()


def test_a_long_text_is_seen_in_parts_and_unknown_characters_are_named(app: OpenPage) -> None:
    page = typed(app("attention", run=small_gpt().id), "the cat <b>§</b> " * 5)
    assert "§" in said(page) and "<" not in [face for face, *_rest in sent(page)["characters"].values()]
    data = sent(page)
    known = "the cat bb " * 5
    assert data["length"] == 24 and data["first"] == len(known) - 24 + 1
    last = page.slider(key="page.attention.part").set_value(1).run()
    faces = [sent(last)["characters"][str(id_)][0] for id_ in sent(last)["ids"]]
    assert "".join(faces).replace("␣", " ") == known[:24]


def test_the_model_goes_on_and_its_part_is_marked(app: OpenPage) -> None:
    page = typed(app("attention", run=small_gpt(block_size=64).id), "the cat")
    assert sent(page)["written"] >= sent(page)["length"]
    page.button(key="attention_write").click().run()
    text = field(page)
    assert text.startswith("the cat") and len(text) == 7 + 24
    assert sent(page)["written"] == 7
    other = page.button(key="attention_passage").click().run()
    assert not field(other).startswith("the cat") and not other.exception


def test_tinygpt_is_told_what_it_lacks(app: OpenPage) -> None:
    run = small_gpt(n_layer=0, n_head=1, positions="none", mlp="none", residual=False, norm="none")
    page = app("attention", run=run.id)
    assert not page.exception and "has no attention, for it has no layers" in said(page)
    assert said(page).count("no layers") == 1  # and not twice, in other words
    assert sent(page)["layers"] > 0
    chosen = app("attention", run=run.id, author="preparedGptEn")  # who asks for a GPT need not be told
    assert "has no attention" not in said(chosen)


def test_heads_are_described_by_what_was_measured() -> None:
    previous = Share(attention=0.91, chance=0.1, places=50)
    head = HeadDescription(0, 1, "previous", 0.2, {"previous": previous, "vowel": Share(0.2, 0.3, 50)})
    with using("fr"):
        (described,) = described_heads([head])
    assert described["clear"] and "91" in described["caption"] and "91" in described["sentence"]
    assert described["rules"][0]["share"] == 0.91 and "10" in described["rules"][0]["words"]
    vague = HeadDescription(0, 0, "", 0.5, {"vowel": Share(0.4, 0.3, 50)})
    at_chance = HeadDescription(0, 0, "", 0.5, {"vowel": Share(0.31, 0.3, 50)})
    with using("en"):
        assert not described_heads([vague])[0]["clear"] and caption(vague) == f"vowels {percent(0.4)}"
        assert "Leans towards the vowels" in described_heads([vague])[0]["sentence"]
        assert caption(at_chance) == "no simple rule"
