"""SQLAlchemy: jobs are sent when the transaction that they were made in has been committed."""

from liquid_background.extras import extra

with extra("sqlalchemy"):
    from liquid_background.sqlalchemy.waiting import after_commit

__all__ = ["after_commit"]
