"""Small models that were really trained for a few steps, for pages that look inside."""

from typing import Any

from minigpt_core.configs import TrainConfig
from minigpt_core.jobs.worker import take_up
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import CheckpointEvent

STORY = corpus.normalize(corpus.load("the-curious-cat").text)[:4000]
GPT: dict[str, Any] = {
    "n_layer": 2, "n_head": 2, "n_embd": 16, "block_size": 24, "positions": "learned", "mlp": "gelu", "residual": True,
    "norm": "layernorm",
}  # fmt: skip


def small_run(
    model: dict[str, Any], steps: int, text: str = STORY, title: str = "cat", **training: float
) -> Run:
    """A run with its first and its last weights, and those of each evaluation if `eval_interval` is given."""
    how = {"steps": steps, "eval_interval": steps, "eval_windows": 1, "sample_length": 0} | training
    store = RunStore()
    run = new_run(
        store, text=text, title=title, model_fields=model, training=TrainConfig(**how), status="stopped"
    )
    with store.lock(run.id):
        for event in take_up(store, run).run():
            if isinstance(event, CheckpointEvent):
                store.save_checkpoint(run.id, event.checkpoint)
    return store.run(run.id)
