"""What decides a text: who writes, the prompt, how characters are drawn, and the seed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from minigpt_core.configs import SampleSettings
from minigpt_core.errors import ConfigError

MAX_LENGTH = 1000  # characters of one text
MAX_PROMPT = 500
MAX_SEED = 2**31 - 1
ORDERS = (2, 3)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The same recipe always gives the same text. Ids and numbers only, so a session may keep it."""

    run: str = ""
    """Id of the run that writes; empty: counted pairs or triples of characters write."""

    step: int = 0
    """Which checkpoint of the run."""

    text: str = ""
    """Id of the text whose characters are counted, if no run writes."""

    order: int = 2
    """How many characters belong together when they are counted: 2 for pairs, 3 for triples."""

    lower: bool = True
    """Whether that text is put into small letters."""

    prompt: str = ""
    """As it was typed."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1337

    def __post_init__(self) -> None:
        if len(self.prompt) > MAX_PROMPT:
            raise ConfigError(
                "The prompt has {length} characters; at most {limit} can be used. Shorten it.",
                length=len(self.prompt),
                limit=MAX_PROMPT,
            )
        if self.order not in ORDERS:
            raise ConfigError(
                "{name} = {value} is not a number of the right kind.", name="order", value=self.order
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(
                "The seed {value} cannot be used: choose a whole number from 0 to {limit}.",
                value=self.seed,
                limit=MAX_SEED,
            )

    @property
    def author(self) -> tuple[str, int, str, int, bool]:
        """What decides who writes."""
        return self.run, self.step, self.text, self.order, self.lower

    @property
    def settings(self) -> SampleSettings:
        """How characters are drawn. Raises `ConfigError` for a number out of its range."""
        return SampleSettings(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)

    def to_query(self) -> dict[str, str]:
        """As parameters of an address."""
        return {name: str(int(v) if isinstance(v, bool) else v) for name, v in asdict(self).items()}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Recipe":
        """The inverse of `to_query`. Raises `ConfigError` for what is no number."""
        return cls(
            run=query.get("run", ""),
            step=whole(query, "step", 0),
            text=query.get("text", ""),
            order=whole(query, "order", 2),
            lower=query.get("lower", "1") != "0",
            prompt=query.get("prompt", ""),
            temperature=decimal(query, "temperature", 1.0),
            top_k=whole(query, "top_k", 0),
            top_p=decimal(query, "top_p", 1.0),
            seed=whole(query, "seed", 1337),
        )


def whole(query: Mapping[str, str], name: str, default: int) -> int:
    """A whole number from an address."""
    try:
        return int(query.get(name, default))
    except ValueError:
        raise _no_number(name, query[name]) from None


def decimal(query: Mapping[str, str], name: str, default: float) -> float:
    """A number from an address."""
    try:
        return float(query.get(name, default))
    except ValueError:
        raise _no_number(name, query[name]) from None


def _no_number(name: str, value: str) -> ConfigError:
    return ConfigError("{name} = {value} is not a number of the right kind.", name=name, value=value)
