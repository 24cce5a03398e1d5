"""The models, one file to read from top to bottom: TinyGPT, the parts of a Transformer, GPT.

Letters in the shape comments: B sequences in a batch, T characters in a sequence (at most `block_size`), C channels
(`n_embd`), nh heads (`n_head`), hs numbers per head (C / nh), V characters in the vocabulary (`vocab_size`).
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig

NORM_EPS = 1e-5  # as GPT-2: keeps the division finite where all numbers are equal
ROTARY_BASE = 10_000  # the slowest pair of numbers turns once in about 2π · 10,000 characters


class TinyGPT(nn.Module):
    """The notebook's model: one row of numbers for each character, and one linear layer on top.

    It has no memory. What it predicts after a character depends on that character alone, so the best
    it can become is a table of counted character pairs (a bigram table).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Predict the next character at every position.

        Args:
            idx: (B, T) character ids.
            targets: (B, T) the ids that really come next, or None while generating.

        Returns:
            logits: (B, T, V), one score for every character that could come next.
            loss: mean cross-entropy in nats per character, or None without targets.
        """
        x = self.token_embedding(idx)  # (B, T, C)
        logits = self.lm_head(x)  # (B, T, V)
        if targets is None:
            return logits, None
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))  # (B*T, V), (B*T,)
        return logits, loss


class CausalSelfAttention(nn.Module):
    """Every character looks back at itself and those before it, and takes over what it finds there.

    Three projections of each character's row: a query (what am I looking for?), a key (what have I to offer?)
    and a value (what do I hand over?). Where query and key agree, more of the value is taken:
    softmax(q kᵀ / sqrt(hs)) v ("Attention Is All You Need", https://arxiv.org/abs/1706.03762, section 3.2).
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)  # q, k, v in one product
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)  # mixes what the heads found
        self.dropout = make_dropout(config)
        if config.positions == "rotary":
            cos, sin = rotary_table(config.block_size, config.head_size)  # (T, hs) each
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)

    def forward(self, x: Tensor, cache: "LayerCache | None" = None) -> Tensor:
        """(B, T, C) -> (B, T, C). With a `cache`, `x` holds the newest characters only."""
        past = cache.length if cache else 0
        q, k, v = self.project_qkv(x, start=past)  # (B, nh, T, hs) each
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, nh, past + T, hs): those of the characters before as well
        return self.merge_heads(self.attend(q, k, v, is_causal=past == 0))

    def project_qkv(self, x: Tensor, start: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C) -> queries, keys, values, (B, nh, T, hs) each; the first character stands at place `start`."""
        B, T, C = x.shape
        nh, hs = self.config.n_head, self.config.head_size
        q, k, v = self.c_attn(x).view(B, T, 3, nh, hs).unbind(dim=2)  # (B, T, nh, hs) each
        if self.config.positions == "rotary":
            cos, sin = self.cos[start : start + T, None], self.sin[start : start + T, None]  # (T, 1, hs) each
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if self.config.qk_norm:
            q, k = F.rms_norm(q, (hs,), eps=NORM_EPS), F.rms_norm(k, (hs,), eps=NORM_EPS)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, is_causal: bool) -> Tensor:
        """(B, nh, T, hs): what each head gathers, for queries of (B, nh, T, hs), keys and values of as many or more.

        `attention_pattern(attention_scores(q, k)) @ v`, in one kernel that never writes the pattern down.
        """
        if torch.is_autocast_enabled(q.device.type):  # bfloat16 is slower for such small products
            with torch.autocast(q.device.type, enabled=False):
                return self.attend(q.float(), k.float(), v.float(), is_causal)
        dropout = self.config.dropout if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, dropout_p=dropout)

    def merge_heads(self, y: Tensor) -> Tensor:
        """(B, nh, T, hs) -> (B, T, C): the heads' results side by side, then mixed."""
        B, nh, T, hs = y.shape
        y = y.transpose(1, 2).reshape(B, T, nh * hs)  # (B, T, C)
        return self.dropout(self.c_proj(y))


def attention_scores(q: Tensor, k: Tensor) -> Tensor:
    """How well each query fits each key: (B, nh, T, hs) twice -> (B, nh, T, T)."""
    return (q / math.sqrt(q.size(-1))) @ k.transpose(-2, -1)


