"""What stands for background jobs in the admin and among its permissions: no table has them."""

from __future__ import annotations

from django.db import models


class NoRows(models.Manager["Job"]):
    """Asks no table, as `dumpdata` would have it do with each model."""

    def get_queryset(self) -> models.QuerySet[Job]:
        """Return nothing."""
        return super().get_queryset().none()


class Job(models.Model):
    """Background jobs: who may view them sees the dashboard, who may change them has its buttons."""

    id: models.CharField[str, str] = models.CharField(primary_key=True, max_length=64)

    objects = NoRows()

    class Meta:
        app_label = "liquid_background"
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view", "change")
        verbose_name = "background job"
        verbose_name_plural = "background jobs"
