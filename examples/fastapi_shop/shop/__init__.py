"""A tea shop on FastAPI, SQLAlchemy and liquid-background."""
