"""Do the probabilities hold? The recipe `fast` on the 1040 captchas of the blog in 5 folds, and on a harder set of generated captchas.

    python benchmarks/calibration.py captcha generated

`captcha`: for each fold, train on the other four. The temperature is fitted on one half of the fold's images and applied to the other
half, and the other way round, so that no probability is judged on the images that its temperature was fitted on. The threshold for
98 % is chosen on four folds together, and judged on the fifth. Also writes the scores of the first fold's 208 images to
scores/captcha_fast.npz (half-precision log-probabilities and labels), for decode.py and the notebooks.

`generated`: 4 to 6 characters of 36, 3000 to train on, 2000 for temperature and threshold, 10000 to judge.

Each writes results/calibration_NAME.json. About 3 and 5 minutes on 2 cores.
"""
import argparse, shutil, tempfile, time
from pathlib import Path

import numpy as np
from fastai.data.external import untar_data
from fastai.torch_core import set_seed

from captcha_fastai.data import CaptchaDataLoaders, folder_items
from captcha_fastai.decode import greedy_decode, map_decode, temper
from captcha_fastai.learner import captcha_learner, get_recipe
from captcha_fastai.metrics import coverage_at, expected_calibration_error, fit_temperature, reliability, threshold_for
from captcha_fastai.synth import synth_folder
from common import fit, machine, save
from recipes import url

scores = Path(__file__).parent/'scores'

def trained(items, valid_idx, seed, epochs=None, **kwargs):
    "A `fast` learner, fitted with its recipe's settings; `kwargs` as `captcha_learner` takes them"
    r = get_recipe('fast')
    set_seed(seed, reproducible=True)
    return fit(captcha_learner(CaptchaDataLoaders.from_items(items, valid_idx=valid_idx, **r.for_data()), **kwargs), epochs)

def log_probs_of(learn, dl=None):
    "Log-probabilities, labels and the vocabulary"
    probs,labels,_ = learn.get_labelled(dl)
    return learn.log_probs(probs),np.array(labels),learn.loss_func.vocab

def fitted(a, labels, vocab):
    "Temperature from these images"
    texts = map_decode(a, vocab).texts
    return fit_temperature(a, texts, texts==labels, vocab)

def judged(a, labels, vocab):
    "Probability and verdict of each answer"
    read = map_decode(a, vocab)
    return read.probabilities,np.array(read.texts)==labels,read.certified

def figures(p, right):
    mean,share,count = reliability(p, right)
    return dict(n=len(p), accuracy=right.mean(), mean_probability=p.mean(), calibration_error=expected_calibration_error(p, right), coverage_at_98=coverage_at(p, right),
                reliability=dict(probability=mean.tolist(), right=share.tolist(), count=count.tolist()))

def above(limit, p, right):
    "How a threshold does on other images"
    sure = p>=limit
    return dict(threshold=limit, n_judged=len(p), n_sure=int(sure.sum()), n_right=int(right[sure].sum()))

def captcha(seed=42, n_folds=5):
    where = machine()
    items = sorted(folder_items(untar_data(url)))
    fold = np.random.default_rng(seed).permutation(len(items))%n_folds
    raw,cal,folds = [],[],[]
    for k in range(n_folds):
        start = time.perf_counter()
        learn = trained(items, np.flatnonzero(fold==k), seed)
        a,labels,vocab = log_probs_of(learn)
        half = np.arange(len(a))%2
        t = [fitted(a[half==h], labels[half==h], vocab) for h in (0,1)]
        p,right,sure = (np.empty(len(a), o) for o in (float, bool, bool))
        for h in (0,1): p[half==h],right[half==h],sure[half==h] = judged(temper(a[half==h], t[1-h]), labels[half==h], vocab)
        raw.append(judged(a, labels, vocab)[:2])
        cal.append((p, right))
        folds.append(dict(temperatures=t, n_train=len(items)-len(a), accuracy=right.mean(), certified=sure.mean(), greedy_accuracy=(np.array(greedy_decode(a, vocab).texts)==labels).mean(),
                          seconds=time.perf_counter()-start))
        print(k, folds[-1], flush=True)
        if k==0:
            scores.mkdir(exist_ok=True)
            np.savez_compressed(scores/'captcha_fast.npz', log_probs=a.clip(-60000).astype(np.float16), labels=labels, chars=vocab.chars)
    thresholds = []
    for k in range(n_folds):
        rest = [np.concatenate(o) for o in zip(*(c for i,c in enumerate(cal) if i!=k))]
        thresholds.append(above(threshold_for(*rest), *cal[k]))
    return dict(benchmark='calibration', data='captcha_images_v2', seed=seed, n_folds=n_folds, n_train=folds[0]['n_train'], n_valid=len(items), machine=where, folds=folds,
                before=figures(*map(np.concatenate, zip(*raw))), after=figures(*map(np.concatenate, zip(*cal))), thresholds=thresholds)

def generated(seed=42, n=(3000,2000,10000)):
    where,tmp = machine(),Path(tempfile.mkdtemp())
    sets,seen = [],[]
    for i,m in enumerate(n):
        folder = synth_folder(tmp/str(i), m, seed+i, chars='0123456789abcdefghijklmnopqrstuvwxyz', lengths=[4,5,6], skip=seen)
        sets.append(folder_items(folder))
        seen += [o for _,o in sets[-1]]
    try:
        learn = trained(sets[0]+sets[1], range(n[0], n[0]+n[1]), seed)
        a,labels,vocab = log_probs_of(learn)
        t = fitted(a, labels, vocab)
        limit = threshold_for(*judged(temper(a, t), labels, vocab)[:2])
        b,truth,_ = log_probs_of(learn, learn.dls.test_dl(*zip(*sets[2])))
    finally: shutil.rmtree(tmp)
    raw,cal = judged(b, truth, vocab),judged(temper(b, t), truth, vocab)
    print(above(limit, *cal[:2]), t, flush=True)
    return dict(benchmark='calibration', data='generated: 4 to 6 of 36 characters, 60x160', seed=seed, n_train=n[0], n_calibrate=n[1], n_valid=n[2], machine=where, temperature=t,
                greedy_accuracy=(np.array(greedy_decode(b, vocab).texts)==truth).mean(), certified=cal[2].mean(), fit_seconds=learn.fit_history.total,
                before=figures(*raw[:2]), after=figures(*cal[:2]), thresholds=[above(limit, *cal[:2])])

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('sets', nargs='+', choices=['captcha','generated'])
    for name in parser.parse_args().sets:
        result = globals()[name]()
        save(f'calibration_{name}', result)
        print(name, {k: result[k] for k in ('before','after','thresholds')}, flush=True)
