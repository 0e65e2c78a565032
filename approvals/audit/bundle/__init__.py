"""The evidence bundle: entries, population and receipts of a period, with what proves them."""
