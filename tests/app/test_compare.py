"""The Compare page: what the table says, names and notes, deletion, sweeps, exports, archives."""

import io
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from minigpt_core.configs import ModelConfig, TrainConfig
from minigpt_core.export.archive import export_run, import_run, weights_size
from minigpt_core.presets import PRESETS, find_preset
from minigpt_core.steering import ChangeEvent
from minigpt_core.store.new_run import new_run
from minigpt_core.store.runs import MAX_CHECKPOINTS, MAX_NAME, Run, RunStore
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent
from minigpt_core.weights import parameters_of
from tests.app.conftest import OpenPage
from ui import resources
from ui.compare import archive_upload, downloads, headline, run_names, sweep, table
from ui.runs.wording import run_title
from ui.settings.table import label_inside
from ui.style import DONE
from ui.vocabulary import own_text
from ui.words import i18n

MakeRun = Callable[..., Run]


def board(test: AppTest) -> dict[str, Any]:
    """What the table and the chart are given."""
    component = next(
        part for part in test.main.get("bidi_component") if "compare" in part.proto.component_name
    )
    return dict(json.loads(component.proto.json or component.proto.mixed.json))


def button(test: AppTest, key: str) -> Any:
    return next(found for found in test.main.button if found.key.startswith(key))


def shown(test: AppTest) -> str:
    return "\n".join(part.value for part in test.main.markdown)


@pytest.fixture
def finished(home: Path, some_run: MakeRun) -> MakeRun:
    """`finished(loss=2.3, learning_rate=0.1)`: a run that is said to have ended so; nobody trained it."""

    def make(loss: float = 2.3, status: str = "done", **settings: Any) -> Run:
        run, store = some_run(**settings), RunStore(home)
        event = MetricsEvent(step=run.training.steps, train_loss=loss, val_loss=loss, val_accuracy=0.3)
        last = run.training.steps
        store.append(run.id, evaluations=[event], step=last, seconds=3.0, best_step=last, best_val_loss=loss)
        store.set_status(run.id, status)
        return store.run(run.id)

    return make


def test_before_the_first_run_prepared_ones_are_compared(app: OpenPage) -> None:
    for lang, invitation in (("en", "Train your own"), ("fr", "Lancez le vôtre")):
        test = app("compare", lang)
        assert not test.exception
        assert invitation in shown(test)
        rows = board(test)["rows"]
        assert {row["status"] for row in rows} == {"done", "diverged"}  # one shows what too high a rate does
        assert len(board(test)["chosen"]) == 2  # the GPT and the TinyGPT of the language's story
        assert button(test, "compare_delete").disabled


@pytest.fixture
def own_twin(home: Path) -> Callable[[], Run]:
    """`own_twin()`: a finished run of one's own with the very settings of the prepared TinyGPT."""

    def make() -> Run:
        store, other = RunStore(home), resources.run("preparedTinyEn")
        fields = {name: value for name, value in other.model.to_dict().items() if name != "vocab_size"}
        run = new_run(
            store, text=store.text(other.text_id).text, title=other.text_title, model_fields=fields,
            training=other.training, lower=other.lower, workspace="local", status="done",
        )  # fmt: skip
        event = MetricsEvent(step=run.training.steps, train_loss=2.3, val_loss=2.3, val_accuracy=0.3)
        store.append(run.id, evaluations=[event], step=event.step, best_step=event.step, best_val_loss=2.3)
        return store.run(run.id)

    return make


def test_ones_own_run_is_not_covered_by_a_prepared_one(app: OpenPage, own_twin: Callable[[], Run]) -> None:
    run = own_twin()
    first = board(app("compare"))
    assert first["chosen"] == [run.id, "preparedGptEn"]  # not the prepared TinyGPT, whose curve is the same
    assert [row["prepared"] for row in first["rows"]] == [False] + [True] * (len(first["rows"]) - 1)
    assert board(app("compare", run=run.id))["chosen"] == first["chosen"]


