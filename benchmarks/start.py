"""The recipe `fast` from the start and from random weights, with few labels and with many, on the development sets.

    python benchmarks/start.py five_digits cn_plates:25,100 kcaptcha:all [--draws 3] [--weights start random]
    python benchmarks/start.py --write cn_plates kcaptcha

A SET or SET:LABELS,LABELS,... trains with 0, 5, 10, 25, 50, 100, 400 labels and all, or with these: as many images of
the training part, drawn by seed, are all that a fit sees; the test part is for the figure alone. All characters of the
set are given to both (`chars`, and without labels `allowed`), so that ten labels need not hold every character. The fit
validates on a tenth of its own training images, since it needs some; nothing is chosen by them. For captcha_images_v2,
all images that were not drawn are counted, too (`n_right_others`).

Every run is a line of SCRATCH (build/start.jsonl), as soon as it ends; runs of the present code that are there are not
repeated, so this can be interrupted. results/start_SET.json has all runs and their medians; it is written when all
that was asked for is there, and by --write with what there is.
"""
import inspect, json, sys, warnings
from pathlib import Path

import numpy as np

import common
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner
from common import fingerprint, median, parser, provenance, share, start, timed, write_result
from sources import n_right, parts, source

counts = ['0','5','10','25','50','100','400','all']
pretrained = dict(start=None, random=False)

# one run

def drawn(data, n, seed):
    "`n` items of the training part, or `'all'` of them, in random order; and those that were not drawn"
    order = np.random.default_rng(seed).permutation(len(data.train))
    items = [data.train[i] for i in order]
    n = len(items) if n=='all' else int(n)
    return items[:n],items[n:]

def dataloaders(items, chars):
    "All of `items` to train on, a tenth of them to validate on as well; the library takes ten, so fewer are repeated"
    items = items*-(-10//len(items)) if len(items)<10 else items
    again = items[:max(1, len(items)//10)]
    known = inspect.signature(CaptchaDataLoaders.from_items).parameters
    more = dict(chars=chars) if 'chars' in known else {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore') # images in both parts are meant
        return CaptchaDataLoaders.from_items(items+again, valid_idx=range(len(items), len(items+again)), **more)

def right_of(learn, items):
    "How many of `items` a learner reads"
    files,labels = zip(*items)
    with learn.no_bar(): readings = learn.predict(list(files))
    return sum(o.text==label for o,label in zip(readings, labels))

def fitted(data, n, seed, weights):
    "One fit, and what it reads of the test part"
    items,others = drawn(data, n, seed)
    more = {'pretrained': pretrained[weights]} if pretrained[weights] is not None or has_start() else {}
    learn,_ = common.train(dataloaders(items, data.chars), seed=seed, metrics=[], **more)
    learn.temperature = 1. # it was fitted on images that were trained on
    seconds,right = timed(right_of, learn, data.test)
    res = dict(n_train=len(items), n_right=right, accuracy=right/len(data.test), fit_seconds=learn.fit_history.total,
               epochs=len(learn.fit_history.rows), read_seconds=seconds)
    if data.name=='captcha_images_v2': res.update(n_right_others=right+right_of(learn, others) if others else right,
                                                  n_others=len(data.test+others))
    return res

def has_start(): return inspect.signature(captcha_learner).parameters['pretrained'].default is None

def untrained(data):
    "What the start reads without any label, the characters given"
    from captcha_fastai.recogniser import Recogniser
    rec = Recogniser.load()
    allowed = ''.join(o for o in data.chars if o in rec.vocab.chars)
    files,labels = zip(*data.test)
    seconds,readings = timed(lambda: rec.read(list(files), allowed=allowed, min_probability=0))
    right = n_right([o.text for o in readings], labels, data.chars)
    return dict(n_train=0, n_right=right, accuracy=right/len(labels), fit_seconds=0., epochs=0, read_seconds=seconds)

# all runs

def wanted(name, labels, draws, weights):
    "Keys of the runs of a set: labels, seed, weights; more labels than there are, are left out"
    for n in labels:
        if n not in ('0','all') and int(n)>=len(source(name).train): continue
        for kind in weights:
            if n=='0' and kind=='random': continue # reads nothing
            for seed in range(1 if n=='0' else draws): yield n,seed,kind

def code(): return fingerprint('start.py', 'training')

def start_digest():
    "Of the weights that come with the library, or `None`"
    folder = common.library/'start'
    return common.digest(folder) if folder.exists() else None

def lines(scratch):
    "The runs that were made with the present code and weights, by set and key"
    rows = [json.loads(o) for o in scratch.read_text(encoding='utf-8').splitlines()] if scratch.exists() else []
    return {(o['set'], o['labels'], o['seed'], o['weights']): o for o in rows
            if o['code']==code() and (o['start']==start_digest() or o['weights']=='random')}

def run(name, key, scratch):
    "One run, added to `scratch`"
    n,seed,weights = key
    data = source(name)
    if common.trying: data = data._replace(test=data.test[:20])
    figures = untrained(data) if n=='0' else fitted(data, n, seed, weights)
    print(name, *key, figures, flush=True)
    row = dict(set=name, labels=n, seed=seed, weights=weights, threads=common.threads(), code=code(),
               start=start_digest(), **figures)
    if common.trying: return
    scratch.parent.mkdir(parents=True, exist_ok=True)
    with scratch.open('a', encoding='utf-8') as f: f.write(json.dumps(row)+'\n')

def summary(name, runs):
    "Medians of the runs with the same number of labels and the same weights"
    n_test = len(source(name).test)
    for kind in pretrained:
        for n in counts:
            same = [o for o in runs if (o['labels'], o['weights'])==(n, kind)]
            if not same: continue
            mid = {k: median([o[k] for o in same]) for k in ('n_train','fit_seconds','epochs')}
            res = dict(labels=n, weights=kind, n_draws=len(same), **mid,
                       **share(median([o['n_right'] for o in same]), n_test))
            if 'n_right_others' in same[0]:
                res['accuracy_others'] = median([o['n_right_others']/o['n_others'] for o in same])
            yield res

def write(name, scratch):
    "The result file of a set"
    runs = [v for k,v in lines(scratch).items() if k[0]==name]
    if not runs: return print(f'{name}: no run of the present code')
    data = source(name)
    write_result(f'start_{name}', provenance('start.py', 'training', [name]), data=name, n_test=len(data.test),
                 n_all=len(data.train), chars=data.chars, start=start_digest(), rows=list(summary(name, runs)),
                 runs=runs)

def main(args):
    "Make the runs that are not there; write what is complete"
    scratch = Path(args.scratch)
    for name,_,labels in (o.partition(':') for o in args.sets):
        keys = list(wanted(name, labels.split(',') if labels else counts, args.draws, args.weights))
        for key in keys if not args.write else ():
            if (name, *key) not in lines(scratch): run(name, key, scratch)
        if not common.trying: write(name, scratch)

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('sets', nargs='+', metavar='SET[:LABELS]', help=', '.join(parts))
    p.add_argument('--draws', type=int, default=3)
    p.add_argument('--weights', nargs='+', choices=list(pretrained), default=list(pretrained))
    p.add_argument('--scratch', default=common.root/'build'/'start.jsonl')
    p.add_argument('--write', action='store_true', help='train nothing, write what there is')
    args = start(p.parse_args())
    bad = [o for o in args.sets if o.partition(':')[0] not in parts
           or not set(filter(None, o.partition(':')[2].split(',')))<={*counts}]
    if bad: sys.exit(f"{', '.join(bad)}: use SET or SET:LABELS,... with {', '.join(parts)} and {', '.join(counts)}")
    main(args)
