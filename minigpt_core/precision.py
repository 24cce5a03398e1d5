"""How many digits the matrix products of a training keep: 32 bits a number, or 16 where that is measured to be faster.

A processor that knows bfloat16 is not always faster with it: with AMX it is, with AVX-512 alone some models are slower,
since every weight has to be turned into the short form first. So it is tried out, on products of the run's own shapes.
"""

import json
import platform
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.devices import DeviceError, flops_per_step
from minigpt_core.model import build_model
from minigpt_core.random_numbers import RandomNumbers

FASTER = 0.95  # of the time that float32 takes: what bfloat16 has to come to, to be worth its lost digits
MOST_OPERATIONS = 1.5e9  # of what is tried out: about ten milliseconds
ROUNDS = 3


def choose_precision(
    wanted: str, device: torch.device, model: ModelConfig, batch_size: int, begun_in: str | None = None
) -> tuple[str, DeviceError | None]:
    """The precision that is `wanted`, or float32 where bfloat16 would be no faster, with a sentence that says so.

    Args:
        begun_in: what was chosen when the run began: it keeps to that, if the device can.
    """
    if wanted == "float32":
        return wanted, None
    if not has_bfloat16(device):
        return "float32", DeviceError(
            "This processor has no instructions for {precision}: the model is trained in float32, which comes to "
            "nearly the same loss.",
            precision=wanted,
        )
    if begun_in == "bfloat16" or (
        begun_in is None and MEASURED.time_share(model, batch_size, device) <= FASTER
    ):
        return wanted, None
    return "float32", DeviceError(
        "On the machine where this run began, {precision} was measured to be no faster than float32: the model is "
        "trained in float32, which comes to nearly the same loss.",
        precision=wanted,
    )


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions that multiply numbers of 16 bits."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)  # not on every platform
    return device.type == "cpu" and bool(supported())


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Inside this context, linear layers multiply in that precision and sum up in float32.

    bfloat16 has the range of float32 and 8 instead of 24 significant bits: a product is off by up to 0.4 %, at random,
    which training does not mind (https://arxiv.org/abs/1905.12322). The weights themselves stay in float32.
    """
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def remember_in(home: Path) -> None:
    """Keep what is measured in the folder of all runs, and use what was measured before."""
    MEASURED.path = home / "bfloat16.json"


class Measured:
    """What was measured on this machine, by the shapes of the products, so that a run chooses the same every time.

    Attributes:
        path: where it is kept for other processes and days; None: for this process alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._shares: dict[str, float] = {}

    def time_share(self, model: ModelConfig, batch_size: int, device: torch.device) -> float:
        """Time of a step in bfloat16 as a share of its time in float32."""
        less, windows = measured_shapes(model, batch_size)
        facts = [
            less.to_dict(),
            windows,
            str(device),
            torch.get_num_threads(),
            torch.__version__,
            processor(),
        ]
        key = json.dumps(facts, sort_keys=True)
        known = self._read() | self._shares
        if key not in known:
            self._shares[key] = known[key] = measure(less, windows, device)
            self._write(known)
        return known[key]

    def _read(self) -> dict[str, float]:
        with suppress(OSError, ValueError, TypeError, AttributeError):  # not there, or spoilt
            if self.path is not None:
                found = json.loads(self.path.read_text(encoding="utf-8"))
                return {key: float(share) for key, share in found.items()}
        return {}

    def _write(self, shares: dict[str, float]) -> None:
        with suppress(OSError):  # a full disk: then it is measured again
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                part = self.path.with_suffix(f".{time.time_ns()}.part")
                part.write_text(json.dumps(shares, indent=1), encoding="utf-8")
                part.replace(self.path)


MEASURED = Measured()


def measured_shapes(model: ModelConfig, batch_size: int) -> tuple[ModelConfig, int]:
    """One layer of the model and so many windows that they take some milliseconds. Fewer windows favour float32."""
    less = replace(model, n_layer=min(1, model.n_layer), dropout=0.0)
    while batch_size > 1 and flops_per_step(less, batch_size) > MOST_OPERATIONS:
        batch_size //= 2
    return less, batch_size


def measure(model: ModelConfig, batch_size: int, device: torch.device) -> float:
    """Time forward and backward in bfloat16 as a share of that in float32: the quickest of a few turns each."""
    generator = torch.Generator().manual_seed(0)
    with RandomNumbers.seeded(0).lent():
        network = build_model(model).to(device)
    shape = (batch_size, model.block_size)
    x = torch.randint(model.vocab_size, shape, generator=generator).to(device)  # (B, T)
    clock = time.process_time if device.type == "cpu" else time.perf_counter  # others share the processor
    seconds = dict.fromkeys(("float32", "bfloat16"), float("inf"))
    for turn in range(ROUNDS + 1):
        for precision, quickest in seconds.items():
            started = clock()
            with autocast(precision, device):
                loss = network(x, x)[1]
            loss.backward()
            network.zero_grad(set_to_none=True)
            loss.item()  # an accelerator has done its work now
            if turn:  # the first one makes room
                seconds[precision] = min(quickest, clock() - started)
    return seconds["bfloat16"] / seconds["float32"]


def processor() -> str:
    """What kind this machine's processor is: its name where the system tells it, and what torch makes use of."""
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):  # Linux alone has it
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
