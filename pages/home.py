"""The journey at a glance."""

from minigpt_core.data import prepare
from minigpt_core.model import count_parameters
from minigpt_core.sampling import generate, next_probabilities, predict
from ui.components.show_code import show_code
from ui.home import scene, sections

now = scene.look_around()

sections.head(now.move)
sections.stations()
sections.cells()
sections.samples(now)
show_code("home", prepare, count_parameters, predict, next_probabilities, generate)
