"""Arrays as text: what a component reads with `bytes` of js/numbers.js, at a third of the size of JSON numbers."""

import base64
from typing import Any

from numpy.typing import NDArray


def base64_of(numbers: NDArray[Any], kind: str) -> str:
    """An array's numbers row by row, in base64.

    Args:
        kind: of a number: "<f4" for float32, "<i2" and "<u2" for 16 bits, "u1" for a byte; all little-endian.
    """
    return base64.b64encode(numbers.astype(kind).tobytes()).decode()
