"""Version 1: one module a resource, each with its serializers and its viewset."""
