"""A run as a program of its own: three parts (prepare, train, generate) that need nothing but torch.

The program draws the same batches from the same random numbers, so it comes to the same losses as the run. It is
picked from one template, `templates/run.py.txt`: a line that ends in `#? flag, !flag` stays only if the run needs it,
and takes the block below it along. Comments and printed words stand in `words/<language>.toml` in other languages.
"""

import math
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from torch import Tensor

from minigpt_core.configs import CHOICES, ModelConfig, TrainConfig
from minigpt_core.data import prepare
from minigpt_core.optimizers import ROUNDS
from minigpt_core.sampling import start_id
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.runs import Run, RunStore
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import CHARACTERS_PER_CHUNK, WORK_PER_CHUNK
from minigpt_core.weights import parameters_of

ENGLISH = "en"
WORDS = Path(__file__).parent / "words"
PARTS = ("prepare", "train", "generate")
LONGEST_EMBEDDED = 100_000  # characters; a longer text is a file beside the program
TEXT_FILE = "text.txt"
PROMPT_WORDS, PROMPT_CHARACTERS = 3, 30
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")  # Unicode categories that stand as codes in a program
PART, CONDITION, COMMENT = "#% ", "#? ", "# "


@dataclass(frozen=True)
class Exported:
    """A program in its three parts, and the files it reads."""

    parts: dict[str, str]
    """The code of each of `PARTS`."""

    files: dict[str, bytes]
    """What must lie beside the program, by name: the text, if it is long."""


def export_script(store: RunStore, run: Run, language: str = ENGLISH) -> tuple[str, dict[str, bytes]]:
    """The run as one Python program, and the files that must lie beside it."""
    exported = export_parts(store, run, language)
    return "\n\n".join(exported.parts.values()), exported.files


def export_parts(store: RunStore, run: Run, language: str = ENGLISH) -> Exported:
    """The run as the three parts of a program. Raises `StoreError` if its text is gone."""
    text = store.text(run.text_id).text
    tokenizer = CharTokenizer.from_characters(run.characters)
    dataset = prepare(text, run.training.val_fraction, tokenizer)
    changes = [c for c in store.changes(run.id) if c.name != "pace"]  # the pace moves no loss
    samples = {sample.step for sample in store.samples(run.id)}
    flags = flags_of_model(run.model) | flags_of_training(run, dataset.train, dataset.val, changes)
    flags |= {
        "text_file": len(text) > LONGEST_EMBEDDED,
        "own_characters": "".join(sorted(set(text))) != run.characters,
        "sample": run.step in samples,
    }
    values = values_of(run, text, changes)
    template = resources.files("minigpt_core.export").joinpath("templates", "run.py.txt").read_text("utf-8")
    parts = split_parts(translated(picked(template, flags), language))  # before anybody's words stand in it
    files = {TEXT_FILE: text.encode()} if flags["text_file"] else {}
    return Exported({name: Template(code).substitute(values) for name, code in parts.items()}, files)


# What the run needs


def flags_of_model(model: ModelConfig) -> dict[str, bool]:
    """Which of its settings are on, by name; which words they have; and what several of them bring together."""
    fields = model.to_dict()
    gpt2_weights = model.norm != "none" or model.tie_weights
    projections = model.n_layer > 0 and (model.zero_init or (model.residual and model.norm != "none"))
    zero_head = model.zero_init and not model.tie_weights
    return {
        **{name: bool(value) and value != "none" for name, value in fields.items()},
        **flags_of_words(model, "positions", "mlp", "norm"),
        "tiny": model.is_tinygpt,
        "gpt2_weights": gpt2_weights,
        "projections": projections,
        "zero_head": zero_head,
        "drawn": gpt2_weights or model.positions == "learned" or projections or zero_head,
    }


def flags_of_words(config: ModelConfig | TrainConfig, *settings: str) -> dict[str, bool]:
    """Which words some settings have, of those that they can have."""
    return {word: word == getattr(config, name) for name in settings for word in CHOICES[name]}


