"""What is read and written, each function inside a transaction that its caller holds.

Every query takes the user. Knows nothing of threads, connections or which database it is.
"""
