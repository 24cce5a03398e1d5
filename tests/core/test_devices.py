"""A device that cannot train the model: the processor does it, and the run says so."""

import queue
from dataclasses import replace

import pytest
import torch

from minigpt_core.__main__ import main
from minigpt_core.devices import WORTH_A_DEVICE, choose_device
from minigpt_core.errors import UserError
from minigpt_core.jobs.worker import Controls, train
from minigpt_core.presets import NOTEBOOK
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.texts import corpus

SHORT = replace(NOTEBOOK.training, steps=3, eval_windows=1, sample_length=0)
NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")


def trained_by_a_worker(device: str) -> Run:
    store = RunStore()
    text = corpus.normalize(corpus.load("le-chat-curieux").text)
    training = replace(SHORT, device=device)
    run = new_run(store, text=text, title="story", model_fields=NOTEBOOK.model, training=training)
    assert train(store, run.id, Controls(queue.Queue(), lambda *_, **__: None)) == "done"
    return store.run(run.id)


@NO_CUDA
def test_a_worker_goes_on_without_the_device_and_the_run_keeps_the_reason() -> None:
    run = trained_by_a_worker("cuda")
    assert (run.status, run.device, run.step, run.error) == ("done", "cpu", 3, None)
    assert run.remark is not None
    said = UserError.from_json(run.remark)
    assert said.template.startswith("The device {device} cannot train this model")
    assert "cuda cannot train this model" in str(said) and "processor (CPU) instead" in str(said)


@NO_CUDA
def test_the_losses_are_those_of_the_processor_and_nothing_is_said_without_need() -> None:
    asked, got = trained_by_a_worker("cuda"), trained_by_a_worker("cpu")
    assert got.remark is None
    store = RunStore()
    assert store.steps_since(asked.id) == store.steps_since(got.id) != []


@NO_CUDA
def test_the_command_line_says_it_and_stores_it(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["device=cuda", "steps=2", "eval_windows=1", "sample_length=0"]
    arguments = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", "--json", *arguments]) == 0
    assert "The device cuda cannot train this model" in capsys.readouterr().err
    assert "cannot train this model" in (RunStore().find_run("last").remark or "")


def test_a_card_is_taken_where_there_is_one_and_the_model_is_worth_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert str(choose_device("cpu", 1e15)) == "cpu" and str(choose_device("cuda", 1.0)) == "cuda"
    for there in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
        assert str(choose_device("auto", 2 * WORTH_A_DEVICE)) == ("cuda" if there else "cpu")
        assert str(choose_device("auto", WORTH_A_DEVICE / 2)) == "cpu"
