"""Starts all of Countersign as one foreground process tree; knows nothing of Django."""
