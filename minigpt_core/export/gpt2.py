"""Handing models to other programs and taking them back: the folder format of Hugging Face's GPT-2.

A folder has three files: `config.json`, `model.safetensors` (what
`transformers.GPT2LMHeadModel.from_pretrained` reads) and `vocabulary.json` (the characters in the order of their ids).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from minigpt_core.configs import ModelConfig, TrainConfig, usual_fields
from minigpt_core.data import prepare
from minigpt_core.errors import UserError
from minigpt_core.model import NORM_EPS
from minigpt_core.store.checkpoint_files import write_whole
from minigpt_core.store.runs import MAX_NAME, Run, RunStore, new_run_id
from minigpt_core.store.schema import storable
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import Trainer, strip_prefix

CONFIG, WEIGHTS, VOCABULARY = "config.json", "model.safetensors", "vocabulary.json"
# What a GPT-2 is made of, where TinyGPT is not; and the settings that it leaves open, or that only training knows.
GPT2_PARTS: dict[str, Any] = {"positions": "learned", "mlp": "gelu", "residual": True, "norm": "layernorm"}
OPEN = ("block_size", "n_embd", "n_layer", "n_head", "dropout", "bias", "tie_weights", "zero_init")
# The only values that config.json may give these, and what it means if it says nothing.
GPT2_SETTINGS: dict[str, Any] = {
    "activation_function": "gelu",
    "layer_norm_epsilon": NORM_EPS,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}
GPT2_DEFAULTS: dict[str, Any] = {"activation_function": "gelu_new"}


class InterchangeError(UserError):
    """A model cannot be written in this format, or a folder cannot be read."""


def export_gpt2(store: RunStore, run: Run, step: int | Literal["best", "last"], folder: Path) -> None:
    """Write the run's model, as it was after `step` steps, into a new folder.

    Raises:
        InterchangeError: GPT-2 has no place for a part of the model, or the folder cannot be used.
        StoreError: there is no such checkpoint.
    """
    check_expressible(run.model)
    checkpoint = store.load_checkpoint(run.id, step, model_only=True)
    weights = gpt2_weights(run.model, strip_prefix(checkpoint.tensors, "model."))
    vocabulary = {"characters": list(run.characters), "lower": run.lower, "step": checkpoint.step}
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InterchangeError("{folder} has something in it already: name a new folder.", folder=folder)
        write_whole(folder / WEIGHTS, safetensors.torch.save(weights, {"format": "pt"}))
        write_whole(folder / VOCABULARY, json.dumps(vocabulary, indent=2).encode())
        write_whole(folder / CONFIG, json.dumps(gpt2_config(run.model), indent=2).encode())
    except OSError as error:
        raise InterchangeError(
            "{folder} cannot be written: {problem}. Name another folder.",
            folder=folder,
            problem=error.strerror or error,
        ) from error


def check_expressible(config: ModelConfig) -> None:
    """Raise `InterchangeError` if GPT-2 has no place for a part of such a model, or needs one that it lacks."""
    if config.n_layer == 0:
        raise InterchangeError(
            "A model without layers cannot be written as a GPT-2: there is nothing in it that looks back. Train "
            "one with n_layer = 1 or more."
        )
    for name, needed in (usual_fields(ModelConfig) | GPT2_PARTS).items():
        value = getattr(config, name)
        if name not in OPEN and value != needed:
            raise InterchangeError(
                "A model with {name} = {value} cannot be written as a GPT-2, which has {name} = {needed}.",
                name=name,
                value=value,
                needed=needed,
            )
    if config.bias and not config.tie_weights:
        raise InterchangeError(
            "A GPT-2 has no constant in its output layer, and this model has one. Train it with tie_weights = True "
            "or bias = False."
        )


def gpt2_config(config: ModelConfig) -> dict[str, Any]:
    """The content of `config.json`."""
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": config.vocab_size,
        "n_positions": config.block_size,
        "n_embd": config.n_embd,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "n_inner": None,
        **GPT2_SETTINGS,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "tie_word_embeddings": config.tie_weights,
        "bos_token_id": None,
        "eos_token_id": None,
        "dtype": "float32",
    }


def names(config: ModelConfig) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Our name of each tensor, GPT-2's, and its shape there."""
    V, T, C = config.vocab_size, config.block_size, config.n_embd
    yield "token_embedding.weight", "transformer.wte.weight", (V, C)
    yield "position_embedding.weight", "transformer.wpe.weight", (T, C)
    for i in range(config.n_layer):
        for ours, theirs, shape in (
            ("norm_1", "ln_1", (C,)),
            ("attention.c_attn", "attn.c_attn", (C, 3 * C)),
            ("attention.c_proj", "attn.c_proj", (C, C)),
            ("norm_2", "ln_2", (C,)),
            ("mlp.c_fc", "mlp.c_fc", (C, 4 * C)),
            ("mlp.c_proj", "mlp.c_proj", (4 * C, C)),
        ):
            yield f"blocks.{i}.{ours}.weight", f"transformer.h.{i}.{theirs}.weight", shape
            yield f"blocks.{i}.{ours}.bias", f"transformer.h.{i}.{theirs}.bias", shape[-1:]
    yield "final_norm.weight", "transformer.ln_f.weight", (C,)
    yield "final_norm.bias", "transformer.ln_f.bias", (C,)
    if not config.tie_weights:
        yield "lm_head.weight", "lm_head.weight", (V, C)


