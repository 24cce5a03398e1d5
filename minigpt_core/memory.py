"""How many bytes a training keeps from the begin of a step to its end, part by part, without making room for them.

Letters as in `minigpt_core.model`: B sequences, T characters, C numbers a character, nh heads, V characters in the
vocabulary; N = B · T characters in a batch.
"""

from dataclasses import dataclass
from functools import lru_cache

from minigpt_core.configs import ModelConfig
from minigpt_core.weights import PartParameters, parameters_by_part

FLOAT32_BYTES = 4
OPTIMIZER_STATES = {  # numbers that an optimizer keeps for each parameter, and for each of a matrix inside the layers
    "adamw": (2, 2),  # the mean of its gradients, and of their squares
    "muon": (2, 1),  # matrices inside the layers: the mean alone; the others have AdamW
    "sgd": (0, 0),
}


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that a training keeps from the begin of a step to its end."""

    parameters: int = 0
    gradients: int = 0
    optimizer: int = 0
    activations: int = 0
    """What was calculated on the way forward and is needed on the way back."""

    @property
    def total(self) -> int:
        """All together."""
        return self.parameters + self.gradients + self.optimizer + self.activations

    def __add__(self, other: "TrainingMemory") -> "TrainingMemory":
        return TrainingMemory(
            self.parameters + other.parameters,
            self.gradients + other.gradients,
            self.optimizer + other.optimizer,
            self.activations + other.activations,
        )


@lru_cache(maxsize=256)
def training_memory(config: ModelConfig, batch_size: int, optimizer: str = "adamw") -> TrainingMemory:
    """What a training of this model keeps at least. Raises `KeyError` for an unknown optimizer."""
    return sum(memory_by_part(config, batch_size, optimizer).values(), TrainingMemory())


def memory_by_part(
    config: ModelConfig, batch_size: int, optimizer: str = "adamw"
) -> dict[str, TrainingMemory]:
    """The same for each part of the model that keeps anything, over all layers."""
    parameters, activations = parameters_by_part(config), saved_activations(config, batch_size)
    elsewhere, hidden = OPTIMIZER_STATES[optimizer]
    memory = {}
    for name in {**parameters, **activations}:
        part = parameters.get(name, PartParameters())
        states = elsewhere * (part.count - part.hidden_matrices) + hidden * part.hidden_matrices
        numbers = (part.count, part.count, states, activations.get(name, 0))
        memory[name] = TrainingMemory(*(FLOAT32_BYTES * n for n in numbers))
    return memory


def saved_activations(config: ModelConfig, batch_size: int) -> dict[str, int]:
    """How many numbers of a batch each part keeps for the way back, over all layers, as PyTorch does on a processor.

    A linear layer keeps what enters it, a norm too, an activation what enters it and what leaves it, dropout which
    numbers it has let through. An id counts as two numbers: it has 8 bytes. A test compares with PyTorch itself.
    """
    N, C, V = batch_size * config.block_size, config.n_embd, config.vocab_size
    n_layer, mask = config.n_layer, N * C if config.dropout else 0
    norm = {"none": 0, "layernorm": N * C + 2 * N, "rmsnorm": 2 * N * C + N}[config.norm]
    mlp = {"none": 0, "gelu": 9 * N * C + mask, "relu2": 13 * N * C + mask}[config.mlp]
    return {
        "embedding": 2 * N + (N * C if config.token_shift else 0) + mask,
        "norm_1": n_layer * norm,
        "attention": n_layer * (saved_by_attention(config, N) + mask),
        "norm_2": n_layer * norm if config.mlp != "none" else 0,
        "mlp": n_layer * mlp,
        "final_norm": norm if n_layer else 0,
        "output": N * C,
        "softmax": N * V + 2 * N,
    }


def saved_by_attention(config: ModelConfig, N: int) -> int:
    """Numbers that one layer's attention keeps of N characters.

    Its fast kernel keeps queries, keys, values, its result and one number a head: never the pattern. It knows no
    dropout; with it, the pattern is kept three times: after the softmax, which of it was let through, and the rest.
    """
    NC, heads = N * config.n_embd, N * config.n_head
    patterns = heads * config.block_size
    saved = 5 * NC + (3 * patterns if config.dropout else heads)
    rotary = config.positions == "rotary"
    if config.qk_norm:
        saved += 2 * heads + (2 if rotary or not config.dropout else 3) * NC
    return saved + (2 * NC if rotary and not config.dropout else 0)
