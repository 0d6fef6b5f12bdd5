"""AMD on calls whose truth is known: ours beside Asterisk's AMD(), bad lines, and how many streams a core holds."""
