"""The keys of what stands on the pages: what a step can point at or veil.

Only a misspelt one is noticed: a key that is like none of these may well stand on a page.
"""

from difflib import get_close_matches

from minigpt_core.lessons.lesson import VALIDATION

NAMES = """
corner glossary glossary_search in_view language_switch set_up_leave shared_corner

home_begin cell_ station_

vocabulary_back vocabulary_encoding_ vocabulary_fetch_ vocabulary_fetch_cancel vocabulary_figures vocabulary_file
vocabulary_file_name_ vocabulary_file_use vocabulary_frequencies vocabulary_further vocabulary_inside_
vocabulary_letters vocabulary_lower vocabulary_own vocabulary_own_result vocabulary_paste vocabulary_paste_all
vocabulary_paste_inside vocabulary_paste_name vocabulary_paste_use vocabulary_questions vocabulary_remove
vocabulary_small_letters vocabulary_start vocabulary_table vocabulary_text vocabulary_too_short vocabulary_undo
vocabulary_use_ vocabulary_ways page-vocabulary-search page-vocabulary-sentence

batches_about batches_again batches_back batches_both batches_part batches_questions batches_row batches_seed_
batches_shape batches_tensors page-batches-part

model_deeper model_drawing model_half_ model_head model_ladder model_layer_ model_modern model_modern_box
model_of_run model_open_ model_panel model_row_ model_rung_ model_use page-model-context

start training_advanced_tab training_at_once training_choose training_cockpit training_curves training_duel
training_guess training_head training_hold training_line_ training_microscope training_next training_next_run
training_next_run_above training_of_run training_pairs training_prepared training_preset training_replay_
training_replay_end training_restart training_resume training_run_ training_step training_stop
training_below training_transport training_turns live_run_ live_runs page-training-choice page-training-duel_favourite
page-training-duel_rate_ page-training-guess_overfits page-training-steps page-training-why

least length prompt sampling_against sampling_another sampling_back sampling_bars sampling_checkpoint
sampling_columns sampling_deeper sampling_forward sampling_head sampling_pipeline sampling_run sampling_text
sampling_text_ sampling_token_losses sampling_train sampling_view_ sampling_views sampling_why_same seed
temperature top_k top_p
page-sampling-rows page-sampling-surprise_text page-sampling-temperatures page-sampling-view

ladder_chart ladder_head ladder_results ladder_rungs ladder_stop ladder_train ladder_transport page-ladder-group

compare_actions compare_archive_ compare_board compare_download compare_duplicate compare_export_ compare_go_on
compare_interrupted compare_open_box compare_resume_all compare_sweep compare_sweep_box compare_sweep_chart
page-compare-setting

timeline timeline_other page-timeline-context

guide_ inside_passage inside_train inside_write page-inside-run page-inside-step page-inside-text
attention_controls attention_map attention_part attention_passage attention_write page-attention-part
embedding_map embeddings_head layers_losses layers_sizes page-layers-within

ablation_all_on ablation_deeper ablation_dice ablation_drawing ablation_editor ablation_example_ ablation_heatmap
ablation_layer_ ablation_layers ablation_measure ablation_missed
ablation_never ablation_other ablation_part_ ablation_ranking ablation_row
ablation_stop page-ablation-instead page-ablation-share

puzzle_about puzzle_another puzzle_back puzzle_columns puzzle_example puzzle_scores puzzle_train puzzle_try_
page-puzzle-task
"""

CONTROLS = frozenset(NAMES.split()) | {VALIDATION}

BEGINNINGS = tuple(name for name in CONTROLS if name.endswith("_"))
"""Of keys that go on with what they are about: `ablation_part_head_0_1`."""

WHOLE = sorted(CONTROLS.difference(BEGINNINGS))

LIKENESS = 0.8  # of two names, as difflib measures it: `strat` and `start` have 0.8


def meant(key: str) -> str:
    """The control that was probably meant by a key that names none; empty for one that does, or is like none."""
    return next(iter(get_close_matches(key, WHOLE, 1, LIKENESS)), "") if unknown(key) else ""


def unknown(key: str) -> bool:
    """Whether a key is none of these."""
    return bool(key) and key not in CONTROLS and not key.startswith(BEGINNINGS)