def test_the_run_in_the_address_is_the_one_that_is_drawn_and_acted_on(
    app: OpenPage, own_twin: Callable[[], Run], finished: MakeRun
) -> None:
    twin = own_twin()
    finished()
    test = app("compare", run="preparedTinyEn")
    assert board(test)["focus"] == board(test)["chosen"][0] == "preparedTinyEn"
    assert twin.id in board(test)["chosen"]
    assert test.main.header[0].value == r"TinyGPT on “The Curious Cat” \(prepared\)"
    assert button(test, "compare_delete").disabled


def test_a_run_that_was_begun_since_is_shown(app: OpenPage, finished: MakeRun) -> None:
    test = app("compare")
    before = board(test)
    run = finished()
    test.run()
    assert board(test)["chosen"][0] == run.id and board(test)["revision"] > before["revision"]
    test.session_state["page.compare.chosen"] = [run.id]  # these were ticked
    test.run()
    other = finished(2.2, learning_rate=0.02)
    test.query_params["run"], test.query_params["follow"] = other.id, "1"  # as a link to it does
    test.run()
    assert board(test)["chosen"] == [other.id, run.id] and board(test)["focus"] == other.id


def test_every_run_says_what_it_is(app: OpenPage, finished: MakeRun) -> None:
    first, second = finished(2.5, learning_rate=0.001), finished(2.25, learning_rate=0.01, batch_size=8)
    test = app("compare", "fr")
    rows = {row["id"]: row for row in board(test)["rows"]}
    assert [row["id"] for row in board(test)["rows"]][:2] == [second.id, first.id]  # the newest first
    assert rows[first.id]["loss_words"] == "2,50"
    assert rows[second.id]["settings"]["taux d’apprentissage"] == "0,01"
    assert rows[second.id]["settings"]["lot"] == "8"
    assert rows[second.id]["model"] == "TinyGPT"
    with i18n.using("fr"):
        assert "2,25, soit 0,25 de moins" in headline.verdict([first, second])


def test_the_headline_speaks_of_the_ticked_runs_alone(app: OpenPage, finished: MakeRun) -> None:
    best, *ticked = (finished(loss, learning_rate=loss / 100) for loss in (2.0, 2.3, 2.6))
    test = app("compare")
    test.session_state["page.compare.chosen"] = [run.id for run in ticked]
    test.run()
    said = shown(test)
    assert "Among the ticked runs, **" in said and "0.30 lower than" in said and best.name not in said


def test_whether_it_is_a_difference_depends_on_what_seeds_do(finished: MakeRun) -> None:
    first, second = finished(2.30, learning_rate=0.01), finished(2.40, learning_rate=0.02)
    unknown = "What another seed alone would change has not been measured on this text."
    with i18n.using("en"):
        assert "0.10 lower" in headline.verdict([first, second]) and unknown in headline.verdict(
            [first, second]
        )
        close = headline.verdict([first, finished(2.31, learning_rate=0.03)])
        assert "as good as equal" in close and "another seed" in close
        steady = [finished(2.50 + step, seed=seed) for seed, step in enumerate((0, 0.01, 0.02))]
        sure = headline.verdict([first, second], [first, second, *steady])
        assert "0.10 lower" in sure  # t(2) × 0.01 × √2
        assert "By the 3 runs here that differ in the seed alone, chance makes up to 0.06." in sure
        wild = [finished(3 + step, seed=seed, batch_size=2) for seed, step in enumerate((0, 0.2, 0.4))]
        unsure = headline.verdict([first, second], [first, second, *wild])
        assert "That is no difference. By the 3 runs" in unsure and "lower" not in unsure
        assert unknown in headline.verdict([first, second], list(map(replace_text, wild))), "of another text"


