"""Prompts that every installation has, in Spanish and English: texts.toml says what is spoken."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""The folder that holds one sub-folder of sound files per language."""
