"""Policies that stand in files of a git repository."""
