"""Killed ten times: `captcha_train` ended with SIGKILL at a random moment, resumed, killed again, until it is finished.

    python benchmarks/resume.py

With its defaults on 1,000 images, so that the recipe's own number of epochs, and whether they are doubled, has
to survive. Compares the weights and the figures of each epoch, the training loss among them, with those of a
run that was left alone. The moments are drawn evenly from the whole time that a run takes, from the first
import to the last file. Then three further runs, killed once each: with images without labels, with the recipe
`crnn` and its other optimiser, and with a budget of time. Writes results/resume.json. About 20 minutes on 2
cores.
"""
import hashlib, json, random, shutil, signal, subprocess, sys, tempfile
from pathlib import Path

import common
from captcha_fastai.synth import synth_folder
from common import parser, provenance, some, start, timed, write_result

command = Path(sys.executable).parent/'captcha_train'

def outcome(out):
    "Checksum of the weights, and the figures of each epoch"
    rows = json.loads((out/'run.json').read_text())['history']
    weights = hashlib.sha256((out/'model.safetensors').read_bytes()).hexdigest()
    return weights,[(o['train_loss'], o['valid_loss'], o['captcha_accuracy']) for o in rows]

def stage(part):
    "How far the run was, by what it had written"
    if not (part/'checkpoint.pt').exists(): return 'before the first checkpoint'
    return 'writing the folder' if (part/'new'/'model.safetensors').exists() else 'training'

def begin(tmp, out, args):
    "Start or resume a run; the data by its relative path, as people name it"
    resumed = (tmp/f'{out}.part'/'args.json').exists()
    line = ['--resume', tmp/out] if resumed else [*args, '--out', out, '--seed', '1']
    return subprocess.Popen([command, *line], cwd=tmp.parent if resumed else tmp, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)

def finish(tmp, out, args, waits):
    "Run to the end, but kill the run after each of `waits` seconds; where and when that was"
    kills = []
    while not (tmp/out/'run.json').exists():
        p = begin(tmp, out, args)
        wait = next(waits, None)
        try: p.wait(wait)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.wait()
            kills.append(dict(after_seconds=wait, stage=stage(tmp/f'{out}.part')))
            print(kills[-1], flush=True)
        else:
            if p.returncode: raise RuntimeError(f'captcha_train ended with {p.returncode}')
    return kills

def left_alone(tmp, out, args): return timed(finish, tmp, out, args, iter(()))[0]

def many_kills(tmp, args, n=10):
    "Seconds of a run that is left alone; kills of others; are all ends equal?"
    rng = random.Random(0)
    whole = left_alone(tmp, 'whole', args)
    kills = []
    equal = True
    while len(kills)<n and equal:
        shutil.rmtree(tmp/'killed', ignore_errors=True)
        kills += finish(tmp, 'killed', args, iter([rng.uniform(0, whole) for _ in range(n-len(kills))]))
        equal = outcome(tmp/'killed')==outcome(tmp/'whole')
        print(len(kills), 'kills; equal:', equal, flush=True)
    return dict(whole_seconds=whole, epochs=len(outcome(tmp/'whole')[1]), kills=kills, same_weights_and_figures=equal)

def one_kill(tmp, name, args):
    "One run that is killed once; with a budget, the clock decides on the epochs, so weights are not compared"
    seconds = left_alone(tmp, f'{name}_whole', args)
    kills = finish(tmp, name, args, iter([.7*seconds]))
    same = outcome(tmp/name)==outcome(tmp/f'{name}_whole') if name!='budget' else None
    print(name, kills, same, flush=True)
    return dict(kills=kills, same_weights_and_figures=same)

def main():
    start(parser(__doc__).parse_args())
    note = provenance('resume.py', 'training')
    short = ['--epochs', '2'] if common.trying else []
    others = dict(unlabelled=['few', '--epochs', '12', '--unlabelled', 'more'],
                  crnn=['few', '--recipe', 'crnn', '--epochs', '4'],
                  budget=['few', '--budget', '20s'])
    with tempfile.TemporaryDirectory() as name:
        tmp = Path(name)
        for folder,n,seed in (('data',1000,0), ('few',150,1), ('more',100,2)): synth_folder(tmp/folder, some(n),
            seed=seed, lengths=[3,4])
        result = many_kills(tmp, ['data', *short], 2 if common.trying else 10)
        once = {} if common.trying else {k: one_kill(tmp, k, args) for k,args in others.items()}
        litter = sorted(o.name for o in tmp.iterdir() if o.name.startswith('.') or o.name.endswith('.part'))
    write_result('resume', note, data='generated, 1000 of 3 to 4 digits', seed=0, **result, others=once,
                 left_behind=litter)

if __name__=='__main__': main()
