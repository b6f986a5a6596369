"""The local stack: settings, PostgreSQL, the Temporal server, and the processes that run on them."""
