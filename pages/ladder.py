"""From TinyGPT to a GPT, one idea at a time: what does each idea buy?"""

from minigpt_core.ladder import Rung, settings_up_to
from minigpt_core.model import Block
from ui.ladder import sections
from ui.show_code import show_code

sections.page()
show_code("ladder", Rung, settings_up_to, Block)
