"""Weights on disk: a safetensors file for each checkpoint, with a JSON file beside it that says what it is.

The safetensors file alone is enough to go on from: the trainer's state travels in its header, so no crash can
leave weights and state that don't belong together. The JSON is for people and for other programs.
"""

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from minigpt_core.errors import StoreError
from minigpt_core.store.explained import explained
from minigpt_core.training import Checkpoint


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that at any moment there is either nothing, the old file, or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def weights_path(folder: Path, step: int) -> Path:
    """Where the weights after `step` steps are kept."""
    return folder / f"step-{step:08d}.safetensors"


def write_checkpoint(folder: Path, checkpoint: Checkpoint, about: dict[str, Any]) -> int:
    """Write both files and return their size in bytes. `about` goes into the JSON."""
    path = weights_path(folder, checkpoint.step)
    weights = safetensors.torch.save(checkpoint.tensors, {"state": json.dumps(checkpoint.state)})
    facts = {"step": checkpoint.step, **about, "state": checkpoint.state}
    description = json.dumps(facts, ensure_ascii=False, indent=2).encode()
    write_whole(path, weights)
    write_whole(path.with_suffix(".json"), description)
    return len(weights) + len(description)


def read_checkpoint(folder: Path, step: int, prefix: str = "") -> Checkpoint:
    """The tensors whose name begins with `prefix`. Raises `StoreError` if the file is missing or damaged."""
    path = weights_path(folder, step)
    with explained(path):
        try:
            with safe_open(path, framework="pt") as file:
                names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
                tensors = {name: whole(file.get_tensor(name)) for name in names}
                state = json.loads(file.metadata()["state"])
        except (FileNotFoundError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise StoreError(
                "The weights after step {step} are missing or damaged: {path} cannot be read. Choose another "
                "checkpoint of this run.",
                step=step, path=path,
            ) from error  # fmt: skip
    return Checkpoint(step=step, tensors=tensors, state=state)


def whole(tensor: Tensor) -> Tensor:
    """A copy that outlives the file; numbers that were kept in 16 bits to save space are given their 32 back."""
    return tensor.float() if tensor.dtype == torch.float16 else tensor.clone()


def steps_to_drop(steps: Iterable[int], precious: set[int], limit: int) -> list[int]:
    """Which checkpoints to give up so that `limit` remain, about evenly spaced.

    The first, the last and the `precious` ones stay. The others go one by one, each time the one
    whose neighbours lie closest together.
    """
    kept, dropped = sorted(steps), []
    while len(kept) > limit:
        inner = [i for i in range(1, len(kept) - 1) if kept[i] not in precious]
        dropped.append(kept.pop(min(inner, key=lambda i: kept[i + 1] - kept[i - 1])))
    return dropped


def remove_others(folder: Path, steps: Iterable[int]) -> None:
    """Remove every checkpoint file but those of `steps`: thinned ones, and what a crash left half-written."""
    keep = {weights_path(folder, step).stem for step in steps}
    for path in folder.glob("step-*"):
        if path.name.split(".")[0] not in keep or path.suffix == ".part":
            try:
                path.unlink(missing_ok=True)
            except PermissionError:  # Windows: somebody is reading it; the next checkpoint tries again
                pass
