"""With what words a model is asked to go on, until somebody types others."""

import re

OPENINGS = ("un matin,", "one morning,")
FIRST = 6  # characters of any other text that the prompt begins with: "87+37=" asks for an answer
LONGEST = 30  # characters, to end with a whole word; Chinese has no spaces
WORD_END = re.compile(r"(?<!\s)(?!(?<=[\w'’-])[\w'’-])")
SEARCHED = 100_000  # characters of a text in which its opening is looked for


def usual_prompt(text: str) -> str:
    """How a prompt may begin: as our stories do, else with the first characters of the text, and whole words."""
    for words in OPENINGS:
        found = re.search(re.escape(words), text[:SEARCHED], re.IGNORECASE)
        if found:
            return found.group()
    first = text[: LONGEST + 1].split("\n")[0]
    whole = WORD_END.search(first, min(FIRST, len(first)))
    return first[: whole.start()] if whole and whole.start() <= LONGEST else first[:FIRST].rstrip()
