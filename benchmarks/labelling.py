"""A simulated person labels a folder of which nothing is known, until almost all other images are read.

    python benchmarks/labelling.py captcha_images_v2 simplecaptcha five_digits kcaptcha water_meters cn_plates

The person answers with the true label and presses the fewest keys that turn the suggestion into it (`keys_for`). A
training comes after 10 decisions, and then whenever the labels to train on have grown by a fourth (`Labelling.due`);
the person waits for it. The ways:

`typed`      random order, every label typed: its length and Enter. The same trainings as `random`.
`random`     random order, with the newest reading as a suggestion; all labels are trained on, and nothing else.
`random, unlabelled`   the same, and each training learns from confident readings of 400 other images, as ours does.
`ours`       what `captcha_label` does: a fourth random images, which are never trained on, and images that teach
             most. After each training, if 20 readings or more are sure, a grid of at most 200 of them: a key to open
             it, one for each that is wrong, one to accept the others.

After each training: the share of the images that were not labelled one by one that is right, where a reading that was
accepted in a grid counts as right. A run ends when 98 % is reached, or after `most` labels. 1,000 images a set at
most, drawn by seed; the start reads first. No alphabet is given. Each set is written to results/labelling_SET.json.
"""
import tempfile
from pathlib import Path

import numpy as np

import common
from captcha_fastai.label_round import read_files, train_on, unlabelled_of
from captcha_fastai.labelling import Labelling, keys_for
from captcha_fastai.recogniser import Recogniser
from common import parser, provenance, start, timed, write_result
from fastai.torch_core import set_seed
from sources import source

sets = ['captcha_images_v2','simplecaptcha','five_digits','kcaptcha','water_meters','cn_plates']
goals = (.95,.98)
ways = ['random','random, unlabelled','ours']
n_images = 1000

def folder_of(name, seed, into):
    "Links to some images of a set, whose names do not say what they show; and the label of each"
    data = source(name)
    items = data.train+data.test
    some = np.random.default_rng(seed).permutation(len(items))[:40 if common.trying else n_images]
    labels = {}
    for i,at in enumerate(some):
        file,label = items[at]
        link = f'{i:04}{Path(file).suffix}'
        (into/link).symlink_to(Path(file).resolve())
        labels[link] = label
    return labels

class Person:
    "Somebody who labels, and what was pressed and waited for"
    def __init__(self, folder, labels, seed, way):
        self.folder,self.labels = folder,labels
        self.ours,self.unlabelled = way=='ours',way!='random'
        self.loop = Labelling(folder, seed=seed)
        self.keys = self.typed = self.singles = self.looked = 0
        self.accepted = set()
        self.rows = []
        if not self.ours: self.loop.apart,self.loop.for_test = [],set()
        self.order = list(np.random.default_rng(seed).permutation(list(labels)))

    def next(self):
        "The next image: ours, or the next in random order"
        if self.ours: return self.loop.next()[0]
        file = next(o for o in self.order if o not in self.loop.log.decisions)
        return self.loop._show(file, 'random')

    def decide(self):
        "One image, one by one"
        shown = self.next()
        label = self.labels[shown.file]
        keys = keys_for(shown, label)
        self.loop.decide(shown.file, label, keys=keys)
        self.keys += keys
        self.typed += len(label)+1
        self.singles += 1

    def grid(self):
        "A look at sure readings"
        sure = self.loop.grid()
        if len(sure)<20: return
        odd = [o.file for o in sure if o.text!=self.labels[o.file]]
        right = [o.file for o in sure if o.file not in odd]
        self.loop.accept(right, odd)
        self.accepted.update(right)
        self.keys += 2+len(odd)
        self.looked += len(sure)

    def due(self):
        "Is it time to train?"
        if self.ours: return self.loop.due()
        n = len(self.loop.to_train())
        return n>=10 if not self.loop.round else n-self.loop.trained>=max(5, self.loop.trained//4)

    def train(self):
        "Train, read everything, and note how much is right"
        train,test = self.loop.to_train(),self.loop.to_test()
        set_seed(len(self.rows), reproducible=True)
        fit = dict(epochs=1) if common.trying else {}
        others = unlabelled_of(self.loop.files, self.loop.log.decisions, self.loop.seed) if self.unlabelled else ()
        def fitted(): return train_on(self.folder, train, test or train[:3], others, tell=lambda *_: None, **fit)
        seconds,learn = timed(fitted)
        read_seconds,found = timed(read_files, learn.predict_all, self.folder, self.labels)
        self.loop.take(found, len(train))
        self.note(found, len(train), seconds, read_seconds)

    def note(self, found, n_train, seconds, read_seconds):
        "A row of the result"
        rest = [k for k in self.labels if k in self.accepted or k not in self.loop.log.decisions]
        right = sum(k in self.accepted or found[k].text==self.labels[k] for k in rest)
        alone = [k for k in rest if k not in self.accepted]
        self.rows.append(dict(
            singles=self.singles, keys=self.keys, typed_keys=self.typed, looked=self.looked,
            accepted=len(self.accepted), trained=n_train, n_rest=len(rest), n_right=right,
            accuracy=right/max(len(rest), 1), n_never_seen=len(alone),
            n_right_never_seen=sum(found[k].text==self.labels[k] for k in alone),
            fit_seconds=seconds, read_seconds=read_seconds))
        print(self.rows[-1], flush=True)

def label(name, seed, way, most):
    "One run: its trainings, and the keys that typing all labels takes"
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        labels = folder_of(name, seed, folder)
        person = Person(folder, labels, seed, way)
        recogniser = Recogniser.load()
        found = read_files(lambda o: recogniser.read(o, min_probability=0.), folder, labels)
        person.loop.take(found)
        person.note(found, 0, 0., 0.)
        while person.rows[-1]['accuracy']<goals[-1] and person.singles<(12 if common.trying else most):
            if person.ours and person.loop.round: person.grid()
            while not person.due() and len(person.loop.log.decisions)<len(labels): person.decide()
            person.train()
    return person.rows,sum(len(o)+1 for o in labels.values())

def reached(rows, goal, key):
    "The keys, or another column, of the first row that reaches a goal; `None` if none does"
    return next((o[key] for o in rows if o['accuracy']>=goal), None)

def compare(name, ways, most, seed=0):
    "Several ways on one set"
    made = {way: label(name, seed, way, most) for way in ways}
    runs = {way: rows for way,(rows,_) in made.items()}
    def columns(rows, keys): return {f'{k}_{100*g:.0f}': reached(rows, g, v) for g in goals for k,v in keys.items()}
    summary = dict(
        typed=columns(runs['random'], dict(keys='typed_keys', labels='singles')),
        **{way: columns(rows, dict(keys='keys', labels='singles', looked='looked')) for way,rows in runs.items()})
    waits = [o['fit_seconds']+o['read_seconds'] for o in runs['ours'][1:]]
    between = dict(median=float(np.median(waits)) if waits else 0., most=max(waits, default=0.))
    return dict(data=name, seed=seed, n_images=runs['ours'][0]['n_rest'], typed_all=made['ours'][1], most=most,
                summary=summary, seconds_between=between, runs=runs)

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('sets', nargs='+', choices=sets)
    p.add_argument('--ways', nargs='+', choices=ways, default=ways)
    p.add_argument('--most', type=int, default=300, help='labels given one by one')
    args = start(p.parse_args())
    for name in args.sets:
        note = provenance('labelling.py', 'labelling', [name])
        write_result(f'labelling_{name}', note, **compare(name, args.ways, args.most))
