"""Sessions of care as they are entered: kept in the record beside each journey, listed, and told to the journey."""
