"""The recipe `fast` on images that had no part in its training: accuracy by cross-validation, and whether the
probabilities hold.

    python benchmarks/folds.py captcha mathcaptcha display_digits simplecaptcha generated

`captcha`, `mathcaptcha`, `display_digits`: five folds; `simplecaptcha`: 1991 images held out; identical images
are counted once, so that none is on both sides of a split. Epochs and everything else are the defaults of
`captcha_train`, and the part that is tested on chooses nothing. Each writes results/folds_NAME.json with every
image that is read wrongly.

`captcha` judges the probabilities of the same five fits, too (results/folds_calibration.json). The temperature
is fitted on one half of a fold and applied to the other half, and the other way round; the threshold for 98 %
is chosen on four folds together and judged on the fifth. It also writes the scores of the first fold to
scores/captcha_fast.npz, for decode.py and the notebooks, and draws the captchas that are read wrongly
(nbs/images/folds_wrong.png).

`generated` does so on a harder set: 4 to 6 of 36 characters, 3000 to train on, 2000 for temperature and
threshold, 10000 to judge.

About 6 minutes for `captcha`, 4 for `generated`, on 2 cores. For the other sets, put their archives into
fastai's archive folder.
"""
import hashlib, re, tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import common
from captcha_fastai.calibration import (coverage_at, cross_fitted_probabilities, expected_calibration_error,
                                        fit_temperature,
                                        reliability, threshold_for)
from captcha_fastai.ctc import greedy_decode
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.image import open_image
from captcha_fastai.items import csv_items, folder_items
from captcha_fastai.synth import synth_folder
from common import captchas, data_folder, in_folds, parser, provenance, share, some, start, write_result

class Fit(NamedTuple):
    "What one fit reads in images that it was not trained on, at temperature 1"
    learn: Any
    files: list
    labels: Any
    out: dict          # log-probabilities by name
    readings: list
    @property
    def texts(self): return [o.text for o in self.readings]
    @property
    def right(self): return np.array([a==b for a,b in zip(self.texts, self.labels)])
    @property
    def probabilities(self): return np.array([o.probability for o in self.readings])
    @property
    def greedy(self): return np.array(greedy_decode(self.out['scores'], self.learn.vocab).texts)==self.labels

def read(learn, dl, files):
    "What `learn` reads in labelled images"
    learn.temperature = 1. # the temperature of `fit_recipe` was fitted on the validation images
    probs,labels,_ = learn.get_labelled(dl)
    return Fit(learn, files, np.array(labels), learn.out_of(probs), learn.decode(probs))

def fit(train, test, seed=42):
    "Train on `train` and read `test`, which chooses nothing"
    dls = CaptchaDataLoaders.from_items(train+test, valid_idx=range(len(train), len(train)+len(test)))
    learn,_ = common.train(dls, seed=seed)
    return read(learn, learn.dls.valid, [f for f,_ in test])

# accuracy

def wrong_in(o):
    "What one fit reads wrongly"
    for file,label,reading in zip(o.files, o.labels, o.readings):
        if reading.text!=label: yield dict(file=Path(file).name, label=label, text=reading.text,
                                           probability=float(reading.probability))

def accuracy(fits, n_train, data):
    "What all fits read together, and which images they read wrongly"
    wrong = [o for fit in fits for o in wrong_in(fit)]
    n = sum(len(o.files) for o in fits)
    history = [o.learn.fit_history for o in fits]
    return dict(data=data, seed=42, n_train=n_train, **share(n-len(wrong), n), fit_seconds=[o.total for o in history],
                epochs=[len(o.rows) for o in history], wrong=wrong)

def cross_validate(items, data):
    "Five fits, and their accuracy"
    fits = [fit(*parts) for parts in in_folds(items)]
    return fits,accuracy(fits, round(len(items)*.8), data)

def once(items):
    "The first of identical files"
    seen = {}
    for f,label in items: seen.setdefault(hashlib.sha256(Path(f).read_bytes()).hexdigest(), (f, label))
    return list(seen.values())

def math_label(f): return re.sub(r'\(\d+\)|[_ \-]', '', Path(f).stem)

def math_items():
    "mathcaptcha; its folder `evaluate` repeats files of the other folder, which come first"
    items = folder_items(data_folder('mathcaptcha'), math_label)
    return once(sorted(items, key=lambda o: ('evaluate' in str(o[0]), o[0])))

def mathcaptcha(): return cross_validate(math_items(), 'mathcaptcha')[1]
def display_digits(): return cross_validate(once(csv_items(data_folder('display_digits')/'labels.csv')),
                                            'display_digits')[1]

def simplecaptcha():
    items = once(sorted(folder_items(data_folder('simplecaptcha'))))
    order = np.random.default_rng(42).permutation(len(items))
    test,train = ([items[i] for i in o] for o in (order[:1991], order[1991:]))
    return accuracy([fit(train, test)], len(train), 'simplecaptcha')