def flags_of_training(run: Run, train: Tensor, val: Tensor, changes: list[ChangeEvent]) -> dict[str, bool]:
    """Which parts its training has."""
    training, T = run.training, run.model.block_size
    falling, warmup = training.schedule != "constant", training.warmup_steps > 0
    changed = {change.name for change in changes}
    wide = run.model.norm != "none" and run.model.residual and not run.model.zero_init
    return {
        "accelerator": run.device != "cpu",
        "lower": run.lower,
        "validation": len(val) > 1,
        "whole": len(val) == 0,
        "short": 1 < len(val) <= T,
        "sampled": 0 < training.eval_windows < (max(len(train), len(val)) - 1) // T,
        "falling": falling,
        "warmup": warmup,
        "schedule": falling or warmup,
        **flags_of_words(training, "schedule", "optimizer", "windows"),
        "clip": training.grad_clip > 0,
        "accumulated": training.accumulation > 1,
        "groups": training.weight_decay > 0 and not run.model.is_tinygpt,
        "changed": bool(changes),
        "changed_rate": "learning_rate" in changed,
        "changed_interval": "eval_interval" in changed,
        "early_looks": bool(training.early_evaluations),
        "steered": falling or warmup or "learning_rate" in changed,
        "cut": ended_before(run),
        "early": run.status == "done",
        "bfloat16": run.precision == "bfloat16",
        "diverged": run.status == "diverged",
        "math": training.schedule == "cosine"
        or run.status == "diverged"
        or wide
        or training.optimizer == "muon",
    }


