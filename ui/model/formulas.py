"""What each part calculates, in LaTeX, and what the letters in it stand for."""

import re

from minigpt_core.configs import CHOICES, ModelConfig
from ui.words.i18n import N_, _, number

FORMULAS = {
    "characters": r"x \in \{0, 1, \dots, V-1\}^{B \times T}",
    "embedding": r"x_t = E_{\mathrm{id}_t} \qquad E \in \mathbb{R}^{V \times C}",
    "embedding shifted": r"x_t = E_{\mathrm{id}_t} + s \odot E_{\mathrm{id}_{t-1}} "
    r"\qquad E \in \mathbb{R}^{V \times C},\; s \in \mathbb{R}^{C}",
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


def formula(part: str, config: ModelConfig) -> str | None:
    """In LaTeX; None for a part that calculates nothing here."""
    kind = {"norm_1": "norm", "norm_2": "norm", "final_norm": "norm"}.get(part, part)
    if part == "layer":
        return layer_formula(config)
    if part == "attention":
        return attention_formula(config)
    if part in ("add_1", "add_2"):
        return FORMULAS["add" if config.residual else "replace"]
    if part == "embedding" and config.token_shift:
        return FORMULAS["embedding shifted"]
    if part == "output" and (config.tie_weights or not config.bias):
        return FORMULAS["output bare"]
    if kind in CHOICES:
        formula = FORMULAS.get(f"{kind} {getattr(config, kind)}")
        return without_constants(formula) if formula and not config.bias else formula
    return FORMULAS.get(part)


LETTERS = {
    "B": N_("rows of the batch"),
    "T": N_("characters of a row"),
    "V": N_("characters of the vocabulary"),
    "C": N_("numbers per character, the embedding dimension"),
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
