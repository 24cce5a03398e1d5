"""From one class to many: what one server, one person and one training take, measured here with robots, and what
follows for a university of 3,000 students, one server a class.

    python -m benchmarks.growth                     8 pupils at one server, then the model
    python -m benchmarks.growth 30 --students 3000 --class-size 30 --trainings 6 --minutes 45

Nothing is shared between classes, so the model is a product: every assumption is printed above it. The processor
seconds are of this machine's processor, which is named. (Linux)
"""

import argparse
import math
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.classroom import Watch, check, lesson, own_memory, processor_seconds
from minigpt_core.precision import processor
from scripts.running_app import RunningApp, running_app
from scripts.visitor import Visitor

IDLE_SECONDS = 10.0
MACHINE_CORES, MACHINE_MB = 16, 32_000  # of one that a university may have
FULL = 0.6  # of a machine's cores that one plans for


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What was measured. Seconds of one core, megabytes."""

    empty_memory: float
    """Of a server that has drawn its pages once, with its helpers that wait."""

    idle_share: float
    """Of a core, while one tab is open and nobody does anything."""

    person_memory: float
    person_seconds: float
    """Of the server's processor, for one who goes through a lesson once and trains once."""

    training_memory: float
    training_seconds: float


def measured(app: RunningApp, pupils: int) -> Cost:
    """Have robots go through a lesson once."""
    tab = Visitor(app.url)
    for page in ("", "vocabulary", "training", "sampling"):
        tab.open(page)
    before, began = processor_seconds(app.process.pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    idle = (processor_seconds(app.process.pid) - before) / (time.monotonic() - began)
    empty = sum(map(own_memory, app.left_over()))
    server_before = own_memory(app.process.pid)
    watch = Watch(app)
    watch.start()
    register, runs = lesson(app, pupils, spread=5.0)
    spent = watch.end()
    check(app, register, runs)
    others_before = empty - server_before
    return Cost(
        empty_memory=empty,
        idle_share=idle,
        person_memory=max(0.0, watch.memory["server"] - server_before) / pupils,
        person_seconds=spent["server"] / pupils,
        training_memory=max(0.0, watch.memory["workers"] - others_before) / pupils,
        training_seconds=spent["workers"] / len(runs),
    )


def say_cost(cost: Cost, pupils: int) -> None:
    """What was measured, a line each."""
    load = os.getloadavg()[0]
    print(
        f"Measured on {processor()}, {os.cpu_count()} processors, load {load:.1f}, with {pupils} pupils:\n"
        f"  a server without visitors    {cost.empty_memory:7.0f} MB, {cost.idle_share:.1%} of a core\n"
        f"  each person more             {cost.person_memory:7.1f} MB, {cost.person_seconds:.2f} s of a core\n"
        f"  each training (TinyGPT, 500) {cost.training_memory:7.1f} MB, {cost.training_seconds:.2f} s of a core"
    )


def say_model(cost: Cost, options: argparse.Namespace) -> None:
    """What follows for many classes at the same hour, and of what."""
    size, minutes = options.class_size, options.minutes
    servers = math.ceil(options.students / size)
    training = cost.training_seconds * options.work * options.trainings
    seconds = cost.person_seconds * options.trainings + training
    cores = size * seconds / (60 * minutes) + cost.idle_share
    memory = cost.empty_memory + size * (cost.person_memory + cost.training_memory)
    by_cores, by_memory = FULL * MACHINE_CORES / cores, MACHINE_MB / memory
    each = max(1, int(min(by_cores, by_memory)))
    full = "processor time" if by_cores < by_memory else "memory"
    rush = size * cost.training_seconds * options.work
    print(
        f"\nAssumed: {options.students} students in {servers} classes of {size}, all in the same {minutes:g} minutes;\n"
        f"  each does {options.trainings} times what a robot did once, with {options.work:g} times the training;\n"
        "  memory as if all of a class trained at once; nothing is shared between classes;\n"
        f"  machines of {MACHINE_CORES} such cores and {MACHINE_MB} MB, {FULL:.0%} of the cores planned for.\n"
        f"One class:   {cores:.2f} cores on average, {training / seconds:.0%} of it training; {memory:.0f} MB.\n"
        f"All classes: {servers * cores:.0f} cores and {servers * memory / 1000:.0f} GB: "
        f"{math.ceil(servers / each)} machines with {each} servers each; {full} is full first.\n"
        f"A student:   {seconds:.1f} s of a core and {memory / size:.0f} MB in {minutes:g} minutes.\n"
        f"Not in it: a whole class that presses Start at once waits {rush / MACHINE_CORES:.0f} s for its trainings on "
        f"{MACHINE_CORES} free cores, {rush / 2:.0f} s on 2."
    )


def main() -> None:
    """Measure, then calculate."""
    parser = argparse.ArgumentParser(prog="benchmarks.growth")
    parser.add_argument("pupils", type=int, nargs="?", default=8)
    parser.add_argument("--students", type=int, default=3000)
    parser.add_argument("--class-size", type=int, default=30)
    parser.add_argument("--trainings", type=int, default=6, help="of each student in a lesson")
    parser.add_argument(
        "--work", type=float, default=10.0, help="of such a training, in those that were measured"
    )
    parser.add_argument("--minutes", type=float, default=45)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder) / "home", env={"MINIGPT_SERVE": "1"}) as app,
    ):
        cost = measured(app, options.pupils)
    say_cost(cost, options.pupils)
    say_model(cost, options)


if __name__ == "__main__":
    main()
