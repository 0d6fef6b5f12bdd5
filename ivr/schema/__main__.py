"""`python -m ivr.schema` writes the JSON Schema of flow files anew, after the language has changed."""

import json
from pathlib import Path

from ivr.flow import schema

SCHEMA_FILE = Path(__file__).with_name("flow.schema.json")


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