def test_runs_that_are_the_same_are_called_so(finished: MakeRun) -> None:
    same = [finished(2.3, name=name) for name in "abc"]
    other_seeds = [finished(loss, seed=seed) for seed, loss in ((1, 2.25), (2, 2.35))]
    with i18n.using("en"):
        assert headline.verdict(same) == (
            "One and the same training, with the same text, settings and seed: **a**, **b**, **c**."
        )
        assert (
            "differ in the **seed alone**: on text they never saw (validation) they come out between 2.25 and 2.35"
            in (headline.verdict([same[0], *other_seeds]))
        )
        better = finished(2.0, learning_rate=0.5)
        assert "0.30 lower than **TinyGPT" in headline.verdict([better, same[0], *other_seeds])
        assert "mean of 3 seeds" in headline.verdict([better, same[0], *other_seeds])
        assert "0.30 lower than **a" in headline.verdict([better, *same]), (
            "three times the same tells nothing of chance"
        )


def test_different_texts_are_not_compared(finished: MakeRun) -> None:
    with i18n.using("en"):
        assert "different texts" in headline.verdict([finished(2.3), replace_text(finished(2.0))])


def test_a_run_that_goes_on_is_not_compared(finished: MakeRun) -> None:
    ended = [finished(2.3, learning_rate=0.003), finished(2.4, learning_rate=0.01)]
    begun = Run(**{**vars(finished(4.0, learning_rate=0.1)), "status": "running"})
    with i18n.using("en"):
        assert headline.verdict([ended[0], begun]) == "Runs are compared once they have ended. 1 run to go."
        assert "0.10 lower" in headline.verdict([*ended, begun])
        assert headline.verdict([*ended, begun]).endswith("1 run to go.")


def test_runs_of_one_setting_are_told_apart_by_its_value(finished: MakeRun) -> None:
    base = finished(2.3, name="TinyGPT", learning_rate=0.003)
    named = finished(2.4, name="TinyGPT, learning rate 0.01", learning_rate=0.01)
    other = finished(2.4, name="TinyGPT, batch 8", learning_rate=0.01, batch_size=8)
    with i18n.using("en"):
        assert list(run_names.names([base, named]).values()) == ["TinyGPT · learning rate 0.003", named.name]
        assert run_names.says("TinyGPT, taux d’apprentissage 0,01", "0.01") and not run_names.says(
            "TinyGPT, batch 16", "1"
        )
        assert run_names.says("TinyGPT · learning rate 0.01 · batch size 8", "0.01")
        assert list(run_names.names([base, named, other]).values()) == ["TinyGPT", named.name, other.name]


def test_runs_that_no_setting_tells_apart_are_told_apart_by_their_steps(finished: MakeRun) -> None:
    base = finished(2.3, name="TinyGPT")
    left = Run(**{**vars(base), "id": "other", "step": 2, "status": "stopped"})
    with i18n.using("en"):
        assert list(run_names.names([base, left]).values()) == [
            f"TinyGPT, step {base.step}",
            "TinyGPT, step 2",
        ]


def test_runs_that_nothing_tells_apart_get_a_number(app: OpenPage, finished: MakeRun, home: Path) -> None:
    runs, store = [finished(2.3) for _again in range(3)], RunStore(home)
    for run in runs:
        store.rename(run.id, "")
    test = app("compare")
    called = [row["name"] for row in board(test)["rows"][:3]]
    assert len({*called}) == 3 and called[0].endswith(" (3)")
    assert sorted(board(test)["names"].values()) == sorted(called)
    said = shown(test)
    assert "One and the same training" in said and r"\(2\)" in said and r"\(3\)" in said


def test_the_best_and_the_last_loss_have_a_column_each(app: OpenPage, finished: MakeRun, home: Path) -> None:
    run, store = finished(2.3), RunStore(home)
    worse = MetricsEvent(step=run.step + 1, train_loss=2.0, val_loss=2.45, val_accuracy=0.3)
    store.append(run.id, evaluations=[worse], step=worse.step)
    said = board(app("compare"))
    row = next(row for row in said["rows"] if row["id"] == run.id)
    assert (row["loss_words"], row["last_words"], row["last"]) == ("2.30", "2.45", 2.45)
    assert row["measured"] == {  # / ln 2
        "loss": f"3.32 bits per character, at step {run.step}",
        "last": f"3.53 bits per character, at step {worse.step}",
    }
    to_its_end = next(row for row in said["rows"] if row["id"] == "preparedTinyEn")
    assert (row["last_step"], to_its_end["last_step"]) == (f"step {worse.step}", "")
    assert (said["labels"]["best"], said["labels"]["last"]) == ("best", "last")


