"""Several nodes of one server: what crosses between them, and what outages do to that."""
