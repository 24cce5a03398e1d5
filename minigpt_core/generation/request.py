"""What decides a generated text: the model, the prompt, how characters are drawn, and the seed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from minigpt_core.configs import RANGES, SampleSettings, check_range
from minigpt_core.errors import ConfigError

MAX_LENGTH = 1000  # characters of one text
MAX_PROMPT = 500
MAX_SEED = 2**31 - 1
MOST_PARALLEL = 8  # texts written side by side
ORDERS = (2, 3)
USUAL_TEMPERATURE = 0.8  # what pages write with until somebody chooses another one
USUAL_SEED = 1337


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """The same request always gives the same text. Ids and numbers only, so a session may keep it."""

    run: str = ""
    """Id of the run whose model writes; empty: counted n-grams of characters write."""

    step: int = 0
    """Which checkpoint of the run."""

    text: str = ""
    """Id of the text whose characters are counted, if no run writes."""

    order: int = 2
    """n of the counted n-grams: 2 for pairs, 3 for triples."""

    lower: bool = True
    """Whether that text is put into small letters."""

    prompt: str = ""
    """As it was typed."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = USUAL_SEED

    def __post_init__(self) -> None:
        if len(self.prompt) > MAX_PROMPT:
            raise ConfigError(
                "The prompt has {length} characters; at most {limit} can be used. Shorten it.",
                length=len(self.prompt),
                limit=MAX_PROMPT,
            )
        check_range("step", self.step, 0, RANGES["steps"][1])
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
    def settings(self) -> SampleSettings:
        """How characters are drawn. Raises `ConfigError` for a number out of its range."""
        return SampleSettings(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)

    @property
    def model_only(self) -> "GenerationRequest":
        """The same model, and nothing of what it is to write."""
        return GenerationRequest(
            run=self.run, step=self.step, text=self.text, order=self.order, lower=self.lower
        )

    def to_query(self) -> dict[str, str]:
        """As parameters of an address."""
        return {name: str(int(v) if isinstance(v, bool) else v) for name, v in asdict(self).items()}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "GenerationRequest":
        """The inverse of `to_query`. Raises `ConfigError` for what is no number."""
        return cls(
            run=query.get("run", ""),
            step=int_parameter(query, "step", 0),
            text=query.get("text", ""),
            order=int_parameter(query, "order", 2),
            lower=query.get("lower", "1") != "0",
            prompt=query.get("prompt", ""),
            temperature=float_parameter(query, "temperature", 1.0),
            top_k=int_parameter(query, "top_k", 0),
            top_p=float_parameter(query, "top_p", 1.0),
            seed=int_parameter(query, "seed", USUAL_SEED),
        )


def int_parameter(query: Mapping[str, str], name: str, default: int) -> int:
    """A whole number from an address. Raises `ConfigError` for what is none."""
    try:
        return int(query.get(name, default))
    except ValueError:
        raise not_a_number(name, query[name]) from None


def float_parameter(query: Mapping[str, str], name: str, default: float) -> float:
    """A number from an address. Raises `ConfigError` for what is none."""
    try:
        return float(query.get(name, default))
    except ValueError:
        raise not_a_number(name, query[name]) from None


def not_a_number(name: str, value: str) -> ConfigError:
    """What to say of a parameter that cannot be read."""
    return ConfigError("{name} = {value} is not a number of the right kind.", name=name, value=value)
