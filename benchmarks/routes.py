"""A notebook, a command and a benchmark train the same thing: do the three give equal weights?

    python benchmarks/routes.py

The same generated folder, seed and number of epochs through `CaptchaDataLoaders.from_folder`, `captcha_learner`
and `fit_recipe` in a process of its own, through `captcha_train`, and through `train` of common.py. Writes
results/routes.json. About 2 minutes.
"""
import hashlib, subprocess, sys, tempfile
from pathlib import Path

import common
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.synth import synth_folder
from common import parser, provenance, some, start, write_result

notebook = """
import sys
from fastai.torch_core import set_seed
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.learner import captcha_learner
images,out,epochs = sys.argv[1:]
dls = CaptchaDataLoaders.from_folder(images, seed=42)
set_seed(42, reproducible=True)
learn = captcha_learner(dls)
with learn.no_bar(),learn.no_logging(): learn.fit_recipe(epochs=int(epochs))
learn.save_recogniser(out)
"""

def by_notebook(images, out, epochs): subprocess.run([sys.executable, '-c', notebook, images, out, str(epochs)],
                                                     check=True)

def by_command(images, out, epochs):
    command = Path(sys.executable).parent/'captcha_train'
    subprocess.run([command, images, '--out', out, '--epochs', str(epochs)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)

def by_benchmark(images, out, epochs):
    learn,_ = common.train(CaptchaDataLoaders.from_folder(images, seed=42), fit=dict(epochs=epochs))
    learn.save_recogniser(out)

def weights(folder): return hashlib.sha256((folder/'model.safetensors').read_bytes()).hexdigest()

def main():
    start(parser(__doc__).parse_args())
    note = provenance('routes.py', 'training')
    epochs = 1 if common.trying else 3
    n = some(1000, 200)
    with tempfile.TemporaryDirectory() as name:
        tmp = Path(name)
        images = synth_folder(tmp/'images', n, 0, lengths=[3,4])
        digests = {}
        for route in (by_notebook, by_command, by_benchmark):
            route(images, tmp/route.__name__, epochs)
            digests[route.__name__] = weights(tmp/route.__name__)
    write_result('routes', note, seed=42, n_train=n-n//10, epochs=epochs, weights=digests,
                 equal=len(set(digests.values()))==1)

if __name__=='__main__': main()
