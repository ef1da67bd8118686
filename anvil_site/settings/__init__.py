"""Django's settings, one module a topic. Importable with an empty environment: every difference is a variable.

The defaults here serve `manage.py check`, mypy and the tests; `anvil_serve` and `manage.py` put the node's real
values into the environment before Django is set up (see `anvil_site/options.py` and `database_access.py`).
"""

from __future__ import annotations

from anvil_site.settings.admin_site import *  # noqa: F403
from anvil_site.settings.base import *  # noqa: F403
from anvil_site.settings.caches import *  # noqa: F403
from anvil_site.settings.databases import *  # noqa: F403
from anvil_site.settings.logging import *  # noqa: F403
from anvil_site.settings.rest import *  # noqa: F403
from anvil_site.settings.security import *  # noqa: F403
