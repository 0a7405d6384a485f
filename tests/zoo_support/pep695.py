"""Animals in the syntax of Python 3.12; imported on 3.12 and later only."""

from zoo_support.animal import animal, call


@animal(call(1).given(a=1))
def generic_by_syntax() -> type:
    class C[T]:
        def __init__(self, a: T) -> None:
            self.a = a

    return C


@animal(call(1).given(a=1).default(b=2), needs=(3, 12))
def generic_init_by_syntax() -> type:
    class C:
        def __init__[T](self, a: T, b: int = 2) -> None:
            self.a, self.b = a, b

    return C


@animal(call(3).given(n=3))
def inlined_comprehension() -> type:
    class C:
        def __init__(self, n):
            self.squares = [n * i for i in range(n)]
            self.nested = [[i * j for j in range(n)] for i in self.squares]
            self.mine = [type(self).__name__ for n in range(2)]
            self.n = n

    return C