def test_a_run_that_broke_down_is_marked_and_not_called_best(
    app: OpenPage, finished: MakeRun, home: Path
) -> None:
    store = RunStore(home)
    runs = [finished(2.3, learning_rate=0.003), finished(2.4, learning_rate=0.01), finished(2.1, name="wild")]
    wild = runs[-1]
    end = MetricsEvent(step=wild.step + 1, train_loss=5e7, val_loss=5e7, val_accuracy=0.0)
    store.append(wild.id, evaluations=[end], step=end.step)
    row = next(row for row in board(app("compare"))["rows"] if row["id"] == wild.id)
    assert (row["loss_words"], row["last_words"], row["broke"]) == ("2.10", "over 1,000,000", True)
    with i18n.using("en"):
        said = headline.verdict([*runs[:2], store.run(wild.id)])
        assert "0.10 lower" in said and "Broke down: wild" in said


def replace_text(run: Run) -> Run:
    """The same run of another text."""
    return Run(**{**vars(run), "text_id": "0" * 64})


def test_a_broken_run_is_never_green(app: OpenPage, finished: MakeRun) -> None:
    run = finished(9.0)
    row = next(row for row in board(app("compare"))["rows"] if row["id"] == run.id)
    assert row["word"] == "broke down"
    assert row["colour"] != DONE


def test_rename_note_delete_and_undo(app: OpenPage, finished: MakeRun, home: Path) -> None:
    run, store = finished(), RunStore(home)
    test = app("compare")
    name, note = test.main.text_input[0], test.main.text_input[1]
    name.set_value("<b>mine</b>").run()
    note.set_value("a *note*").run()
    assert (store.run(run.id).name, store.run(run.id).note) == ("<b>mine</b>", "a *note*")
    button(test, "compare_delete").click().run()
    assert run.id not in [row["id"] for row in board(test)["rows"]]
    keys = [found.key for found in test.main.button]
    assert keys.index("compare_undo") == keys.index("compare_duplicate") - 1  # where Delete was pressed
    button(test, "compare_undo").click().run()
    assert run.id in [row["id"] for row in board(test)["rows"]]
    assert not test.exception


def test_somebody_elses_run_is_not_in_the_table(app: OpenPage, some_run: MakeRun) -> None:
    other = some_run(workspace="x" * 32)
    assert other.id not in [row["id"] for row in board(app("compare"))["rows"]]


def test_duplicate_sets_training_up(app: OpenPage, finished: MakeRun) -> None:
    finished(learning_rate=0.07, steps=321)
    test = app("compare")
    button(test, "compare_duplicate").click().run()
    test.switch_page("../pages/training.py").run()
    assert test.number_input(key="page.training.steps").value == 321


def test_an_interrupted_run_goes_on_with_one_click(app: OpenPage, some_run: MakeRun, home: Path) -> None:
    run, store = some_run(steps=3, sample_length=0), RunStore(home)
    store.set_status(run.id, "running")  # and nobody holds its lock
    test = app("compare")
    assert store.run(run.id).status == "interrupted"
    button(test, "compare_resume_all").click().run()
    assert store.run(run.id).status in ("queued", "running", "done")


# Several values of one setting


def test_a_sweep_is_found_in_the_store_by_its_settings(finished: MakeRun, home: Path) -> None:
    base = finished(2.3, learning_rate=0.003)
    other, unlike = finished(2.2, learning_rate=0.03), finished(2.1, learning_rate=0.03, batch_size=8)
    watched = finished(2.3, learning_rate=0.01, pace=60, eval_interval=7)  # changes no loss
    found = sweep.alike(base, "learning_rate", RunStore(home).runs("local"))
    assert {value: run.id for value, run in found.items()} == {
        0.003: base.id,
        0.01: watched.id,
        0.03: other.id,
    }
    assert unlike.id not in {run.id for run in found.values()}


