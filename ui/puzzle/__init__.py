"""The sections of the page with a puzzle that needs attention."""
