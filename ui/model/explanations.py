"""What each part of a model does, in plain words."""

from collections.abc import Callable

from minigpt_core.configs import ModelConfig
from ui.words.i18n import _, n_, number, percent


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
    words = _(
        "A table with one row of {width} numbers for each of the {n} characters. The model looks up the row: the "
        "same character always gets the same numbers. Training adjusts them."
    ).format(width=number(config.n_embd), n=number(config.vocab_size))
    if config.token_shift:
        shift = _(
            "Then each character is given a share of the row of the one before it: another share $s$ for each number, "
            "0 at first."
        )
        return f"{words} {shift}"
    return words


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
            "A layer (Transformer block): look around, then work on it. There is {n}; what leaves it goes to the "
            "output.",
            "A layer (Transformer block): look around, then work on it. {n} of them follow one another, each with "
            "parameters of its own.",
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
        "At each place on its own, what was gathered is worked on: {width} numbers become {wide}, then {width} again."
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
