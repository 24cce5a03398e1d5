"""The sections of the Model page."""
