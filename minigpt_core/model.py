"""The models, one file to read from top to bottom: TinyGPT, the parts of a Transformer, GPT.

Letters in the shape comments: B sequences in a batch, T characters in a sequence (at most
`block_size`), C channels (`n_embd`), nh heads (`n_head`), hs numbers per head (C / nh), V characters in
the vocabulary (`vocab_size`).
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from minigpt_core.configs import ModelConfig
from minigpt_core.random_numbers import RandomNumbers

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
            cos, sin = rotary_table(config.block_size, config.head_size)  # (T, hs/2) each
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)

    def forward(self, x: Tensor, cache: "KeyValueCache | None" = None) -> Tensor:
        """(B, T, C) -> (B, T, C), by the fast path: one kernel that never writes the pattern down.

        With a `cache`, `x` holds the newest characters only: all of them the first time, then one at a time.
        """
        past = cache.length if cache else 0
        q, k, v = self.queries_keys_values(x, start=past)  # (B, nh, T, hs) each
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, nh, past + T, hs): those of the characters before as well
        return self.join_heads(self.look_back(q, k, v, is_causal=past == 0))

    def look_back(self, q: Tensor, k: Tensor, v: Tensor, is_causal: bool) -> Tensor:
        """(B, nh, T, hs): what each head gathers, for queries of (B, nh, T, hs), keys and values of as many or more."""
        if torch.is_autocast_enabled(q.device.type):  # bfloat16 is slower for such small products
            with torch.autocast(q.device.type, enabled=False):
                return self.look_back(q.float(), k.float(), v.float(), is_causal)
        dropout = self.config.dropout if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, dropout_p=dropout)

    def forward_with_pattern(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same step by step, without the dropout of the pattern.

        Returns:
            y: (B, T, C), what `forward` returns.
            pattern: (B, nh, T, T), how much of each earlier character (last axis) every character (the axis
                before) takes over. Each row sums to 1; nothing stands above the diagonal.
        """
        q, k, v = self.queries_keys_values(x)  # (B, nh, T, hs) each
        T = x.size(1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.config.head_size)  # (B, nh, T, T)
        earlier = torch.ones(
            T, T, dtype=torch.bool, device=x.device
        ).tril()  # (T, T), True up to the diagonal
        pattern = scores.masked_fill(~earlier, -torch.inf).softmax(dim=-1)  # (B, nh, T, T)
        return self.join_heads(pattern @ v), pattern

    def queries_keys_values(self, x: Tensor, start: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, C) -> three times (B, nh, T, hs): what each head of each character looks for, offers, hands over.

        The first of the T characters stands at place `start`.
        """
        B, T, C = x.shape
        nh, hs = self.config.n_head, self.config.head_size
        q, k, v = self.c_attn(x).view(B, T, 3, nh, hs).permute(2, 0, 3, 1, 4)  # (3, B, nh, T, hs)
        if self.config.positions == "rotary":
            cos, sin = self.cos[start : start + T], self.sin[start : start + T]  # (T, hs/2) each
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if self.config.qk_norm:
            q, k = scale_to_one(q), scale_to_one(k)
        return q, k, v

    def join_heads(self, y: Tensor) -> Tensor:
        """(B, nh, T, hs) -> (B, T, C): the heads' results side by side, then mixed."""
        B, nh, T, hs = y.shape
        y = y.transpose(1, 2).reshape(B, T, nh * hs)  # (B, T, C)
        return self.dropout(self.c_proj(y))


