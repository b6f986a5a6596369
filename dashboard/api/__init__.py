"""The query API: what the board shows, for programs, and the decisions that can be taken there. See docs/api.md."""