def is_turned(name: str) -> bool:
    """Whether GPT-2 keeps this matrix as (in, out): its layers are written as convolutions. Ours are (out, in)."""
    return ".c_" in name and name.endswith(".weight")


def gpt2_weights(config: ModelConfig, ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights under GPT-2's names. A constant that our model does without is 0."""
    weights = {}
    for name, theirs, shape in names(config):
        weight = ours[name] if name in ours else torch.zeros(shape)
        weights[theirs] = (weight.T if is_turned(name) else weight).contiguous()
    return weights


def import_gpt2(store: RunStore, folder: Path, name: str = "") -> Run:
    """A new run, marked as done, with the model of a folder that `export_gpt2` or `transformers` has written.

    The text that it learned from does not travel with a model: the characters it knows stand in its place.

    Raises:
        InterchangeError: the folder has something else in it.
        StoreError: the store cannot be written.
    """
    settings, vocabulary = read_json(folder / CONFIG), read_json(folder / VOCABULARY)
    tokenizer = CharTokenizer.from_json(json.dumps(vocabulary))
    if storable(tokenizer.characters) != tokenizer.characters:
        raise InterchangeError(
            "The vocabulary in {folder} holds halves of characters, which no text has. Write it again, with whole "
            "characters.",
            folder=folder,
        )
    model, weights = our_model(
        gpt2_model_config(settings, tokenizer.vocab_size), read_weights(folder / WEIGHTS)
    )
    training = TrainConfig(steps=max(1, whole_number(vocabulary, "step")))
    text, title = stand_in_text(tokenizer, model.block_size), folder.absolute().name
    trainer = Trainer(prepare(text, training.val_fraction, tokenizer), model, training)
    trainer.model.load_state_dict(weights)
    trainer.step = training.steps
    run_id = new_run_id()
    with store.lock(run_id):
        store.create_run(
            run_id=run_id,
            status="running",
            name=name or title[:MAX_NAME],
            text_id=store.save_text(text, title),
            text_title=title,
            characters=tokenizer.characters,
            lower=vocabulary.get("lower") is True,
            model=model,
            training=training,
        )
        store.save_checkpoint(run_id, trainer.checkpoint())
        store.append(run_id, step=trainer.step)
        store.set_status(run_id, "done")
    return store.run(run_id)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of the folder."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise InterchangeError(
            "{folder} is no folder of a character-level GPT-2: {file} is missing or cannot be read. Name one that "
            "has config.json, model.safetensors and vocabulary.json.",
            folder=path.parent,
            file=path.name,
        )
    return fields


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of the folder, as 32-bit numbers. Nothing is unpickled."""
    try:
        tensors = safetensors.torch.load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise InterchangeError(
            "The weights {file} are missing or damaged. Files of another format than safetensors are not opened, "
            "because they could run code.",
            file=path,
        ) from error
    return {name: tensor.float() for name, tensor in tensors.items()}


def gpt2_model_config(settings: dict[str, Any], vocab_size: int) -> ModelConfig:
    """Our configuration of a GPT-2, with constants everywhere. Raises `InterchangeError` if it is another model."""
    width, dropout = whole_number(settings, "n_embd"), settings.get("resid_pdrop", 0.1)
    found = GPT2_DEFAULTS | settings
    needed = GPT2_SETTINGS | {"model_type": "gpt2", "vocab_size": vocab_size}
    if found.get("n_inner") is not None:
        needed["n_inner"] = 4 * width
    for name, value in needed.items():
        if found.get(name, value if name in GPT2_SETTINGS else None) != value:
            raise InterchangeError(
                "This model cannot be read: its config.json says {name} = {value}, but only {needed} fits here.",
                name=name,
                value=found.get(name),
                needed=value,
            )
    return ModelConfig(
        vocab_size=vocab_size,
        block_size=whole_number(settings, "n_positions"),
        n_embd=width,
        n_layer=max(1, whole_number(settings, "n_layer")),
        n_head=whole_number(settings, "n_head"),
        dropout=dropout if isinstance(dropout, int | float) else 0.0,
        tie_weights=settings.get("tie_word_embeddings", True) is True,
        **GPT2_PARTS,
    )


def our_model(config: ModelConfig, theirs: dict[str, Tensor]) -> tuple[ModelConfig, dict[str, Tensor]]:
    """GPT-2's weights under our names, and the configuration, without constants if all of them are 0."""
    weights = {}
    for name, their_name, shape in names(config):
        weight = theirs.get(their_name)
        if weight is None or weight.shape != shape or not weight.isfinite().all():
            raise InterchangeError(
                "This model cannot be read: its weights {name} are missing, damaged or not of the shape {shape}.",
                name=their_name,
                shape=shape,
            )
        weights[name] = (weight.T if is_turned(name) else weight).contiguous()
    if not any(weight.any() for name, weight in weights.items() if name.endswith(".bias")):
        config = replace(config, bias=False)
        weights = {name: weight for name, weight in weights.items() if not name.endswith(".bias")}
    if config.tie_weights:
        weights["lm_head.weight"] = weights["token_embedding.weight"]
    elif config.bias:
        weights["lm_head.bias"] = torch.zeros(config.vocab_size)  # GPT-2 has none
    return config, weights


def stand_in_text(tokenizer: CharTokenizer, block_size: int) -> str:
    """All characters in order, often enough for a window in either part of the text."""
    return tokenizer.characters * (1 + 20 * (block_size + 1) // tokenizer.vocab_size)


def whole_number(fields: dict[str, Any], name: str) -> int:
    """A count in a JSON object; 0, which no size may be, if there is none."""
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
