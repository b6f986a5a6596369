"""Compares record and workflows, and fixes or restarts workflows. The record is the source of truth."""
