"""How fast the board answers over many journeys, and how soon it hears of a change."""