def test_a_run_that_was_steered_is_no_result_of_a_sweep(finished: MakeRun, home: Path) -> None:
    base, other, store = finished(learning_rate=0.003), finished(learning_rate=0.03), RunStore(home)
    store.append(other.id, changes=[ChangeEvent(step=1, name="learning_rate", value=0.1)])
    assert sweep.alike(base, "learning_rate", store.runs("local")) == {0.003: base}


def test_evaluations_that_decide_the_end_tell_runs_apart(finished: MakeRun, home: Path) -> None:
    base, often = finished(patience=3, eval_interval=10), finished(patience=3, eval_interval=5)
    assert sweep.alike(base, "learning_rate", RunStore(home).runs()) == {base.training.learning_rate: base}
    assert table.varying([base, often]) == ["eval_interval"]
    assert table.varying([finished(), finished(eval_interval=5, pace=7.0)]) == []


def test_settings_that_do_nothing_are_not_compared(finished: MakeRun) -> None:
    plain, adaptive = finished(optimizer="sgd", beta1=0.5), finished(optimizer="adamw", beta1=0.9)
    assert table.varying([plain, adaptive]) == ["optimizer"]
    other = table.rows([plain, adaptive, finished(optimizer="adamw", beta1=0.8)])
    assert {row["settings"][label_inside("beta1")] for row in other} == {"–", "0.8", "0.9"}


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ({0.001: 2.5, 0.01: 2.2, 0.1: 2.4}, "**0.01** comes out lowest: 2.20"),
        ({0.001: 2.5, 0.01: 2.2, 0.1: 2.4}, "another seed alone would change has not been measured"),
        ({0.001: 2.2, 0.01: 2.3, 0.1: 2.4}, "smallest value tried"),
        ({0.001: 2.4, 0.01: 2.3, 0.1: 2.2}, "largest value tried"),
        ({0.001: 2.201, 0.01: 2.2, 0.1: 2.205}, "as good as equal"),
        ({0.001: 2.4, 0.01: 2.21, 0.1: 2.2}, "**0.1** (2.20) and **0.01** (2.21) come out lowest"),
        ({0.001: 2.4, 0.01: 2.2, 0.1: 9.0}, "Broke down: learning rate 0.1."),
    ],
)
def test_what_a_sweep_found_is_said_in_a_sentence(
    finished: MakeRun, losses: dict[float, float], said: str
) -> None:
    runs = {rate: finished(loss, learning_rate=rate) for rate, loss in losses.items()}
    with i18n.using("en"):
        found = sweep.finding("learning_rate", runs)
        tie = "as good as equal" in found
        assert said in found and tie == ("as good as equal" in headline.verdict(list(runs.values())))
        assert not (tie and "value tried" in found)


def test_a_sweep_is_queued_in_one_go(app: OpenPage, finished: MakeRun, home: Path) -> None:
    base = finished(steps=2, sample_length=0)
    test = app("compare")
    test.session_state["compare_sweep_box"] = True  # it is unfolded
    test.run()
    values = sweep.first_choice(0.003, sweep.values_of(base, "learning_rate"))
    assert len(values) == 4 and 0.003 in values
    assert button(test, "compare_sweep").label == "Train 3 runs"
    assert any(caption.value.startswith("0.003 exists already: TinyGPT") for caption in test.main.caption)
    button(test, "compare_sweep").click().run()
    assert not test.exception
    runs = RunStore(home).runs("local")
    assert {run.training.learning_rate for run in runs} == set(values)
    with i18n.using("en"):
        assert [run.name for run in runs if run.id != base.id] == [
            sweep.run_name(base, "learning_rate", value)
            for value in sorted(values, reverse=True)
            if value != 0.003
        ]
    assert {run.parent for run in runs if run.id != base.id} == {base.id}
    assert all(run.training == TrainConfig(**base.training.to_dict() | {"learning_rate": run.training.learning_rate})
               for run in runs)  # fmt: skip


def test_values_that_cannot_be_are_not_offered(finished: MakeRun) -> None:
    base = finished()
    assert "n_layer" not in sweep.offered(base)  # TinyGPT has none, and one layer would make it another model
    assert not sweep.can_be(base, "n_embd", 0)


