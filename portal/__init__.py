"""The portal: people, directory, access, ledger, and the composition root."""
