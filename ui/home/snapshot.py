"""Everything that the stations of the Home page show, as it is now."""

import math
from dataclasses import dataclass
from typing import Any

from minigpt_core.data import Dataset
from minigpt_core.errors import UserError
from minigpt_core.store.runs import Run
from minigpt_core.training import MetricsEvent
from ui import resources, state
from ui.home import run_facts
from ui.home.next_step import NextStep, is_about, next_step
from ui.home.run_facts import Configs, Prediction
from ui.resources import ChosenText
from ui.runs.health import last_evaluation, sound, spoiled
from ui.runs.live_state import live_state
from ui.words.i18n import translate


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """The chosen text, the current run, and what can be said about both."""

    chosen: ChosenText
    dataset: Dataset
    run: Run | None
    configs: Configs
    next_step: NextStep
    """What to do next."""

    live: dict[str, Any]
    """What the live chart knows about the run (see `ui/runs/live_state.py`); empty without one."""

    evaluation: MetricsEvent | None
    """The run's newest evaluation."""

    spoiled: bool
    sound: bool
    """Whether its newest weights know more than pure chance."""

    """Whether the training broke the model."""

    prediction: Prediction | None
    trouble: str
    """Why the run's saved weights cannot be used, as a sentence."""

    @property
    def losses(self) -> list[float]:
        """The smoothed loss of the run so far on the text it learns from, in nats per character."""
        return self.live["smooth"]["y"] if self.live else []

    @property
    def chance(self) -> float:
        """The loss of pure chance with the model's vocabulary."""
        return math.log(self.configs.model.vocab_size)

    @property
    def elsewhere(self) -> bool:
        """Whether the current run is about another text."""
        return self.run is not None and not is_about(self.run, self.chosen)

    @property
    def first_and_last_sample(self) -> list[tuple[int, str]]:
        """What the model wrote first and last, with the step; one or nothing early on."""
        samples = [(sample["step"], sample["text"]) for sample in self.live.get("samples", [])]
        return [samples[0], samples[-1]] if len(samples) > 1 else samples

    def look(self, station: str, done: bool) -> str:
        """The style of a station: what comes next has a ring, what is done is green."""
        return "next" if station == self.next_step.station else "done" if done else ""


def take_snapshot() -> Snapshot:
    """Gather what is true now. Raises `StoreError`."""
    chosen, run = state.chosen_text(), state.current_run()
    dataset = resources.dataset(chosen.id, chosen.lower)
    prediction, trouble = None, ""
    try:
        prediction = run_facts.prediction(run)
    except UserError as error:
        trouble = translate(error)
    return Snapshot(
        chosen=chosen,
        dataset=dataset,
        run=run,
        configs=run_facts.configs(run, dataset.tokenizer.vocab_size),
        next_step=next_step(chosen, dataset, run),
        live=live_state(run) if run else {},
        evaluation=last_evaluation(run) if run else None,
        spoiled=run is not None and spoiled(run),
        sound=run is not None and sound(run),
        prediction=prediction,
        trouble=trouble,
    )
