"""Several processes: reading on a Ray cluster, and training with Accelerate. Is the outcome that of one process?

    python benchmarks/cluster.py ray RECOGNISER    # 20,000 generated captchas, a local Ray with 2 workers
    python benchmarks/cluster.py train             # 2,000 generated captchas, two processes on processors (gloo)

`ray` compares what `captcha_predict` writes with and without `--ray`, byte by byte. `train` notes the images of the last epoch, and compares
the accuracy on the same 400 others with that of one process, which sees the same number of images in a step. Needs the extras `ray` and
`distributed`. Writes results/cluster_ray.json and results/cluster_train.json. About 3 minutes each.
"""
import argparse, json, os, subprocess, sys, tempfile, time
from collections import Counter
from pathlib import Path

from common import machine, save

script = """
import json, sys, torch
from contextlib import nullcontext
from fastai.callback.core import Callback
from fastai.torch_core import set_seed
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner, get_recipe
class Seen(Callback):
    def before_epoch(self): self.files = []
    def after_pred(self):
        if self.training: self.files += [f.name for f in self.yb[0].files]
several,data,out,epochs = sys.argv[1]=='2',*sys.argv[2:4],int(sys.argv[4])
if several: from captcha_fastai.distributed import *
else: rank_distrib = lambda: 0
r = get_recipe('fast')
set_seed(42)
dls = CaptchaDataLoaders.from_folder(data, valid_pct=.2, seed=42, **{**r.for_data(), 'bs':8 if several else 16})
learn = captcha_learner(dls, cbs=[Seen()])
with learn.no_bar(),learn.no_logging(),learn.distrib_ctx(sync_bn=False, cpu=True, in_notebook=False) if several else nullcontext():
    learn.recombine.least = 10**9 # pieces of other images have no name
    learn.fit_one_cycle(epochs, r.lr, **r.schedule)
json.dump(dict(files=learn.seen.files, n=dls.train.n, record=dict(zip(learn.recorder.metric_names[1:-1], map(float, learn.final_record))), seconds=learn.fit_history.total), open(f'{out}/{rank_distrib()}.json', 'w'))
"""

def on_ray(folder, tmp, n=20000):
    "Seconds with and without, and whether the outcome is the same"
    from captcha_fastai.synth import synth_folder
    caps = synth_folder(tmp/'caps', n, 7, lengths=[3,4,5])
    (caps/'broken.png').write_bytes(b'no image')
    predict = Path(sys.executable).with_name('captcha_predict')
    res,said = dict(n=n, workers=2, seconds={}),{}
    for name,more in (('alone',[]), ('ray',['--ray'])):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, predict, folder, caps, '--out', tmp/f'{name}.tsv', *more], capture_output=True, text=True)
        res['seconds'][name] = time.perf_counter()-start
        said[name] = [o for o in done.stderr.splitlines() if o.startswith('error: ')]
        assert done.returncode==1 and len(said[name])==1, done.stderr # of the broken file
    a,b = ((tmp/f'{o}.tsv').read_bytes() for o in ('alone','ray'))
    right = sum(Path(file).stem==text for file,text,_ in (o.split('\t') for o in a.decode().splitlines()))
    return dict(res, same=a==b and said['alone']==said['ray'], lines=len(a.splitlines()), right=right)

def on_two(tmp, n=2000, epochs=10):
    "Training on one process and on two"
    from captcha_fastai.synth import synth_folder
    caps = synth_folder(tmp/'caps', n, 7, lengths=[3,4,5])
    (tmp/'train.py').write_text(script)
    runs = {}
    for k in (1,2):
        (out := tmp/str(k)).mkdir()
        launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2'] if k==2 else []
        subprocess.run([sys.executable, '-W', 'ignore', *launch, tmp/'train.py', str(k), caps, out, str(epochs)], check=True, env=dict(os.environ, ACCELERATE_USE_CPU='true', OMP_NUM_THREADS='1'))
        parts = [json.loads((out/f'{i}.json').read_text()) for i in range(k)]
        met = Counter(f for o in parts for f in o['files'])
        right,n_valid = round(parts[0]['record']['captcha_accuracy']*n/5),n//5
        runs[k] = dict(processes=k, epochs=epochs, n_train=parts[0]['n'], images_met=len(met), most_often=max(met.values()), n_valid=n_valid, n_right=right,
                       accuracy_by_process=[o['record']['captcha_accuracy'] for o in parts], seconds=parts[0]['seconds'])
    from captcha_fastai.metrics import Share
    low,high = Share(runs[1]['n_right'], runs[1]['n_valid']).interval
    return dict(runs=runs, interval_of_one=[low,high], within=low<=runs[2]['n_right']/runs[2]['n_valid']<=high)

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['ray','train'])
    parser.add_argument('folder', nargs='?', help='of a recogniser, for `ray`')
    args,note = parser.parse_args(),machine()
    with tempfile.TemporaryDirectory() as tmp: res = on_ray(args.folder, Path(tmp)) if args.what=='ray' else on_two(Path(tmp))
    save(f'cluster_{args.what}', dict(benchmark='cluster', seed=7, machine=note, **res))
    print(json.dumps(res, indent=1))
