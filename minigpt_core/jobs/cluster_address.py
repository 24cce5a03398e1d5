"""Where trainings are made: on this machine, or on a cluster that the environment names. Imports no torch."""

import importlib.util
import os
from dataclasses import dataclass

from minigpt_core.errors import ConfigError

LAUNCHERS = ("local", "ray")
LAUNCHER, ADDRESS, CARDS = "MINIGPT_LAUNCHER", "RAY_ADDRESS", "MINIGPT_RAY_CARDS"  # of the environment
AUTH_MODE = "RAY_AUTH_MODE"  # Ray's own


@dataclass(frozen=True, kw_only=True)
class ClusterAddress:
    """Which cluster, and what each training gets of it."""

    address: str
    """Host and port of its head."""

    cards: float = 0.0
    """Of a graphics card: a share, or some."""


def from_environment() -> ClusterAddress | None:
    """The cluster that was asked for; None if this machine trains. Raises `ConfigError` if that cannot be."""
    launcher = os.environ.get(LAUNCHER) or LAUNCHERS[0]
    if launcher not in LAUNCHERS:
        raise ConfigError(
            "{name} = {value} is no way to start trainings. Choose one of these: {known}.",
            name=LAUNCHER, value=launcher, known=", ".join(LAUNCHERS),
        )  # fmt: skip
    if launcher == LAUNCHERS[0]:
        return None
    if importlib.util.find_spec("ray") is None:
        raise ConfigError(
            "Trainings on a cluster need Ray, which is not installed here. Install it: {command}",
            command=".venv/bin/python -m pip install -r requirements-ray.txt",
        )
    address = os.environ.get(ADDRESS, "")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(
            "{name} says where the Ray cluster is: host and port of its head, such as 10.0.0.5:6379. Now it "
            "is {value}.",
            name=ADDRESS, value=address or "—",
        )  # fmt: skip
    cards = os.environ.get(CARDS) or "0"
    if not cards.replace(".", "", 1).isdigit():
        raise ConfigError(
            "{name} is how much of a graphics card each training gets, such as 0.25. Now it is {value}.",
            name=CARDS, value=cards,
        )  # fmt: skip
    return ClusterAddress(address=address, cards=float(cards))


def asks_for_token() -> bool:
    """Whether the cluster lets in only who has its token. Without one, whoever reaches it runs what he likes."""
    return os.environ.get(AUTH_MODE, "").lower() == "token"
