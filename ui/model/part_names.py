"""What the parts of a model, its rungs and its settings are called, and why a setting can do nothing."""

from minigpt_core.configs import ModelConfig
from minigpt_core.ladder import NEEDS_LAYERS, settings_that_cannot_matter
from ui.model.drawn_model import is_modern
from ui.words.i18n import N_, _, n_, number

RUNG_TITLES = {
    "tinygpt": "TinyGPT",
    "positions": N_("+ positions"),
    "one-head": N_("+ one head"),
    "heads": N_("+ heads"),
    "mlp": "+ MLP",
    "residual": N_("+ residual"),
    "layernorm": "+ LayerNorm",
    "layers": N_("+ layers"),
    "dropout": "+ dropout",
}
MODERN_TITLES = {
    "rmsnorm": "RMSNorm",
    "rotary": N_("Rotary positions"),
    "relu2": "ReLU²",
    "qk-norm": N_("QK norm"),
    "zero-init": N_("Zero start"),
}
MODERN_NEEDS = {
    "rmsnorm": "norm",
    "rotary": "qk_norm",
    "relu2": "mlp",
    "qk-norm": "qk_norm",
    "zero-init": "zero_init",
}

CHOICES: dict[str, dict[str, str]] = {
    "positions": {"none": N_("none"), "learned": N_("learned"), "rotary": N_("rotary")},
    "norm": {"none": N_("none"), "layernorm": "LayerNorm", "rmsnorm": "RMSNorm"},
    "mlp": {"none": N_("none"), "gelu": "GELU", "relu2": "ReLU²"},
}
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
NORM_TITLES = {"none": N_("Norm"), "layernorm": "LayerNorm", "rmsnorm": "RMSNorm"}


def part_title(part: str, config: ModelConfig) -> str:
    """What a part is called in this configuration."""
    if part in ("norm_1", "norm_2", "final_norm"):
        name = _(NORM_TITLES[config.norm])
        return _("Final {norm}").format(norm=name) if part == "final_norm" else name
    if part in ("add_1", "add_2"):
        return _("Residual connection")
    return _(TITLES[part])


def model_title(config: ModelConfig) -> str:
    """TinyGPT, or the number of layers and of newer ideas."""
    if config.n_layer == 0:
        return "TinyGPT" if config.positions == "none" else _("TinyGPT with positions")
    title = n_("GPT, {n} layer", "GPT, {n} layers", config.n_layer).format(n=number(config.n_layer))
    modern = [_(name) for key, name in MODERN_TITLES.items() if is_modern(config, key)]
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
    if config.n_layer == 0:
        return _(NEEDS_LAYERS[MODERN_NEEDS[name]])
    return why_off(MODERN_NEEDS[name], config)
