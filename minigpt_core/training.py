"""The training loop, as a generator of events: `for event in Trainer(...).run(): ...`.

The same loop serves the dashboard, the command line, a notebook and the tests: it yields what happens and
displays nothing. Letters in the shape comments: B sequences in a batch, T characters in a window.
"""

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor

from minigpt_core import optimizers
from minigpt_core.batches import batches_of
from minigpt_core.configs import ModelConfig, TrainConfig, check_fit
from minigpt_core.data import Dataset, check_length, evaluation_starts, windows
from minigpt_core.devices import DeviceError, choose_device, flops_per_step, move_to_device
from minigpt_core.distributed import Alone, check_shares, dropout_seed
from minigpt_core.evaluation import guessed_right, loss_per_window, standard_error
from minigpt_core.generation.streaming import write
from minigpt_core.model import build_model
from minigpt_core.precision import autocast, choose_precision
from minigpt_core.random_numbers import RandomNumbers
from minigpt_core.sampling import start_id
from minigpt_core.steering import ChangeEvent, Steering
from minigpt_core.weights import count_parameters

# One chunk of an evaluation takes some milliseconds, so that Stop is heard in between: at most so many characters,
# and so many products of a character and a parameter.
CHARACTERS_PER_CHUNK = 16_384
WORK_PER_CHUNK = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that the next step depends on, so that a resumed run goes on as if nothing had happened."""

    step: int
    tensors: dict[str, Tensor]
    """`model.*` the weights, `optimizer.*` its running averages, `rng.*` the states of the random generators."""

    state: dict[str, Any]
    """JSON-able: the settings in force, the best loss so far, the seconds trained."""


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """The weights were adjusted once. `loss` is the batch's, in nats per character, before the adjustment;
    `learning_rate` the one in force: the schedule's share of the one that was set."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: float


@dataclass(frozen=True, kw_only=True)
class MetricsEvent:
    """An evaluation over fixed windows of each split. `val_*` are None if the validation part is too short."""

    step: int
    train_loss: float
    val_loss: float | None
    val_accuracy: float | None
    """Share of the next characters of the validation windows whose most probable guess is right (top-1 accuracy);
    equally probable guesses share it."""

    val_error: float | None = None
    """Standard error of `val_loss`, from how much the windows differ; None if there are fewer than two."""


@dataclass(frozen=True, kw_only=True)
class SampleEvent:
    """What the model writes now. The same random numbers every time: only the model changes."""

    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class CheckpointEvent:
    """A state from which the run can go on."""

    checkpoint: Checkpoint

    @property
    def step(self) -> int:
        """The number of steps it stands after."""
        return self.checkpoint.step


@dataclass(frozen=True, kw_only=True)
class EvaluatingEvent:
    """A part of an evaluation is done: a moment to look at controls."""

    step: int
    done: int
    total: int


Status = Literal["done", "stopped", "diverged"]


@dataclass(frozen=True, kw_only=True)
class DoneEvent:
    """The run is over: all steps made, stopped on request, or a loss that is no longer a finite number."""

    step: int
    status: Status
    early: bool = False
    """Whether it is done before its last step: `TrainConfig.patience` evaluations brought no better loss."""


Event = StepEvent | MetricsEvent | SampleEvent | CheckpointEvent | ChangeEvent | EvaluatingEvent | DoneEvent


