"""Four models to compare, none of which is built until its turn. The classes know nothing of it, nor does the code that uses them."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split

import begat


class RandomFeatures:
    """A layer of random weights: the wider, the more memory."""

    built = 0

    def __init__(self, width, seed=0):
        RandomFeatures.built += 1
        self.weights = np.random.default_rng(seed).normal(size=(64, width))

    def __call__(self, x):
        return np.tanh(x @ self.weights / 16)


class Model:
    def __init__(self, features, alpha=1.0):
        self.features = features
        self.head = RidgeClassifier(alpha)

    def fit(self, x, y):
        self.head.fit(self.features(x), y)
        return self

    def score(self, x, y):
        return self.head.score(self.features(x), y)


def main():
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
    with begat.capture("sweep", save="sweep.json") as run:
        with begat.deferred(Model, RandomFeatures):
            models = [Model(RandomFeatures(width), alpha=0.1) for width in (10, 100, 1_000)]
            spare = Model(RandomFeatures(1_000_000))
        print(f"configured: {len(run.unbuilt)} objects, {RandomFeatures.built} layers built")
        for model in models:
            score = model.fit(x_train, y_train).score(x_test, y_test)
            print(f"width {begat.params(model.features)['width']:>5}: {score:.2f}, {RandomFeatures.built} layers built")
        print(f"never touched: {', '.join(node.target for node in run.unbuilt)}")
        assert begat.is_lazy(spare)


if __name__ == "__main__":
    main()
