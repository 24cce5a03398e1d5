"""What the Sampling page was asked for: who writes, from which prompt, and how characters are drawn."""

from dataclasses import dataclass, replace
from typing import Any

from ui import resources
from ui.sampling.controls import Author, Drawing
from ui.sampling.recipe import Recipe


@dataclass(frozen=True)
class Asked:
    """All that the controls shared by the sections say."""

    author: Author
    drawing: Drawing
    prompt: str
    """As it was typed."""

    @property
    def recipe(self) -> Recipe:
        """The text that is asked for."""
        return recipe_of(self.author, self.prompt, self.drawing)

    def other(self, **changes: Any) -> Recipe:
        """The same text but for some fields of the recipe."""
        return replace(self.recipe, **changes)


def recipe_of(author: Author, prompt: str, drawing: Drawing) -> Recipe:
    """What this author writes from this prompt."""
    by_run = author.run is not None
    text = None if by_run else author.text
    return Recipe(
        run=author.run.id if author.run else "",
        step=author.step,
        text=text.id if text else "",
        order=author.order,
        lower=text.lower if text else True,
        prompt=prompt,
        temperature=drawing.settings.temperature,
        top_k=drawing.settings.top_k,
        top_p=drawing.settings.top_p,
        seed=drawing.seed,
    )


def known_text(author: Author) -> str:
    """The part of the text that the author learnt from, as it read it; "" if the text is not there any more."""
    return _parts(author)[0]


def held_out_text(author: Author) -> str:
    """The part of the author's text that was kept back for the validation loss."""
    return _parts(author)[1]


def _parts(author: Author) -> tuple[str, str]:
    if author.text is None:
        return "", ""
    fraction = author.run.training.val_fraction if author.run else 0.1
    return resources.text_parts(author.text.id, author.text.lower, fraction)
