"""How fast a menu answers a key, by calls at once."""
