"""Several processes: reading on a Ray cluster, and training with Accelerate. Is the outcome that of one process?

    python benchmarks/cluster.py ray RECOGNISER    # 20,000 generated captchas, a local Ray with 2 workers
    python benchmarks/cluster.py train             # 2,000 generated captchas, two processes on processors (gloo)

`ray` compares what `captcha_predict` writes with and without `--ray`, byte by byte. `train` notes the images of
the last epoch, and compares the accuracy on the same 400 others with that of one process, which sees the same
number of images in a step. Needs the extras `ray` and `distributed`. Writes results/cluster_ray.json and
results/cluster_train.json. About 3 minutes each.
"""
import json, os, subprocess, sys, tempfile
from collections import Counter
from pathlib import Path

import common
from captcha_fastai.synth import synth_folder
from common import parser, provenance, share, some, start, timed, write_result

# what each process of a training runs: number of processes, images, folder to write, epochs
script = """
import json, sys
from contextlib import nullcontext
from fastai.callback.core import Callback
from fastai.torch_core import rank_distrib, set_seed
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner
class Seen(Callback):
    def before_epoch(self): self.files = []
    def after_pred(self):
        if self.training: self.files += [f.name for f in self.yb[0].files]
several,(data,out),epochs = sys.argv[1]=='2',sys.argv[2:4],int(sys.argv[4])
if several: from captcha_fastai.distributed import *
set_seed(42)
dls = CaptchaDataLoaders.from_folder(data, valid_pct=.2, seed=42, bs=8 if several else 16)
learn = captcha_learner(dls, cbs=[Seen()])
learn.recombine.min_epochs = 10**9 # pieces of other images have no name
spread = learn.distrib_ctx(sync_bn=False, cpu=True, in_notebook=False) if several else nullcontext()
with learn.no_bar(),learn.no_logging(),spread: learn.fit_one_cycle(epochs)
record = dict(zip(learn.recorder.metric_names[1:-1], map(float, learn.final_record)))
res = dict(files=learn.seen.files, n=learn.dls.train.n, record=record, seconds=learn.fit_history.total)
json.dump(res, open(f'{out}/{rank_distrib()}.json', 'w'))
"""

# reading

def predict(folder, images, out, options):
    "Run `captcha_predict`; return the one line that it prints about the broken file"
    command = Path(sys.executable).with_name('captcha_predict')
    done = subprocess.run([sys.executable, command, folder, images, '--out', out, *options], capture_output=True,
                          text=True)
    errors = [o for o in done.stderr.splitlines() if o.startswith('error: ')]
    if done.returncode!=1 or len(errors)!=1: raise RuntimeError(done.stderr)
    return errors

def on_ray(folder, tmp):
    "Seconds with and without Ray, and whether the outcome is the same"
    n = some(20000)
    images = synth_folder(tmp/'images', n, 7, lengths=[3,4,5])
    (images/'broken.png').write_bytes(b'no image')
    seconds,errors = {},{}
    for name,options in dict(alone=[], ray=['--ray']).items():
        seconds[name],errors[name] = timed(predict, folder, images, tmp/f'{name}.tsv', options)
    alone,ray = ((tmp/f'{o}.tsv').read_bytes() for o in ('alone','ray'))
    rows = [o.split('\t') for o in alone.decode().splitlines()]
    right = sum(Path(file).stem==read for file,read,_ in rows)
    return dict(n=n, workers=2, seconds=seconds, same=alone==ray and errors['alone']==errors['ray'], lines=len(rows),
                right=right)

# training

def trained(k, images, tmp, epochs):
    "What each of `k` processes wrote"
    out = tmp/str(k)
    out.mkdir()
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2'] if k==2 else []
    command = [sys.executable, '-W', 'ignore', *launch, tmp/'train.py', str(k), images, out, str(epochs)]
    subprocess.run(command, check=True, env=dict(os.environ, ACCELERATE_USE_CPU='true', OMP_NUM_THREADS='1'))
    return [json.loads((out/f'{i}.json').read_text()) for i in range(k)]

def summary(k, parts, n_valid, epochs):
    "Which images were met how often, and what is read"
    met = Counter(f for o in parts for f in o['files'])
    accuracies = [o['record']['captcha_accuracy'] for o in parts]
    return dict(processes=k, epochs=epochs, n_train=parts[0]['n'], images_met=len(met), most_often=max(met.values()),
                n_valid=n_valid,
                n_right=round(accuracies[0]*n_valid), accuracy_by_process=accuracies, seconds=parts[0]['seconds'])

def on_two(tmp):
    "Training in one process and in two"
    n = some(2000, 200)
    epochs = 1 if common.trying else 10
    images = synth_folder(tmp/'images', n, 7, lengths=[3,4,5])
    (tmp/'train.py').write_text(script)
    runs = {k: summary(k, trained(k, images, tmp, epochs), n//5, epochs) for k in (1,2)}
    one = share(runs[1]['n_right'], runs[1]['n_valid'])
    interval = [one['captcha_accuracy_low'], one['captcha_accuracy_high']]
    return dict(runs=runs, interval_of_one=interval,
                within=interval[0]<=runs[2]['n_right']/runs[2]['n_valid']<=interval[1])

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('what', choices=['ray','train'])
    p.add_argument('folder', nargs='?', help='of a recogniser, for `ray`')
    args = start(p.parse_args())
    note = provenance('cluster.py', 'reading' if args.what=='ray' else 'training')
    with tempfile.TemporaryDirectory() as tmp: result = on_ray(args.folder,
                                                               Path(tmp)) if args.what=='ray' else on_two(Path(tmp))
    write_result(f'cluster_{args.what}', note, seed=7, **result)
