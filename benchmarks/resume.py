"""Killed ten times: `captcha_train` ended with SIGKILL at a random moment, gone on with by --resume, killed again, until it is through.

    python benchmarks/resume.py

Compares the weights and the validation figures of each epoch with those of a run that nothing disturbed. The moments are drawn evenly from the
whole time that a run takes, from the first import to the last file. Then three further runs, killed once each: with images without labels,
with the recipe `crnn` and its other optimiser, and with a budget of time. Writes results/resume.json. About 10 minutes on 2 cores.
"""
import hashlib, json, random, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

from captcha_fastai.synth import synth_folder
from common import machine, save

command = Path(sys.executable).parent/'captcha_train'

def outcome(out):
    "Checksum of the weights, and the validation figures of each epoch"
    rows = json.loads((out/'run.json').read_text())['history']
    return hashlib.sha256((out/'model.safetensors').read_bytes()).hexdigest(),[(o['valid_loss'], o['captcha_accuracy']) for o in rows]

def stage(part):
    "How far the run was, by what it had written"
    if not (part/'checkpoint.pt').exists(): return 'before the first checkpoint'
    return 'writing the folder' if (part/'new'/'model.safetensors').exists() else 'training'

def begin(tmp, out, args): # the data by its relative path, as people give it
    again = (tmp/f'{out}.part'/'args.json').exists()
    return subprocess.Popen([command, '--resume', tmp/out] if again else [command, *args, '--out', out, '--seed', '1'], cwd=tmp.parent if again else tmp, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def killed(tmp, out, args, waits):
    "Run to the end, but kill it after each of `waits` seconds; where and when that was"
    kills = []
    while not (tmp/out/'run.json').exists():
        p,wait = begin(tmp, out, args),next(waits, None)
        try: p.wait(wait)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.wait()
            kills.append(dict(after_seconds=wait, stage=stage(tmp/f'{out}.part')))
            print(kills[-1], flush=True)
        else: assert p.returncode==0, p.returncode
    return kills

def undisturbed(tmp, out, args):
    start = time.perf_counter()
    assert begin(tmp, out, args).wait()==0
    return time.perf_counter()-start

if __name__=='__main__':
    where,tmp,rng = machine(),Path(tempfile.mkdtemp()),random.Random(0)
    for name,n,seed in (('data',600,0), ('few',150,1), ('more',100,2)): synth_folder(tmp/name, n, seed=seed, lengths=[3,4])
    args = ['data', '--epochs', '12']
    whole,kills,equal = undisturbed(tmp, 'whole', args),[],True
    while len(kills)<10 and equal:
        shutil.rmtree(tmp/'killed', ignore_errors=True)
        kills += killed(tmp, 'killed', args, iter([rng.uniform(0, whole) for _ in range(10-len(kills))]))
        equal = outcome(tmp/'killed')==outcome(tmp/'whole')
        print('through after', len(kills), 'kills; equal:', equal, flush=True)
    others = {}
    for name,args in {'unlabelled':['few', '--epochs', '12', '--unlabelled', 'more'], 'crnn':['few', '--recipe', 'crnn', '--epochs', '4'], 'budget':['few', '--budget', '20s']}.items():
        seconds = undisturbed(tmp, f'{name}_whole', args)
        one = killed(tmp, name, args, iter([.7*seconds]))
        others[name] = dict(kills=one, same_weights_and_figures=outcome(tmp/name)==outcome(tmp/f'{name}_whole') if name!='budget' else None)
        print(name, others[name], flush=True)
    litter = sorted(o.name for o in tmp.iterdir() if o.name.startswith('.') or o.name.endswith('.part'))
    save('resume', dict(benchmark='resume', data='generated, 600 of 3 to 4 digits', seed=0, machine=where, whole_seconds=whole, kills=kills, same_weights_and_figures=equal, others=others, left_behind=litter))
    shutil.rmtree(tmp)
