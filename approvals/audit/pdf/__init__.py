"""Evidence on paper: what is written stands in Python, how it looks in `document.typ`."""
