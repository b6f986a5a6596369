"""How fast admissions are acknowledged and journeys opened, on the embedded stack."""
