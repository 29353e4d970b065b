"""What can be done around visits; plain functions over the database, no GraphQL in them."""