@pytest.mark.parametrize(
    ("title", "begin"),
    [
        ("Échelle 4 : + têtes", "Échelle 4 : + têtes"),
        ("Échelle 4 · taux d’apprentissage 0,003", "Échelle 4"),
        ("très long " * 12, "très long très long très long très long…"),
        ("שלום", "שלום"),
    ],
)
def test_runs_of_a_sweep_are_called_after_their_base_and_the_value(
    finished: MakeRun, title: str, begin: str
) -> None:
    base = finished(name=title.strip(), learning_rate=0.003)
    with i18n.using("fr"):
        name = sweep.run_name(base, "learning_rate", 0.01)
    assert name == f"{begin} · taux d’apprentissage 0,01" and len(name) <= MAX_NAME


def test_a_sweep_from_a_prepared_run_does_not_call_itself_prepared(home: Path) -> None:
    with i18n.using("en"):
        name = sweep.run_name(resources.run("preparedTinyEn"), "learning_rate", 0.01)
    assert name == "TinyGPT · learning rate 0.01"


def test_a_run_far_from_every_preset_is_called_after_its_own_model(some_run: MakeRun) -> None:
    far = ModelConfig(vocab_size=30, n_layer=1, n_embd=24, block_size=12, positions="learned", dropout=0.2)
    run = replace(some_run(), model=far, training=TrainConfig(steps=17, batch_size=3), name="")
    with i18n.using("fr"):
        assert run_title(run) == "GPT, 1 couche"
        assert label_inside("mlp") == "petit réseau (MLP)" and label_inside("qk_norm") == "norme QK"
    with i18n.using("en"):
        assert label_inside("qk_norm") == "QK norm" and label_inside("n_layer") == "layers"


# Exports


def test_a_file_name_is_safe_on_every_system(some_run: MakeRun) -> None:
    assert downloads.slug(some_run(name="Échelle 1 : TinyGPT")) == "echelle-1-tinygpt"
    for name in ("../../x", "a/b:c*", "été <b>", "…", "con.txt " * 12):
        slug = downloads.slug(some_run(name=name))
        assert slug and all(c.isascii() and (c.isalnum() or c == "-") for c in slug) and len(slug) <= 60


