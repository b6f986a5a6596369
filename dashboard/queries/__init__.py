"""What the board and the query API ask of the read models: filtered, counted and paged by the database."""
