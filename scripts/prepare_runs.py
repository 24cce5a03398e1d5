"""`make prepared`: trains the runs that come with the program, on one thread, and writes them into the package.

The same machine and the same version of torch write the same bytes. `python -m scripts.prepare_runs ID …` trains
only those.
"""

import sys

import torch

from minigpt_core.store import prepared
from minigpt_core.store.runs import SHIPPED
from minigpt_core.training import MetricsEvent


def main(ids: list[str]) -> None:
    """Train the runs with these ids, or all of them."""
    torch.set_num_threads(1)
    for recipe in prepared.RECIPES:
        if ids and recipe.id not in ids:
            continue
        for event in prepared.write(recipe, SHIPPED / recipe.id):
            if isinstance(event, MetricsEvent):
                loss = "" if event.val_loss is None else f"  on unseen text {event.val_loss:.3f}"
                print(f"\r{recipe.name}, step {event.step}: loss {event.train_loss:.3f}{loss}", end="  ")
        print(flush=True)
    print(f"{prepared.size() / 1e6:.2f} MB in {SHIPPED}")


if __name__ == "__main__":
    main(sys.argv[1:])