def attention_pattern(scores: Tensor) -> Tensor:
    """How much of each character up to its own (last axis) every character (the axis before) takes over.

    (B, nh, T, T) -> (B, nh, T, T): each row sums to 1; nothing stands above the diagonal.
    """
    visible = causal_mask(scores.size(-1), scores.device)
    return scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)


def causal_mask(T: int, device: torch.device | str = "cpu") -> Tensor:
    """(T, T), True where a character (row) may look: at itself and what comes before."""
    return torch.ones(T, T, dtype=torch.bool, device=device).tril()


class LayerCache(Protocol):
    """Keys and values of one layer, remembered while a text is written: see `generation/cache.py`."""

    length: int
    last_row: Tensor
    """(B, 1, C): the row of the newest character, which the one after it may take a share of; the first layer's."""

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add those of T new characters, (B, nh, T, hs) each; returns those of all."""
        ...


def rotary_table(block_size: int, head_size: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle by which each pair of numbers is turned at each place: (T, hs) both.

    RoFormer (https://arxiv.org/abs/2104.09864, section 3.4): pair i turns by base^(-2i / hs) a character. A pair is
    (i, i + hs/2); the sine stands with a minus at the first of the two, as it does in the matrix of a rotation.
    """
    pairs = torch.arange(0, head_size, 2, device="cpu")  # "cpu": numbers, even where weights have none
    speeds = ROTARY_BASE ** (-pairs / head_size)  # (hs/2,) radians per character
    angles = torch.outer(torch.arange(block_size, device="cpu"), speeds)  # (T, hs/2)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (i, i + hs/2) of `x`, (..., hs), by the angles in `cos` and `sin`, which stretch to its shape.

    (a, b) becomes (a cos - b sin, a sin + b cos). A dot product of two turned rows depends on the difference of their
    angles only: on how far apart the characters are, not on where they stand.
    """
    a, b = x.chunk(2, dim=-1)  # (..., hs/2) each
    return x * cos + torch.cat([b, a], dim=-1) * sin


class MLP(nn.Module):
    """What a character does with what it has gathered: two linear layers, four times as wide in between."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.activation = ACTIVATIONS[config.mlp]
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = make_dropout(config)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C); no character sees another one here."""
        x = self.activation(self.c_fc(x))  # (B, T, 4C)
        return self.dropout(self.c_proj(x))  # (B, T, C)


def relu_squared(x: Tensor) -> Tensor:
    """max(0, x)²: found by search, and cheaper than GELU (Primer, https://arxiv.org/abs/2109.08668)."""
    return F.relu(x) * x


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,  # GPT-2's, a smooth ReLU (https://arxiv.org/abs/1606.08415)
    "relu2": relu_squared,
}


def make_norm(config: ModelConfig) -> nn.Module:
    """What `norm` asks for, (B, T, C) -> (B, T, C); without a norm, x as it is.

    LayerNorm takes the mean of a row away and divides by its standard deviation. RMSNorm divides by the root of its
    mean square, and leaves the mean alone (https://arxiv.org/abs/1910.07467, equation 4). Both have a learned scale.
    """
    if config.norm == "layernorm":
        return nn.LayerNorm(config.n_embd, eps=NORM_EPS, bias=config.bias)
    return nn.RMSNorm(config.n_embd, eps=NORM_EPS) if config.norm == "rmsnorm" else nn.Identity()


def make_dropout(config: ModelConfig) -> nn.Module:
    """What sets the share `dropout` of all numbers to 0 while training; with a share of 0, x as it is."""
    return nn.Dropout(config.dropout) if config.dropout else nn.Identity()