class Trainer:
    """One training run. Its losses depend on the configuration and the seed alone: not on the evaluation
    interval, the pace, a pause, or another `Trainer` in the same process. (With `patience`, the evaluations decide
    at which step it ends.)

    Args:
        dataset: the encoded text, split into train and validation.
        model_config: what to train; its `vocab_size` must be the dataset's.
        config: how to train.
        checkpoint: where to go on, or None to begin at step 0.
        changes: recorded changes of settings from that checkpoint on; they come into force again at their steps.
        wait: called before every step; returns when the step may be made (see `Steering`).
        precision: the one that the run began in; None: the checkpoint's, or it is chosen now.
        team: the processes that train the run together (see `distributed.py`), of which this is one.

    Attributes:
        steering: the pace, the settings that may change on the way, Stop.
        device: where the model is trained.
        precision: in which the linear layers multiply.
        device_problem: why it is not the device or the precision that was asked for; None if it is.

    Raises:
        TextError: the training part is shorter than `block_size + 1`.
        ConfigError: the optimizer does not fit the model.
    """

    def __init__(
        self,
        dataset: Dataset,
        model_config: ModelConfig,
        config: TrainConfig,
        *,
        checkpoint: Checkpoint | None = None,
        changes: Iterable[ChangeEvent] = (),
        wait: Callable[[Steering], object] | None = None,
        precision: str | None = None,
        team: Alone | None = None,
    ) -> None:
        assert model_config.vocab_size == dataset.tokenizer.vocab_size
        check_length(dataset.train, model_config.block_size)
        check_fit(model_config, config)
        self._team = team or Alone()
        check_shares(config, self._team.size)
        self.dataset, self.config, self.model_config = dataset, config, model_config
        self.step = 0
        self.seconds = 0.0  # spent in training steps, without waiting and evaluating
        self.steering = Steering(config, changes, wait)
        self.best_step: int | None = None
        self.best_val_loss = math.inf
        self.evaluations_without_gain = 0
        self._evaluated_step = -1
        self._last: Checkpoint | None = None
        self._batches = batches_of(dataset.train, model_config.block_size, config)
        self._dropout = RandomNumbers.seeded(config.seed)
        with self._dropout.lent():  # it goes on behind the weights
            self.model = build_model(model_config)
        wanted = choose_device(config.device, flops_per_step(model_config, config.batch_size))
        self.device, device_problem = move_to_device(self.model, wanted)
        if (
            precision is None and checkpoint is not None
        ):  # older ones do not say it: it was what was asked for
            precision = checkpoint.state.get("precision", config.precision)
        self.precision, precision_problem = choose_precision(
            config.precision, self.device, model_config, config.batch_size, precision
        )
        self.device_problem: DeviceError | None = device_problem or precision_problem
        if self.device.type != "cpu":
            self._dropout = RandomNumbers.seeded(config.seed, self.device)
        self._weights = list(self.model.parameters())
        self._parts = parts_of_batch(self._team.share(config.batch_size), config.accumulation)
        self._optimizers = optimizers.configure_optimizers(self.model, config)
        if checkpoint is not None:
            self._restore(checkpoint)
        if self._team.rank > 0:
            seed = dropout_seed(config, self._team, self.step)
            self._dropout = RandomNumbers.seeded(seed, self.device)
        self._network: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = self.model

    def compile(self) -> None:
        """Have `torch.compile` make the steps quicker, from the first one on, which then takes up to a minute."""
        self._network = torch.compile(self.model)

    def run(self) -> Iterator[Event]:
        """Train to the end, yielding every event. Stop iterating to pause; iterate on to resume."""
        if self._evaluated_step != self.step and self._evaluation_due():
            yield from self._evaluate_and_save()
        while not self.complete and self.steering.may_go_on():
            yield from self.steering.changes_due(self.step)
            event = self._train_step()
            if not math.isfinite(event.loss):
                yield DoneEvent(step=self.step, status="diverged")
                return
            yield event
            if self._evaluation_due() and not (yield from self._evaluate_and_save()):
                yield DoneEvent(step=self.step, status="diverged")
                return
        if not self.complete:  # what was asked for just before Stop is in force when it goes on
            yield from self.steering.changes_due(self.step)
        if self._last is None or self._last.step != self.step:
            yield CheckpointEvent(checkpoint=self.checkpoint())
        early = self.complete and self.step < self.config.steps
        yield DoneEvent(step=self.step, status="done" if self.complete else "stopped", early=early)

    @property
    def complete(self) -> bool:
        """Whether all steps are made, or the run ends before that because nothing gets better."""
        return self.step >= self.config.steps or self.out_of_patience

    @property
    def out_of_patience(self) -> bool:
        """Whether as many evaluations as `patience` allows have brought no better validation loss."""
        return 0 < self.config.patience <= self.evaluations_without_gain

    def make_step(self) -> StepEvent:
        """One step as `run` makes it, without pace, evaluation or checkpoint: for looking at it closely."""
        for _ in self.steering.changes_due(self.step):
            pass
        return self._train_step()

    def checkpoint(self) -> Checkpoint:
        """A copy of everything that the next step depends on."""
        tensors = {f"model.{name}": weight for name, weight in self.model.state_dict().items()}
        tensors |= {
            f"optimizer.{name}": value for name, value in optimizers.state_dict(self._optimizers).items()
        }
        tensors |= {"rng.batches": self._batches.state(self.step), "rng.torch": self._dropout.state}
        copies = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in tensors.items()}
        self._last = Checkpoint(step=self.step, tensors=copies, state=self._state())
        return self._last

    def _state(self) -> dict[str, Any]:
        return {
            **self.steering.in_force,
            "seconds": self.seconds,
            "best_step": self.best_step,
            "best_val_loss": self.best_val_loss if self.best_step is not None else None,
            "evaluations_without_gain": self.evaluations_without_gain,
            "evaluated_step": self._evaluated_step,
            "device": self.device.type,
            "precision": self.precision,
        }

    def _restore(self, checkpoint: Checkpoint) -> None:
        tensors, state = checkpoint.tensors, checkpoint.state
        self.model.load_state_dict(strip_prefix(tensors, "model."))
        optimizers.load_state_dict(self._optimizers, strip_prefix(tensors, "optimizer."))
        self._batches.restore(checkpoint.step, tensors["rng.batches"])
        if state.get("device", "cpu") == self.device.type:  # another device has another kind of generator
            self._dropout.state = tensors["rng.torch"]
        self.step, self.seconds = checkpoint.step, state["seconds"]
        self.steering.restore(state)
        self.best_step, self._evaluated_step = state["best_step"], state["evaluated_step"]
        self.best_val_loss = math.inf if self.best_step is None else state["best_val_loss"]
        self.evaluations_without_gain = state.get("evaluations_without_gain", 0)  # older ones lack it
        self._last = checkpoint

    def _train_step(self) -> StepEvent:
        """Draw a batch, predict, measure the loss, follow its gradient downhill."""
        started = time.perf_counter()
        self._team.agree(self.steering)
        x, y = self._batches.of_step(self.step)  # (B, T) each
        for weight in self._weights:
            weight.grad = None
        loss = self._backward(x, y)
        self._team.add_up(loss, self._weights)
        grad_norm = optimizers.clip_gradients(self._weights, self.config.grad_clip)
        value, learning_rate = loss.item(), self.learning_rate_in_force()
        if math.isfinite(value):  # a broken step must not spoil the weights
            for optimizer in self._optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate
                optimizer.step()
            self.step += 1
        self.seconds += time.perf_counter() - started
        return StepEvent(step=self.step, loss=value, learning_rate=learning_rate, grad_norm=grad_norm.item())

    def _backward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss of this process's rows of a batch, (B, T) each; its gradients are left at the weights.

        A loss is a mean: where the batch is divided, each part counts by its sequences.
        """
        losses: list[Tensor] = []
        for part in self._parts:  # of these rows
            with self._own_random_numbers(), autocast(self.precision, self.device):
                _logits, loss = self._network(
                    x[part].to(self.device), y[part].to(self.device)
                )  # (·, T, V), ()
            share = (part.stop - part.start) / self.config.batch_size
            if share < 1:
                loss = loss * share
            loss.backward()
            losses.append(loss.detach())
        return reduce(torch.add, losses)

    def learning_rate_in_force(self) -> float:
        """What the next step will use: the schedule's share of `learning_rate`."""
        return self.steering.learning_rate * optimizers.lr_multiplier(self.config, self.step)

    def _evaluation_due(self) -> bool:
        interval = self.steering.eval_interval
        early = self.step in self.config.early_evaluations and interval == self.config.evaluation_interval
        return early or self.step % interval == 0 or self.step >= self.config.steps

    def _evaluate_and_save(self) -> Generator[Event, None, bool]:
        """Evaluate, write a sample, take a checkpoint. False, and nothing kept, if the loss is not finite."""
        metrics = yield from self.evaluate()
        if metrics is None:  # stopped on the way
            return True
        if not math.isfinite(metrics.train_loss):
            return False
        self._evaluated_step = self.step
        if metrics.val_loss is not None:
            self._compare_with_best(metrics.val_loss)
        yield metrics
        if self.config.sample_length:
            yield SampleEvent(step=self.step, text=self._sample())
        yield CheckpointEvent(checkpoint=self.checkpoint())
        return True

    def _compare_with_best(self, val_loss: float) -> None:
        if val_loss < self.best_val_loss:
            self.best_step, self.best_val_loss, self.evaluations_without_gain = self.step, val_loss, 0
        else:
            self.evaluations_without_gain += 1

    def evaluate(self) -> Generator[EvaluatingEvent, None, MetricsEvent | None]:
        """Measure the model on fixed windows of both splits; None if it was stopped on the way."""
        train = yield from self._measure(self.dataset.train)
        val = yield from self._measure(self.dataset.val)
        if self.steering.stopping or train is None:
            return None
        if val is None:
            return MetricsEvent(step=self.step, train_loss=train[0], val_loss=None, val_accuracy=None)
        loss, accuracy, error = val
        return MetricsEvent(
            step=self.step, train_loss=train[0], val_loss=loss, val_accuracy=accuracy,
            val_error=error if math.isfinite(error) else None,
        )  # fmt: skip

    @torch.no_grad()
    def _measure(self, data: Tensor) -> Generator[EvaluatingEvent, None, tuple[float, float, float] | None]:
        """Over windows of `data`, chunk by chunk: mean loss, accuracy, and the loss's standard error.

        None if it is too short for one pair.
        """
        T = min(self.model_config.block_size, len(data) - 1)  # a short validation part gets shorter windows
        if T < 1:
            return None
        starts = evaluation_starts(data, T, self.config.eval_windows, self.config.seed)
        losses, correct, seen = list[Tensor](), 0.0, 0
        characters = min(CHARACTERS_PER_CHUNK, WORK_PER_CHUNK // count_parameters(self.model))
        for chunk in starts.split(max(1, characters // T)):
            x, y = (ids.to(self.device) for ids in windows(data, chunk, T))
            self.model.eval()  # no dropout
            with autocast(self.precision, self.device):  # as it trains
                logits, _loss = self.model(x)  # (B, T, V)
            self.model.train()
            losses.append(loss_per_window(logits.float(), y))  # (B,)
            correct += guessed_right(logits, y).sum().item()
            seen += y.numel()
            if self.steering.stopping:
                return None
            yield EvaluatingEvent(step=self.step, done=seen, total=len(starts) * T)
        each = torch.cat(losses)  # (W,)
        return each.mean().item(), correct / seen, standard_error(each)

    def _sample(self) -> str:
        generator = torch.Generator().manual_seed(self.config.seed)
        prompt, T = torch.tensor([start_id(self.dataset.tokenizer)]), self.model_config.block_size
        ids = write(
            self.model, prompt, self.config.sample_length, T, generator=generator, keep=T // 2 or None
        )  # half a window forgotten at a time: a sample must not hold the training up
        return self.dataset.tokenizer.decode(ids)

    def _own_random_numbers(self) -> AbstractContextManager[None]:
        """Dropout takes no generator: it gets this run's own stretch of numbers. Without dropout nothing is drawn."""
        return self._dropout.lent() if self.model_config.dropout else nullcontext()


def parts_of_batch(rows: slice, accumulation: int) -> list[slice]:
    """These rows of a batch in at most `accumulation` pieces of equal size, the last one perhaps smaller."""
    size = math.ceil((rows.stop - rows.start) / accumulation)
    return [slice(at, min(at + size, rows.stop)) for at in range(rows.start, rows.stop, size)]


def strip_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose name begins with `prefix`, without it."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
