"""The settings of a run, one row each: what it is called, what it means, what it can be, where its control stands."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from functools import partial
from typing import Any, Literal

from minigpt_core.configs import STEERABLE, ModelConfig, TrainConfig
from minigpt_core.ladder import find_rung
from minigpt_core.sameness import settings_without_effect
from ui.words import glossary
from ui.words.i18n import N_, _, n_, number, percent

MODEL = tuple(field.name for field in fields(ModelConfig) if field.name != "vocab_size")  # that is the text's
TRAINING = tuple(field.name for field in fields(TrainConfig))
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Setting:
    """One setting of a run. All words are English, to be translated where they are shown."""

    label: str
    widget: Literal["slider", "menu", "number", "switch"]
    group: Literal["at once", "next", "model", "steps", "checks", ""]
    """The part of the Training page's sidebar where its control stands; "" without one."""

    _: KW_ONLY
    help: str | Callable[[], str]
    """What it is for; a function says that in the reader's language."""

    values: tuple[Any, ...] = ()
    """What a slider or a menu offers. 0 stands last where it means more than any number."""

    step: float = 1
    """Of a number field."""

    words: Callable[[Any], str] = number
    """How a number is put."""

    zero: str = ""
    """What 0 means, where it is no number."""

    names: Mapping[str, str] | None = None
    """What its words are called, where it is one of a few words."""

    tiny_help: str = ""
    """What it is for in a model without layers, if that is something else."""

    long_label: str = ""
    """Where there is more room than in a sidebar."""

    term: str = ""
    """What the field calls it, where the label is a plainer word."""

    drawn: tuple[Any, ...] = ()
    """What the Model page offers, which draws models that nobody would train here."""

    compared: tuple[float, float] | None = None
    """From which of its values to which one a comparison of several makes sense."""

    def options(self) -> tuple[Any, ...]:
        """What it can be, as far as it is offered."""
        return self.values or tuple(self.names or ())

    def comparable(self) -> tuple[float, ...]:
        """The values that are worth a comparison."""
        if self.compared is None:
            return ()
        lowest, highest = self.compared
        return tuple(value for value in self.values if lowest <= value <= highest)


def powers(lowest: int, highest: int) -> tuple[int, ...]:
    """The powers of two from one to another."""
    return tuple(2**n for n in range(lowest.bit_length() - 1, highest.bit_length()))


def pace_words(value: float) -> str:
    """60 → "60 steps/s"."""
    return n_("{n} step/s", "{n} steps/s", int(value)).format(n=number(value))


def idea(rung: str) -> str:
    """What a part of the model is for, in a sentence."""
    return _(find_rung(rung).idea)


def optimizer_help() -> str:
    """What an optimizer is, and what the one that few know brings."""
    return glossary.help("optimizer") + " " + _("Muon: {idea}").format(idea=idea("muon"))


