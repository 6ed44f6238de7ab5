"""The documentation that is written from the code: `make docs` writes it, and a test fails when it is stale."""
