"""What entering facts about sessions costs, beside a bare insert."""
