"""All runs side by side: what did each change buy?"""

from minigpt_core.export.script import picked
from minigpt_core.store.new_run import settings_changed
from ui.compare import sections
from ui.components.show_code import show_code

sections.page()
show_code("compare", settings_changed, picked)
