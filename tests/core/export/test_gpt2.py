"""A model goes to `transformers` and back, and what does not fit is refused with a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from minigpt_core.__main__ import main
from minigpt_core.configs import TrainConfig
from minigpt_core.errors import UserError
from minigpt_core.export.gpt2 import export_gpt2, import_gpt2
from minigpt_core.jobs.worker import take_up
from minigpt_core.ladder import MODERN, RUNGS, settings_up_to
from minigpt_core.model import build_model
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.training import strip_prefix

TEXT = "un matin, le chat gris voit un oiseau.\nil court, il saute, il dort.\n" * 6
GPT2 = settings_up_to("dropout")[0] | {"n_layer": 2, "tie_weights": True, "block_size": 16, "n_embd": 16}


def trained(store: RunStore, model: dict[str, Any], steps: int = 3) -> Run:
    """A run with a checkpoint after a few real steps."""
    training = TrainConfig(steps=steps, learning_rate=0.03, sample_length=0, eval_windows=1)
    run = new_run(store, text=TEXT, title="chat", model_fields=model, training=training)
    with store.lock(run.id):
        trainer = take_up(store, run)
        for _ in trainer.run():
            pass
        store.save_checkpoint(run.id, trainer.checkpoint())
        store.set_status(run.id, "done")
    return store.run(run.id)


def logits(store: RunStore, run: Run, idx: Tensor) -> Tensor:
    model = build_model(run.model)
    model.load_state_dict(strip_prefix(store.load_checkpoint(run.id, model_only=True).tensors, "model."))
    with torch.no_grad():
        return model.eval()(idx)[0]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


@pytest.mark.parametrize("changed", [{}, {"bias": False}, {"bias": False, "tie_weights": False}])
def test_transformers_loads_it_and_gives_the_same_logits(
    store: RunStore, tmp_path: Path, changed: dict[str, Any]
) -> None:
    run, folder, back = trained(store, GPT2 | changed), tmp_path / "out", tmp_path / "back"
    export_gpt2(store, run, "last", folder)
    idx = torch.randint(run.model.vocab_size, (3, 16))
    ours = logits(store, run, idx)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    with torch.no_grad():
        assert (theirs(idx).logits - ours).abs().max() < 1e-4

    theirs.save_pretrained(back)  # what transformers writes can be read too
    (back / "vocabulary.json").write_bytes((folder / "vocabulary.json").read_bytes())
    for source in (folder, back):
        again = import_gpt2(store, source)
        assert (logits(store, again, idx) - ours).abs().max() < 1e-6
        assert again.model == run.model
        assert (again.characters, again.lower, again.status, again.step) == (run.characters, True, "done", 3)


def test_an_imported_run_can_be_sampled_and_trained_on(store: RunStore, tmp_path: Path) -> None:
    export_gpt2(store, trained(store, GPT2), "best", tmp_path / "out")
    run = import_gpt2(store, tmp_path / "out", name="from elsewhere")
    trainer = take_up(store, run)
    assert trainer.step == run.training.steps == run.step
    assert run.name == "from elsewhere"
    assert set(store.text(run.text_id).text) == set(run.characters)


def test_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    store = RunStore()
    run = trained(store, GPT2)
    assert main(["export", "--run", run.id, "--format", "gpt2", str(tmp_path / "out")]) == 0
    assert main(["import", str(tmp_path / "out")]) == 0
    imported = store.find_run("last")
    assert imported.id in capsys.readouterr().out
    assert main(["sample", "--run", imported.id, "--prompt", "Le chat", "--tokens", "5"]) == 0
    assert capsys.readouterr().out.startswith("le chat")
    assert main(["export", "--run", run.id, str(tmp_path / "out")]) == 2
    assert "has something in it already" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "nowhere")]) == 2
    assert "nowhere cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("rung", [*RUNGS[:7], *MODERN[:5]], ids=lambda rung: rung.name)
def test_rungs_that_gpt2_cannot_express_are_refused(store: RunStore, tmp_path: Path, rung: Any) -> None:
    model = settings_up_to(rung.name)[0] | {"block_size": 16, "n_embd": 16}
    with pytest.raises(UserError, match="GPT-2"):
        export_gpt2(store, trained(store, model, steps=1), "last", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def broken(folder: Path, **settings: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | settings))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "vocabulary.json").unlink(), "vocabulary.json is missing"),
        (
            lambda folder: (folder / "vocabulary.json").write_text("[1]"),
            "vocabulary.json is missing or cannot",
        ),
        (lambda folder: (folder / "vocabulary.json").write_text("{}"), "not a saved vocabulary"),
        (
            lambda folder: (folder / "vocabulary.json").write_text('{"characters": ["a", "b"]}'),
            "vocab_size = ",
        ),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json is missing or cannot be read"),
        (
            lambda folder: (folder / "config.json").write_text("[" * 100_000),
            "config.json is missing or cannot",
        ),
        (
            lambda folder: (folder / "vocabulary.json").write_text('{"a":' * 100_000),
            "vocabulary.json is missing",
        ),
        (
            lambda folder: (folder / "vocabulary.json").write_text(
                '{"characters": ["a", "\\ud83d"], "step": 1}'
            ),
            "halves of characters",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "missing or damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"PK\x03\x04"), "missing or damaged"),
        (lambda folder: broken(folder, model_type="llama"), "model_type = llama"),
        (lambda folder: broken(folder, activation_function="gelu_new"), "activation_function = gelu_new"),
        (lambda folder: broken(folder, n_inner=48), "n_inner = 48"),
        (lambda folder: broken(folder, n_layer=3), r"transformer\.h\.2\.ln_1\.weight are missing"),
        (lambda folder: broken(folder, n_positions=17), r"transformer\.wpe\.weight"),
        (lambda folder: broken(folder, n_positions="many"), "block_size = 0"),
        (lambda folder: broken(folder, n_head=3), "n_embd = 16"),
    ],
)
def test_anything_else_is_refused_and_leaves_no_run(
    store: RunStore, tmp_path: Path, spoil: Any, says: str
) -> None:
    folder = tmp_path / "out"
    export_gpt2(store, trained(store, GPT2, steps=1), "last", folder)
    spoil(folder)
    with pytest.raises(UserError, match=says):
        import_gpt2(store, folder)
    assert len(store.runs()) == 1
