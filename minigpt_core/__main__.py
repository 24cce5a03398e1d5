"""`python -m minigpt_core`: train, sample, list, export and import from the command line; the same store as the
dashboard's."""

import argparse
import dataclasses
import io
import json
import math
import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import torch

from minigpt_core import distributed
from minigpt_core.configs import ModelConfig, SampleSettings, TrainConfig, check_range, parse
from minigpt_core.data_home import data_home
from minigpt_core.distributed import Alone, TeamError
from minigpt_core.errors import ConfigError, StoreError, TextError, UserError
from minigpt_core.export.archive import export_run, import_run
from minigpt_core.export.gpt2 import export_gpt2, import_gpt2
from minigpt_core.export.homework import export_homework
from minigpt_core.export.metrics import ExportError, export_csv, export_tensorboard
from minigpt_core.export.notebook import export_notebook
from minigpt_core.export.script import ENGLISH, export_script, languages
from minigpt_core.generation.streaming import stream
from minigpt_core.jobs import torchrun
from minigpt_core.jobs.elsewhere import hearing
from minigpt_core.jobs.launchers import Message
from minigpt_core.jobs.recording import Recorder
from minigpt_core.jobs.worker import Controls, recorded, take_up
from minigpt_core.lessons import catalogue
from minigpt_core.lessons.lesson import Lesson
from minigpt_core.lessons.parser import check_lesson
from minigpt_core.lessons.remarks import remarks_on, uneven
from minigpt_core.precision import remember_in
from minigpt_core.presets import PRESETS, Preset, find_preset
from minigpt_core.sampling import start_id
from minigpt_core.store import prepared
from minigpt_core.store.backup import Contents, Progress, write_backup
from minigpt_core.store.checkpoint_files import write_whole
from minigpt_core.store.new_run import default_name, new_run
from minigpt_core.store.restore import restore_backup
from minigpt_core.store.runs import LOCAL, PREPARED, Run, RunStore, new_run_id
from minigpt_core.texts import corpus
from minigpt_core.texts.encodings import ENCODINGS, Decoded, decode, encoding_called, remarks
from minigpt_core.texts.pdf import FOUND as PDF
from minigpt_core.texts.pdf import is_pdf, text_of_pdf
from minigpt_core.texts.wrappings import Inside, inside
from minigpt_core.tokenizer import CharTokenizer
from minigpt_core.training import (
    DoneEvent,
    Event,
    MetricsEvent,
    SampleEvent,
    StepEvent,
    Trainer,
    strip_prefix,
)
from minigpt_core.weights import load_model

