"""The speed promises, measured as ratios: `python -m bench`. See README.md."""