class KeyValueCache:
    """The keys and values of one layer for all characters read so far: they need not be calculated again.

    Nobody looks ahead, so what a layer makes of a character never changes while its place stays the same. To read one
    more character, only its own query, key and value are needed. Once the window slides, all places change.
    """

    def __init__(self, block_size: int) -> None:
        self.length = 0  # characters read so far
        self.block_size = block_size

    def extend(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add those of T new characters, (B, nh, T, hs) each; returns those of all, (B, nh, length, hs) each."""
        B, nh, T, hs = k.shape
        if self.length == 0:  # room for a full window, so that nothing has to be moved when it grows
            self.keys, self.values = (k.new_empty(B, nh, self.block_size, hs) for _ in "kv")
        assert self.length == 0 or T == 1  # several at once would need a mask of their own
        self.keys[:, :, self.length : self.length + T] = k
        self.values[:, :, self.length : self.length + T] = v
        self.length += T
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


def rotary_table(block_size: int, head_size: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle by which each pair of numbers is turned at each place: (T, hs/2) both.

    RoFormer (https://arxiv.org/abs/2104.09864, section 3.4): pair i turns by base^(-2i / hs) a character.
    """
    pairs = torch.arange(0, head_size, 2, device="cpu")  # "cpu": see parameters_of
    speeds = ROTARY_BASE ** (-pairs / head_size)  # (hs/2,) radians per character
    angles = torch.outer(torch.arange(block_size, device="cpu"), speeds)  # (T, hs/2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (i, i + hs/2) of `x`, (B, nh, T, hs), by the angle of their place.

    A dot product of two turned rows depends on the difference of their angles only: on how far apart the
    characters are, not on where they stand.
    """
    a, b = x.chunk(2, dim=-1)  # (B, nh, T, hs/2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def scale_to_one(x: Tensor) -> Tensor:
    """Divide by the root of the mean square over the last axis, which then is 1."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPS)


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²)) times a learned scale: LayerNorm without subtracting the mean and adding a constant.

    https://arxiv.org/abs/1910.07467, equation 4.
    """

    def __init__(self, n_embd: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_embd))  # (C,)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        return scale_to_one(x) * self.weight


def make_norm(config: ModelConfig) -> nn.Module:
    """What `norm` asks for, (B, T, C) -> (B, T, C); without a norm, x as it is."""
    if config.norm == "layernorm":
        return nn.LayerNorm(config.n_embd, eps=NORM_EPS, bias=config.bias)
    return RMSNorm(config.n_embd) if config.norm == "rmsnorm" else nn.Identity()


def make_dropout(config: ModelConfig) -> nn.Module:
    """What sets the share `dropout` of all numbers to 0 while training; with a share of 0, x as it is."""
    return nn.Dropout(config.dropout) if config.dropout else nn.Identity()


class MLP(nn.Module):
    """What a character does with what it has gathered: two linear layers, four times as wide in between.

    GELU is GPT-2's activation, a smooth ReLU (https://arxiv.org/abs/1606.08415). ReLU², max(0, x)², was found
    by search and is cheaper (Primer, https://arxiv.org/abs/2109.08668).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.relu2 = config.mlp == "relu2"
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = make_dropout(config)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C); no character sees another one here."""
        x = self.c_fc(x)  # (B, T, 4C)
        x = F.relu(x) * x if self.relu2 else F.gelu(x)
        return self.dropout(self.c_proj(x))  # (B, T, C)


class Block(nn.Module):
    """One layer: look around (attention), then think (MLP).

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

    def forward(self, x: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        found = self.attention(self.norm_1(x), cache)
        x = x + found if self.residual else found
        if self.mlp is not None and self.norm_2 is not None:
            thought = self.mlp(self.norm_2(x))
            x = x + thought if self.residual else thought
        return x


class GPT(nn.Module):
    """The Transformer that TinyGPT grows into: the same embedding and output layer, with layers between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        V, C = config.vocab_size, config.n_embd
        self.token_embedding = nn.Embedding(V, C)
        self.position_embedding = (
            nn.Embedding(config.block_size, C) if config.positions == "learned" else None
        )
        self.dropout = make_dropout(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.final_norm = make_norm(config)
        self.lm_head = nn.Linear(C, V, bias=config.bias and not config.tie_weights)
        self.draw_weights()
        if config.tie_weights:
            self.lm_head.weight = self.token_embedding.weight  # (V, C), one matrix for both

    def forward(
        self, idx: Tensor, targets: Tensor | None = None, cache: list[KeyValueCache] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Predict the next character at every position, from all characters up to it.

        Args:
            idx: (B, T) character ids, T at most `block_size`.
            targets: (B, T) the ids that really come next, or None while generating.
            cache: one for each layer (`new_cache`), which remembers the characters of earlier calls: `idx` then
                holds those that have come since, all together at most `block_size`.

        Returns:
            logits: (B, T, V), one score for every character that could come next.
            loss: mean cross-entropy in nats per character, or None without targets.
        """
        B, T = idx.shape
        start = cache[0].length if cache else 0  # the place of the first of these characters
        assert self.config.block_size >= start + T
        x = self.token_embedding(idx)  # (B, T, C)
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

    def new_cache(self) -> list[KeyValueCache]:
        """An empty memory for writing: one for each layer."""
        return [KeyValueCache(self.config.block_size) for _block in self.blocks]

    @torch.no_grad()
    def draw_weights(self) -> None:
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
        for projection in self.projections():
            if config.zero_init:
                set_to_zero(projection)
            elif config.residual and config.norm != "none":
                nn.init.normal_(projection.weight, std=0.02 / math.sqrt(2 * config.n_layer))
        if (
            config.zero_init and not config.tie_weights
        ):  # the first guess is that all characters are as likely
            set_to_zero(self.lm_head)

    def projections(self) -> Iterator[nn.Linear]:
        """The linear layers whose results are added to the residual stream."""
        for name, module in self.named_modules():
            if name.endswith("c_proj") and isinstance(module, nn.Linear):
                yield module


def set_to_zero(layer: nn.Linear) -> None:
    """Make a layer that returns 0 for everything, until it is trained."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)


def build_model(config: ModelConfig) -> nn.Module:
    """The model that a configuration describes, with freshly drawn weights."""
    return TinyGPT(config) if config.n_layer == 0 and config.positions == "none" else GPT(config)


def fresh_model(config: ModelConfig, seed: int) -> nn.Module:
    """The model with which a training with this seed begins, ready to predict."""
    with RandomNumbers.seeded(seed).lent():
        return build_model(config).eval()


def load_model(config: ModelConfig, weights: dict[str, Tensor]) -> nn.Module:
    """The model that a configuration describes, with these weights by name, ready to predict. None are drawn."""
    with WithoutDrawing():
        model = build_model(config)
    model.load_state_dict(weights)
    return model.eval()


def count_parameters(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(p.numel() for p in model.parameters())


def parameters_of(config: ModelConfig) -> int:
    """How many numbers training adjusts in such a model, without making room for them.

    On the meta device a tensor has a shape and no numbers. Nothing is calculated there: torch would first load its
    compiler, which takes a second.
    """
    with torch.device("meta"), WithoutDrawing():
        return count_parameters(build_model(config))


class WithoutDrawing(TorchFunctionMode):
    """Inside, new weights are not drawn."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