STDIN = "-"
FIRST_LINE = 1000  # characters in which it is looked for
LINE_SHOWN = 160
BAR_WIDTH = 24
BAR_SECONDS = 0.1
Result = TypeVar("Result")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 fine, 1 the run diverged, 2 something to correct."""
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):  # a file or a console that can't hold every character
            out.reconfigure(errors="backslashreplace")
    options = make_parser().parse_args(arguments)
    try:
        return options.command(options)
    except UserError as error:
        say(str(error))
        return 2
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def make_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m minigpt_core", description="Train and sample a mini-GPT."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a model on a text")
    train.add_argument("--preset", default="notebook", help="named settings to begin with (notebook)")
    train.add_argument(
        "--text", help="a text file, - for what is piped in, or a bundled text; default: the preset's"
    )
    train.add_argument(
        "--encoding", help="how the file was written, such as koi8-r; default: what it looks like"
    )
    train.add_argument(
        "--as-is", action="store_true", help="keep the tags of HTML, a licence and so on in the text"
    )
    train.add_argument("--keep-case", action="store_true", help="do not lower-case the text")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting")
    train.add_argument("--name", help="what the run is called")
    train.add_argument("--resume", metavar="RUN", help="go on with a run from its last checkpoint")
    train.add_argument("--threads", type=int, help="processor threads; default: as many as help")
    train.add_argument(
        "--compile",
        action="store_true",
        help="have torch.compile make steps quicker; the first takes up to a minute",
    )
    train.add_argument("--json", action="store_true", help="one JSON object a line instead of a progress bar")
    train.set_defaults(command=command_train)

    sample = commands.add_parser("sample", help="write text with a trained model")
    sample.add_argument("--run", default="last", help="a run's id, the start of it, or last (the newest run)")
    sample.add_argument("--checkpoint", default="last", help="a step, last or best (last)")
    sample.add_argument("--prompt", default="", help="the text to go on from")
    sample.add_argument("--tokens", type=int, default=200, help="characters to write (200)")
    sample.add_argument("--temperature", type=float, default=1.0, help="0 is always the likeliest (1)")
    sample.add_argument("--top-k", type=int, default=0, help="draw from the k likeliest only; 0: all (0)")
    sample.add_argument("--top-p", type=float, default=1.0, help="draw from the likeliest that reach p (1)")
    sample.add_argument("--seed", type=int, default=1337, help="the same seed gives the same text (1337)")
    sample.add_argument(
        "--keep", type=int, default=0, metavar="N",
        help="whenever the window is full, go on from its last N characters: as fast for long texts as for short "
        "ones, but the model sees less; 0: always the whole window (0)",
    )  # fmt: skip
    sample.set_defaults(command=command_sample)

    runs = commands.add_parser("runs", help="list the runs")
    runs.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    runs.add_argument("--empty-bin", action="store_true", help="remove what was deleted for good, at once")
    runs.set_defaults(command=command_runs)

    export = commands.add_parser("export", help="write a run for other programs, or for another machine")
    export.add_argument("target", metavar="PATH", help="a new file; gpt2 and tensorboard: a new folder")
    export.add_argument("--run", default="last", help="a run's id, the start of it, or last (the newest run)")
    export.add_argument("--checkpoint", default="last", help="gpt2, html: a step, last or best (last)")
    export.add_argument(
        "--format", choices=[*EXPORTS], default="gpt2",
        help="notebook, script: a program that repeats the run; html: a page to play with "
        "the model, without a network; csv, tensorboard: its curves; zip: all of it, for "
        "import; gpt2: the model, for transformers (gpt2)",
    )  # fmt: skip
    export.add_argument(
        "--language",
        choices=languages(),
        default=ENGLISH,
        help="of a page's words, or a notebook's or script's comments (en)",
    )
    export.set_defaults(command=command_export)

    read = commands.add_parser("import", help="make a run of what export has written as zip or gpt2")
    read.add_argument("source", metavar="PATH", help="a .zip, or the folder of a model")
    read.add_argument(
        "--name", default="", help="what the run is called; default: as before, or as the folder"
    )
    read.set_defaults(command=command_import)

    backup = commands.add_parser(
        "backup", help="copy everything that is stored into one file, also meanwhile"
    )
    backup.add_argument("target", type=Path, metavar="FILE", help="a new file, such as minigpt-monday.zip")
    backup.set_defaults(command=command_backup)
    restore = commands.add_parser("restore", help="make a data folder of such a file")
    restore.add_argument("source", type=Path, metavar="FILE", help="what backup has written")
    restore.add_argument(
        "--replace", action="store_true", help="in a folder that is in use; what is there is kept inside it"
    )
    restore.set_defaults(command=command_restore)

    lessons = commands.add_parser("lessons", help="list the lessons, or check one that you have written")
    actions = lessons.add_subparsers(required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="all lessons, those in your data folder too")
    listed.add_argument("--language", default=catalogue.SOURCE, help="of the lessons, such as fr (en)")
    listed.set_defaults(command=command_list_lessons)
    checked = actions.add_parser("check", help="read lessons and say all that is wrong, with the line")
    checked.add_argument("files", nargs="+", type=Path, metavar="FILE", help="such as my-lesson.en.md")
    checked.set_defaults(command=command_check_lessons)
    return parser


def command_train(options: argparse.Namespace) -> int:
    """Train here, in this process, writing to the store like a worker does. Under torchrun, the first process does
    that, and the others help it."""
    if options.threads is not None:
        check_range("threads", options.threads, 1, 1024)
    if not distributed.launched():
        return train_here(options, Alone())
    with distributed.team() as team:
        if team.rank > 0:
            return torchrun.assist(team, options.threads, compiled=options.compile)
        return torchrun.lead(team, lambda: train_here(options, team))


def train_here(options: argparse.Namespace, team: Alone) -> int:
    """Train as the process that keeps the record."""
    store = RunStore(patient=True)
    run_id = store.find_run(options.resume).id if options.resume else new_run_id()
    with store.lock(run_id):
        run = store.run(run_id) if options.resume else make_run(store, options, run_id)
        torch.set_num_threads(options.threads or torchrun.threads(run.model, run.training, run.threads))
        remember_in(store.home)
        inbox = queue.SimpleQueue[Message]()  # a signal's handler may put into it
        controls = Controls(inbox, lambda *_told, **_more: None)
        trainer = take_up(store, run, wait=controls.wait, team=team)
        if trainer.device_problem:
            say(str(trainer.device_problem))
        if options.compile:
            say("torch.compile translates the model at the first step: that takes up to a minute.")
            trainer.compile()
        recorder = Recorder(store, run.id, trainer)
        show = print_json if options.json else ProgressBar(trainer).show
        with stop_on_signals(inbox), hearing(store.folder(run.id), inbox):
            controls.drive(trainer, recorder)
            try:
                team.hand_out(torchrun.beginning_of(trainer))
                status = follow(trainer, team, controls, recorder, show)
            except TeamError as error:
                store.set_status(run.id, "failed", error=error.to_json())
                raise
    if options.json:
        print(
            json.dumps({"event": "done", "run": run.id, "status": status, "step": trainer.step}), flush=True
        )
    else:
        print(f"\nRun {run.id}: {status} at step {trainer.step}.")
    return 1 if status == "diverged" else 0


def make_run(store: RunStore, options: argparse.Namespace, run_id: str) -> Run:
    """A run with the preset's settings, changed by `--set`."""
    preset = find_preset(options.preset)
    name = options.text or preset.corpus
    if name is None:
        raise TextError(
            "The preset {preset} is meant for a text of your own: name its file with --text.",
            preset=preset.name,
        )
    lower = preset.lower and not options.keep_case
    title, text = read_text(name, options)
    text = corpus.normalize(text, lower=lower)
    corpus.check_text(text)
    model_fields, training = apply_settings(preset, options.set)
    return new_run(
        store,
        run_id=run_id,
        status="running",
        text=text,
        title=title,
        model_fields=model_fields,
        training=training,
        lower=lower,
        preset=preset.name,
        name=(options.name or "").strip(),
    )


