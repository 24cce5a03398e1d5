"""The seven stations: a snapshot in, the HTML of one card out."""

from minigpt_core.errors import TextError
from minigpt_core.generation.prompts import usual_prompt
from ui.home import card_pictures, run_facts
from ui.home.card_pictures import card
from ui.home.snapshot import Snapshot
from ui.runs.health import loss_number
from ui.runs.wording import status_word, text_title
from ui.words import glossary, tokens
from ui.words.i18n import _, n_, number, translate

MOST_BARS = 5


def text(now: Snapshot) -> str:
    """The text, by its length."""
    n = len(now.chosen.text)
    unit = n_("character", "characters", n)
    picture = card_pictures.beginning(now.chosen.text)
    return card(_("Text"), number(n), unit, picture, text_title(now.chosen.title), now.look("text", True))


def ids(now: Snapshot) -> str:
    """The vocabulary by its size, and the tensor by its shape."""
    tokenizer = now.dataset.tokenizer
    unit = n_("distinct character", "distinct characters", tokenizer.vocab_size)
    shape = _("tensor of shape {shape}").format(shape=f"({len(now.chosen.text)},)")
    picture = card_pictures.ids(now.chosen.text, tokenizer)
    return card(_("Numbers"), number(tokenizer.vocab_size), unit, picture, shape, now.look("ids", True))


def batches(now: Snapshot) -> str:
    """One batch by its shape, or why there is none."""
    block, rows = now.configs.model.block_size, now.configs.training.batch_size
    places = run_facts.batch_starts(now.dataset, now.configs)
    shape = f"({rows}, {block})"
    if isinstance(places, TextError):
        return card(_("Batches"), shape, "", "", translate(places), "problem")
    sentence = n_(
        "{n} stretch of {block} characters a step", "{n} stretches of {block} characters a step", rows
    )
    picture = card_pictures.windows(now.chosen.text, len(now.dataset.train), places, block)
    words = sentence.format(n=number(rows), block=number(block))
    return card(_("Batches"), shape, _("a batch’s shape"), picture, words, now.look("batches", True))


def training(now: Snapshot) -> str:
    """The current run by the loss of its newest evaluation and by its step, and the model by its size."""
    size = now.configs.parameters
    parameters = n_("{n} parameter", "{n} parameters", size).format(n=number(size))
    if now.run is None:
        unit = n_("parameter", "parameters", size)
        waiting = _("all random: waiting for the first step")
        return card(
            _("Training"), number(size), unit, card_pictures.empty(), waiting, now.look("training", False)
        )
    run = now.run
    loss, where = measured(now)
    words = _("step {step} of {steps} · {parameters}").format(
        step=number(run.step), steps=number(run.training.steps), parameters=parameters
    )
    words = f"{where} · {words}" if where else words
    if now.spoiled:
        words = _("{where}; pure chance costs {chance}: the training broke the model")
        words = words.format(where=where, chance=number(now.chance, 2))
    if now.elsewhere:
        words = _("on another text: {title}").format(title=text_title(run.text_title))
    unit = f"{glossary.word('loss')} · {status_word(run.status)}"
    done = run.status in ("done", "stopped") and now.sound and not now.elsewhere
    look = "problem" if now.spoiled and not now.elsewhere else now.look("training", done)
    picture = card_pictures.curve(now.losses, max([now.chance, *now.losses]))
    return card(_("Training"), loss_number(loss), unit, picture, words, look)


def measured(now: Snapshot) -> tuple[float | None, str]:
    """The loss of the newest evaluation, and on which text: one that the model never saw, if there is any."""
    if now.evaluation is None:
        return None, ""
    if now.evaluation.val_loss is None:
        return now.evaluation.train_loss, _("on the text it learns from")
    return now.evaluation.val_loss, _("on text it never saw (validation)")


def prompt(now: Snapshot) -> str:
    """The begin of a text that the model goes on from."""
    expected = now.prediction
    sees_all = now.run is not None and now.run.model.n_layer > 0
    if expected is None:
        shown, tokenizer = usual_prompt(now.chosen.text), now.dataset.tokenizer
        words, look = now.trouble or _("waiting for a trained model"), "problem" if now.trouble else ""
    else:
        shown, tokenizer = expected.prompt, expected.tokenizer
        words = _("this model sees all of it") if sees_all else _("TinyGPT sees only its last character")
        look = now.look("prompt", False)
    return card(_("Prompt"), quote(shown), "", card_pictures.prompt(shown, tokenizer, sees_all), words, look)


def next_character(now: Snapshot) -> str:
    """What the model finds likeliest after the prompt."""
    if now.prediction is None:
        words = _("waiting: its probability comes from the training")
        return card(_("Next character"), "…", "", card_pictures.empty(), words)
    likeliest = now.prediction.likeliest(MOST_BARS)
    character, probability = likeliest[0]
    figure = f"{tokens.face(character)} {card_pictures.share(probability)}"
    step, equals = number(now.prediction.step), now.prediction.equals
    if equals > 1:
        figure = card_pictures.share(probability)
        all_ = equals == now.prediction.tokenizer.vocab_size
        words = (
            _("all {n} characters are equally likely, at step {step}")
            if all_
            else _("{n} characters are equally likely, at step {step}")
        )
        words = words.format(n=number(equals), step=step)
    else:
        words = _("the likeliest next one, at step {step}").format(step=step)
    return card(_("Next character"), figure, "", card_pictures.bars(likeliest), words)


def generated(now: Snapshot) -> str:
    """What the model writes after the prompt; before it can be asked, what it wrote by itself."""
    expected = now.prediction
    if expected:
        words = _("goes on from the prompt, one character at a time, at step {step}")
        picture = card_pictures.sample(f"{expected.continuation.rstrip(' .…')}…", after=expected.prompt)
        return card(_("Generated text"), "", "", picture, words.format(step=number(expected.step)))
    samples = now.first_and_last_sample
    if not samples:
        words = _(
            "waiting: a sample at every evaluation of the training, and a text whenever you ask for one"
        )
        return card(_("Generated text"), "…", "", card_pictures.empty(), words)
    step, written = samples[-1]
    words = _("written during the training, without this prompt, at step {step}").format(step=number(step))
    return card(_("Generated text"), "", "", card_pictures.sample(written, after=""), words)


def quote(words: str) -> str:
    """“un matin,” or « un matin, »."""
    return _("“{words}”").format(words=tokens.visible(words).replace("\n", tokens.face("\n")))
