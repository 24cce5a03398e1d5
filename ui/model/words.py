"""What each part of a model is called, what it does, its formula, and its code."""

import re
from collections.abc import Callable
from typing import Any

from minigpt_core.configs import ModelConfig
from minigpt_core.data import get_batch
from minigpt_core.ladder import MODERN, find_rung, settings_that_cannot_matter, why_layers_are_needed
from minigpt_core.model import GPT, MLP, Block, CausalSelfAttention, TinyGPT, make_norm, rotary_table, rotate
from minigpt_core.sampling import next_probabilities
from ui.model.choice import is_modern
from ui.runs.wording import KINDS
from ui.words.i18n import N_, _, n_, number, percent

Source = Callable[..., Any]

TITLES = {
    "characters": N_("Characters"),
    "embedding": N_("Embedding"),
    "positions": N_("Positions"),
    "layer": N_("Layer"),
    "attention": N_("Attention"),
    "mlp": "MLP",
    "output": N_("Output layer"),
    "softmax": "Softmax",
}

FORMULAS = {
    "characters": r"x \in \{0, 1, \dots, V-1\}^{B \times T}",
    "embedding": r"x_t = E_{\mathrm{id}_t} \qquad E \in \mathbb{R}^{V \times C}",
    "positions learned": r"x_t \leftarrow x_t + P_t \qquad P \in \mathbb{R}^{T \times C}",
    "positions rotary": r"(R_t\, q_t)^\top (R_s\, k_s) = q_t^\top R_{s-t}\, k_s",
    "norm layernorm": r"y = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \odot g + b",
    "norm rmsnorm": r"y = \frac{x}{\sqrt{\frac{1}{C}\sum_i x_i^2 + \varepsilon}} \odot g",
    "mlp gelu": r"W_2\,\mathrm{GELU}(W_1 x + b_1) + b_2 \qquad C \to 4C \to C",
    "mlp relu2": r"W_2\,\max(0,\; W_1 x + b_1)^2 + b_2 \qquad C \to 4C \to C",
    "add": r"x \leftarrow x + f(x)",
    "replace": r"x \leftarrow f(x)",
    "output": r"z = W x + b \qquad W \in \mathbb{R}^{V \times C}",
    "output bare": r"z = W x \qquad W \in \mathbb{R}^{V \times C}",
    "softmax": r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}",
}

QK_NORM = r"{0} \leftarrow {0} \Big/ \sqrt{{\tfrac{{1}}{{hs}}\textstyle\sum_i {0}_i^2 + \varepsilon}}"


def title(part: str, config: ModelConfig) -> str:
    """What a part is called in this configuration."""
    if part in ("norm_1", "norm_2", "final_norm"):
        name = _("Norm") if config.norm == "none" else _(KINDS["norm"][config.norm])
        return _("Final {norm}").format(norm=name) if part == "final_norm" else name
    if part in ("add_1", "add_2"):
        return _("Residual connection")
    return _(TITLES[part])


def model_title(config: ModelConfig) -> str:
    """TinyGPT, or the number of layers and of newer ideas."""
    if config.n_layer == 0:
        return "TinyGPT" if config.positions == "none" else _("TinyGPT with positions")
    title = n_("GPT, {n} layer", "GPT, {n} layers", config.n_layer).format(n=number(config.n_layer))
    modern = [_(rung.title) for rung in MODERN if rung.model and is_modern(config, rung.name)]
    if not modern:
        return title
    newer = n_("{n} newer idea", "{n} newer ideas", len(modern)).format(n=number(len(modern)))
    return f"{title}, {modern[0] if len(modern) == 1 else newer}"


def why_off(name: str, config: ModelConfig) -> str | None:
    """Why a setting of the model can do nothing here; None if it can."""
    reason = settings_that_cannot_matter(config).get(name)
    return _(reason) if reason else None


def why_modern_off(name: str, config: ModelConfig) -> str | None:
    """Why a modern part cannot be switched on here; None if it can."""
    (setting,) = find_rung(name).model
    return _(why_layers_are_needed(setting)) if config.n_layer == 0 else why_off(setting, config)


def formula(part: str, config: ModelConfig) -> str | None:
    """In LaTeX; None for a part that calculates nothing here."""
    kind = {"norm_1": "norm", "norm_2": "norm", "final_norm": "norm"}.get(part, part)
    if part == "layer":
        return layer_formula(config)
    if part == "attention":
        return attention_formula(config)
    if part in ("add_1", "add_2"):
        return FORMULAS["add" if config.residual else "replace"]
    if part == "output" and (config.tie_weights or not config.bias):
        return FORMULAS["output bare"]
    if kind in KINDS:
        formula = FORMULAS.get(f"{kind} {getattr(config, kind)}")
        return without_constants(formula) if formula and not config.bias else formula
    return FORMULAS.get(part)


