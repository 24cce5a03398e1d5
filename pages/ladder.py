"""From TinyGPT to a GPT, one idea at a time: what does each idea buy?"""

import streamlit as st

from minigpt_core.ladder import Rung, settings_alone, settings_up_to
from minigpt_core.model import GPT, Block
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.ladder import choices, rung_list

with st.sidebar:
    choices.choose_group()
rung_list.follow()
try_this("ladder")
if choices.group() == "alone":
    show_code("ladder_alone", Rung, settings_alone, Block)
else:
    show_code("ladder", Rung, settings_up_to, Block, GPT.init_weights)
