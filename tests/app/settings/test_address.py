"""Settings in the address come back as they were."""

from hypothesis import given
from hypothesis import strategies as st

from minigpt_core.configs import CHOICES, RANGES, SETTING_TYPES
from minigpt_core.presets import PRESETS
from ui.settings.address import decode, encode
from ui.settings.table import SETTINGS


def possible(name: str) -> st.SearchStrategy[object]:
    """Any value that a setting can have."""
    if name in CHOICES:
        return st.sampled_from(CHOICES[name])
    if SETTING_TYPES[name] is bool:
        return st.booleans()
    low, high = RANGES.get(name, (1e-6, 1000))
    return st.integers(int(low), int(high)) if SETTING_TYPES[name] is int else st.floats(low, high)


VALUES = {name: possible(name) for name in SETTINGS}


@given(preset=st.sampled_from([*PRESETS]), different=st.fixed_dictionaries({}, optional=VALUES))
def test_what_is_kept_comes_back(preset: str, different: dict[str, object]) -> None:
    assert decode(encode(preset, different)) == (preset, different)
