"""What the points and parts of a model are called."""

from minigpt_core.configs import ModelConfig
from ui.words.i18n import _, n_, number


def point_name(name: str, config: ModelConfig) -> str:
    """Of the residual stream, by its name in the cache: after the embedding, after a layer, within one."""
    if not name.startswith("blocks.") or name == "blocks.0.resid_pre":
        return _("Embedding")
    _blocks, layer, place = name.split(".")
    if place == "resid_mid":
        return _("Layer {n}, attention").format(n=number(int(layer) + 1))
    title = _("Layer {n}").format(n=number(int(layer) + 1))
    return _("{layer} = answer").format(layer=title) if int(layer) == config.n_layer - 1 else title


def component_name(name: str) -> str:
    """Of what is added to the residual stream, by its name in the cache."""
    if name == "embed":
        return n_("character", "characters", 1)
    if name == "token_shift":
        return _("character before")
    if name == "pos_embed":
        return _("position")
    _blocks, layer, place = name.split(".")
    title = _("attention {n}") if place == "attn_out" else _("MLP {n}")
    return title.format(n=number(int(layer) + 1))
