"""Who looks where: the attention of a trained model in a text of one's own."""

from minigpt_core.interpret.activations import describe_heads, walk_attention
from minigpt_core.model import CausalSelfAttention
from ui.attention import sections
from ui.components.show_code import show_code

sections.page()
show_code("attention", CausalSelfAttention, walk_attention, describe_heads)
