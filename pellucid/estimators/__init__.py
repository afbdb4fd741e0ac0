"""The scikit-learn face: estimators built on the same parts as the command line and the library."""

from pellucid.estimators.autoencoder import Autoencoder
from pellucid.estimators.classifier import MLPClassifier
from pellucid.estimators.perceptron import Perceptron
from pellucid.estimators.regressor import MLPRegressor
from pellucid.estimators.search_cv import PopulationSearchCV

__all__ = ["Autoencoder", "MLPClassifier", "MLPRegressor", "Perceptron", "PopulationSearchCV"]
