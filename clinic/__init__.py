"""A simulated clinic, outside the system: clearinghouse, EHR and mail server, and scripts for how they misbehave."""