def test_downloads_are_made_when_they_are_asked_for(
    some_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: dict[str, tuple[str, bytes]] = {}
    monkeypatch.setattr(
        downloads,
        "_offer",
        lambda key, label, about, file, make, mime, off: offered.update(
            {key: (file, b"" if off else make())}
        ),
    )
    run = some_run(name="Essai n° 1")
    with i18n.using("fr"):
        downloads.offer(run)
    assert json.loads(offered["notebook"][1])["nbformat"] == 4
    assert "# 1. Préparer" in offered["script"][1].decode()
    assert offered["csv"][1].startswith(b"step;loss")
    with i18n.using("en"):
        downloads.offer(run)
    assert offered["csv"][1].startswith(b"step,loss")
    assert {file for file, _data in offered.values()} >= {"essai-n-1.ipynb", "essai-n-1.zip"}


def test_an_archive_that_no_page_opens_is_announced_with_the_way_to_open_it() -> None:
    with i18n.using("en"):
        said = downloads.too_large_for_a_page(612_000_000)
        assert "about 612\u202fMB" in said and "500\u202fMB" in said and "minigpt_core import" in said
        assert downloads.too_large_for_a_page(500_000_000) == ""


def test_the_size_of_an_archive_is_told_before_it_is_made(app: OpenPage) -> None:
    app("compare")
    run = resources.run("preparedGptEn")
    made = len(export_run(resources.store(), run))
    assert 0.8 * made < weights_size(resources.store(), run) < made


def test_a_name_is_written_anew_as_it_was_given(app: OpenPage, finished: MakeRun) -> None:
    finished(name="שלום")
    assert (
        app("compare").main.text_input[0].value == "שלום"
    )  # without the signs that isolate it in our sentences


def test_the_bin_says_what_it_holds_and_is_emptied(
    app: OpenPage, finished: MakeRun, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(home)
    kept, gone = finished(name="kept"), finished(name="gone")
    (store.folder(gone.id)).mkdir(parents=True)
    (store.folder(gone.id) / "worker.log").write_text("x" * 20_000)
    test = app("compare")
    assert not any("bin" in caption.value for caption in test.main.caption)
    store.delete(gone.id)
    test.session_state["page.compare.deleted"] = gone.id  # Undo stands there
    test.run()
    assert any("In the bin: 1 deleted run, 20.0\u202fkB." in caption.value for caption in test.main.caption)
    button(test, "bin_empty").click().run()
    assert not test.exception
    assert any("Removed for good: 1 run, 20.0\u202fkB." in caption.value for caption in test.main.caption)
    assert [run.id for run in store.runs("local")] == [kept.id]
    assert store.bin_contents().runs == 0
    test.run()
    assert not any("Removed" in caption.value for caption in test.main.caption)


def test_what_another_tab_has_deleted_is_brought_back(app: OpenPage, finished: MakeRun, home: Path) -> None:
    store, gone = RunStore(home), finished(name="*gone*")
    store.delete(gone.id)
    test = app("compare", "en")
    back = button(test, f"bin_back_{gone.id}")
    assert back.label.startswith(r"\*gone\*")
    back.click().run()
    assert not test.exception and [run.id for run in store.runs("local")] == [gone.id]


def test_an_archive_is_opened_and_said_so_beside_it(app: OpenPage, finished: MakeRun) -> None:
    archive = export_run(resources.store(), finished(name="far away"))
    test = app("compare")
    uploader = test.get("file_uploader")[0]
    uploader.set_value(("run.zip", archive, "application/zip")).run()
    assert not test.exception
    assert test.success[0].value == r"Opened: far away \(2\). It stands in the table."
    assert not test.main.warning
    test.get("file_uploader")[0].set_value(("run.zip", archive, "application/zip")).run()  # one more
    assert sorted(run.name for run in resources.store().runs("local")) == [
        "far away", "far away (2)", "far away (3)",
    ]  # fmt: skip


def test_a_field_takes_files_as_large_as_it_says() -> None:
    """Streamlit's route refuses what is larger than `server.maxUploadSize`, whatever a field promises."""
    settings = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["server"]["maxUploadSize"] == archive_upload.MAX_UPLOAD_MB > own_text.MAX_UPLOAD_MB
    assert corpus.MAX_BYTES < own_text.MAX_UPLOAD_MB * 1_000_000
    by_command_line = {"nanogpt-gpu"}  # 2.6 GB with all its weights
    named = PRESETS.keys() - by_command_line
    largest = max(parameters_of(ModelConfig(vocab_size=100, **find_preset(name).model)) for name in named)
    assert MAX_CHECKPOINTS * 12 * largest < archive_upload.MAX_UPLOAD_MB * 1_000_000


def test_the_lines_of_counts_say_which_text_they_are_on(app: OpenPage) -> None:
    views = board(app("compare", "fr"))["references"]
    for view, text in (("unseen", "texte jamais vu"), ("batches", "texte appris")):
        labels = [line["label"] for line in views[view]]
        assert labels[0].startswith("hasard pur") and all(text in label for label in labels[1:])


def test_each_view_is_compared_with_counts_on_its_own_part_of_the_text(app: OpenPage) -> None:
    known = resources.run_baselines("preparedTinyEn")
    lines = {
        view: [line["value"] for line in shown] for view, shown in board(app("compare"))["references"].items()
    }
    assert lines["batches"] == [known.uniform, known.one_character_minimum, known.trigram_train]
    assert lines["unseen"] == [known.uniform, known.bigram_val, known.trigram_val]


def test_an_archive_becomes_a_run_of_this_workspace(home: Path, some_run: MakeRun) -> None:
    archive = export_run(resources.store(), some_run(name="far away"))
    copy = import_run(RunStore(home), io.BytesIO(archive), "somebody")
    assert (copy.workspace, copy.name) == ("somebody", "far away")
