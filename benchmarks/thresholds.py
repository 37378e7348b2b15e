"""Thresholds for 98 %: does the accuracy above them hold on images that had no part in the choice?

    python benchmarks/thresholds.py resample      (two to five minutes, without training)
    python benchmarks/thresholds.py readings      (half an hour on two cores: fits again, and replaces the readings)

`readings` trains short fits of the development sets that read 70 to 100 % and saves, for images that they were not
trained on, the probability of each reading at ten temperatures and whether it is right
(scores/thresholds_NAME_LABELS.npz). `resample` draws 25, 50, 100, 200 or 400 of these images, again and again. They
choose the temperature and the threshold, as in `fit_recipe`, and all other images judge it. Labels are taken as they
are: a wrong one counts against the threshold. The constants of `curve` were chosen on these sets. Writes
results/thresholds.json.

The ways to choose a threshold:

- `curve`: `estimate_threshold` of the library
- `curve, no wrong labels`: the same without the share of labels that are taken to be wrong
- `curve, mistakes left out`: instead, wrong answers of a probability above 0.99 are left out, up to 1 % of the images
- `curve, weak readings too`: with further readings, of training images by the weaker fit of the same set, which did
  not train on them, as in a cross-validation
- `counts`: the most answers of which (right+1/2)/(all+1) are 98 %
- `steps`: isotonic regression with the probabilities as half of the evidence, 98.5 %
- `measured`: the most answers of which 98 % are right
- `proven`: `threshold_for`
"""
import math
from typing import NamedTuple

import numpy as np

import common
from captcha_fastai.calibration import coverage_curve, threshold_for
from captcha_fastai.thresholds import cautious_curve
from common import parser, provenance, start, write_result
from sources import source

class Fit(NamedTuple):
    "Labels and epochs of a fit, from the start"
    data: str
    n_train: int
    epochs: int
    @property
    def path(self): return common.here/'scores'/f'thresholds_{self.data}_{self.n_train}.npz'

fits = [Fit(*o) for o in [
    ('captcha_images_v2', 20, 4), ('captcha_images_v2', 60, 8), ('simplecaptcha', 50, 4), ('simplecaptcha', 200, 4),
    ('mathcaptcha', 25, 4), ('mathcaptcha', 60, 6), ('display_digits', 25, 4), ('display_digits', 80, 8),
    ('water_meters', 150, 5), ('water_meters', 300, 8), ('cn_plates', 200, 5), ('cn_plates', 300, 6),
    ('kcaptcha', 300, 4), ('kcaptcha', 400, 6), ('five_digits', 20, 3), ('five_digits', 40, 6)]]
temperatures = np.exp(np.linspace(np.log(.5), np.log(4), 10))
goal,kept = .98,.975 # what is asked for; what counts as kept

# Readings

def learner_for(o, train, rest, chars):
    "A fit that saw twenty of the other images as validation images, which choose nothing"
    from captcha_fastai.data import CaptchaDataLoaders
    n = len(train)
    dls = CaptchaDataLoaders.from_items(train+rest[:20], valid_idx=range(n, n+20), chars=chars)
    return common.train(dls, seed=0, fit=dict(epochs=o.epochs), metrics=[])[0]

def read(learn, items):
    "Log-probability of each reading at each temperature, and which are right"
    learn.temperature = 1.
    probs,labels,_ = learn.get_labelled(learn.dls.test_dl(*map(list, zip(*items)), bs=64))
    texts = [o.alternatives[0][0] for o in learn.decode(probs)]
    out = learn.out_of(probs)
    at = [learn.task.posterior(learn.task.temper(out, t), texts, learn.vocab) for t in temperatures]
    return np.stack(at, 1).clip(-60, 0).astype(np.float16),np.array([a==b for a,b in zip(texts, labels)])

def readings():
    "Fit and read; the readings are saved"
    for o in fits[:1] if common.trying else fits:
        data = source(o.data)
        items = data.train+data.test
        items = [items[i] for i in np.random.default_rng(0).permutation(len(items))]
        learn = learner_for(o, items[:o.n_train], items[o.n_train:], data.chars)
        log_p,right = read(learn, items[o.n_train:][:common.some(1500)])
        if not common.trying: np.savez_compressed(o.path, log_p=log_p, right=right, commit=common.git('rev-parse', 'HEAD'))
        print(o, f'{right.sum()} of {len(right)} right', flush=True)

def load(o):
    saved = np.load(o.path)
    return saved['log_p'].astype(float),saved['right']

# Temperature

def at_temperature(log_p, log_t):
    "Probabilities at a temperature, between those that were saved"
    place = np.interp(log_t, np.log(temperatures), np.arange(len(temperatures)))
    i = min(int(place), len(temperatures)-2)
    return np.exp(log_p[:,i]*(i+1-place)+log_p[:,i+1]*(place-i))

def fitted(log_p, right):
    "The logarithm of the temperature that `fit_temperature` would choose"
    def loss(log_t):
        p = at_temperature(log_p, log_t).clip(1e-9, 1-1e-9)
        return (log_t/.25)**2/2-np.log(np.where(right, p, 1-p)).sum()
    return min(np.linspace(np.log(.5), np.log(4), 28), key=loss)

# Ways to choose a threshold; infinity stands for none

def lowest_of(lowest, enough): return lowest[enough].min(initial=math.inf)

