"""nanoGPT's model and training loop as a textbook writes them: what the other benchmarks compare with.

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


class Attention(nn.Module):
    def __init__(self, C: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.c_attn = nn.Linear(C, 3 * C, bias=False)
        self.c_proj = nn.Linear(C, C, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = (
            part.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            for part in self.c_attn(x).split(C, dim=2)
        )  # (B, nh, T, hs)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class MLP(nn.Module):
    def __init__(self, C: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(C, 4 * C, bias=False)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(4 * C, C, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, C: int, n_head: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(C, bias=False)
        self.attention = Attention(C, n_head)
        self.norm_2 = nn.LayerNorm(C, bias=False)
        self.mlp = MLP(C)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))


class TextbookGPT(nn.Module):
    """The model of the preset `nanogpt-cpu`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        C = config.n_embd
        self.token_embedding = nn.Embedding(config.vocab_size, C)
        self.position_embedding = nn.Embedding(config.block_size, C)
        self.blocks = nn.ModuleList(Block(C, config.n_head) for _ in range(config.n_layer))
        self.final_norm = nn.LayerNorm(C, bias=False)
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        self.apply(self._draw)
        for name, weight in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * config.n_layer))
        self.lm_head.weight = self.token_embedding.weight

    def _draw(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(self, idx: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) and the loss."""
        places = torch.arange(idx.size(1))
        x = self.token_embedding(idx) + self.position_embedding(places)
        for block in self.blocks:
            x = block(x)
        logits = self.lm_head(self.final_norm(x))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


@dataclass
class Textbook:
    """The loop: a call of `step` makes one step."""

    config: ModelConfig
    training: TrainConfig
    data: Tensor
    """(N,) ids of the training text."""

    model: TextbookGPT = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        torch.manual_seed(self.training.seed)
        self.model = TextbookGPT(self.config)
        weights = list(self.model.parameters())
        groups = [
            {"params": [w for w in weights if w.dim() >= 2], "weight_decay": self.training.weight_decay},
            {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
        ]
        betas = (self.training.beta1, self.training.beta2)
        self.optimizer = torch.optim.AdamW(groups, lr=self.training.learning_rate, betas=betas)

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
        share = (self.steps - c.warmup_steps) / (c.steps - c.warmup_steps)
        least = c.learning_rate * c.min_lr_share
        return least + 0.5 * (1 + math.cos(math.pi * share)) * (c.learning_rate - least)

    def step(self) -> float:
        """One step; returns the loss of its batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.get_lr()
        x, y = self.get_batch()
        _logits, loss = self.model(x, y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.grad_clip)
        self.optimizer.step()
        self.steps += 1
        return loss.item()

    def cpu_seconds(self, steps: int) -> float:
        """CPU time of all threads that so many steps take."""
        started = time.process_time()
        for _ in range(steps):
            self.step()
        return time.process_time() - started
