"""How the time of a training step grows with block size, width, depth and batch: draws docs/scaling.svg.

    python -m benchmarks.scaling [--rounds 4] [--out docs/scaling.svg]

Everything else is as in `nanogpt-cpu`; one thread. The times are CPU times, the shortest of several rounds, so that
other work on the machine matters little.
"""

import argparse
import time
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import torch

from minigpt_core.configs import ModelConfig
from minigpt_core.data import Dataset
from minigpt_core.presets import NANOGPT_CPU
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import StepEvent, Trainer

STEPS = 3  # in a round
VOCAB_SIZE = 65
WIDTH, HEIGHT = 220, 190  # pixels of one panel
LEFT, TOP, GAP = 62, 58, 46
STYLE = """
    text { font: 12px system-ui, sans-serif; fill: #1b1b1b; } .small { font-size: 11px; fill: #555; }
    .value { paint-order: stroke; stroke: #fffdf8; stroke-width: 4px; }
    .title { font-size: 14px; font-weight: 600; } .line { fill: none; stroke: #0072B2; stroke-width: 2.5; }
    .point { fill: #0072B2; } .even { stroke: #7a7a7a; stroke-width: 1.3; stroke-dasharray: 2 4; }
    .grid { stroke: #7a7a7a; stroke-opacity: .25; } .page { fill: #fffdf8; }
    @media (prefers-color-scheme: dark) {
        text { fill: #f0ece2; } .small { fill: #b9b4a8; } .value { stroke: #1d1c1a; } .page { fill: #1d1c1a; }
        .line { stroke: #56B4E9; } .point { fill: #56B4E9; } .even { stroke: #a5a5a5; }
    }
"""


@dataclass(frozen=True)
class Panel:
    """One setting and the values it takes."""

    setting: str
    title: str
    values: tuple[int, ...]


PANELS = (
    Panel("block_size", "Block size (characters)", (16, 32, 64, 128, 256)),
    Panel("n_embd", "Width (numbers per character)", (32, 64, 128, 256)),
    Panel("n_layer", "Depth (layers)", (1, 2, 4, 8)),
    Panel("batch_size", "Batch (windows)", (3, 6, 12, 24, 48)),
)
TICKS = tuple(5 * 2**n for n in range(10))  # ms


def trainer_with(setting: str, value: int) -> Trainer:
    """`nanogpt-cpu` on random characters, with one setting changed."""
    ids = torch.randint(VOCAB_SIZE, (20_000,), generator=torch.Generator().manual_seed(0))
    tokenizer = CharTokenizer.from_characters("".join(map(chr, range(0x4E00, 0x4E00 + VOCAB_SIZE))))
    model, training = dict(NANOGPT_CPU.model), NANOGPT_CPU.training
    training = replace(
        training, precision="float32", eval_interval=10**6, eval_windows=1, sample_length=0, device="cpu"
    )
    if setting == "batch_size":
        training = replace(training, batch_size=value)
    else:
        model[setting] = value
    config = ModelConfig(vocab_size=VOCAB_SIZE, **model)
    return Trainer(Dataset(tokenizer, ids, ids[:300]), config, training, wait=lambda _: None)


def measure(rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds of one step for every value of every setting."""
    runs = {
        (panel.setting, value): (event for event in trainer_with(panel.setting, value).run())
        for panel in PANELS
        for value in panel.values
    }
    best = dict.fromkeys(runs, float("inf"))
    for turn in range(rounds + 1):
        for case, events in runs.items():
            steps, started = 0, time.process_time()
            while steps < STEPS:
                steps += isinstance(next(events), StepEvent)
            if turn:  # the first one evaluates and warms up
                best[case] = min(best[case], 1e3 * (time.process_time() - started) / STEPS)
    return {panel.setting: [best[panel.setting, value] for value in panel.values] for panel in PANELS}


def place(value: float, low: float, high: float, pixels: float) -> float:
    """Where a value stands on an axis on which doubling is always the same way."""
    low, high, value = (float(torch.tensor(number).log2()) for number in (low, high, value))
    return (value - low) / (high - low) * pixels


def draw(times: dict[str, list[float]]) -> str:
    """Four panels with one scale of time, as SVG."""
    everything = [time for panel in times.values() for time in panel]
    low, high = min(everything) / 1.3, max(everything) * 1.3
    width = LEFT + len(PANELS) * (WIDTH + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + 60}" role="img" '
        'aria-label="CPU time of a training step against block size, width, depth and batch">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{TOP + HEIGHT + 60}" rx="8"/>',
        f'<text class="title" x="{LEFT}" y="24">CPU time of one training step (milliseconds)</text>',
        f'<text class="small" x="{LEFT}" y="42">The model and batch of nanogpt-cpu with one setting changed, one '
        "thread. Both axes double at every notch. Dotted: twice as large, twice as long.</text>",
    ]
    for number, panel in enumerate(PANELS):
        left = LEFT + number * (WIDTH + GAP)
        parts += draw_panel(panel, times[panel.setting], left, low, high, labels=number == 0)
    return "\n".join([*parts, "</svg>\n"])


def draw_panel(
    panel: Panel, times: list[float], left: float, low: float, high: float, *, labels: bool
) -> list[str]:
    """One setting: grid, the even line through the largest value, the measured times."""
    first, last = panel.values[0], panel.values[-1]
    bottom = TOP + HEIGHT

    def x(value: float) -> float:
        return left + place(value, first, last, WIDTH)

    def y(milliseconds: float) -> float:
        return bottom - place(milliseconds, low, high, HEIGHT)

    parts = []
    for tick in (tick for tick in TICKS if low <= tick <= high):
        parts.append(f'<path class="grid" d="M{left} {y(tick):.1f}h{WIDTH}"/>')
        if labels:
            parts.append(
                f'<text class="small" x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick}</text>'
            )
    begin = max(first, last * low / times[-1])  # the even line leaves the panel below
    end_y = y(times[-1])
    parts.append(
        f'<path class="even" d="M{x(begin):.1f} {y(times[-1] * begin / last):.1f}L{x(last):.1f} {end_y:.1f}"/>'
    )
    points = list(zip(panel.values, times, strict=True))
    line = "L".join(f"{x(value):.1f} {y(milliseconds):.1f}" for value, milliseconds in points)
    parts.append(f'<path class="line" d="M{line}"/>')
    for value, milliseconds in points:
        parts.append(f'<circle class="point" cx="{x(value):.1f}" cy="{y(milliseconds):.1f}" r="4"/>')
        parts.append(
            f'<text class="small" x="{x(value):.1f}" y="{bottom + 18}" text-anchor="middle">{value}</text>'
        )
        parts.append(
            f'<text class="small value" x="{x(value):.1f}" y="{y(milliseconds) - 9:.1f}" text-anchor="middle">'
            f"{milliseconds:.0f}</text>"
        )
    title = (
        f'<text x="{left + WIDTH / 2}" y="{bottom + 42}" text-anchor="middle">{escape(panel.title)}</text>'
    )
    return [*parts, title]


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("docs/scaling.svg"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    times = measure(options.rounds)
    for panel in PANELS:
        pairs = zip(panel.values, times[panel.setting], strict=True)
        print(f"{panel.setting:<11}", "  ".join(f"{value}: {taken:.1f} ms" for value, taken in pairs))
    options.out.write_text(draw(times), encoding="utf-8")


if __name__ == "__main__":
    main()