def measured(p, right, extra):
    _,reached,lowest = coverage_curve(p, right)
    return lowest_of(lowest, reached>=goal)

def counts(p, right, extra):
    share,reached,lowest = coverage_curve(p, right)
    n = share*len(p)
    return lowest_of(lowest, (reached*n+.5)/(n+1)>=goal)

def steps(p, right, extra, margin=.005):
    order = np.argsort(-p, kind='stable')
    blocks = []
    for v in (p+right)[order]/2:
        blocks.append([v, 1])
        while len(blocks)>1 and blocks[-2][0]<blocks[-1][0]:
            (v1,n1),(v2,n2) = blocks[-2:]
            blocks[-2:] = [[(v1*n1+v2*n2)/(n1+n2), n1+n2]]
    values = np.concatenate([[v]*n for v,n in blocks])
    return lowest_of(p[order], values.cumsum()/np.arange(1, len(p)+1)>=goal+margin)

def curve(p, right, _, **kwargs):
    lowest,reached = cautious_curve(p, right, **kwargs)
    return lowest_of(lowest, reached>=goal)

def left_out(p, right, extra):
    sure_and_wrong = np.flatnonzero(~right&(p>.99))
    gone = sure_and_wrong[np.argsort(-p[sure_and_wrong])][:max(1, len(p)//100)]
    stay = np.setdiff1d(np.arange(len(p)), gone)
    return curve(p[stay], right[stay], extra, flawed=1e-6)

def proven(p, right, extra):
    try: return threshold_for(p, right, goal)
    except ValueError: return math.inf

ways = {'curve': lambda p,right,extra: min(curve(p, right, extra), proven(p, right, extra)), # as estimate_threshold
        'curve, no wrong labels': lambda *o: curve(*o, flawed=1e-6), 'curve, mistakes left out': left_out,
        'curve, weak readings too': lambda p,right,extra: curve(p, right, None, extra=extra),
        'counts': counts, 'steps': steps, 'measured': measured, 'proven': proven}

# Resampling

def weaker(o):
    "Calibrated readings of training images of `o` by the weaker fit of the same set, and which are right"
    other = next((f for f in fits if f.data==o.data and f.n_train<o.n_train and f.path.exists()), None)
    if other is None: return None
    log_p,right = load(other)
    n = o.n_train-other.n_train # both take their images from the same order
    return at_temperature(log_p, fitted(log_p, right))[:n],right[:n]

def draws(o, n, n_draws):
    "For each way and each draw: is there a threshold, the accuracy above it, the share answered"
    log_p,right = load(o)
    extra = weaker(o)
    rng = np.random.default_rng(0)
    found = {name: [] for name in ways if extra is not None or 'weak' not in name}
    for _ in range(n_draws):
        order = rng.permutation(len(right))
        mine,others = order[:n],order[n:]
        log_t = fitted(log_p[mine], right[mine])
        p = at_temperature(log_p[mine], log_t)
        new = at_temperature(log_p[others], log_t)
        for name in found:
            answered = new>=ways[name](p, right[mine], extra)
            found[name].append((answered.any(), right[others][answered].mean() if answered.any() else 0., answered.mean()))
    return {name: np.array(v, float) for name,v in found.items()}

def row(o, n, way, found, accuracy):
    "Figures of one fit, number of images and way"
    given = found[:,0]>0
    has = given.any()
    return dict(data=o.data, n_train=o.n_train, read=accuracy, n_valid=n, way=way, given=given.mean(),
                kept=(found[given,1]>=kept).mean() if has else None,
                accuracy=found[given,1].mean() if has else None, answered=found[:,2].mean())

def summary(rows):
    "Means over fits that read 95 % or more, and over the others"
    for strong in (True,False):
        for n in (25,50,100,200,400):
            for way in ways:
                some = [r for r in rows if (r['read']>=.95)==strong and r['n_valid']==n and r['way']==way]
                if not some: continue
                mean = lambda k: float(np.mean([r[k] for r in some if r[k] is not None] or [math.nan]))
                worst = min((r['kept'] for r in some if r['kept'] is not None), default=None)
                yield dict(read='95 % or more' if strong else 'less than 95 %', n_valid=n, way=way, n_fits=len(some),
                           worst_kept=worst, **{k: mean(k) for k in ('given','kept','accuracy','answered')})

def resample(n_draws=100):
    "All fits, numbers of images and ways"
    rows = []
    for o in fits:
        if not o.path.exists(): continue
        n_all,accuracy = len(load(o)[1]),float(load(o)[1].mean())
        for n in (25,50,100,200,400):
            if n>.7*n_all: continue
            found = draws(o, n, 5 if common.trying else n_draws)
            rows += [row(o, n, way, v, accuracy) for way,v in found.items()]
    result = [{k: None if v!=v else v for k,v in o.items()} for o in summary(rows)]
    for o in result: print({k: round(v, 3) if isinstance(v, float) else v for k,v in o.items()})
    return dict(goal=goal, kept_from=kept, seed=0, n_draws=n_draws, summary=result, rows=rows)

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('parts', nargs='+', choices=['resample','readings'])
    for part in start(p.parse_args()).parts:
        if part=='readings': readings()
        else: write_result('thresholds', provenance('thresholds.py', 'training', []), **resample())
