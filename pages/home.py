"""The journey at a glance."""

from minigpt_core.data import prepare
from minigpt_core.sampling import generate, next_probabilities, predict
from minigpt_core.weights import count_parameters
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.home import header, notebook_cells, stations
from ui.home.snapshot import take_snapshot
from ui.runs.doubts import doubt

now = take_snapshot()

header.head(now.next_step, now.run)
stations.stations(now)
if now.run and now.evaluation and now.evaluation.val_loss is not None:
    doubt(now.run)
header.assistants()
notebook_cells.cells()
stations.samples(now)
try_this("home")
show_code("home", prepare, count_parameters, predict, next_probabilities, generate)
