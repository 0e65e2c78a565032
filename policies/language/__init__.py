"""The policy language: documents, conditions, verdicts. No framework and no network."""
