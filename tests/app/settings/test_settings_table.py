"""The table of settings holds every setting of a run, in every language, and says nothing that the core does not."""

from dataclasses import fields

import pytest

from minigpt_core.configs import CHOICES, STEERABLE, ModelConfig, SampleSettings, TrainConfig, check_setting
from minigpt_core.errors import ConfigError
from minigpt_core.presets import PRESETS
from minigpt_core.sameness import settings_without_effect
from ui.settings import table
from ui.settings.table import SETTINGS
from ui.words import i18n
from ui.words.languages import LANGUAGES

NOT_IN_IT = {"vocab_size"} | {
    field.name for field in fields(SampleSettings)
}  # the text's; the Sampling page's own


def test_each_field_of_the_configurations_is_a_row_or_named_here() -> None:
    known = [field.name for config in (ModelConfig, TrainConfig, SampleSettings) for field in fields(config)]
    assert sorted(SETTINGS) == sorted(set(known) - NOT_IN_IT)
    assert sorted(known) == sorted({*known}) and {*known} > NOT_IN_IT


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_setting_has_a_label_and_a_help_of_its_own(lang: str) -> None:
    with i18n.using(lang):
        said = {name: (table.label(name), table.help_text(name)) for name in SETTINGS}
    assert all(label and help_text.endswith((".", "!", "?")) for label, help_text in said.values())
    assert len({label for label, _help in said.values()}) == len({*said.values()}) == len(SETTINGS)
    known = i18n.catalogue(lang).messages
    for setting in SETTINGS.values() if lang != "en" else ():
        words = [setting.label, setting.help, setting.tiny_help, setting.long_label, setting.zero]
        assert [word for word in words if isinstance(word, str) and word and word not in known] == []


def test_what_is_offered_can_be_and_is_all_that_can_be_of_words() -> None:
    for name, setting in SETTINGS.items():
        for value in (*setting.options(), *setting.drawn):
            check_setting(name, value)
        assert tuple(setting.names or ()) == CHOICES.get(name, ())
        assert (setting.widget in ("slider", "menu")) == bool(setting.options()), name
        assert set(setting.comparable()) <= set(setting.values)
    with pytest.raises(ConfigError):
        check_setting("steps", 0)


def test_each_control_stands_once_in_the_sidebar() -> None:
    groups = ("at once", "next", "model", "steps", "checks")
    placed = [name for group in groups for name in table.names_of(group)]
    assert len(placed) == len({*placed})
    assert {*SETTINGS} - {*placed} == {"device", "accumulation"}


def test_what_acts_at_once_and_what_changes_no_loss_is_the_core_s_to_say() -> None:
    assert [name for name in SETTINGS if table.acts_at_once(name)] == [*STEERABLE]
    for preset in PRESETS.values():
        idle = {name for name in SETTINGS if not table.changes_losses(name, preset.training)}
        assert idle == settings_without_effect(preset.training) and "learning_rate" not in idle
