"""What the bundled stories must be like, so that a model finds something in them and unseen text is really unseen."""

import math
from dataclasses import replace

import pytest

from minigpt_core.configs import ModelConfig
from minigpt_core.data import Dataset, prepare
from minigpt_core.interpret.memorization import TrainingText
from minigpt_core.ngrams import Baselines, NgramModel, baselines
from minigpt_core.presets import NOTEBOOK
from minigpt_core.texts import corpus
from minigpt_core.training import MetricsEvent, Trainer

STORIES = [name for name, bundled in corpus.BUNDLED.items() if bundled.language]
COPIED = 15  # characters: so long a stretch does not stand in two places by chance
MOST_COPIED = 0.08  # Tiny Shakespeare, as much of it as such a story: 0.10 to 0.14 (benchmarks/stories.py)
TYPOGRAPHIC = "’‘“”–…\u00a0\u202f"
each_story = pytest.mark.parametrize("story", STORIES)


def parts(story: str) -> Dataset:
    return prepare(corpus.normalize(corpus.load(story).text))


@each_story
def test_it_is_long_and_its_letters_are_few(story: str) -> None:
    text = corpus.load(story).text
    small = corpus.normalize(text)
    assert len(small) >= 60_000
    assert len(set(small)) <= 50
    assert not set(text) & set(TYPOGRAPHIC.replace("…", ""))  # as typed: one prompt fits
    assert text.endswith("\n") and not any(line != line.rstrip() for line in text.splitlines())


@each_story
def test_its_end_is_as_new_as_that_of_a_real_book(story: str) -> None:
    small = corpus.normalize(corpus.load(story).text)
    n = int(0.9 * len(small))
    copied = TrainingText(small[:n]).memorized(small[n:], COPIED)
    assert 0 < copied.share <= MOST_COPIED


@each_story
def test_counting_is_worse_on_the_end_than_on_what_was_counted(story: str) -> None:
    dataset = parts(story)
    counted: Baselines = baselines(dataset)
    assert counted.bigram_val is not None and counted.trigram_val is not None
    assert counted.bigram_val > counted.bigram_train
    assert counted.trigram_val > counted.trigram_train
    assert counted.uniform > counted.bigram_val > counted.trigram_val
    longer = NgramModel(4, dataset.tokenizer.vocab_size).fit(dataset.train)
    assert longer.loss(dataset.val) - longer.loss(dataset.train) > counted.trigram_val - counted.trigram_train


@each_story
def test_tinygpt_guesses_the_end_no_better_than_what_it_learns_from(story: str) -> None:
    dataset = parts(story)
    model = ModelConfig(vocab_size=dataset.tokenizer.vocab_size, **NOTEBOOK.model)
    training = replace(NOTEBOOK.training, eval_interval=500, eval_windows=0, sample_length=0)
    last = [event for event in Trainer(dataset, model, training).run() if isinstance(event, MetricsEvent)][-1]
    assert last.train_loss <= (last.val_loss or math.nan)
