"""What the stations of the Home page say: the true numbers of this text and of the current run."""

from dataclasses import dataclass

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import Dataset, draw_batch
from minigpt_core.errors import TextError
from minigpt_core.generation.generated_text import NextToken
from minigpt_core.generation.prompts import usual_prompt
from minigpt_core.generation.request import USUAL_TEMPERATURE, GenerationRequest
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.runs import Run
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.weights import parameters_of
from ui import resources
from ui.byte_cache import byte_cached
from ui.runs.weights import usual_step

CONTINUED = 130  # characters: few enough to be written while somebody waits


@dataclass(frozen=True, kw_only=True)
class Configs:
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
    next_token: NextToken
    continuation: str
    """What the model writes after the prompt: the beginning of what the Sampling page shows for the same prompt."""

    step: int
    """Of the checkpoint that predicts."""

    def likeliest(self, most: int) -> list[tuple[str, float]]:
        """The characters with the highest probabilities, highest first."""
        chances = self.next_token.model_probabilities
        return [(self.tokenizer.itos[i], float(chances[i])) for i in self.next_token.likeliest(most)]

    @property
    def equals(self) -> int:
        """How many characters are as likely as the likeliest one: all of them before a model has learned anything."""
        chances = self.next_token.model_probabilities
        return int((chances == chances.max()).sum())


def configs(run: Run | None, vocab_size: int) -> Configs:
    """The sizes of the current run; without one, those that a first training takes."""
    if run is None:
        return Configs(model=ModelConfig(vocab_size=vocab_size, **NOTEBOOK.model), training=NOTEBOOK.training)
    return Configs(model=run.model, training=run.training)


def batch_starts(dataset: Dataset, used: Configs) -> list[int] | TextError:
    """Where the windows of a training's first batch fall; the error if the text has no room for one."""
    block_size, batch_size = used.model.block_size, used.training.batch_size
    try:
        return draw_batch(dataset, "train", block_size, batch_size, used.training.seed).starts
    except TextError as error:
        return error


def prediction(run: Run | None) -> Prediction | None:
    """What the run's saved weights expect after a few words of its own text; None before there are any."""
    saved = resources.store().checkpoints(run.id) if run else []
    if run is None or not saved:
        return None
    step = usual_step(run)
    return _prediction(run.id, step, usual_prompt(resources.chosen_text(run.text_id, run.lower).text))


@byte_cached
def _prediction(run_id: str, step: int, prompt: str) -> Prediction:
    request = GenerationRequest(run=run_id, step=step, prompt=prompt, temperature=USUAL_TEMPERATURE)
    generated = resources.generated_text(request)
    return Prediction(
        prompt=prompt,
        tokenizer=generated.lm.tokenizer,
        next_token=generated.next_token(0),
        continuation=generated.text(CONTINUED),
        step=step,
    )
