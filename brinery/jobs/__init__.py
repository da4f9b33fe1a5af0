"""Jobs: answers that may take their time, none lost.

Accepted means that the input, the item and the message are stored; then the job ends exactly once, as `done` with the
answer of the version that was live when it was accepted, or as `failed` for a named cause. Nothing sweeps and nothing
locks: a prediction is pure, and whichever worker is first to end a job has ended it.
"""
