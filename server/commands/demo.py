"""`timbre demo`: written next."""


def demo() -> None:
    """Run the demo."""
