"""Killed ten times: `captcha_train` ended with SIGKILL at a random moment, gone on with by --resume, killed again, until it is through.

    python benchmarks/resume.py

Compares the weights and the validation figures of each epoch with those of a run that nothing disturbed. Writes results/resume.json.
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

if __name__=='__main__':
    where,tmp,rng = machine(),Path(tempfile.mkdtemp()),random.Random(0)
    data,args = synth_folder(tmp/'data', 600, seed=0, lengths=[3,4]),['--epochs', '12', '--seed', '1']
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start = time.perf_counter()
    subprocess.run([command, data, '--out', tmp/'whole', *args], check=True, **quiet)
    whole,out,kills = time.perf_counter()-start,tmp/'killed',[]
    while len(kills)<10:
        shutil.rmtree(out, ignore_errors=True)
        begun = False
        while not (out/'run.json').exists():
            p = subprocess.Popen([command, '--resume', out] if begun else [command, data, '--out', out, *args], **quiet)
            wait = rng.uniform(3, whole) if len(kills)<10 else 10*whole
            try: p.wait(wait)
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGKILL)
                p.wait()
                kills.append(dict(after_seconds=wait, checkpoint=(tmp/'killed.part'/'checkpoint.pt').exists()))
                print(kills[-1], flush=True)
            begun = begun or (tmp/'killed.part'/'args.json').exists()
        assert p.returncode==0, p.returncode
        equal = outcome(out)==outcome(tmp/'whole')
        print('through after', len(kills), 'kills; equal:', equal, flush=True)
        if not equal: break
    save('resume', dict(benchmark='resume', data='generated, 600 of 3 to 4 digits', seed=0, machine=where, whole_seconds=whole, kills=kills, same_weights_and_figures=equal))
    shutil.rmtree(tmp)
