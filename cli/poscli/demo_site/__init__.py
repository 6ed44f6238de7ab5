"""The demo site: an application with its own tag and filters, and the server that it calls."""
