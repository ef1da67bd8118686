"""Who asks: Signature Version 4 in its header, query and chunk forms."""
