"""What runs are called side by side: no two alike, and what differs stands where a narrow menu shows it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from minigpt_core.store.runs import LIVE, Run, numbered
from ui import resources
from ui.runs.health import last_evaluation, loss_number, spoiled
from ui.runs.weights import usual_step
from ui.runs.wording import run_title, status_word, text_title
from ui.words.i18n import _

SEEN = 14  # characters: names in a menu that begin alike for longer are shortened there


def distinct_titles(runs: Sequence[Run]) -> dict[str, str]:
    """What each run is called, by its id; several with one name are numbered, the oldest first."""
    return without_twins({run.id: run_title(run) for run in runs}, runs)


def without_twins(called: Mapping[str, str], runs: Iterable[Run]) -> dict[str, str]:
    """What runs are called, by their ids: several with one name are numbered, the oldest first."""
    titles, taken = dict[str, str](), set[str]()
    for run in sorted(runs, key=lambda run: run.created):
        titles[run.id] = numbered(called[run.id], taken)
        taken.add(titles[run.id])
    return titles


def title_among(run: Run, runs: Sequence[Run]) -> str:
    """What a run is called among these."""
    title = run_title(run)
    alike = [other for other in runs if other.id != run.id and run_title(other) == title]
    return distinct_titles([run, *alike])[run.id]


def menu_labels(runs: Sequence[Run]) -> dict[str, str]:
    """What each run is called in a menu, by its id: its name, how good it is, and its text."""
    titles = distinct_titles(runs)
    short = shortened(titles.values())
    return {run.id: " · ".join([short[titles[run.id]], *about(run, short[titles[run.id]])]) for run in runs}


def narrow_titles(runs: Sequence[Run], room: int) -> dict[str, str]:
    """The distinct titles; those longer than `room` without the middle that they share with another one."""
    titles = distinct_titles(runs)
    short = shortened(titles.values())
    return {id_: title if len(title) <= room else short[title] for id_, title in titles.items()}


def title_with_facts(run: Run) -> str:
    """The same for one run alone."""
    return " · ".join([run_title(run), *about(run, run_title(run))])


def shortened(titles: Iterable[str]) -> dict[str, str]:
    """Each title without the middle that it shares with another one: "TinyGPT … 0.003"."""
    ordered = sorted(set(titles))
    alike = [0, *(same_beginning(*pair) for pair in pairwise(ordered)), 0]
    return {title: without_middle(title, max(alike[n], alike[n + 1])) for n, title in enumerate(ordered)}


def same_beginning(one: str, other: str) -> int:
    """How many characters they have in common at their beginning."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def without_middle(title: str, alike: int) -> str:
    """Its first word, and what comes from where it parts from another title, after `alike` characters, on."""
    parting = title.rfind(" ", 0, alike) + 1
    return f"{title.split(' ', 1)[0].rstrip(',')} … {title[parting:]}" if alike > SEEN else title


def about(run: Run, called: str) -> list[str]:
    """How good the run's usual weights are, its text unless its name says it, and its status if it has not simply
    ended."""
    loss, is_broken = _judged(run) if run.status in LIVE else _ended(run.id, run.step, run.status)
    parts = []
    if is_broken:
        parts.append(_("broken"))
    elif loss is not None:
        parts.append(_("loss {loss}").format(loss=loss_number(loss)))
    if (text := text_title(run.text_title)) not in called:
        parts.append(text)
    if run.status not in ("done", "diverged"):
        parts.append(status_word(run.status))
    return parts


@lru_cache(maxsize=4096)
def _ended(run_id: str, step: int, status: str) -> tuple[float | None, bool]:
    """Kept by what it depends on: a hundred runs need not be looked at again for every click."""
    return _judged(resources.store().run(run_id))


def _judged(run: Run) -> tuple[float | None, bool]:
    """The loss of the usual weights on unseen text, and whether the training broke the model."""
    kept = resources.store().checkpoints(run.id)
    last = last_evaluation(run, usual_step(run) if kept else None)
    return last.val_loss if last else None, spoiled(run)
