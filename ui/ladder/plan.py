"""What each rung would be trained as, and which runs of this workspace it already is: all state is in the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.data import check_length
from minigpt_core.errors import TextError, UserError
from minigpt_core.ladder import ALONE, RUNGS, Rung, settings_alone, settings_up_to
from minigpt_core.sameness import deciding_settings
from minigpt_core.store.runs import LIVE, Run
from minigpt_core.training import MetricsEvent
from minigpt_core.weights import parameters_of
from ui import resources, state
from ui.resources import ChosenText

# Small enough for all nine in about a minute of two cores, large enough for the ideas to show. Measured on Le Chat
# Curieux with 1,000 steps: 5e-3 falling to a tenth ended lower on every rung tried than 3e-3, falling or constant.
SIZES: dict[str, Any] = {"n_embd": 64, "block_size": 32}
TRAINING: dict[str, Any] = {
    "batch_size": 16, "learning_rate": 5e-3, "schedule": "linear", "warmup_steps": 50, "min_lr_share": 0.1,
    "grad_clip": 1.0, "eval_windows": 128, "sample_length": 100,
}  # fmt: skip
BUDGETS = (300, 1000, 2000)  # steps
USUAL_BUDGET = 1000
GROUPS = {"up": RUNGS, "alone": ALONE}
"""Each idea on top of the one before; or each modern idea alone on top of what the others lead to."""

ENDED = ("done", "diverged")  # its result is known: training it again would give the same


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rung as it would be trained, and what has become of it."""

    number: int
    """Its place in its group, from 1 on."""

    rung: Rung
    model: ModelConfig
    training: TrainConfig
    run: Run | None = None
    """A run with just these settings, if there is one: finished, or on its way, or left."""

    evaluations: Sequence[MetricsEvent] = ()
    position: int | None = None
    """Place in the queue, 1 is next."""

    stopping: bool = False
    """It was asked to stop and has not stopped yet."""

    @property
    def status(self) -> str:
        """The run's status, or "new"."""
        return self.run.status if self.run else "new"

    @property
    def parameters(self) -> int:
        """How many numbers training adjusts."""
        return _parameters(self.model)

    @property
    def live(self) -> bool:
        """It waits or is trained."""
        return self.status in LIVE

    @property
    def ended(self) -> bool:
        """Its result is known."""
        return self.status in ENDED

    @property
    def loss(self) -> float | None:
        """The validation loss at its end, in nats per character; None before, or if it diverged."""
        return self.evaluations[-1].val_loss if self.status == "done" and self.evaluations else None


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """All rungs of a group on one text, with one budget."""

    group: str
    """One of `GROUPS`."""

    text: ChosenText
    steps: tuple[Step, ...]
    problem: UserError | None = None
    """Why nothing can be trained on this text."""

    @property
    def live(self) -> bool:
        """A rung waits or is trained."""
        return any(step.live for step in self.steps)

    @property
    def done(self) -> list[Step]:
        """The rungs with a result."""
        return [step for step in self.steps if step.loss is not None]

    @property
    def classic(self) -> Step:
        """The last of `RUNGS`, which is in both groups."""
        return self.steps[0 if self.group == "alone" else -1]

    def below(self, step: Step) -> Step | None:
        """What a rung adds its idea to: the one before, or where all begin; None for the first."""
        if step.number == 1:
            return None
        return self.steps[0 if self.group == "alone" else step.number - 2]


@lru_cache(maxsize=256)
def settings(rung_name: str, group: str, vocab_size: int, budget: int) -> tuple[ModelConfig, TrainConfig]:
    """The same for every rung but for its parts."""
    rung = next(rung for rung in GROUPS[group] if rung.name == rung_name)
    model, training = settings_alone(rung) if group == "alone" else settings_up_to(rung.name)
    fields: dict[str, Any] = TRAINING | {"steps": budget} | training
    return ModelConfig(vocab_size=vocab_size, **SIZES, **model), TrainConfig(**fields)


def latest(text: ChosenText) -> tuple[str, int]:
    """Group and budget of the newest rung on this text, so that a reload finds them again; before the first, the
    usual ones."""
    vocab_size = resources.tokenizer(text.id, text.lower).vocab_size
    for run in (run for run in _of_text(text) if not run.prepared):
        budget = run.training.steps
        for group, rungs in GROUPS.items() if budget in BUDGETS else ():
            if any(is_like(run, *settings(rung.name, group, vocab_size, budget)) for rung in rungs):
                return group, budget
    return "up", USUAL_BUDGET


def look(text: ChosenText, budget: int, group: str = "up") -> Ladder:
    """The ladder as it stands now. Raises `StoreError` if the store cannot be read."""
    vocab_size = resources.tokenizer(text.id, text.lower).vocab_size
    runs = _of_text(text)
    steps = []
    for number, rung in enumerate(GROUPS[group], start=1):
        model, training = settings(rung.name, group, vocab_size, budget)
        run = best_of([run for run in runs if is_like(run, model, training)])
        found: dict[str, Any] = {}
        if run:
            found["evaluations"] = resources.store().evaluations(run.id)
            found["position"] = resources.jobs().position(run.id)
            found["stopping"] = resources.jobs().is_stopping(run.id)
        steps.append(Step(number=number, rung=rung, model=model, training=training, run=run, **found))
    return Ladder(group=group, text=text, steps=tuple(steps), problem=problem(text))


def problem(text: ChosenText) -> UserError | None:
    """Why the ladder cannot be trained on a text: both of its parts must hold a window."""
    parts = resources.dataset(text.id, text.lower)
    try:
        check_length(parts.train, SIZES["block_size"])
    except TextError as error:
        return error
    if len(parts.val) > SIZES["block_size"]:
        return None
    return TextError(
        "The rungs are compared on the end of the text, which has {length} characters here; {needed} are needed. "
        "Choose a longer text.",
        length=len(parts.val),
        needed=SIZES["block_size"] + 1,
    )


def is_like(run: Run, model: ModelConfig, training: TrainConfig) -> bool:
    """Whether a run gives the very losses that these settings would give on its text."""
    return deciding_settings(run.model, run.training) == deciding_settings(model, training)


def best_of(runs: Sequence[Run]) -> Run | None:
    """The one that is furthest: a finished one, else one on its way, else the newest (they come newest first)."""
    untouched = [run for run in runs if resources.store().kept_its_settings(run)]
    for statuses in (("done",), LIVE, ("diverged",)):
        for run in untouched:
            if run.status in statuses:
                return run
    return untouched[0] if untouched else None


@lru_cache(maxsize=64)
def _parameters(model: ModelConfig) -> int:
    return parameters_of(model)


def _of_text(text: ChosenText) -> list[Run]:
    text_id = resources.fingerprint(text.id, text.lower)
    return [run for run in state.visible_runs() if run.text_id == text_id]
