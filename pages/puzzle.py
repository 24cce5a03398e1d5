"""A puzzle that one character is not enough for: who solves it, and which heads do it."""

import streamlit as st

from minigpt_core.interpret.puzzle_heads import head_scores, lookups
from minigpt_core.interpret.puzzles import exact_match, greedy_answers, unseen_puzzles
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.puzzle.example import follow_one
from ui.puzzle.head_table import heads
from ui.puzzle.scoreboard import gpt_for, scoreboard
from ui.puzzle.task import choose_task, introduction, offer_the_way_back
from ui.words.i18n import _

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(_("A puzzle"), width="content")
    task = choose_task()
with st.container(key="puzzle_about"):
    st.markdown(introduction(task))
offer_the_way_back()
gpt = gpt_for(task)
with st.container(key="puzzle_columns"):
    left, right = st.columns([9, 11], gap="medium")
with left, st.container(key="puzzle_scores"):
    scoreboard(task, gpt)
if gpt:
    with right, st.container(key="puzzle_example"):
        follow_one(task, *gpt)
    with left:  # last, because it takes longest when the page is opened for the first time
        heads(task, *gpt)
try_this("puzzle")
show_code("puzzle", unseen_puzzles, greedy_answers, exact_match, head_scores, lookups)
