"""The sealer: appends new entries to the log and signs checkpoints. A process without Django."""