LETTERS = {
    "B": N_("rows of the batch"),
    "T": N_("characters of a row"),
    "V": N_("characters of the vocabulary"),
    "C": N_("numbers per character"),
    "nh": N_("heads"),
    "hs": N_("numbers per head"),
}
"""What the letters of the formulas count."""


def letters(formula: str, config: ModelConfig, batch_size: int) -> str:
    """What the letters of a formula stand for in this model, as Markdown: `C` = 64 (numbers per character) · …"""
    counts = {
        "B": batch_size,
        "T": config.block_size,
        "V": config.vocab_size,
        "C": config.n_embd,
        "nh": config.n_head,
        "hs": config.head_size if config.n_layer else 0,
    }
    shown = [
        f"${letter}$ = {number(counts[letter])} ({_(LETTERS[letter])})" for letter in _letters_in(formula)
    ]
    return " · ".join(shown)


def _letters_in(formula: str) -> list[str]:
    """Those of `LETTERS` that stand in it as a symbol of their own."""
    return [letter for letter in LETTERS if re.search(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", formula)]


def without_constants(formula: str) -> str:
    """The same without what `bias` adds."""
    return formula.replace(" + b_1", "").replace(" + b_2", "").replace(r"\odot g + b", r"\odot g")


def layer_formula(config: ModelConfig) -> str | None:
    """What one layer calculates, part by part."""
    if config.n_layer == 0:
        return None
    begin = r"x \leftarrow x + " if config.residual else r"x \leftarrow "
    norm = r"\mathrm{norm}(x)" if config.norm != "none" else "x"
    names = ["attention"] if config.mlp == "none" else ["attention", "MLP"]
    return r", \qquad ".join(rf"{begin}\mathrm{{{name}}}({norm})" for name in names)


def attention_formula(config: ModelConfig) -> str | None:
    """Queries, keys and values; what is done to queries and keys; the pattern with its mask; the heads side by side."""
    if config.n_layer == 0:
        return None
    constants = {name: f" + b_{name}" if config.bias else "" for name in "qkvo"}
    projected = [f"{name} = x W_{name}{constants[name]}" for name in "qkv"]
    lines = [r",\;\; ".join(projected)]
    if config.positions == "rotary":
        lines.append(r"q_t \leftarrow R_t\, q_t,\quad k_t \leftarrow R_t\, k_t")
    if config.qk_norm:
        lines.append(r",\quad ".join(QK_NORM.format(name) for name in "qk"))
    lines += [
        r"A = \mathrm{softmax}\!\left(\frac{q\,k^\top}{\sqrt{hs}} + M\right),\quad "
        r"M_{ts} = \begin{cases} 0 & s \le t \\ -\infty & s > t \end{cases}",
        rf"y = [A_1 v_1, \dots, A_{{nh}} v_{{nh}}]\, W_o{constants['o']},\quad "
        rf"hs = \tfrac{{C}}{{nh}} = {config.head_size}",
    ]
    return r"\begin{gathered} " + r" \\ ".join(lines) + r" \end{gathered}"


def large(n: float) -> str:
    """12345678 → "12.3 million": a number of which only the size matters."""
    if n < 1e6:
        return number(n, 0)
    if n < 1e9:
        return n_("{n} million", "{n} million", int(n / 1e6)).format(n=number(n / 1e6, 1))
    return n_("{n} billion", "{n} billion", int(n / 1e9)).format(n=number(n / 1e9, 1 if n < 1e11 else 0))


def explanation(part: str, config: ModelConfig, batch_size: int) -> str:
    """One or two sentences in plain words."""
    kind = {"norm_1": "norm", "norm_2": "norm", "final_norm": "norm", "add_1": "add", "add_2": "add"}
    say = SAYINGS[kind.get(part, part)]
    return say(config, batch_size)


def _characters(config: ModelConfig, batch_size: int) -> str:
    return _(
        "The batch: {rows} rows of {block} characters from the text, each as its number. Nothing is calculated yet."
    ).format(rows=number(batch_size), block=number(config.block_size))


def _embedding(config: ModelConfig, _batch_size: int) -> str:
    return _(
        "A table with one row of {width} numbers for each of the {n} characters. The model looks up the row: the "
        "same character always gets the same numbers. Training adjusts them."
    ).format(width=number(config.n_embd), n=number(config.vocab_size))


def _positions(config: ModelConfig, _batch_size: int) -> str:
    if config.positions == "learned":
        return _(
            "Each of the {n} places has a row of {width} numbers too, which is added to the character’s: an “e” at "
            "place 3 is no longer the same as one at place 20."
        ).format(n=number(config.block_size), width=number(config.n_embd))
    if config.positions == "rotary":
        return _(
            "Nothing is added here. Inside attention, queries and keys are turned by an angle that grows with their "
            "place, so that what counts is how far apart two characters are."
        )
    return _("This model does not know where a character stands: all places look the same to it.")


def _layer(config: ModelConfig, _batch_size: int) -> str:
    if config.n_layer == 0:
        return _(
            "No layers yet: each character is on its own. A layer lets it look back at those before it. Press + to "
            "add one."
        )
    words = [
        n_(
            "Look around, then think. There is {n} layer; what leaves it goes to the output.",
            "Look around, then think. {n} layers of this form follow one another, each with parameters of its own.",
            config.n_layer,
        ).format(n=number(config.n_layer))
    ]
    if config.dropout:
        words.append(
            _(
                "While training, dropout sets {share} of the numbers to 0 at random, so that the model cannot "
                "just learn by heart."
            ).format(share=percent(config.dropout))
        )
    if config.zero_init:
        words.append(_("Every part begins by adding nothing."))
    return " ".join(words)


def _norm(config: ModelConfig, _batch_size: int) -> str:
    if config.norm == "layernorm":
        return _(
            "Brings the {n} numbers of each character to mean 0 and spread 1; then each gets a learned scale. "
            "That makes training steadier."
        ).format(n=number(config.n_embd))
    if config.norm == "rmsnorm":
        return _(
            "Divides the {n} numbers of each character by their typical size; then each gets a learned scale. "
            "Simpler than LayerNorm: the mean stays as it is."
        ).format(n=number(config.n_embd))
    return _("No norm here: the numbers go on at whatever size they have.")


def _attention(config: ModelConfig, _batch_size: int) -> str:
    if config.n_layer == 0:
        return _("Attention stands inside a layer, and there are no layers yet.")
    heads = n_(
        "{n} head does this with {size} numbers.",
        "{n} heads do this side by side, with {size} numbers each.",
        config.n_head,
    ).format(n=number(config.n_head), size=number(config.head_size))
    words = _(
        "Every character asks a question (query). Those up to it offer a label (key) and a content (value): where "
        "question and label fit, more of the content is taken over."
    )
    more = [_("The mask $M$ hides what comes later; $W_o$ mixes what the heads have found.")]
    if config.positions == "rotary":
        more.append(_("$R$ turns queries and keys by the angle of their place."))
    if config.qk_norm:
        more.append(_("QK norm brings them to one length."))
    return " ".join([words, heads, *more])


def _add(config: ModelConfig, _batch_size: int) -> str:
    if config.residual:
        return _(
            "What the part has found is added to what came in. So nothing gets lost on the way, and the correction "
            "has a short way back while training."
        )
    return _("No shortcut here: the result of a part replaces what came in.")


def _mlp(config: ModelConfig, _batch_size: int) -> str:
    if config.mlp == "none":
        return _("No small network here: what attention has found goes on as it is.")
    words = _(
        "Each character thinks on its own about what it has gathered: {width} numbers become {wide}, then {width} "
        "again."
    ).format(width=number(config.n_embd), wide=number(4 * config.n_embd))
    if config.mlp == "relu2":
        bend = _("In between, ReLU² makes negative numbers 0 and squares the others.")
    else:
        bend = _(
            "In between, GELU damps the negative numbers: without such a bend, two layers would be no more than one."
        )
    return f"{words} {bend}"


def _output(config: ModelConfig, _batch_size: int) -> str:
    words = _(
        "At every place, {n} scores (logits): one for each character that could come next. Each is a weighted sum "
        "of the {width} numbers."
    ).format(n=number(config.vocab_size), width=number(config.n_embd))
    if config.tie_weights:
        return f"{words} {_('The weights are the rows of the embedding: one table for both.')}"
    return words


def _softmax(config: ModelConfig, _batch_size: int) -> str:
    return _(
        "Turns the {n} scores of each place into probabilities: all positive, and 100 % together. From these the next "
        "character is drawn."
    ).format(n=number(config.vocab_size))


SAYINGS: dict[str, Callable[[ModelConfig, int], str]] = {
    "characters": _characters,
    "embedding": _embedding,
    "positions": _positions,
    "layer": _layer,
    "norm": _norm,
    "attention": _attention,
    "add": _add,
    "mlp": _mlp,
    "output": _output,
    "softmax": _softmax,
}


def sources(part: str, config: ModelConfig) -> tuple[Source, ...]:
    """The functions and classes of the core in which a part is written."""
    whole: tuple[Source, ...] = (TinyGPT,) if config.is_tinygpt else (GPT.forward,)
    if part in ("norm_1", "norm_2", "final_norm"):
        return (make_norm,)
    if part == "positions" and config.positions == "rotary":
        return rotary_table, rotate
    known: dict[str, tuple[Source, ...]] = {
        "characters": (get_batch,),
        "attention": (CausalSelfAttention,),
        "mlp": (MLP,),
        "layer": (Block,),
        "add_1": (Block.forward,),
        "add_2": (Block.forward,),
        "softmax": (next_probabilities,),
    }
    return known.get(part, whole)
