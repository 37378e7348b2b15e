"""The recipe `fast` with few labels: trained on some images of four folds, tested on the 208 images of the fifth,
three draws each.

    python benchmarks/few.py 25 50 100 200 400 832
    python benchmarks/few.py --unlabelled 25 50 100

With `--unlabelled`, the rest of the four folds are images without labels (`captcha_train --unlabelled`). The
test images choose nothing. Two of their labels are wrong, so that 99.0 % is all of them. Writes
results/few_N.json and results/few_N_unlabelled.json. A number takes about 3 minutes on 2 cores, 5 on one
thread.
"""
import numpy as np

import common
from captcha_fastai.data import CaptchaDataLoaders
from common import captchas, in_folds, median, parser, provenance, share, start, write_result

def draw(n, seed, unlabelled):
    "One fit on `n` images of four folds; what it reads of the fifth"
    rest,test = in_folds(captchas())[4]
    order = [rest[i] for i in np.random.default_rng(seed).permutation(len(rest))]
    dls = CaptchaDataLoaders.from_items(order[:n]+test, valid_idx=range(n, n+len(test)))
    others = [f for f,_ in order[n:]] if unlabelled else None
    learn,_ = common.train(dls, seed=seed, fit=dict(unlabelled=others), metrics=[])
    learn.temperature = 1. # it was fitted on the test images
    probs,labels,_ = learn.get_labelled(learn.dls.valid)
    wrong = [(label, o.text) for label,o in zip(labels, learn.decode(probs)) if o.text!=label]
    res = dict(n_right=len(test)-len(wrong), accuracy=1-len(wrong)/len(test), fit_seconds=learn.fit_history.total,
               epochs=len(learn.fit_history.rows), wrong=wrong)
    print(n, seed, {k: v for k,v in res.items() if k!='wrong'}, flush=True)
    return res

def few(n, unlabelled, n_draws=3):
    "Three draws, and their median"
    runs = [draw(n, seed, unlabelled) for seed in range(1 if common.trying else n_draws)]
    n_right = median([o['n_right'] for o in runs])
    return dict(data='captcha_images_v2', seed=0, n_train=n, n_unlabelled=(832-n)*unlabelled, n_draws=n_draws,
                **share(n_right, 208), fit_seconds=median([o['fit_seconds'] for o in runs]), runs=runs)

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('counts', nargs='+', type=int)
    p.add_argument('--unlabelled', action='store_true')
    args = start(p.parse_args())
    for n in args.counts:
        note = provenance('few.py', 'training', ['captcha_images_v2'])
        write_result(f'few_{n}' + '_unlabelled'*args.unlabelled, note, **few(n, args.unlabelled))
