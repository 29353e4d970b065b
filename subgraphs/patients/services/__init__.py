"""What can be done with patients; plain functions over the database, no GraphQL in them."""
