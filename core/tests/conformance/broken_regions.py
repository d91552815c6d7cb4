"""A broken plugin for each check of the family `regions`."""

from .conftest import Change

ONE_TOO_FEW = """
    def regions(self, sample, batch, tokens):
        found = super().regions(sample, batch, tokens)
        return type(found)(found.regions[1:])

    def permuted("""

BROKEN: dict[str, list[Change]] = {
    "regions_say_what_each_token_is_of": [Change("tokenizer.py", "\n    def permuted(", ONE_TOO_FEW)],
}
