"""Numbers of things in words."""


def counted(number: int, thing: str, things: str = "") -> str:
    """In words: "1 sample", "1,200 samples"; `things` where the plural has another ending."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