def values_of(run: Run, text: str, changes: list[ChangeEvent]) -> dict[str, Any]:
    """What stands in the gaps of the template."""
    model, training = run.model, run.training
    tokenizer = CharTokenizer.from_characters(run.characters)
    norms = {
        "rmsnorm": "nn.RMSNorm(n_embd, eps=1e-5)",
        "layernorm": f"nn.LayerNorm(n_embd{'' if model.bias else ', bias=False'})",
    }
    scheduled = training.schedule != "constant" or training.warmup_steps > 0
    numbers = {name: repr(value) for name, value in (training.to_dict() | model.to_dict()).items()}
    return numbers | {
        "name": one_line(run.name or run.text_title),
        "threads": run.threads or 1,
        "text_file": TEXT_FILE,
        "text": literal(text),
        "characters": f"list({run.characters!a})",
        "part_size": math.ceil(training.batch_size / training.accumulation),
        "decay": repr(training.weight_decay),
        "betas": f"({training.beta1!r}, {training.beta2!r})",
        "min_share": repr(training.min_lr_share),
        "muon_rounds": repr(ROUNDS),
        "eval_interval": training.evaluation_interval,
        "early_evaluations": repr(training.early_evaluations),
        "characters_per_chunk": min(CHARACTERS_PER_CHUNK, WORK_PER_CHUNK // parameters_of(model)),
        "no_bias": "" if model.bias else ", bias=False",
        "no_head_bias": "" if model.bias and not model.tie_weights else ", bias=False",
        "norm": norms.get(model.norm, ""),
        "model": "TinyGPT" if model.is_tinygpt else "GPT",
        "last_step": run.step if ended_before(run) else "steps",
        "changes": "\n".join(f"    ({c.step}, {c.name!r}, {value_of(c)!r})," for c in changes),
        "rate_now": "learning_rate * learning_rate_share(step)" if scheduled else "learning_rate",
        "start": in_quotes(tokenizer.characters[start_id(tokenizer)]),
        "prompt": in_quotes(opening(text)),
    }  # fmt: skip


def ended_before(run: Run) -> bool:
    """Whether it is over without having made all of its steps."""
    return run.status in ("stopped", "done") and run.step < run.training.steps


def value_of(change: ChangeEvent) -> float:
    """The new value, a whole number where the setting is one."""
    return int(change.value) if change.name == "eval_interval" else change.value


def opening(text: str) -> str:
    """The first words of a text: something to go on from."""
    words = text[: 10 * PROMPT_CHARACTERS].split("\n", 1)[0].split(" ")[:PROMPT_WORDS]
    while len(words) > 1 and len(" ".join(words)) > PROMPT_CHARACTERS:
        words.pop()
    return " ".join(words)[:PROMPT_CHARACTERS] or text[0]


# From the template to a program


def picked(template: str, flags: dict[str, bool]) -> str:
    """The lines of the template that a run with these flags needs."""
    kept: list[str] = []
    empty: list[str] = []
    dropped_below: int | None = None  # leaving out a block: everything deeper than this
    for line in template.splitlines():
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            empty.append("")
            continue
        if dropped_below is not None and indent > dropped_below:
            empty = []
            continue
        code, _, condition = line.partition(CONDITION)
        code = code.rstrip()
        if condition and not holds(condition, flags):
            dropped_below = indent if code.split("  #")[0].endswith(":") else None
            continue
        dropped_below = None
        kept += [*empty, code]
        empty = []
    return tidied(kept)


def holds(condition: str, flags: dict[str, bool]) -> bool:
    """Whether all flags of `a, !b` are as they should be."""
    return all(flags[word.lstrip("!")] != word.startswith("!") for word in condition.strip().split(", "))


def tidied(lines: list[str]) -> str:
    """The lines with as many empty ones between them as Python's style guide asks for."""
    tidy: list[str] = []
    empty, before = 0, ""
    for line in lines:
        if line:
            tidy += [""] * empty_lines(before, line, empty) + [line]
            before, empty = line, 0
        else:
            empty += 1
    return "\n".join(tidy) + "\n"


def empty_lines(before: str, line: str, empty: int) -> int:
    """How many empty lines to keep between two others that had `empty` ones between them."""
    if before.split("  #")[0].endswith(":") or before.lstrip().startswith("@"):
        return 0
    if line.startswith(" ") or not before:
        return min(empty, 1)
    if line.startswith(("class ", "def ", "@")):
        return 2
    return min(empty, 2 if before.startswith(" ") else 1)


def languages() -> list[str]:
    """The languages that comments and printed words are there in, English first."""
    return [ENGLISH, *sorted(file.stem for file in WORDS.glob("*.toml"))]


@cache
def words_of(language: str) -> dict[str, str]:
    """Comments and printed words by their English form. None for English, and where nobody has written them yet."""
    file = WORDS / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if language in languages()[1:] else {}


def translated(code: str, language: str) -> str:
    """The code with its comments and printed words in this language."""
    words = words_of(language)
    return "\n".join(translated_line(line, words) for line in code.split("\n")) if words else code


def translated_line(line: str, words: dict[str, str]) -> str:
    """A line of code with its comment and the words it prints as `words` has them."""
    begin, found, comment = line.rpartition(COMMENT)
    if found and comment in words:
        line = begin + found + words[comment]
    printed = re.search(r'print\(f?"([^"]+)"', line)
    return line.replace(printed[1], words[printed[1]]) if printed and printed[1] in words else line


def split_parts(code: str) -> dict[str, str]:
    """The code of each part, by its name."""
    found = re.split(rf"^{re.escape(PART)}(\w+)\n", code, flags=re.MULTILINE)[1:]
    return {name: body.strip("\n") + "\n" for name, body in zip(found[::2], found[1::2], strict=True)}


# People's words inside a program


def literal(text: str) -> str:
    """The text as a Python string that can be read: lines stay lines, what cannot be seen stands as a code."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    escaped = escaped[:-1] + '\\"' if escaped.endswith('"') else escaped
    return f'"""\\\n{with_codes(escaped)}"""'


def with_codes(text: str) -> str:
    """The text with codes such as \\u200b for characters that cannot be seen; lines stay lines."""
    return "".join(coded(c) if c != "\n" and unicodedata.category(c) in UNSEEN else c for c in text)


def coded(character: str) -> str:
    """A character as Python's escape code."""
    return ascii(character)[1:-1]


def in_quotes(text: str) -> str:
    """A short text as a Python string in one line."""
    return '"' + with_codes(text.replace("\\", "\\\\").replace('"', '\\"')).replace("\n", "\\n") + '"'


def one_line(words: str) -> str:
    """A person's words in a comment: nothing in them can end it."""
    return "".join(" " if unicodedata.category(c) in UNSEEN else c for c in words).strip()
