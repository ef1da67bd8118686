"""The control plane: who may do what, where buckets live, which nodes there are. Database `default`, never `regional`.

Knows Django and `dataplane`; must not know `s3gateway` (a sibling) nor `anvil_site` (which joins both).
"""
