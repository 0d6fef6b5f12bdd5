"""Making calls from clips, and a model from calls. Needs the extra `train`; nothing here runs in production."""
