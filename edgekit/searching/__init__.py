"""Which network and which recipe for a budget: draws recipes, screens them by cost, trains what fits, proves the best.

run.py        a whole search
forecast.py   what a search would be, before it is begun
pace.py       how long its trainings take
auto.py       passes found for a trained model, without a search's file
genes.py      what may vary, flat
settings.py   the `search:` table of a file
space.py      from genes to a concrete recipe
shares.py     spaces from a trained model, a gene for each layer
described.py  what is known of a candidate's network without Keras
costs/        costs before training: estimated, and measured with random weights
screening.py  estimates that learn from what was measured
drawing.py    candidates that fit and were not tried before
samplers/     how candidates are drawn, one file each
pareto.py     orders by several objectives
proxies/      what an untrained network may be worth, one file each
first.py      candidates that proxies order
standing.py   how well they did
rungs.py      who is trained longer
inheriting.py a child's first weights, those of its parent
trial.py      one recipe, tried on validation data
executors/    where trials run, one file each
driver.py     asks, runs, tells
ledger.py     what is known of trials
mirror.py     the study in memory beside the one that is kept
study.py, telling.py, leases.py   the study that is kept: whose it is, what it is told, who works on what
results.py    the front, and what was learnt
"""

from __future__ import annotations