def read_text(name: str, options: argparse.Namespace) -> tuple[str, str]:
    """Title and text of a bundled text or a file. Says on stderr how a file was read."""
    if name in corpus.BUNDLED:
        bundled = corpus.load(name)
        return bundled.title, bundled.text
    encoding = encoding_called(options.encoding) if options.encoding else None
    raw = read_bytes(name)
    pdf = is_pdf(raw)
    decoded = Decoded(text_of_pdf(raw), "utf-8", ("utf-8",)) if pdf else decode(raw, encoding)
    title = "stdin" if name == STDIN else Path(name).name
    found = Inside(decoded.text, ()) if options.as_is else inside(decoded.text)
    first = next((line.strip() for line in found.text[:FIRST_LINE].splitlines() if line.strip()), "")
    read_as = "a PDF document" if pdf else ENCODINGS.get(decoded.encoding, decoded.encoding)
    begins = first if len(first) <= LINE_SHOWN else f"{first[:LINE_SHOWN]}…"
    say(f"{title}, read as {read_as}, begins: {begins}")
    for remark in [*([PDF] if pdf else []), *remarks(decoded), *found.found]:
        say(str(remark))
    if found.found:
        say("Only the text inside is used; with --as-is, all of it.")
    return title, found.text


def read_bytes(name: str) -> bytes:
    """A file, or what is piped in. What is too large is refused before it is read."""
    try:
        if name == STDIN:
            raw = sys.stdin.buffer.read(corpus.MAX_BYTES)
        else:
            corpus.check_size(Path(name).stat().st_size)
            with Path(name).open("rb") as file:
                raw = file.read(corpus.MAX_BYTES)  # a device or a pipe has no size
    except OSError as error:
        raise TextError(
            "{name} cannot be read: {problem}. Name a text file, or one of: {known}.",
            name=name, problem=error.strerror or error, known=", ".join(corpus.BUNDLED),
        ) from error  # fmt: skip
    corpus.check_size(len(raw))
    return raw


def say(sentence: str) -> None:
    """For who reads along; what is asked for goes to stdout."""
    print(f"minigpt_core: {sentence}", file=sys.stderr)


