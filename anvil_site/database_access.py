"""How commands reach the databases: by the given URLs, else the embedded database of STORAGE_PATH.

A running node's database is used as it is; where none runs, this process starts it and stops it at its end.
Called by `cli.py` before a command that needs a database; a node's own processes do not come through here.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping

from anvil_site.database_urls import django_database
from anvil_site.db_router import GLOBAL_ALIAS, REGIONAL_ALIAS
from anvil_site.layout import Layout
from anvil_site.options import Options, load_options
from anvil_site.postgres import (
    GLOBAL_DATABASE,
    REGIONAL_DATABASE,
    EmbeddedPostgres,
    create_databases,
    running_socket_dir,
    socket_url,
)


def open_databases(options: Options) -> Options:
    """Puts URLs and secrets where Django's settings look for them (the environment); the options as they are then.

    Raises `BadOptions` and `EmbeddedPostgresError`. Call before `django.setup()`, from the main thread.
    """
    if not options.embedded_database:
        os.environ.update(_urls_by_variable(options))
        return options
    layout = Layout(options.storage_paths[0])
    socket_dir = running_socket_dir(layout.postgres)
    if socket_dir is None:
        server = EmbeddedPostgres(layout.postgres)
        server.start()
        atexit.register(server.stop)
        create_databases(server.url("postgres"))
        socket_dir = server.socket_dir
    return use_embedded(layout, socket_url(socket_dir, GLOBAL_DATABASE), socket_url(socket_dir, REGIONAL_DATABASE))


def use_embedded(layout: Layout, global_url: str, regional_url: str) -> Options:
    """Names the embedded databases and the generated secrets in this process's environment."""
    from anvil_site.node.secret_files import ensure_secrets  # noqa: PLC0415 - needed in this mode only

    given = load_options(os.environ)
    files = ensure_secrets(layout)
    if given.jwt_secret is None:
        os.environ["JWT_SECRET_FILE"] = files["JWT_SECRET_FILE"]
    if given.secret_encryption_key is None:
        os.environ["ANVIL_SECRET_ENCRYPTION_KEY_FILE"] = files["ANVIL_SECRET_ENCRYPTION_KEY_FILE"]
    os.environ["GLOBAL_DATABASE_URL"] = global_url
    os.environ["REGIONAL_DATABASE_URL"] = regional_url
    return load_options(os.environ)


def urls_by_alias(options: Options) -> dict[str, str]:
    if options.global_database_url is None or options.regional_database_url is None:
        raise RuntimeError("the databases are not open: call open_databases first")
    return {GLOBAL_ALIAS: options.global_database_url, REGIONAL_ALIAS: options.regional_database_url}


def point_django_at(urls: Mapping[str, str]) -> None:
    """For a process whose Django was set up before the databases were known."""
    from django.db import connections  # noqa: PLC0415

    connections.close_all()
    for alias, url in urls.items():
        connections.settings[alias].update(django_database(url))


def install_deployment(options: Options) -> None:
    """Hands the control app what it cannot know: the server keys and its region's side. After `django.setup()`."""
    from control import deployment  # noqa: PLC0415
    from control.services.bucket_phases import RegionalSide  # noqa: PLC0415
    from dataplane.crypto.keys import KeyRing  # noqa: PLC0415
    from dataplane.metadata.bucket_states import RegionalBucketStates  # noqa: PLC0415

    current, keys = options.secret_keys
    regional = RegionalSide(options.region, RegionalBucketStates(REGIONAL_ALIAS))
    deployment.install(deployment.Deployment(KeyRing(current, keys), regional))


def _urls_by_variable(options: Options) -> dict[str, str]:
    urls = urls_by_alias(options)
    return {"GLOBAL_DATABASE_URL": urls[GLOBAL_ALIAS], "REGIONAL_DATABASE_URL": urls[REGIONAL_ALIAS]}
