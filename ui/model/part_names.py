"""What the parts of a model are called, and why a setting can do nothing."""

from minigpt_core.configs import ModelConfig
from minigpt_core.ladder import MODERN, find_rung, settings_that_cannot_matter, why_layers_are_needed
from ui.model.drawn_model import is_modern
from ui.settings.table import value_words
from ui.words.i18n import N_, _, n_, number

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


def part_title(part: str, config: ModelConfig) -> str:
    """What a part is called in this configuration."""
    if part in ("norm_1", "norm_2", "final_norm"):
        name = _("Norm") if config.norm == "none" else value_words("norm", config.norm)
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
