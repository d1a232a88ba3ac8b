"""A column of lines that are written one by one: nobody knows yet how wide it will have to be."""

WIDEST = 26
"""What is longer pushes its own line aside alone: `SOL-` and an id of twenty characters fit."""


class Column:
    """Pads cells to the widest one so far; what is cut is never an id, but what follows it."""

    def __init__(self, width: int) -> None:
        """Begin with `width` characters."""
        self._width = width

    def __call__(self, cell: str) -> str:
        """Return the cell, padded."""
        if len(cell) <= WIDEST:
            self._width = max(self._width, len(cell))
        return cell.ljust(self._width)
