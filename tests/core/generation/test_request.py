"""A request for a text: what it refuses, and that it comes back from an address as it was."""

from dataclasses import replace

import pytest

from minigpt_core.errors import ConfigError
from minigpt_core.generation.request import MAX_PROMPT, MAX_SEED, GenerationRequest


def test_a_request_survives_the_address() -> None:
    request = GenerationRequest(
        run="ab", step=3, lower=False, prompt="é & ?\n", temperature=0.05, top_k=4, top_p=0.35, seed=9
    )
    assert GenerationRequest.from_query(request.to_query()) == request


@pytest.mark.parametrize("fields", [{"prompt": "x" * (MAX_PROMPT + 1)}, {"seed": MAX_SEED + 1}, {"order": 4}])
def test_what_is_out_of_range_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"at most|whole number|right kind"):
        GenerationRequest(**fields)


@pytest.mark.parametrize("query", [{"seed": "many"}, {"top_p": "half"}, {"step": "1.5"}])
def test_an_address_without_a_number_names_what_is_wrong(query: dict[str, str]) -> None:
    ((name, value),) = query.items()
    with pytest.raises(ConfigError, match=f"{name} = {value}"):
        GenerationRequest.from_query(query)


def test_requests_of_one_model_differ_in_nothing_else() -> None:
    request = GenerationRequest(run="ab", step=3, prompt="one", temperature=0.5)
    assert request.model_only == replace(request, prompt="two", seed=1, top_k=3).model_only
    assert request.model_only != replace(request, step=4).model_only
