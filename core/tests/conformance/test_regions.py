"""How the check of regions tells what is wrong."""

import pytest

from .conftest import Change, result_of

NAME = "regions_say_what_each_token_is_of"


METHOD = """
    def regions(self, sample, batch, tokens):
        from mt_core.contract import CurvePanel, Region, Span, TokenRegions
        count = tokens.values.shape[:2].numel()
        return CODE

    def permuted("""


def regions(code: str) -> Change:
    """The specimen's own regions."""
    return Change("tokenizer.py", "\n    def permuted(", METHOD.replace("CODE", code))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("[Region('it')] * count", "regions returns list: return TokenRegions"),
        ("TokenRegions((Region('it'),) * (count + 1))", "regions: give one for each token of each view"),
        ("TokenRegions((Region(),) * count)", "neither a name nor spans"),
        ("TokenRegions((Region(spans=(Span('x', 2, 1),)),) * count)", "the span of x goes from 2 to 1"),
        ("TokenRegions((Region('it'),) * count)", "are of one region: say in what their regions differ"),
        ("TokenRegions((Region('it', members=(3,)),) * count)", "members up to 3 of a panel of 0"),
        (
            "TokenRegions((Region('it'),) * count, (CurvePanel('x', np.arange(2.0), np.ones((3, 1))),))",
            "3 values of a curve stand at 2 places",
        ),
    ],
)
def test_what_is_wrong_with_a_region_is_told(specimen, code, message):
    specimen(regions(code))
    result = result_of(NAME)
    assert result.outcome == "failed" and message in result.message


def test_regions_with_names_of_their_own_pass(specimen):
    specimen(regions("TokenRegions(tuple(Region(f'reading {number}') for number in range(count)))"))
    assert result_of(NAME).outcome == "passed"
