"""The published JSON Schema of flow files: editors complete and check with it."""
