"""The seven stations: a scene in, the HTML of one card out."""

from minigpt_core.errors import TextError
from minigpt_core.generation.prompts import usual_prompt
from ui.home import figures, pictures
from ui.home.pictures import card
from ui.home.scene import Scene
from ui.runs.health import loss_number
from ui.runs.wording import status_word, text_title
from ui.words import glossary, tokens
from ui.words.i18n import _, n_, number, translate

MOST_BARS = 5


def text(scene: Scene) -> str:
    """The text, by its length."""
    n = len(scene.chosen.text)
    unit = n_("character", "characters", n)
    picture = pictures.beginning(scene.chosen.text)
    return card(_("Text"), number(n), unit, picture, text_title(scene.chosen.title), scene.look("text", True))


def ids(scene: Scene) -> str:
    """The vocabulary by its size, and the tensor by its shape."""
    tokenizer = scene.dataset.tokenizer
    unit = n_("distinct character", "distinct characters", tokenizer.vocab_size)
    shape = _("tensor of shape {shape}").format(shape=f"({len(scene.chosen.text)},)")
    picture = pictures.ids(scene.chosen.text, tokenizer)
    return card(_("Numbers"), number(tokenizer.vocab_size), unit, picture, shape, scene.look("ids", True))


def batches(scene: Scene) -> str:
    """One batch by its shape, or why there is none."""
    block, rows = scene.settings.model.block_size, scene.settings.training.batch_size
    places = figures.batch_places(scene.dataset.train, scene.settings)
    shape = f"({rows}, {block})"
    if isinstance(places, TextError):
        return card(_("Batches"), shape, "", "", translate(places), "problem")
    sentence = n_(
        "{n} stretch of {block} characters a step", "{n} stretches of {block} characters a step", rows
    )
    picture = pictures.windows(scene.chosen.text, len(scene.dataset.train), places, block)
    words = sentence.format(n=number(rows), block=number(block))
    return card(_("Batches"), shape, _("a batch’s shape"), picture, words, scene.look("batches", True))


def training(scene: Scene) -> str:
    """The current run by the loss of its newest evaluation and by its step, and the model by its size."""
    size = scene.settings.parameters
    parameters = n_("{n} parameter", "{n} parameters", size).format(n=number(size))
    if scene.run is None:
        unit = n_("parameter", "parameters", size)
        waiting = _("all random: waiting for the first step")
        return card(
            _("Training"), number(size), unit, pictures.empty(), waiting, scene.look("training", False)
        )
    run = scene.run
    loss, where = measured(scene)
    words = _("step {step} of {steps} · {parameters}").format(
        step=number(run.step), steps=number(run.training.steps), parameters=parameters
    )
    words = f"{where} · {words}" if where else words
    if scene.spoiled:
        words = _("{where}; pure chance costs {chance}: the training broke the model")
        words = words.format(where=where, chance=number(scene.chance, 2))
    if scene.elsewhere:
        words = _("on another text: {title}").format(title=text_title(run.text_title))
    unit = f"{glossary.word('loss')} · {status_word(run.status)}"
    done = run.status in ("done", "stopped") and not scene.elsewhere
    look = "problem" if scene.spoiled and not scene.elsewhere else scene.look("training", done)
    picture = pictures.curve(scene.losses, max([scene.chance, *scene.losses]))
    return card(_("Training"), loss_number(loss), unit, picture, words, look)


def measured(scene: Scene) -> tuple[float | None, str]:
    """The loss of the newest evaluation, and on which text: one that the model never saw, if there is any."""
    if scene.evaluation is None:
        return None, ""
    if scene.evaluation.val_loss is None:
        return scene.evaluation.train_loss, _("on the text it learns from")
    return scene.evaluation.val_loss, _("on text it never saw")


def prompt(scene: Scene) -> str:
    """The begin of a text that the model goes on from."""
    expected = scene.prediction
    sees_all = scene.run is not None and scene.run.model.n_layer > 0
    if expected is None:
        shown, tokenizer = usual_prompt(scene.chosen.text), scene.dataset.tokenizer
        words, look = scene.trouble or _("waiting for a trained model"), "problem" if scene.trouble else ""
    else:
        shown, tokenizer = expected.prompt, expected.tokenizer
        words = _("this model sees all of it") if sees_all else _("TinyGPT sees only its last character")
        look = scene.look("prompt", False)
    return card(_("Prompt"), quote(shown), "", pictures.prompt(shown, tokenizer, sees_all), words, look)


def next_character(scene: Scene) -> str:
    """What the model finds likeliest after the prompt."""
    if scene.prediction is None:
        words = _("waiting: its probability comes from the training")
        return card(_("Next character"), "…", "", pictures.empty(), words)
    likeliest = scene.prediction.likeliest(MOST_BARS)
    character, probability = likeliest[0]
    figure = f"{tokens.face(character)} {pictures.share(probability)}"
    words = _("the likeliest next one, at step {step}").format(step=number(scene.prediction.step))
    return card(_("Next character"), figure, "", pictures.bars(likeliest), words)


def generated(scene: Scene) -> str:
    """What the model writes after the prompt; before it can be asked, what it wrote by itself."""
    expected = scene.prediction
    if expected:
        words = _("goes on from the prompt, one character at a time, at step {step}")
        picture = pictures.sample(f"{expected.continuation}…", after=expected.prompt)
        return card(_("Generated text"), "", "", picture, words.format(step=number(expected.step)))
    samples = scene.first_and_last_sample
    if not samples:
        words = _("waiting: the model writes while it learns, and whenever you ask it to")
        return card(_("Generated text"), "…", "", pictures.empty(), words)
    step, written = samples[-1]
    words = _("written during the training, without this prompt, at step {step}").format(step=number(step))
    return card(_("Generated text"), "", "", pictures.sample(written, after=""), words)


def quote(words: str) -> str:
    """“un matin,” or « un matin, »."""
    return _("“{words}”").format(words=pictures.readable(words).replace("\n", tokens.face("\n")))