class Block(nn.Module):
    """One layer: look around (attention), then work on what was found (MLP).

    The norm stands before each part ("pre-norm", as in GPT-2): so the residual stream x runs from the
    embedding to the output untouched, and every part only adds to it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.residual = config.residual
        self.norm_1 = make_norm(config)
        self.attention = CausalSelfAttention(config)
        self.norm_2 = make_norm(config) if config.mlp != "none" else None
        self.mlp = MLP(config) if config.mlp != "none" else None

    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        attn_out = self.attention(self.norm_1(x), cache)
        x = x + attn_out if self.residual else attn_out
        if self.mlp is not None and self.norm_2 is not None:
            mlp_out = self.mlp(self.norm_2(x))
            x = x + mlp_out if self.residual else mlp_out
        return x


class GPT(nn.Module):
    """The Transformer that TinyGPT grows into: the same embedding and output layer, with layers between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        T, V, C = config.block_size, config.vocab_size, config.n_embd
        self.token_embedding = nn.Embedding(V, C)
        self.token_shift = nn.Parameter(torch.zeros(C)) if config.token_shift else None
        self.position_embedding = nn.Embedding(T, C) if config.positions == "learned" else None
        self.dropout = make_dropout(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.final_norm = make_norm(config)
        self.lm_head = nn.Linear(C, V, bias=config.bias and not config.tie_weights)
        self.init_weights()
        if config.tie_weights:
            self.lm_head.weight = self.token_embedding.weight  # (V, C), one matrix for both

    def forward(
        self, idx: Tensor, targets: Tensor | None = None, cache: Sequence[LayerCache] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Predict the next character at every position, from all characters up to it.

        Args:
            idx: (B, T) character ids, T at most `block_size`.
            targets: (B, T) the ids that really come next, or None while generating.
            cache: one for each layer, which remembers the characters of earlier calls: `idx` then holds those that
                have come since, all together at most `block_size`.

        Returns:
            logits: (B, T, V), one score for every character that could come next.
            loss: mean cross-entropy in nats per character, or None without targets.
        """
        B, T = idx.shape
        start = cache[0].length if cache else 0  # the place of the first of these characters
        assert self.config.block_size >= start + T
        x = self.token_embedding(idx)  # (B, T, C)
        if self.token_shift is not None:
            x = x + self.token_shift * self.rows_before(x, cache)  # (B, T, C) + (C,) * (B, T, C)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[start : start + T]  # (B, T, C) + (T, C)
        x = self.dropout(x)
        for layer, block in enumerate(self.blocks):
            x = block(x, cache[layer] if cache else None)  # (B, T, C)
        logits = self.lm_head(self.final_norm(x))  # (B, T, V)
        if targets is None:
            return logits, None
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))  # (B*T, V), (B*T,)
        return logits, loss

    def rows_before(self, x: Tensor, cache: Sequence[LayerCache] | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C): at every place the row of the character before, zeros before the first.

        What `token_shift` takes a share of, another one for each of the C numbers: a model need not spend a head on
        looking one character back (RWKV's token shift, https://arxiv.org/abs/2305.13048, section 3.1, here at the
        embedding alone).
        """
        first = cache[0].last_row if cache and cache[0].length else torch.zeros_like(x[:, :1])  # (B, 1, C)
        if cache:
            cache[0].last_row = x[:, -1:]
        return torch.cat([first, x[:, :-1]], dim=1)

    @torch.no_grad()
    def init_weights(self) -> None:
        """Draw the weights that training begins with.

        Without a norm they are PyTorch's own, which keep the numbers near scale 1 through a few layers (GPT-2's
        small ones would let them fade away: nothing would bring them back to scale). With one, they are GPT-2's:
        N(0, 0.02), divided by sqrt(2 · n_layer) for the projections that write into the residual stream, so that
        the sum of all 2 · n_layer results does not grow with the depth (GPT-2's report, section 2.3; nanoGPT).

        `zero_init` lets those projections begin at 0 instead, so that the model is born as its embedding and
        output layer, and every part comes in as it proves useful (https://arxiv.org/abs/2203.03466, appendix D.2).
        """
        config = self.config
        if config.norm != "none" or config.tie_weights:
            for module in self.modules():
                if isinstance(module, nn.Linear | nn.Embedding):
                    nn.init.normal_(module.weight, std=0.02)
                if isinstance(module, nn.Linear) and module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.position_embedding is not None:  # small, so that it does not drown the character
            nn.init.normal_(self.position_embedding.weight, std=0.02)
        for name, module in self.named_modules():
            if name.endswith("c_proj") and isinstance(module, nn.Linear):
                if config.zero_init:
                    set_to_zero(module)
                elif config.residual and config.norm != "none":
                    nn.init.normal_(module.weight, std=0.02 / math.sqrt(2 * config.n_layer))
        if config.zero_init and not config.tie_weights:
            set_to_zero(self.lm_head)  # the first guess is that all characters are as likely


def set_to_zero(layer: nn.Linear) -> None:
    """Make a layer that returns 0 for everything, until it is trained."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)


def build_model(config: ModelConfig) -> nn.Module:
    """The model that a configuration describes, with freshly drawn weights."""
    return TinyGPT(config) if config.is_tinygpt else GPT(config)