def apply_settings(preset: Preset, assignments: Sequence[str]) -> tuple[dict[str, Any], TrainConfig]:
    """The preset's model fields and training configuration, with every NAME=VALUE put in its place."""
    model, training = dict(preset.model), preset.training.to_dict()
    model_types = {f.name: f.type for f in dataclasses.fields(ModelConfig) if f.name != "vocab_size"}
    training_types = {f.name: f.type for f in dataclasses.fields(TrainConfig)}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError("{assignment} is not of the form name=value.", assignment=assignment)
        if name in model_types:
            model[name] = parse(name, value, model_types[name])
        elif name in training_types:
            training[name] = parse(name, value, training_types[name])
        else:
            known = ", ".join([*model_types, *training_types])
            raise ConfigError(
                "There is no setting called {name}. The settings are: {known}.", name=name, known=known
            )
    return model, TrainConfig.from_dict(training)


def follow(
    trainer: Trainer, team: Alone, controls: Controls, recorder: Recorder, show: Callable[[Event], None]
) -> str:
    """Record and show every event; returns the status the run ended with.

    Raises `BrokenPipeError` after that if nobody was looking any more: that ends the run, too, with a checkpoint.
    """
    status, unseen = "failed", None
    for event in recorded(trainer, recorder, controls):
        if isinstance(event, DoneEvent):
            status = event.status
        try:
            if unseen is None:
                show(event)
        except OSError as error:  # the terminal was closed, or `| head` has seen enough
            unseen = error
            trainer.steering.stop()
    team.end()
    recorder.end(status)
    if unseen is not None:
        raise BrokenPipeError from unseen
    return status


