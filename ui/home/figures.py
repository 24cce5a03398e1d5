"""What the stations of the Home page say: the true numbers of this text and of the current run."""

from dataclasses import dataclass

import torch
from torch import Tensor

from minigpt_core.configs import ModelConfig, SampleSettings, TrainConfig
from minigpt_core.data import check_length, draw_starts
from minigpt_core.errors import TextError
from minigpt_core.generation.prompts import usual_prompt
from minigpt_core.generation.request import USUAL_TEMPERATURE, GenerationRequest
from minigpt_core.model import parameters_of
from minigpt_core.presets import NOTEBOOK
from minigpt_core.sampling import next_probabilities, predict
from minigpt_core.store.runs import Run
from minigpt_core.tokenizer import CharTokenizer
from ui import resources

CONTINUED = 130  # characters: few enough to be written while somebody waits


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a training of this text uses: those of the current run, else the notebook's."""

    model: ModelConfig
    training: TrainConfig

    @property
    def parameters(self) -> int:
        """How many numbers the model has."""
        return parameters_of(self.model)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """What the current run's model expects after a prompt."""

    prompt: str
    tokenizer: CharTokenizer
    probabilities: Tensor
    """(V,) float64."""

    continuation: str
    """What the model writes after the prompt: the beginning of what the Sampling page shows for the same prompt."""

    step: int
    """Of the checkpoint that was asked."""

    def likeliest(self, most: int) -> list[tuple[str, float]]:
        """The characters with the highest probabilities, highest first."""
        best = self.probabilities.topk(min(most, len(self.probabilities)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(self.tokenizer.characters[id_], probability) for id_, probability in pairs]


def settings(run: Run | None, vocab_size: int) -> Settings:
    """The sizes of the current run; without one, those that a first training takes."""
    if run is None:
        return Settings(
            model=ModelConfig(vocab_size=vocab_size, **NOTEBOOK.model), training=NOTEBOOK.training
        )
    return Settings(model=run.model, training=run.training)


def batch_places(data: Tensor, config: Settings) -> list[int] | TextError:
    """Where the windows of one batch fall; the error if the text has no room for one."""
    try:
        check_length(data, config.model.block_size)
    except TextError as error:
        return error
    generator = torch.Generator().manual_seed(config.training.seed)
    return draw_starts(data, config.model.block_size, config.training.batch_size, generator).tolist()


def prediction(run: Run | None) -> Prediction | None:
    """What the run's newest saved weights expect after a few words of its own text; None before there are any."""
    saved = resources.store().checkpoints(run.id) if run else []
    if run is None or not saved:
        return None
    step = saved[-1].step
    tokenizer = CharTokenizer.from_characters(run.characters)
    prompt = usual_prompt(resources.chosen_text(run.text_id, run.lower).text)
    logits = predict(resources.model(run.id, step), tokenizer.encode(prompt)[-run.model.block_size :])
    probabilities = next_probabilities(logits, SampleSettings())
    request = GenerationRequest(run=run.id, step=step, prompt=prompt, temperature=USUAL_TEMPERATURE)
    written = resources.generated_text(request).text(CONTINUED)
    return Prediction(
        prompt=prompt, tokenizer=tokenizer, probabilities=probabilities, continuation=written, step=step
    )
