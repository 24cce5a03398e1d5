"""What this page calculates and keeps, by run, checkpoint and what is switched off. Texts and single numbers only."""

from functools import partial

from minigpt_core.generation.continuation import Continuation, continue_text
from minigpt_core.interpret import ablation
from minigpt_core.interpret.ablation import Component, Means, Windows
from minigpt_core.interpret.ablation_job import AblationJob
from minigpt_core.interpret.bigram_table import BigramTable, Edit, PairCounts, edited_loss, mean_loss
from minigpt_core.jobs import calculating, calculators
from ui import resources
from ui.byte_cache import byte_cached

Parts = frozenset[Component]


@byte_cached
def held_out_windows(run_id: str) -> Windows:
    """The windows on which parts of a run's model are switched off. Raises `TextError` if there is no room for one."""
    return ablation.held_out_windows(resources.run_dataset(run_id), resources.run(run_id).model.block_size)


@byte_cached
def mean_outputs(run_id: str, step: int) -> Means:
    """What every part of a run's model hands on, on average over `held_out_windows`."""
    return resources.look(run_id, step, ablation.mean_activations, held_out_windows(run_id).x)


@byte_cached
def ablated_loss(run_id: str, step: int, off: Parts, mean: bool) -> float:
    """The loss of a run's model on `held_out_windows` with these parts switched off, in nats per character."""
    means = mean_outputs(run_id, step) if mean else None
    return resources.look(run_id, step, ablation.ablated_loss, held_out_windows(run_id), off, means)


@byte_cached
def ablated_continuation(
    run_id: str, step: int, off: Parts, mean: bool, prompt: tuple[int, ...], seed: int, length: int
) -> Continuation:
    """What a run's model writes after a prompt with these parts switched off. Raises `UserError`."""
    means, trained = mean_outputs(run_id, step) if mean else None, resources.run(run_id)
    return resources.look(
        run_id, step, ablation.continue_without, off, means,
        resources.run_dataset(run_id).tokenizer, prompt, length, block_size=trained.model.block_size, seed=seed,
    )  # fmt: skip


@byte_cached
def ablation_job(run_id: str, step: int, mean: bool) -> AblationJob:
    """The table of what each part is worth, shared by all who look at this checkpoint; somebody has to start it."""
    text, calculator = held_out_windows(run_id), calculators.find("look", (run_id, step))
    if calculator is None:
        return AblationJob(resources.model(run_id, step), text, mean)
    ask = partial(resources.ask, calculator, calculating.ablation_portion, run_id, step, text, mean)
    return AblationJob(resources.model(run_id, step), text, mean, portions=iter(ask, None))


# TinyGPT's table


@byte_cached
def held_out_pairs(run_id: str) -> PairCounts:
    """The pairs of `held_out_windows`."""
    text = held_out_windows(run_id)
    return PairCounts.of_windows(text.x, text.y, len(resources.run(run_id).characters))


@byte_cached
def learned_loss(run_id: str, step: int) -> float:
    """The loss of a TinyGPT on `held_out_pairs`, in nats per character."""
    return mean_loss(BigramTable(resources.model(run_id, step)), held_out_pairs(run_id))


def edited_table(run_id: str, step: int, edits: tuple[Edit, ...]) -> BigramTable:
    """A TinyGPT's table with changes. Raises `ConfigError` if one of them leaves nothing to come next."""
    return BigramTable(resources.model(run_id, step), edits)


def loss_with_edits(run_id: str, step: int, edits: tuple[Edit, ...]) -> float:
    """The loss of the changed table on `held_out_pairs`; infinite where it forbids one of them."""
    table = edited_table(run_id, step, edits)
    return edited_loss(table, learned_loss(run_id, step), held_out_pairs(run_id))


@byte_cached
def table_continuation(
    run_id: str, step: int, edits: tuple[Edit, ...], prompt: tuple[int, ...], seed: int, length: int
) -> Continuation:
    """What a TinyGPT with a changed table writes after a prompt: it sees one character at a time."""
    table, words = edited_table(run_id, step, edits), resources.run_dataset(run_id).tokenizer
    return continue_text(table, words, prompt, length, block_size=1, seed=seed)
