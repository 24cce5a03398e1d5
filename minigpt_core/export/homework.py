"""A model as one HTML file that plays with it in any browser, without a network: something to take home from a lesson.

Weights and vocabulary stand in it as data; its script repeats `forward` in a hundred lines (`templates/homework.html`).
"""

import base64
import html
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from torch import nn

from minigpt_core.configs import ModelConfig
from minigpt_core.errors import UserError
from minigpt_core.export.script import ENGLISH
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import strip_prefix
from minigpt_core.weights import count_parameters, load_model, parameters_of

TEMPLATES = Path(__file__).parent / "templates"
LARGEST = 1_000_000  # parameters: 5 MB of HTML, and a character in a second at most on an old telephone
LONGEST_PROMPT = 200  # characters
CONFIG = ("block_size", "n_embd", "n_layer", "n_head", "positions", "mlp", "residual", "norm", "qk_norm")
"""What the script has to know of a model's configuration."""


class HomeworkError(UserError):
    """This run cannot become such a page."""


def why_not(config: ModelConfig) -> HomeworkError | None:
    """Why such a model is too large to go home as a page; None: it is not."""
    count = parameters_of(config)
    if count <= LARGEST:
        return None
    return HomeworkError(
        "A page to take home holds a model of at most {limit} numbers, and this one has {n}. Train a smaller one.",
        limit=LARGEST,
        n=count,
    )


def export_homework(
    store: RunStore,
    run: Run,
    language: str = ENGLISH,
    step: int | Literal["best", "last"] = "last",
    *,
    title: str = "",
    prompt: str = "",
) -> str:
    """The page.

    Args:
        language: of its words; English where nobody has written them yet.
        step: the checkpoint.
        title: what the model is called; "": as the run is, or by its kind.
        prompt: what stands in its field to begin with.

    Raises:
        HomeworkError: the model is too large. StoreError: it has no such checkpoint.
    """
    if reason := why_not(run.model):
        raise reason
    title = title or run.name or ("GPT" if run.model.n_layer else "TinyGPT")
    kept = store.load_checkpoint(run.id, step, model_only=True)
    model = load_model(run.model, strip_prefix(kept.tensors, "model."))
    words = dict(words_of(language))
    marks = words.pop("numbers")
    losses = {event.step: event.val_loss for event in store.evaluations(run.id)}
    loss = losses.get(kept.step)
    values = {
        "name": title,
        "text": run.text_title,
        "numbers": f"{count_parameters(model):,}".replace(",", marks["group"]),
        "block": str(run.model.block_size if run.model.n_layer else 1),
        "loss": f"{loss:.2f}".replace(".", marks["decimal"]) if loss is not None else "",
    }
    about = words.pop("about_unmeasured")
    words["about"] = filled(words["about"] if values["loss"] else about, values)
    data = packed(model, run) | {"words": words, "prompt": prompt[:LONGEST_PROMPT]}
    return page({"language": language, "title": html.escape(title), "model": as_data(data)})


def packed(model: nn.Module, run: Run) -> dict[str, Any]:
    """The model as data: its configuration, vocabulary, the names and lengths of its tensors, and their numbers."""
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in model.named_parameters()}
    numbers = b"".join(tensor.numpy().astype("<f4").tobytes() for tensor in tensors.values())
    return {
        "config": {name: getattr(run.model, name) for name in CONFIG} | {"is_tinygpt": run.model.is_tinygpt},
        "characters": run.characters,
        "lower": run.lower,
        "tensors": [[name, tensor.numel()] for name, tensor in tensors.items()],
        "weights": base64.b64encode(numbers).decode(),
    }


def as_data(value: Any) -> str:
    """JSON that stands in a script element: no character in it can end that element, or begin a comment."""
    escaped = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return re.sub("[<>&\u2028\u2029]", lambda found: escaped[found[0]], json.dumps(value, ensure_ascii=False))


def page(gaps: dict[str, str]) -> str:
    """The template with its gaps filled, all at once: what fills one is not looked through for others."""
    template = (TEMPLATES / "homework.html").read_text(encoding="utf-8")
    return re.sub("@(language|title|model)@", lambda found: gaps[found[1]], template)


def filled(sentence: str, values: dict[str, str]) -> str:
    """A sentence with its gaps filled, all at once."""
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], sentence)


@cache
def words_of(language: str) -> dict[str, Any]:
    """The words of the page in a language, else in English."""
    files = (TEMPLATES / f"homework.{code}.toml" for code in (language, ENGLISH))
    found = next(file for file in files if file.exists())
    return tomllib.loads(found.read_text(encoding="utf-8"))
