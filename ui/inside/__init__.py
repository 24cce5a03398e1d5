"""What the pages that look inside a model share: which run, which text, how to read a picture."""
