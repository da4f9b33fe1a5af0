"""Watching what is served: counts of rows in the bins of a version's profile, and what they tell."""
