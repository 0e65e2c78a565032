"""What policies may speak of: the facts by group, and the families that connections add to."""
