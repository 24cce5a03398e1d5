"""Go back in time through a training: what did the model know when?"""

from minigpt_core.interpret.bigram_table import distance_from_counts
from minigpt_core.store.runs import RunStore
from ui.components.show_code import show_code
from ui.timeline import sections

sections.page()
show_code("timeline", RunStore.load_checkpoint, distance_from_counts)
