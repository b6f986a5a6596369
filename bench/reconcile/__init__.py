"""What it takes to compare the record with all running journeys, on the embedded servers."""
