"""Going on from an earlier recogniser of ours (`start=`, `--start`), beside the pretrained start and random weights.

    python benchmarks/going_on.py

`other`: a recogniser of captcha_images_v2 (all 832 labels), then 20 labels of five_digits: other images, other characters.
`character`: a recogniser of those captchas whose labels have no `w`, then 20 labels that have one, and the test part with
and without it. Three draws of the 20 labels, medians. From random weights, which take five times as long,
one draw of `other`. What is gone on from is trained once. About 10 minutes on 2 cores.
"""
import tempfile
from pathlib import Path

import numpy as np

import common
from common import median, parser, provenance, share, start, train, write_result
from sources import source
from start import dataloaders, right_of

n_labels,new_char = 20,'w'

def fitted(items, chars, seed, **weights):
    "A learner after the default fit on `items`"
    learn,_ = train(dataloaders(items, chars), seed=seed, metrics=[], **weights)
    learn.temperature = 1. # it was fitted on images that were trained on
    return learn

def drawn(items, seed): return [items[i] for i in np.random.default_rng(seed).permutation(len(items))[:n_labels]]

def compared(train_items, chars, tests, earlier, draws, n_random=0):
    "Medians of what is read of each of `tests`, by what the fit began with; `n_random` draws from random weights"
    begins = {'an earlier recogniser': (draws, dict(start=earlier)), 'the start': (draws, {}),
              'random weights': (n_random, dict(pretrained=False))}
    rows = []
    for name,(draws,weights) in begins.items():
        if not draws: continue
        fits = [fitted(drawn(train_items, seed), chars, seed, **weights) for seed in range(draws)]
        rights = {k: median([right_of(o, items) for o in fits]) for k,items in tests.items()}
        rows.append(dict(begins=name, n_draws=draws, fit_seconds=median([o.fit_history.total for o in fits]),
                         **{k: share(n, len(tests[k])) for k,n in rights.items()}))
        print(rows[-1], flush=True)
    return rows

def some_of(items): return items[:20] if common.trying else items

def main(draws):
    "Both cases; returns the rows of the tables"
    captchas,digits = source('captcha_images_v2'),source('five_digits')
    without = [o for o in captchas.train if new_char not in o[1]]
    having = [o for o in captchas.train if new_char in o[1]]
    with tempfile.TemporaryDirectory() as tmp:
        fitted(captchas.train, captchas.chars, 0).save_recogniser(Path(tmp)/'all')
        fitted(without, captchas.chars.replace(new_char, ''), 0).save_recogniser(Path(tmp)/'without')
        other = compared(digits.train, digits.chars, dict(test=some_of(digits.test)), Path(tmp)/'all', draws, 1)
        tests = dict(test=some_of(captchas.test), with_new=some_of([o for o in captchas.test if new_char in o[1]]))
        character = compared(having, captchas.chars, tests, Path(tmp)/'without', draws)
    return dict(n_labels=n_labels, new_char=new_char, n_draws=draws, other=other, character=character)

if __name__=='__main__':
    start(parser(__doc__).parse_args())
    note = provenance('going_on.py', 'training', ['captcha_images_v2','five_digits'])
    write_result('going_on', note, **main(1 if common.trying else 3))
