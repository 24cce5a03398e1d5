"""The settings of a run: one table of what each is called, means and can be, for all pages."""
