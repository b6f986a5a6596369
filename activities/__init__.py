"""The calls out: one port per clinic system, and beside it the adapter that speaks its real protocol."""
