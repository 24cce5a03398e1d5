"""Streamlit's own words in the reader's language: the page that it sends knows English only."""

from pathlib import Path

from ui.components.mounting import component
from ui.words.i18n import N_, _, language, spoken
from ui.words.languages import LANGUAGES, SOURCE

HERE = Path(__file__).parent
# What is said otherwise in English, too: a reader need not know what serves the pages.
OURS = {
    "Connecting to Streamlit server": N_("Connecting to the server"),
    "Unable to connect to Streamlit server": N_("The server cannot be reached"),
    "Streamlit server is not responding. Are you connected to the internet?": N_(
        "The server does not answer. Does it still run, and is this device connected to the network? The page goes on "
        "by itself as soon as it is back."
    ),
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your terminal:": N_(
        "Does the program still run? If it was stopped, start it again in the terminal:"
    ),
    "Connection error": N_("Connection lost"),
    "streamlit run yourscript.py": "make run",
}

WORDS = (
    # around the page
    N_("Skip to main content"),
    N_("App pages"),
    N_("{n} more"),
    N_("Sidebar"),
    N_("Collapse sidebar"),
    N_("Expand sidebar"),
    N_("Link to heading"),
    # its menu
    N_("Main menu"),
    N_("Theme"),
    N_("System"),
    N_("Light"),
    N_("Dark"),
    N_("About"),
    N_("Made with Streamlit v"),
    N_("Close"),
    # fields
    N_("Help"),
    N_("Help for {label}"),
    N_("Open"),
    N_("Choose an option"),
    N_("No results"),
    N_("Selectbox options"),
    N_("Clear value"),
    N_("Clear all"),
    N_("Select all"),
    N_("Select {n} matches"),
    N_("Selected values"),
    N_("Multiselect options"),
    N_("Increment"),
    N_("Decrement"),
    N_("Press Enter to apply"),
    N_("Press {key}+Enter to apply"),
    N_("Upload"),
    N_("file upload"),
    N_("Drag and drop a file here"),
    N_("{size} per file"),
    N_("Remove {name}"),
    N_("Cancel upload of {name}"),
    N_("Click to retry upload"),
    N_("Upload failed"),
    N_("Error:"),
    N_("{kind} files are not allowed."),
    N_("files are not allowed."),  # of no kind that the browser knows
    N_("File must be {size} or smaller."),
    # above pictures, tables and code
    N_("Fullscreen"),
    N_("Fullscreen: {title}"),
    N_("Close fullscreen"),
    N_("Close fullscreen: {title}"),
    N_("Search"),
    N_("Search: {title}"),
    N_("Show/hide columns"),
    N_("Show/hide columns: {title}"),
    N_("Download as CSV"),
    N_("Download as CSV: {title}"),
    N_("Copy to clipboard"),
    N_("Copied"),
    N_("Sort ascending"),
    N_("Sort descending"),
    N_("Format"),
    N_("Autosize"),
    N_("Pin column"),
    N_("Unpin column"),
    N_("Hide column"),
    N_("Type to search"),
    # beside tabs that have no room
    N_("Scroll tabs left"),
    N_("Scroll tabs right"),
    # when the connection is lost
    N_("Running..."),
    N_("({n} seconds)"),
    N_("Connecting"),
    N_("Error"),
    *OURS,
)

UNITS = ("B", "KB", "MB", "GB", "TB")  # of a file's size, as Streamlit writes them


def translate_page() -> None:
    """Say in which language the page is, and put Streamlit's words on it into that language."""
    words = OURS if language() == SOURCE else {english: _(OURS.get(english, english)) for english in WORDS}
    data = {
        "lang": language(),
        "decimal": spoken().decimal_mark,
        "units": dict(zip(UNITS, spoken().file_sizes, strict=False)),
        "words": words,
        "languages": {known.name: code for code, known in LANGUAGES.items()},
    }
    component("streamlit_words", HERE, "")(data=data, key="streamlit_words")
