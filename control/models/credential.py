"""A credential of an app: the client id is the S3 access key, the client secret the S3 secret key.

The secret is sealed with AES-256-GCM under the server key `key_id` and bound to its access key. It cannot be a
one-way hash: verifying a SigV4 signature needs the clear secret.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from control.models.app import App


class Credential(models.Model):
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="credentials")
    access_key = models.CharField(max_length=128, db_collation="C", editable=False)
    sealed_secret = models.BinaryField(editable=False)
    key_id = models.CharField(max_length=64, editable=False)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    rotated_at = models.DateTimeField(db_default=Now(), editable=False)
    """When the secret was last set."""

    class Meta:
        ordering = ["app", "id"]
        constraints = [models.UniqueConstraint(fields=["access_key"], name="credential_access_key_unique")]
        indexes = [models.Index(fields=["key_id"], name="credential_key_id_index")]

    def __str__(self) -> str:
        return self.access_key
