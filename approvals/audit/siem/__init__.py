"""Streams of the sealed ledger to systems outside: what they are sent, in which words, how.

At least once and in the log's order. A stream stands in one row with its position; nothing that is
sent makes an entry, or it would be sent as well.
"""