# fmt: off
SETTINGS = {  # in the order of the sidebar
    "learning_rate": Setting(
        N_("Learning rate"), "slider", "at once",
        values=(1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
        compared=(1e-4, 1.0),
        help=N_(
            "How far one step moves the parameters. Too small: the loss falls slowly. Too large: it jumps "
            "about or breaks. Each notch is about three times the one before."
        ),
    ),
    "pace": Setting(
        N_("Pace"), "slider", "at once", values=(1, 5, 20, 60, 300, 0), words=pace_words,
        zero=N_("as fast as it goes"),
        help=N_("How many steps a second the training may make, so that one can watch. It changes no result."),
    ),
    "steps": Setting(N_("Steps"), "number", "next", step=100, help=partial(glossary.help, "step")),
    "batch_size": Setting(
        N_("Batch size"), "menu", "next", values=powers(1, 128), drawn=powers(1, 64), compared=(1, 64),
        long_label=N_("Batch size (rows)"),
        help=partial(glossary.help, "batch"),
    ),
    "n_embd": Setting(
        N_("Numbers per character"), "slider", "model", values=powers(2, 256),
        drawn=(2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024), compared=(8, 128),
        term=N_("embedding dimension"),
        help=N_(
            "How many numbers describe one character inside the model (embedding dimension). More can hold finer "
            "differences."
        ),
    ),
    "block_size": Setting(
        N_("Block size"), "slider", "model", values=powers(4, 256), drawn=powers(4, 1024), compared=(4, 128),
        long_label=N_("Block size (context length), in characters"), term=N_("context length"),
        help=N_(
            "How many characters one stretch of text has (context length): so far back a guess can look. Longer "
            "takes longer."
        ),
        tiny_help=N_(
            "How many characters one stretch of text has (context length). This model sees one character at a time: a "
            "longer block gives it more examples in each step, but cannot make its guesses better informed."
        ),
    ),
    "positions": Setting(
        N_("Positions"), "menu", "model",
        names={"none": N_("none"), "learned": N_("learned"), "rotary": N_("rotary")},
        help=partial(idea, "positions"),
    ),
    "n_layer": Setting(
        N_("Layers"), "slider", "model", values=(0, 1, 2, 3, 4, 6, 8, 12), drawn=(*range(13), 16, 24, 32, 48),
        compared=(1, 4), term=N_("Transformer blocks"), help=partial(idea, "layers"),
    ),
    "n_head": Setting(
        N_("Attention heads"), "slider", "model", values=powers(1, 16), drawn=(1, 2, 3, 4, 6, 8, 12, 16),
        help=partial(idea, "heads"),
    ),
    "mlp": Setting(
        N_("Small network (MLP)"), "menu", "model",
        names={"none": N_("none"), "gelu": "GELU", "relu2": "ReLU²"},
        help=partial(idea, "mlp"),
    ),
    "norm": Setting(
        N_("Norm"), "menu", "model",
        names={"none": N_("none"), "layernorm": "LayerNorm", "rmsnorm": "RMSNorm"},
        help=partial(idea, "layernorm"),
    ),
    "dropout": Setting(
        N_("Dropout"), "slider", "model", values=SHARES, words=percent, compared=(0.0, 0.5),
        help=partial(idea, "dropout"),
    ),
    "residual": Setting(N_("Residual connections"), "switch", "model", help=partial(idea, "residual")),
    "tie_weights": Setting(
        N_("Tied weights"), "switch", "model",
        long_label=N_("Share the table of the embedding (tied weights)"),
        help=N_(
            "One table for both ends: the row that describes a character also gives its score. Fewer "
            "parameters."
        ),
    ),
    "bias": Setting(
        N_("Constants (bias)"), "switch", "model",
        long_label=N_("Constants (bias) in linear layers and LayerNorm"),
        help=N_("Whether the linear layers and LayerNorm add a constant. Many newer models leave them out."),
    ),
    "qk_norm": Setting(
        N_("QK norm"), "switch", "model",
        long_label=N_("Fixed length of queries and keys (QK norm)"),
        help=partial(idea, "qk-norm"),
    ),
    "zero_init": Setting(
        N_("Zero start"), "switch", "model",
        long_label=N_("Zero start: every part begins by adding nothing"),
        help=partial(idea, "zero-init"),
    ),
    "token_shift": Setting(
        N_("Token shift"), "switch", "model",
        long_label=N_("A share of the character before (token shift)"),
        help=partial(idea, "token-shift"),
    ),
    "optimizer": Setting(
        N_("Optimizer"), "menu", "steps",
        names={"adamw": "AdamW", "sgd": "SGD", "muon": "Muon"},
        help=optimizer_help,
    ),
    "schedule": Setting(
        N_("Learning rate over time"), "menu", "steps",
        names={"constant": N_("constant"), "cosine": N_("falling as a cosine"), "linear": N_("falling evenly")},
        help=N_(
            "Large steps first, small ones towards the end, so that the last ones do not blur what was "
            "learned. Constant: all steps are equally large."
        ),
    ),
    "warmup_steps": Setting(
        N_("Warm-up steps"), "number", "steps", step=10,
        help=N_(
            "In so many first steps the learning rate rises from near 0 to its full height: a gentle start."
        ),
    ),
    "min_lr_share": Setting(
        N_("Share of it left at the end"), "number", "steps", step=0.05, words=percent,
        help=N_("To which share of the learning rate a falling one comes down: 0.1 is a tenth."),
    ),
    "beta1": Setting(
        N_("Memory of the gradients (β₁)"), "number", "steps", step=0.01,
        help=N_("How slowly the running mean of the gradients forgets: 0.9 remembers about ten steps."),
    ),
    "beta2": Setting(
        N_("Memory of their squares (β₂)"), "number", "steps", step=0.01,
        help=N_(
            "How slowly the running mean of their squares forgets: 0.999 remembers about a thousand steps."
        ),
    ),
    "momentum": Setting(
        N_("Memory of Muon"), "number", "steps", step=0.01,
        help=N_("How slowly Muon’s running mean of the gradients forgets: 0.95 remembers about twenty steps."),
    ),
    "weight_decay": Setting(
        N_("Weight decay"), "number", "steps", step=0.01, help=partial(glossary.help, "weight_decay"),
    ),
    "grad_clip": Setting(
        N_("Longest gradient"), "number", "steps", step=0.5, zero=N_("no limit"),
        help=N_(
            "A gradient whose length (norm) is greater is shortened to it (gradient clipping), against sudden jumps. 0 "
            "leaves all as they are."
        ),
    ),
    "windows": Setting(
        N_("Windows of the text"), "menu", "steps",
        names={"random": N_("drawn at random"), "epochs": N_("in shuffled epochs")},
        help=N_(
            "Which stretches of the text a step learns from. At random: from anywhere, so that some characters come "
            "often and others hardly ever. In shuffled epochs: side by side and in a random order, so that all come "
            "once before any comes again."
        ),
    ),
    "device": Setting(
        N_("Device"), "menu", "",
        names={"auto": N_("automatic"), "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"},
        help=N_("Which part of the machine calculates. It is chosen by itself."),
    ),
    "accumulation": Setting(
        N_("Parts of a batch"), "number", "",
        help=N_(
            "In how many parts a batch goes through the model, one after the other. The step is the same and takes "
            "less memory."
        ),
    ),
    "precision": Setting(
        N_("Precision"), "menu", "steps",
        names={"float32": "float32", "bfloat16": N_("bfloat16 where it is faster")},
        help=N_(
            "With how many digits the large products are calculated: bfloat16 keeps 2 to 3 decimal digits, "
            "float32 7. With bfloat16, larger models train up to one and a half times as fast on some processors, and "
            "more slowly on others: when the run begins, it is measured, and taken only where it is faster."
        ),
    ),
    "seed": Setting(N_("Seed"), "number", "steps", words=str, help=partial(glossary.help, "seed")),
    "eval_interval": Setting(
        N_("Steps between evaluations"), "number", "checks", step=5, zero=N_("20 times a run"),
        help=N_(
            "After so many steps the loss is measured on both parts of the text, a sample is written and the "
            "weights are saved. 0 means 20 times a run, and a few times more near the beginning of a long one."
        ),
    ),
    "eval_windows": Setting(
        N_("Windows per evaluation"), "slider", "checks", values=(16, 64, 256, 1024, 0),
        zero=N_("the whole part"),
        help=N_(
            "How many stretches of each part of the text an evaluation reads. More takes longer and is more "
            "exact."
        ),
    ),
    "patience": Setting(
        N_("Evaluations without progress"), "number", "checks", zero=N_("no limit"),
        help=N_(
            "The training ends early if so many evaluations in a row bring no better loss on unseen text: the "
            "model would only learn by heart from then on. The best weights are kept. 0 always makes all "
            "steps."
        ),
    ),
    "sample_length": Setting(
        N_("Length of the samples"), "number", "checks", step=50,
        help=N_("How many characters the model writes at each evaluation, at most 2,000. 0 writes none."),
    ),
    "val_fraction": Setting(
        N_("Share kept for validation"), "slider", "checks", values=SHARES, words=percent,
        help=partial(glossary.help, "validation_split"),
    ),
}
# fmt: on


def names_of(group: str) -> list[str]:
    """The settings whose controls stand in one part of the sidebar, in their order."""
    return [name for name, setting in SETTINGS.items() if setting.group == group]


def acts_at_once(name: str) -> bool:
    """Whether a run that goes on can take another value of it."""
    return name in STEERABLE


def changes_losses(name: str, training: TrainConfig) -> bool:
    """Whether another value of it gives other losses, as the other settings of the training stand."""
    return name not in settings_without_effect(training)


def label(name: str, *, long: bool = False) -> str:
    """What a setting is called on its control."""
    setting = SETTINGS[name]
    return _((long and setting.long_label) or setting.label)


def label_inside(name: str) -> str:
    """What a setting is called inside a sentence; one of another version keeps its name in the code."""
    words = label(name) if name in SETTINGS else name
    return words if words[:2].isupper() or name not in SETTINGS else words[0].lower() + words[1:]  # "QK norm"


def label_with_term(name: str) -> str:
    """What a setting is called inside a sentence, and by the field."""
    term = SETTINGS[name].term
    return f"{label_inside(name)} ({_(term)})" if term else label_inside(name)


def help_text(name: str, *, layers: bool = True) -> str:
    """What a setting is for, in a model with layers or without."""
    setting = SETTINGS[name]
    words = (not layers and setting.tiny_help) or setting.help
    said = _(words) if isinstance(words, str) else words()
    return f"{said} {_('A run that goes on takes it at its next step.')}" if acts_at_once(name) else said


def value_words(name: str, value: Any) -> str:
    """A setting's value in words; one of another version as it stands in the code."""
    setting = SETTINGS.get(name)
    if setting is None:
        return str(value)
    if setting.widget == "switch":
        return _("yes") if value else _("no")
    if setting.names is not None:
        return _(setting.names.get(value, value))
    return _(setting.zero) if setting.zero and not value else setting.words(value)


def with_present(values: Iterable[Any], present: Any) -> list[Any]:
    """Values in order, the present one among them. A last 0 stands for more than any number, and stays there."""
    values = tuple(values)
    return sorted({*values, present}, key=lambda value: value or (float("inf") if values[-1] == 0 else 0))


def in_labels(sentence: str) -> str:
    """A sentence of the core with its names of settings as they stand on their controls."""
    names = "|".join(name if "_" in name else f"{name}(?= = )" for name in SETTINGS)
    return re.sub(rf"\b({names})\b", lambda found: _("“{name}”").format(name=label(found[0])), sentence)
