"""Sentences with places to fill, and the form of a word that a number asks for.

"{count} {count:answer|answers}": a place with two forms takes the first for one, else the second.
Knows no sentence.
"""


def filled(template: str, **values: object) -> str:
    """The sentence with those values, each as it is printed."""
    return template.format(**{name: _Value(value) for name, value in values.items()})


class _Value(str):
    """A value as it is printed, which chooses between two forms where its place has them."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        one, has_forms, more = spec.partition("|")
        if not has_forms:
            return super().__format__(spec)
        return one if self.lstrip("+-\u2212") == "1" else more
