"""Admissions in: HL7 v2 over MLLP and HTTP, kept before they are answered, then carried to the journeys."""
