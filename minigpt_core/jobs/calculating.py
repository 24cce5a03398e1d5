"""What a calculator does: one call of a function after the other, for the server (see `calculators.py`), with the
models and the beginnings of texts that it has met."""

import os
import pickle
import signal
import struct
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from torch import nn

from minigpt_core.data import prepare
from minigpt_core.generation.generated_text import GeneratedText, ParallelTexts, SampledToken
from minigpt_core.generation.language_model import (
    LanguageModel,
    next_logits,
    ngram_language_model,
    trained_language_model,
)
from minigpt_core.generation.request import MAX_LENGTH, GenerationRequest
from minigpt_core.interpret.ablation import Progress, Windows, ablation_table
from minigpt_core.store.runs import RunStore
from minigpt_core.texts import corpus
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import strip_prefix
from minigpt_core.weights import load_model

MOST_BYTES = 200_000_000  # of the models that it keeps
TEXTS = 64
TABLES = 4
SIZE = struct.Struct("!Q")

_home: Path | None = None
_models: OrderedDict[tuple[str, int], nn.Module] = OrderedDict()  # the one used last at the end

_tables: OrderedDict[tuple[str, int, bool], Iterator[Progress]] = OrderedDict()


# Functions to call


def portion(request: GenerationRequest, first: int, seconds: float) -> list[SampledToken]:
    """The characters of a text from `first` on: at least one, and what comes within `seconds`. Raises `UserError`."""
    until, text = time.monotonic() + seconds, _text(request)
    tokens = [text.token(first)]
    while time.monotonic() < until and first + len(tokens) < MAX_LENGTH:
        tokens.append(text.token(first + len(tokens)))
    return tokens


def columns(requests: tuple[GenerationRequest, ...], first: int, seconds: float) -> list[list[SampledToken]]:
    """The same of texts that are written side by side."""
    until, texts = time.monotonic() + seconds, _texts(requests)
    found = [texts.column(first)]
    while time.monotonic() < until and first + len(found) < MAX_LENGTH:
        found.append(texts.column(first + len(found)))
    return found


def scores(request: GenerationRequest, ids: list[int]) -> list[float | None]:
    """What the model of a request says of the character after these ids; see `next_logits`."""
    return next_logits(_language_model(request.model_only), ids)


def with_model(
    run_id: str, step: int, function: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]
) -> Any:
    """What a function says that takes a run's model first. Raises what it raises, and `StoreError`."""
    return function(_model(run_id, step), *given, **named)


def ablation_portion(run_id: str, step: int, text: Windows, mean: bool) -> Progress | None:
    """The next portion of the table of what each part of a model is worth; None at its end."""
    key = run_id, step, mean
    if key not in _tables:
        _tables[key] = ablation_table(_model(run_id, step), text, mean=mean)
        if len(_tables) > TABLES:
            _tables.popitem(last=False)
    return next(_tables[key], None)


# What is kept for the next call


def _model(run_id: str, step: int) -> nn.Module:
    key = run_id, step
    if key not in _models:
        store = RunStore(_home)
        kept = store.load_checkpoint(run_id, step, model_only=True)
        _models[key] = load_model(store.run(run_id).model, strip_prefix(kept.tensors, "model."))
        while len(_models) > 1 and sum(map(_bytes_of, _models.values())) > MOST_BYTES:
            _models.popitem(last=False)
    _models.move_to_end(key)
    return _models[key]


def _bytes_of(model: nn.Module) -> int:
    return sum(weights.nbytes for weights in model.parameters())


@lru_cache(maxsize=TEXTS)
def _text(request: GenerationRequest) -> GeneratedText:
    return GeneratedText(_language_model(request.model_only), request)


@lru_cache(maxsize=TEXTS // 8)
def _texts(requests: tuple[GenerationRequest, ...]) -> ParallelTexts:
    return ParallelTexts([_language_model(request.model_only) for request in requests], requests)


def _language_model(request: GenerationRequest) -> LanguageModel:
    if not request.run:
        return _counted(request)
    run = RunStore(_home).run(request.run)
    return trained_language_model(_model(run.id, request.step), run.model, run.characters, run.lower)


@lru_cache(maxsize=4)
def _counted(request: GenerationRequest) -> LanguageModel:
    known = corpus.BUNDLED.get(request.text)
    original = corpus.load(request.text).text if known else RunStore(_home).text(request.text).text
    text = corpus.normalize(original, lower=request.lower)
    dataset = prepare(text, 0.1, CharTokenizer.from_text(text))
    return ngram_language_model(dataset, request.order, request.lower)


# The process


def serve(home: Path) -> None:
    """Answer calls from stdin on stdout until it is closed; torch has made its first step."""
    global _home
    _home = home
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print goes elsewhere
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda *_: os._exit(0))
    send(answers, os.getpid())
    while (call := receive(calls)) is not None:
        send(answers, answer(*call))
    os._exit(0)


def answer(function: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> tuple[bool, Any]:
    """Whether it went well, and what came of it: a result, or what was raised."""
    try:
        return True, function(*given, **named)
    except Exception as error:
        return False, error


def send(pipe: IO[bytes], what: Any) -> None:
    """Put an object into a pipe."""
    try:
        packed = pickle.dumps(what)
    except Exception as error:
        packed = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
    pipe.write(SIZE.pack(len(packed)) + packed)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """The next object from a pipe; None at its end."""
    head = pipe.read(SIZE.size)
    if len(head) < SIZE.size:
        return None
    packed = pipe.read(SIZE.unpack(head)[0])
    return pickle.loads(packed)
