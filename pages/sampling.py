"""The model writes: choose who and how, and look at where each character comes from."""

import streamlit as st

from minigpt_core.generation.language_model import encode_prompt
from ui import resources, state
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.lessons import current as lessons
from ui.sampling import views
from ui.sampling.generation_settings import choose_generation
from ui.sampling.inputs import Inputs
from ui.sampling.introduction import introduce, say_what_its_losses_mean
from ui.sampling.model_choice import choose_model
from ui.sampling.prompt_explained import say_what_was_read
from ui.sampling.prompt_field import choose_prompt
from ui.words.i18n import _

head = st.container(horizontal=True, vertical_alignment="center", key="sampling_head")
head.title(_("Sampling"), width="content" if state.projected() else "stretch")
view = views.choose(head)
with st.sidebar:
    model = choose_model()
    generation = choose_generation(view.settings(), head if state.projected() else None)
if not state.projected():
    introduce(model)
prompt = choose_prompt(model.text) if view.prompted else ""
inputs = Inputs(model, generation, prompt, lessons.beside())
if view.prompted:
    lm = resources.language_model(inputs.request)
    say_what_was_read(lm, encode_prompt(lm, prompt))
with st.container(key=f"sampling_view_{view.name}"):
    view.show(inputs)
say_what_its_losses_mean(model, view.name)
state.come_so_far("sampled")
try_this("sampling")
show_code(view.text, *view.code)
