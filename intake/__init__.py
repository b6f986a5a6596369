"""Takes in admissions: HL7 v2 over MLLP and HTTP, stored before they are answered, then passed to the journeys."""
