"""The model as a drawing that is also its control: what it is made of, what that costs, what a batch becomes in it."""

from minigpt_core.configs import ModelConfig
from minigpt_core.interpret.anatomy import model_parts
from minigpt_core.model import GPT, TinyGPT, build_model
from minigpt_core.weights import parameters_of
from ui import resources, state
from ui.components.show_code import show_code
from ui.components.try_this import try_this
from ui.model import controls, costs, drawn_model, header, part_panel, traced_batch

chosen = state.chosen_text()
run = state.current_run()
vocab_size = resources.tokenizer(chosen.id, chosen.lower).vocab_size
drawn_model.restore()
config = ModelConfig(vocab_size=vocab_size, **drawn_model.drawn_fields())
batch_size = controls.sidebar(config, run)
parts = model_parts(config, batch_size, drawn_model.optimizer())

header.header(config, parts)
controls.ladder(config)
traced = traced_batch.traced_batch(chosen, config, batch_size, run)
part_panel.diagram_and_part(config, parts, batch_size, traced)
costs.section(config, parts, batch_size)
traced_batch.section(chosen, config, batch_size, traced)
try_this("model")
show_code("model", ModelConfig, build_model, parameters_of, TinyGPT, GPT)
