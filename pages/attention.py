"""Who looks where: the attention of a trained model in a text of one's own."""

from minigpt_core.interpret.activations import run_attention
from minigpt_core.interpret.heads import describe_heads
from minigpt_core.model import CausalSelfAttention
from ui.attention import sections
from ui.components.show_code import show_code

sections.page()
show_code("attention", CausalSelfAttention, run_attention, describe_heads)
