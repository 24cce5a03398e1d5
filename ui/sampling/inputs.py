"""What the controls of the Sampling page say: which model writes, from which prompt, and how characters are drawn."""

from dataclasses import dataclass, replace
from typing import Any

from minigpt_core.errors import UserError
from minigpt_core.generation.request import GenerationRequest
from minigpt_core.interpret.memorization import unknown_words, words_of
from minigpt_core.texts import corpus
from ui import facts, resources, state
from ui.byte_cache import byte_cached
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


def note_written(request: GenerationRequest, searched: bool = False) -> None:
    """Keep that this text was written; `searched`: that it was looked for in the text its model learned from, too."""
    if request.run:
        model = "GPT" if resources.run(request.run).model.n_layer else "TinyGPT"
    else:
        model = "pairs" if request.order == 2 else "triples"
    told = {
        "model": model, "run": request.run, "step": request.step, "seed": request.seed,
        "temperature": round(request.temperature, 3), "top_k": request.top_k, "top_p": round(request.top_p, 3),
        "prompt": facts.short(request.prompt),
    }  # fmt: skip
    facts.note("sampled", **told, new_word=has_new_word(request))
    if searched:
        facts.note("searched", **told)


def has_new_word(request: GenerationRequest) -> bool:
    """Whether the beginning, as the model reads it, has a word that stands nowhere in the text of its run."""
    if not request.run:
        return False
    try:
        run = resources.run(request.run)
        known = words_of_text(run.text_id, run.lower)
    except UserError:  # one of them is gone
        return False
    read = corpus.normalize(request.prompt, lower=run.lower, alphabet=run.characters)
    return bool(unknown_words("".join(c for c in read if c in run.characters), known))


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


@byte_cached
def words_of_text(text_id: str, lower: bool) -> frozenset[str]:
    """The words of a text; none if they are not told apart by spaces."""
    return words_of(resources.chosen_text(text_id, lower).text)
