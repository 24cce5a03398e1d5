"""The speaker's window: what to say at this step of the lesson, what comes next, and what the guess should be."""

from ui.lessons import notes

notes.follow()
