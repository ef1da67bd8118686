"""What a grant covers. Pure; used by the decision, by token scopes and by the control plane's validation."""

from __future__ import annotations

from dataplane.access.actions import ACTIONS, EVERYTHING, FAMILIES
from dataplane.contracts import Grant


def covers_action(pattern: str, action: str) -> bool:
    """`pattern` is an action, a family (`object:*`) or `*`."""
    if pattern in (action, EVERYTHING):
        return True
    return pattern.endswith(":*") and action.startswith(pattern[:-1])


def covers_resource(pattern: str, resource: str) -> bool:
    """`pattern` is exact, or a prefix with a trailing `*`. Byte for byte: no other wildcard, no normalisation."""
    if pattern == resource:
        return True
    return pattern.endswith("*") and resource.startswith(pattern[:-1])


def reaches_below(pattern: str, prefix: str) -> bool:
    """Whether `pattern` covers any resource that begins with `prefix`."""
    if pattern.startswith(prefix):
        return True
    return pattern.endswith("*") and prefix.startswith(pattern[:-1])


def matches(grant: Grant, action: str, resource: str) -> bool:
    return covers_action(grant.action, action) and covers_resource(grant.resource, resource)


def action_is_known(pattern: str) -> bool:
    """Whether a grant with this action can ever match: what the control plane asks before it stores one."""
    return pattern == EVERYTHING or pattern in ACTIONS or pattern in FAMILIES


def intersect(wanted: Grant, held: Grant) -> Grant | None:
    """The grant that both allow, or None. Patterns are exact or prefixes, so one always contains the other or none."""
    if covers_action(held.action, wanted.action):
        action = wanted.action
    elif covers_action(wanted.action, held.action):
        action = held.action
    else:
        return None
    if covers_resource(held.resource, wanted.resource):
        resource = wanted.resource
    elif covers_resource(wanted.resource, held.resource):
        resource = held.resource
    else:
        return None
    return Grant(action, resource)
