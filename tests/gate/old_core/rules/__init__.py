"""What each command leads to. One module per part of the pathway; `domain.decide` joins them."""
