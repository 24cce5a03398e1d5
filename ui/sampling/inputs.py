"""What the controls of the Sampling page say: which model writes, from which prompt, and how characters are drawn."""

from dataclasses import dataclass, replace
from typing import Any

from minigpt_core.generation.request import GenerationRequest
from ui import facts, resources, state
from ui.sampling.generation_settings import GenerationSettings
from ui.sampling.model_choice import ModelChoice

NGRAM_VAL_FRACTION = 0.1  # of a text whose characters are only counted


@dataclass(frozen=True)
class Inputs:
    """All that the controls say which the questions of the page share."""

    model: ModelChoice
    generation: GenerationSettings
    prompt: str
    """As it was typed."""

    beside_a_lesson: bool = False
    """Whether the page has less room: what is short then stands in view as a whole."""

    @property
    def request(self) -> GenerationRequest:
        """The text that is asked for."""
        return request_of(self.model, self.prompt, self.generation)

    def other(self, **changes: Any) -> GenerationRequest:
        """The same text but for some fields of the request."""
        return replace(self.request, **changes)


def note_written(request: GenerationRequest) -> None:
    """Keep that this text was written."""
    if request.run:
        model = "GPT" if resources.run(request.run).model.n_layer else "TinyGPT"
    else:
        model = "pairs" if request.order == 2 else "triples"
    facts.note(
        "sampled", model=model, run=request.run, step=request.step, seed=request.seed,
        temperature=round(request.temperature, 3), top_k=request.top_k, top_p=round(request.top_p, 3),
        prompt=facts.short(request.prompt),
    )  # fmt: skip


def request_of(model: ModelChoice, prompt: str, generation: GenerationSettings) -> GenerationRequest:
    """What this model writes from this prompt."""
    counted = model.text if model.run is None else None
    if counted:
        state.let_read(counted.id)
    return GenerationRequest(
        run=model.run.id if model.run else "",
        step=model.step,
        text=counted.id if counted else "",
        order=model.order,
        lower=counted.lower if counted else True,
        prompt=prompt,
        temperature=generation.settings.temperature,
        top_k=generation.settings.top_k,
        top_p=generation.settings.top_p,
        seed=generation.seed,
    )


def text_key(model: ModelChoice) -> tuple[str, bool, float] | None:
    """Of the text that a model learned from, as `resources.text_parts` takes it; None if it is not there any more."""
    if model.text is None:
        return None
    fraction = model.run.training.val_fraction if model.run else NGRAM_VAL_FRACTION
    return model.text.id, model.text.lower, fraction


def train_text(model: ModelChoice) -> str:
    """The part of the text that the model learned from, as it read it; "" if the text is not there any more."""
    key = text_key(model)
    return resources.text_parts(*key)[0] if key else ""


def val_text(model: ModelChoice) -> str:
    """The part of the model's text that was kept back for the validation loss."""
    key = text_key(model)
    return resources.text_parts(*key)[1] if key else ""
