"""Wrong labels: are they found, and how much does a training suffer from them?

    python benchmarks/wrong_labels.py find
    python benchmarks/wrong_labels.py robust
    python benchmarks/wrong_labels.py robust_all

`find`: 1, 5 and 10 % of the labels are changed by seed, as people mistype them (`inject_wrong_labels`: a look-alike,
another character, one missing, one too many, two exchanged), and `find_wrong_labels` ranks all labels with its
defaults. Recall at as many suspects as were changed, average precision (the area under precision and recall), recall by
kind of mistake, and the estimated number of wrong labels. Of simplecaptcha, 1,000 images drawn by seed. Labels that are
wrong in the data set itself (`known_wrong`: four of captcha_images_v2 were known; two of five_digits were found by
this, and looked at) are left out of these rankings, and their ranks on the labels as they are stand by themselves.

`robust_all`: trained on the training part of a set with 0, 5 and 10 % of its labels changed, tested on the test part,
whose labels stay: the default fit, three ways of `fit_recipe(robust=…)`, and two passes (cross-fitted suspects are left
out). `robust`: those of these fits that answer the question in a quarter of the time, which the table shows. About 20
(`find`), 10 (`robust`) and 40 minutes on one thread.
"""
from collections import Counter
from pathlib import Path

import numpy as np
from fastai.torch_core import set_seed

import common
from captcha_fastai.learner import CaptchaDataLoaders, captcha_learner
from captcha_fastai.mistakes import inject_wrong_labels
from captcha_fastai.robust import ways
from captcha_fastai.wrong_labels import find_wrong_labels
from common import run_parts, share, timed
from sources import source
from start import dataloaders, right_of

two = ['captcha_images_v2','five_digits']
sets = dict(find=['captcha_images_v2','simplecaptcha','five_digits'], robust=two, robust_all=two)
shares = .01,.05,.1
n_most = 1000
known_wrong = dict(captcha_images_v2=('cdcb3','mxnw4','wgnwp','ep85x'), five_digits=('04164','51929')) # 04165, 41929

def some_of(name):
    "Items of a set, at most `n_most` unless they are captcha_images_v2"
    data = source(name)
    items = sorted(data.train+data.test)
    n = 60 if common.trying else len(items) if name=='captcha_images_v2' else n_most
    return [items[i] for i in sorted(np.random.default_rng(0).permutation(len(items))[:n])]

def average_precision(is_wrong):
    "Mean precision at each wrong label of a ranking: the area under precision and recall"
    is_wrong = np.asarray(is_wrong, bool)
    precision = is_wrong.cumsum()/np.arange(1, len(is_wrong)+1)
    return float(precision[is_wrong].mean()) if is_wrong.any() else None

def suspects_of(items, seed=0):
    "The `WrongLabels` of items"
    def make(dls):
        set_seed(seed, reproducible=True)
        return captcha_learner(dls, metrics=[])
    dls = CaptchaDataLoaders.from_items(items)
    short = dict(k=2, epochs=1) if common.trying else {}
    return find_wrong_labels(dls, make=make, tell=lambda o: None, **short)

# find

def kind_of(true, label):
    "How a label was changed, as far as the label shows it"
    if len(label)!=len(true): return 'missing' if len(label)<len(true) else 'extra'
    return 'exchanged' if sorted(label)==sorted(true) else 'replaced'

def found_of(name, amount, seed=0):
    "What is found if `amount` of the labels of a set are changed"
    items = some_of(name)
    files,true = zip(*items)
    labels,at = inject_wrong_labels(true, amount, seed)
    seconds,found = timed(suspects_of, list(zip(files, labels)))
    kinds = {str(files[i]): kind_of(true[i], labels[i]) for i in at}
    known = {str(f) for f,label in items if label in known_wrong.get(name, ())}
    ranked = [o for o in found.ranked if o.file in kinds or o.file not in known]
    first = [o.file for o in ranked[:len(at)]]
    hits = Counter(kinds[o] for o in first if o in kinds)
    rightly = sum(o.reading==true[files.index(Path(o.file))] for o in ranked if o.file in kinds)
    return dict(data=name, n=len(items), share=amount, injected=len(at), found=sum(hits.values()),
                recall=sum(hits.values())/max(len(at), 1), corrected=rightly, seconds=seconds, **estimate(found),
                average_precision=average_precision([o.file in kinds for o in ranked]),
                kinds={k: [hits[k], n] for k,n in Counter(kinds.values()).items()})

def estimate(found):
    "The estimated number of wrong labels, with its interval"
    low,high = found.interval
    return dict(estimated=found.estimated, estimated_low=low, estimated_high=high)

def known_ranks(name):
    "The ranks of the labels that are known to be wrong, from 1 on, and the estimate"
    found = suspects_of(some_of(name))
    ranks = {o.label: i for i,o in enumerate(found.ranked, 1) if o.label in known_wrong[name]}
    return dict(data=name, ranks=ranks, **estimate(found))

def find():
    "All sets and shares, and the ranks of the known wrong labels"
    rows = []
    for name in sets['find']:
        for amount in shares[-1:] if common.trying else shares:
            rows.append(found_of(name, amount))
            print(rows[-1], flush=True)
    return dict(rows=rows, known=[known_ranks(o) for o in known_wrong], n_most=n_most)

# robust

def learner_on(items, chars, way):
    "A learner after a fit on `items`, and how many of these were left out before"
    n_out = 0
    if way=='two_passes':
        out = {o.file for o in suspects_of(items).probably_wrong()}
        n_out = len(out)
        items = [o for o in items if str(o[0]) not in out]
    fit = dict(robust=way) if way in ways else {}
    learn,_ = common.train(dataloaders(items, chars), seed=0, fit=fit, metrics=[])
    learn.temperature = 1. # it was fitted on images that were trained on
    return learn,n_out

def trained_on(name, amount, way):
    "What a fit on `amount` wrong labels reads of the test part"
    data = source(name)
    train,test = data.train,data.test
    if common.trying: train,test = train[:60],test[:20]
    files,true = zip(*train)
    labels,_ = inject_wrong_labels(true, amount, 0)
    seconds,(learn,n_out) = timed(learner_on, list(zip(files, labels)), data.chars, way)
    counts = getattr(getattr(learn, 'leave_out', None), 'counts', [n_out]*(way=='two_passes'))
    return dict(data=name, share=amount, way=way, n_train=len(train), doubted=counts, seconds=seconds,
                **share(right_of(learn, test), len(test)))

def fitted(fits):
    "Each of the fits `(set, share, way)`"
    rows = []
    for o in fits[:1] if common.trying else fits:
        rows.append(trained_on(*o))
        print(rows[-1], flush=True)
    return dict(rows=rows)

def robust():
    "The fits that answer the question"
    return fitted([('captcha_images_v2', 0., 'as_is'), ('captcha_images_v2', .1, 'as_is'),
                   *(('captcha_images_v2', .1, o) for o in ways),
                   ('captcha_images_v2', 0., 'leave_out'),
                   ('captcha_images_v2', .05, 'as_is'), ('captcha_images_v2', .05, 'leave_out'),
                   ('five_digits', 0., 'as_is'), ('five_digits', .1, 'as_is'), ('five_digits', .1, 'leave_out')])

def robust_all():
    "All sets, shares and ways"
    every = ['as_is', *ways, 'two_passes']
    return fitted([(name, amount, way) for name in two for amount in (0., .05, .1)
                   for way in (every if amount else ['as_is','leave_out'])])

if __name__=='__main__': run_parts(__doc__, dict(find=find, robust=robust, robust_all=robust_all), 'checking', sets)