@contextmanager
def stop_on_signals(inbox: queue.SimpleQueue[Message]) -> Iterator[None]:
    """Ctrl-C, the end of the terminal and of the machine end the run with a checkpoint instead of a traceback."""
    names = (
        name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )  # Windows has no SIGHUP
    signals = [getattr(signal, name) for name in names]
    before = [signal.signal(number, lambda *_: inbox.put({"do": "stop"})) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def print_json(event: Event) -> None:
    """One line for each evaluation and sample."""
    if isinstance(event, MetricsEvent):
        line = {"event": "metrics"} | dataclasses.asdict(event)
    elif isinstance(event, SampleEvent):
        line = {"event": "sample"} | dataclasses.asdict(event)
    else:
        return
    print(json.dumps(line), flush=True)


class ProgressBar:
    """One line that is written over: steps, loss, time left."""

    def __init__(self, trainer: Trainer) -> None:
        self._steps, self._first_step = trainer.config.steps, trainer.step
        self._started, self._shown = time.monotonic(), -math.inf
        self._validation = ""
        self._last: StepEvent | None = None
        self._full, self._empty = ("█", "░") if can_write("█░") else ("#", ".")

    def show(self, event: Event) -> None:
        """Redraw for a step, at most ten times a second."""
        if isinstance(event, MetricsEvent) and event.val_loss is not None:
            self._validation = f"  validation {event.val_loss:.3f}"
        self._last = event if isinstance(event, StepEvent) else self._last
        now = time.monotonic()
        at_end = event.step == self._steps  # what is measured after the last step belongs to it
        if self._last and (at_end or (event is self._last and now - self._shown >= BAR_SECONDS)):
            self._shown = now
            self._draw(self._last, now - self._started)

    def _draw(self, event: StepEvent, seconds: float) -> None:
        full = BAR_WIDTH * event.step // self._steps
        left = seconds / max(1, event.step - self._first_step) * (self._steps - event.step)
        bar = self._full * full + self._empty * (BAR_WIDTH - full)
        line = f"{bar} {event.step}/{self._steps}  loss {event.loss:.3f}{self._validation}  {left:.0f} s left"
        print(f"\r{line:<100}", end="", flush=True)


def can_write(signs: str) -> bool:
    """Whether stdout has these characters."""
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def command_sample(options: argparse.Namespace) -> int:
    """Write text, one character at a time."""
    settings = SampleSettings(temperature=options.temperature, top_k=options.top_k, top_p=options.top_p)
    check_range("tokens", options.tokens, 1, 10_000_000)
    check_range("seed", options.seed, 0, 2**32 - 1)
    store = RunStore()
    run = find_run(store, options.run)
    weights = store.load_checkpoint(run.id, chosen_step(options.checkpoint), model_only=True)
    model = load_model(run.model, strip_prefix(weights.tensors, "model."))
    tokenizer = CharTokenizer.from_characters(run.characters)
    prompt = known_part(
        tokenizer, corpus.normalize(options.prompt, run.lower, strip=False, alphabet=run.characters)
    )
    idx = tokenizer.encode(prompt) if prompt else torch.tensor([start_id(tokenizer)])
    generator = torch.Generator().manual_seed(options.seed)
    check_range("keep", options.keep, 0, run.model.block_size - 1)
    print(prompt, end="", flush=True)
    steps = stream(
        model, idx, options.tokens, run.model.block_size,
        generator=generator, settings=settings, keep=options.keep or None,
    )  # fmt: skip
    for step in steps:
        print(tokenizer.decode([step.token]), end="", flush=True)
    print()
    return 0


def chosen_step(which: str) -> Any:
    """ "last" and "best" as they are, else a step."""
    return which if which in ("last", "best") else parse("checkpoint", which, int)


def known_part(tokenizer: CharTokenizer, prompt: str) -> str:
    """The prompt with what the model has seen only: look-alikes, or nothing, for the rest; says which on stderr."""
    fitted = tokenizer.fitted(prompt)
    if fitted.exchanged:
        listed = ", ".join(f"{typed!r} became {instead!r}" for typed, instead in fitted.exchanged.items())
        say(f"as in the model's text, {listed} in the prompt.")
    if fitted.unknown:
        listed = ", ".join(repr(character) for character in fitted.unknown)
        say(f"the model does not know {listed}: left out of the prompt.")
    return fitted.text


def find_run(store: RunStore, text: str) -> Run:
    """The run that is meant; one that came with the program must be asked for by its name."""
    if text.startswith(PREPARED):
        prepared.adopt(store)
    return store.find_run(text)


def command_runs(options: argparse.Namespace) -> int:
    """List the runs of this machine, newest first, then those that came with the program."""
    store = RunStore()
    if options.empty_bin:
        return empty_bin(store)
    own = store.runs(LOCAL)
    with suppress(StoreError):  # where nothing can be written, there are none
        prepared.adopt(store)
    runs = [*own, *store.runs(PREPARED)]
    if options.json:
        for run in runs:
            fields = {"run": run.id, "name": called(run), "status": run.status, "step": run.step}
            fields |= {"prepared": run.prepared}
            print(json.dumps(fields | {"steps": run.training.steps, "best_val_loss": run.best_val_loss}))
        return 0
    if not own:
        print("No runs yet. Start one with: python -m minigpt_core train --preset notebook")
    for run in runs:
        loss = "" if run.best_val_loss is None else f"best validation loss {run.best_val_loss:.3f}"
        status = "prepared" if run.prepared else run.status
        print(f"{run.id:<24}  {status:<11} {run.step:>7}/{run.training.steps:<7} {loss:<28} {called(run)}")
    return 0


def called(run: Run) -> str:
    """A run's name; of one that has none, what it is made from."""
    known = run.preset in PRESETS
    return run.name or (default_name(str(run.preset), run.model, run.training) if known else run.text_title)


def empty_bin(store: RunStore) -> int:
    """Remove what was deleted for good, and say how much room that makes."""
    kept = store.bin_contents(LOCAL)
    gone = store.purge_deleted(0, LOCAL)
    print(f"Removed for good: {gone} deleted run{'s' if gone != 1 else ''}, {kept.bytes / 1e6:.1f} MB.")
    return 0


def command_export(options: argparse.Namespace) -> int:
    """Write a run, or its model, in the format of another program."""
    store = RunStore()
    EXPORTS[options.format](store, find_run(store, options.run), Path(options.target), options)
    return 0


def write_gpt2(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The model as a folder for transformers."""
    export_gpt2(store, run, chosen_step(options.checkpoint), target)
    print(f"{target}: transformers.GPT2LMHeadModel.from_pretrained can load it.")


def write_notebook(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The run as a notebook of three cells."""
    notebook, files = export_notebook(store, run, options.language)
    write_new({target: notebook.encode()} | {target.parent / name: data for name, data in files.items()})


def write_script(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The run as a program that needs nothing but torch."""
    script, files = export_script(store, run, options.language)
    write_new({target: script.encode()} | {target.parent / name: data for name, data in files.items()})


def write_homework(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The model as one HTML file that plays with it."""
    page = export_homework(store, run, options.language, chosen_step(options.checkpoint))
    write_new({target: page.encode()})


def write_csv(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The run's curves as a table."""
    write_new({target: export_csv(store, run).encode()})


def write_tensorboard(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The run's curves as event files."""
    export_tensorboard(store, run, target)
    print(f"{target}: tensorboard --logdir {target} shows it.")


def write_zip(store: RunStore, run: Run, target: Path, options: argparse.Namespace) -> None:
    """The whole run, to be imported on another machine."""
    write_new({target: export_run(store, run)})


EXPORTS = {
    "gpt2": write_gpt2,
    "notebook": write_notebook,
    "script": write_script,
    "html": write_homework,
    "csv": write_csv,
    "tensorboard": write_tensorboard,
    "zip": write_zip,
}


def write_new(files: dict[Path, bytes]) -> None:
    """Write files that are not there yet."""
    for path in files:
        if path.exists():
            raise ExportError("{file} is there already: name a new file.", file=path)
    for path, data in files.items():
        try:
            write_whole(path, data)
        except OSError as error:
            raise ExportError(
                "{file} cannot be written: {problem}. Name another file.",
                file=path, problem=error.strerror or error,
            ) from error  # fmt: skip
        print(path)


def command_import(options: argparse.Namespace) -> int:
    """Make a run of what comes from elsewhere."""
    source = Path(options.source)
    if source.is_dir():
        run = import_gpt2(RunStore(), source, options.name)
    else:
        run = import_run(RunStore(), source, name=options.name)
    print(f"Run {run.id}: sample it with python -m minigpt_core sample --run {run.id}")
    return 0


def command_backup(options: argparse.Namespace) -> int:
    """Write the whole data folder into one file, while others train and read."""
    contents = followed(write_backup(data_home(), options.target))
    print(f"{options.target}: {described(contents)}, read again and compared.")
    for name in contents.damaged:
        say(f"{name} is damaged, or missing, in the data folder itself.")
    say("Who has this file can read all that is stored, and has the teacher's link.")
    return 0


def command_restore(options: argparse.Namespace) -> int:
    """Make a data folder of a backup."""
    contents, earlier = followed(restore_backup(options.source, data_home(), replace=options.replace))
    print(f"{data_home()}: {described(contents)}.")
    if earlier:
        print(f"What was there before is in {earlier}. Remove it once you miss nothing.")
    return 0


def described(contents: Contents) -> str:
    """What is in a backup, in a few words."""
    runs = f"{contents.runs} run{'s' if contents.runs != 1 else ''}"
    return f"{runs}, {len(contents.files)} files, {contents.bytes / 1e6:.1f} MB"


def followed(work: Generator[Progress, None, Result]) -> Result:
    """The result of a long work, with a line on stderr that says how far it is."""
    shown = -math.inf
    while True:
        try:
            progress = next(work)
        except StopIteration as end:
            if shown > -math.inf:
                print(file=sys.stderr)
            return cast(Result, end.value)
        if time.monotonic() - shown >= BAR_SECONDS and sys.stderr.isatty():
            shown = time.monotonic()
            share = progress.done / max(1, progress.total)
            print(f"\r{share:4.0%}  {progress.done / 1e6:.0f} MB", end="", file=sys.stderr, flush=True)


def command_list_lessons(options: argparse.Namespace) -> int:
    """Print every lesson: its name, its minutes and its title; for one that cannot be read, why."""
    for lesson in catalogue.lessons(options.language):
        if isinstance(lesson, Lesson):
            print(
                f"{lesson.name:16} {lesson.minutes:3} min  {lesson.title}{'  (yours)' if lesson.own else ''}"
            )
        else:
            say(str(lesson))
    say(f"Lessons of your own belong in {catalogue.own_folder()}.")
    return 0


def command_check_lessons(options: argparse.Namespace) -> int:
    """Say of each file whether it is a lesson, or all that is to be corrected; 2 if there is something."""
    status, lessons = 0, list[Lesson]()
    for path in options.files:
        lesson, mistakes = check_lesson(path)
        if path.resolve().parent != catalogue.SHIPPED and (taken := catalogue.taken(path.name)):
            mistakes.append(taken)
        for mistake in mistakes:
            say(str(mistake))
        if mistakes or lesson is None:
            status = 2
            continue
        lessons.append(lesson)
        steps = "1 step" if len(lesson.steps) == 1 else f"{len(lesson.steps)} steps"
        print(f"{path.name}: {steps}, about {lesson.minutes} min. Nothing to correct.")
        for remark in remarks_on(lesson):
            say(str(remark))
    for mistake in uneven(lessons):
        say(str(mistake))
        status = 2
    return status


if __name__ == "__main__":
    sys.exit(main())
