"""The record beside its peers on the same PostgreSQL: `python -m bench.record [--quick] [--json]`.

Peers are the Python library `eventsourcing` in its safe mode (its table is locked for each append) and, as the floor, a
bare insert of one row in a transaction of its own, which promises nothing. All cells run in one go in shuffled order. A
cell of a store counts only if a reader in another process, reading on from the last position it saw, saw every event
exactly once; the bare insert's reader is told of too, but it cannot be held to a promise that it does not make.
"""