def draw_wrong(files, wrong):
    "The images that are read wrongly, with their labels and what was read"
    import matplotlib.pyplot as plt
    n_rows = -(-max(len(wrong), 1)//4)
    fig,axs = plt.subplots(n_rows, 4, figsize=(9, 1.1*n_rows), squeeze=False, layout='constrained')
    for ax in axs.flat: ax.axis('off')
    for ax,o in zip(axs.flat, wrong):
        ax.imshow(open_image(files[o['file']]).convert('L'), cmap='gray')
        ax.set_title(f"label {o['label']}, read {o['text']} ({o['probability']:.2f})", fontsize=8)
    fig.savefig(common.root/'nbs'/'images'/'folds_wrong.png', dpi=80)
    plt.close(fig)

# do the probabilities hold?

def calibration_figures(p, right):
    "How well probabilities agree with how often they are right"
    mean,shares,count = reliability(p, right)
    return dict(n=len(p), accuracy=float(right.mean()), mean_probability=float(p.mean()),
                calibration_error=float(expected_calibration_error(p, right)),
                coverage_at_98=float(coverage_at(p, right)),
                reliability=dict(probability=mean.tolist(), right=shares.tolist(), count=count.tolist()))

def above(limit, p, right):
    "What a threshold does on other images"
    sure = p>=limit
    return dict(threshold=float(limit), n_judged=len(p), n_sure=int(sure.sum()), n_right=int(right[sure].sum()))

def crossed_thresholds(judgements):
    "For each fold: the threshold for 98 % of the other folds, judged on this one; or why there is none"
    for k,own in enumerate(judgements):
        p,right = (np.concatenate(o) for o in zip(*(o for i,o in enumerate(judgements) if i!=k)))
        try: yield above(threshold_for(p, right), *own)
        except ValueError as e: yield str(e)

def cross_fitted(o): return cross_fitted_probabilities(o.out, o.texts, o.right, o.learn.task, o.learn.vocab)

def calibration(fits):
    "Probabilities of the five fits, before and after temperature, and the threshold"
    right = np.concatenate([o.right for o in fits])
    raw = np.concatenate([o.probabilities for o in fits])
    after = [cross_fitted(o) for o in fits]
    return dict(data='captcha_images_v2', seed=42, n_folds=len(fits), n_valid=len(right),
                greedy_accuracy=[float(o.greedy.mean()) for o in fits],
                certified=float(np.mean([r.certified for o in fits for r in o.readings])),
                before=calibration_figures(raw, right), after=calibration_figures(np.concatenate(after), right),
                thresholds=list(crossed_thresholds([(p, o.right) for p,o in zip(after, fits)])))

def save_scores(o):
    "The scores of one fold, in half precision, with labels and characters"
    if common.trying: return
    path = common.here/'scores'/'captcha_fast.npz'
    path.parent.mkdir(exist_ok=True)
    scores = o.out['scores'].clip(-60000).astype(np.float16)
    np.savez_compressed(path, log_probs=scores, labels=o.labels, chars=o.learn.vocab.chars)

def captcha(note):
    "Five fits, two results"
    fits,result = cross_validate(captchas()[:some(1040, 100)], 'captcha_images_v2')
    write_result('folds_captcha', note, **result)
    save_scores(fits[0])
    if not common.trying: draw_wrong({f.name: f for f,_ in captchas()}, result['wrong'])
    write_result('folds_calibration', note, n_train=result['n_train'], **calibration(fits))

def generated_sets(tmp, n, seed=42):
    "Items of three sets that share no text"
    seen = []
    for i,m in enumerate(n):
        folder = synth_folder(tmp/str(i), m, seed+i, chars='0123456789abcdefghijklmnopqrstuvwxyz', lengths=[4,5,6],
                              skip=seen)
        items = folder_items(folder)
        seen += [o for _,o in items]
        yield items

def probabilities_at(o, temperature):
    "Probabilities of the texts of a fit at another temperature"
    task = o.learn.task
    return np.exp(task.posterior(task.temper(o.out, temperature), o.texts, o.learn.vocab))

def generated(n=(3000,2000,10000)):
    "Temperature and threshold from one set, judged on another"
    n = [some(o) for o in n]
    with tempfile.TemporaryDirectory() as tmp:
        train,fitted,test = generated_sets(Path(tmp), n)
        own = fit(train, fitted)
        other = read(own.learn, own.learn.dls.test_dl(*zip(*test)), [f for f,_ in test])
    t = fit_temperature(own.out, own.texts, own.right, own.learn.task, own.learn.vocab)
    after = probabilities_at(other, t)
    try: thresholds = [above(threshold_for(probabilities_at(own, t), own.right), after, other.right)]
    except ValueError as e: thresholds = [str(e)]
    return dict(data='generated: 4 to 6 of 36 characters, 60x160', seed=42, n_train=n[0], n_calibrate=n[1],
                n_valid=n[2], temperature=t,
                greedy_accuracy=float(other.greedy.mean()),
                certified=float(np.mean([o.certified for o in other.readings])),
                fit_seconds=own.learn.fit_history.total, before=calibration_figures(other.probabilities, other.right),
                after=calibration_figures(after, other.right), thresholds=thresholds)

parts = dict(captcha=captcha, mathcaptcha=mathcaptcha, display_digits=display_digits, simplecaptcha=simplecaptcha,
             generated=generated)

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('parts', nargs='+', choices=list(parts))
    for name in start(p.parse_args()).parts:
        data = {'captcha':['captcha_images_v2'], 'generated':[]}.get(name, [name])
        note = provenance('folds.py', 'training', data)
        if name=='captcha': captcha(note)
        else: write_result(f'folds_{name}', note, **parts[name]())
