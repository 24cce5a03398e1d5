"""The presets' models and nanoGPT's training loop as a textbook writes them: what the other benchmarks compare with.

Nothing is done for speed: batches are lists of slices, AdamW goes from weight to weight, the loss is read at every
step. The modules have the names of `minigpt_core.model`, so that both can be given the same weights.
"""

import math
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_core.configs import ModelConfig, TrainConfig

NORM_EPS = 1e-5


def rotate(x: Tensor) -> Tensor:
    """Rotary positions as nanochat writes them: (B, T, nh, hs), every pair (i, i + hs/2) turned by its angle."""
    T, half = x.size(1), x.size(3) // 2
    speeds = 10_000 ** (-torch.arange(half) / half)
    angles = torch.outer(torch.arange(T), speeds)[:, None]  # (T, 1, hs/2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=3)


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        nh = self.config.n_head
        q, k, v = (part.view(B, T, nh, C // nh) for part in self.c_attn(x).split(C, dim=2))
        if self.config.positions == "rotary":
            q, k = rotate(q), rotate(k)
        if self.config.qk_norm:
            q, k = F.rms_norm(q, (C // nh,), eps=NORM_EPS), F.rms_norm(k, (C // nh,), eps=NORM_EPS)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)  # (B, nh, T, hs)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class ReluSquared(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).square()


class MLP(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=False)
        self.activation = nn.GELU() if config.mlp == "gelu" else ReluSquared()
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.activation(self.c_fc(x)))


def make_norm(config: ModelConfig) -> nn.Module:
    if config.norm == "rmsnorm":
        return nn.RMSNorm(config.n_embd, eps=NORM_EPS)
    return nn.LayerNorm(config.n_embd, bias=False)


class Block(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm_1 = make_norm(config)
        self.attention = Attention(config)
        self.norm_2 = make_norm(config)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))


class TextbookGPT(nn.Module):
    """The model of `nanogpt-cpu`, or with the parts of the other GPTs among the presets, without dropout."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        C = config.n_embd
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        learned = config.positions == "learned"
        self.position_embedding = nn.Embedding(config.block_size, C) if learned else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.final_norm = make_norm(config)
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        self.apply(self._draw)
        for name, weight in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * config.n_layer))
        if config.tie_weights:
            self.lm_head.weight = self.token_embedding.weight

    def _draw(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) and the loss."""
        x = self.token_embedding(idx)
        if self.position_embedding is not None:
            x = x + self.position_embedding(torch.arange(idx.size(1)))
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.final_norm(x))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


class TextbookTinyGPT(nn.Module):
    """The notebook's model."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(config.vocab_size, config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) and the loss."""
        logits = self.lm_head(self.token_embedding(idx))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


@dataclass
class Textbook:
    """The loop: a call of `step` makes one step."""

    config: ModelConfig
    training: TrainConfig
    data: Tensor
    """(N,) ids of the training text."""

    model: TextbookGPT | TextbookTinyGPT = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        torch.manual_seed(self.training.seed)
        self.model = (TextbookTinyGPT if self.config.is_tinygpt else TextbookGPT)(self.config)
        c, weights = self.training, dict(self.model.named_parameters())
        muon = c.optimizer == "muon"
        hidden = [w for name, w in weights.items() if muon and name.startswith("blocks.") and w.dim() == 2]
        others = [w for w in weights.values() if not any(w is h for h in hidden)]
        groups = [
            {"params": [w for w in others if w.dim() >= 2], "weight_decay": c.weight_decay},
            {"params": [w for w in others if w.dim() < 2], "weight_decay": 0.0},
        ]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=c.learning_rate, betas=(c.beta1, c.beta2))
        ]
        if hidden:
            self.optimizers.append(
                torch.optim.Muon(
                    hidden, lr=c.learning_rate, weight_decay=c.weight_decay, momentum=c.momentum,
                    adjust_lr_fn="match_rms_adamw",
                )
            )  # fmt: skip

    def get_batch(self) -> tuple[Tensor, Tensor]:
        T = self.config.block_size
        ix = torch.randint(len(self.data) - T, (self.training.batch_size,))
        x = torch.stack([self.data[i : i + T] for i in ix])
        y = torch.stack([self.data[i + 1 : i + 1 + T] for i in ix])
        return x, y

    def get_lr(self) -> float:
        c = self.training
        if self.steps < c.warmup_steps:
            return c.learning_rate * (self.steps + 1) / (c.warmup_steps + 1)
        if c.schedule == "constant":
            return c.learning_rate
        share = (self.steps - c.warmup_steps) / (c.steps - c.warmup_steps)
        least = c.learning_rate * c.min_lr_share
        return least + 0.5 * (1 + math.cos(math.pi * share)) * (c.learning_rate - least)

    def step(self) -> float:
        """One step; returns the loss of its batch."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.get_lr()
        x, y = self.get_batch()
        _logits, loss = self.model(x, y)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        if self.training.grad_clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.grad_clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.steps += 1
        return loss.item()

    def cpu_seconds(self, steps: int) -> float:
        """CPU time of all threads that so many steps take."""
        started = time.process_time()
        for _ in range(steps):
            self.step()
        return time.process_time() - started
