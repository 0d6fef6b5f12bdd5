"""Student's t, as far as intervals of means need it."""

# Two-sided 95 % for 1 to 30 degrees of freedom.
_T95 = (
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
    2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
)  # fmt: skip


def t95(freedom: int) -> float:
    """The two-sided 95 % point; 1.96 above 30 degrees of freedom."""
    return _T95[max(freedom, 1) - 1] if freedom <= len(_T95) else 1.96
