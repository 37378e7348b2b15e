"""Reading with the exported recogniser, beside ddddocr 1.6.1, on the PNG files of captcha_images_v2, in one run.

    python benchmarks/infer.py [--ddddocr PYTHON]

Trains `fast` on the 936 images of the usual split (seed 42), exports it, and measures in processes of their own that do not load torch:
import and load, one image at a time, many at once, memory, and where the time goes. ddddocr is installed into an environment of its own
(`.venv-ddddocr`) where PYTHON is not given. Rounds alternate between the two. Writes results/infer.json. About 4 minutes on 2 cores.
"""
import argparse, json, os, subprocess, sys, tempfile, time
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def ours(folder, name, files, labels):
    "What a process without torch measures; printed as JSON"
    start = time.perf_counter()
    from captcha_fastai.inference import Recogniser
    imported = time.perf_counter()-start
    rec = Recogniser.load(folder, name=name)
    loaded,ones = time.perf_counter()-start,[]
    rec.read(files[0])
    for f in files[:600]:
        one = time.perf_counter()
        rec.read(f)
        ones.append(time.perf_counter()-one)
    rec.read(files[:256])
    bulk = time.perf_counter()
    texts = [o.text for _ in range(3) for o in rec.read(files)]
    bulk = 3*len(files)/(time.perf_counter()-bulk)
    assert not {'torch','fastai'} & set(sys.modules)
    ones.sort()
    from common import peak_mb
    res = dict(import_seconds=imported, load_seconds=loaded, one_median_ms=1000*ones[len(ones)//2], one_p99_ms=1000*ones[int(len(ones)*.99)], images_per_second=bulk,
               resident_mb=peak_mb(), right=sum(a==b for a,b in zip(texts, labels)), n=len(labels), stages=stages(rec, files[:512]))
    print(json.dumps(res))

def stages(rec, files):
    "Milliseconds an image of each stage, one after the other on one thread where they have a choice"
    import numpy as np
    from captcha_fastai.image import fit_size, open_image, to_mode
    ms,start = {},time.perf_counter()
    def lap(name):
        nonlocal start
        now = time.perf_counter()
        ms[name],start = 1000*(now-start)/len(files),now
    images = list(map(open_image, files))
    lap('decode')
    pixels = [np.asarray(fit_size(to_mode(o, rec.prep.grey), rec.prep.size, rec.prep.resize)) for o in images]
    pixels = np.stack([o[None] if o.ndim==2 else o.transpose(2,0,1) for o in pixels])
    lap('resize')
    outs = [rec.run(pixels[i:i+64]) for i in range(0, len(files), 64)]
    lap('model')
    for o in outs: rec.decode(o, 1, dict(lengths=rec.config['lengths']))
    lap('text')
    return ms

ddddocr = """
import json, sys, time
files,start = json.load(open(sys.argv[1])),time.perf_counter()
import ddddocr
ocr,ones,texts = ddddocr.DdddOcr(show_ad=False),[],[]
loaded = time.perf_counter()-start
ocr.classification(open(files[0], 'rb').read())
start = time.perf_counter()
for f in files:
    one = time.perf_counter()
    texts.append(ocr.classification(open(f, 'rb').read()))
    ones.append(time.perf_counter()-one)
seconds = time.perf_counter()-start
ones.sort()
rss = next(o for o in open('/proc/self/status') if o.startswith('VmHWM')).split()[1]
print(json.dumps(dict(texts=texts, load_seconds=loaded, images_per_second=len(files)/seconds, one_median_ms=1000*ones[len(ones)//2], one_p99_ms=1000*ones[int(len(ones)*.99)], resident_mb=int(rss)/1024)))
"""

def ddddocr_python(given):
    "A Python that has ddddocr, installed where it is not there"
    if given: return given
    venv = root/'.venv-ddddocr'
    if not (venv/'bin/python').exists():
        subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
        subprocess.run([venv/'bin/python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'ddddocr==1.6.1'], check=True)
    return venv/'bin/python'

def said(args):
    "The JSON that a process printed last"
    return json.loads(subprocess.run([*map(str, args)], capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1])

def trained(folder):
    "`fast` on the usual split, exported with its 8-bit model; where its validation images are"
    from fastai.torch_core import set_seed
    from captcha_fastai.data import CaptchaDataLoaders
    from captcha_fastai.export import to_recogniser
    from captcha_fastai.learner import captcha_learner, get_recipe
    from fastai.data.external import untar_data
    from common import fit
    from recipes import url
    r = get_recipe('fast')
    set_seed(42, reproducible=True)
    dls = CaptchaDataLoaders.from_folder(untar_data(url), seed=42, **r.for_data())
    learn = fit(captcha_learner(dls))
    learn.calibrate()
    learn.to_recogniser(folder, int8=True, results=learn.evaluate())
    return [str(f) for f,_ in dls.valid_ds.items],[str(f) for f,_ in dls.train_ds.items],learn.evaluate()['captcha_accuracy']

def main(python):
    from common import machine, save
    where = machine()
    python = ddddocr_python(python)
    with tempfile.TemporaryDirectory() as tmp:
        folder,note = Path(tmp)/'rec',Path(tmp)/'files.json'
        valid,train,accuracy = trained(folder)
        files = valid+train # the accuracy is of the first, which were not trained on; the speed is of all
        labels = [Path(f).stem for f in valid]
        note.write_text(json.dumps(files))
        config = json.loads((folder/'config.json').read_text())['files']
        runs = {name: [] for name in [*(o for o in config if o.endswith('.onnx')), 'ddddocr']}
        for _ in range(3):
            for name in runs:
                if name=='ddddocr':
                    o = said([python, '-c', ddddocr, note])
                    runs[name].append(dict({k: v for k,v in o.items() if k!='texts'}, right=sum(a==b for a,b in zip(o['texts'], labels)), n=len(labels)))
                else: runs[name].append(said([sys.executable, __file__, '--worker', folder, name, note]))
    median = lambda rs: {k: sorted(r[k] for r in rs)[len(rs)//2] if isinstance(rs[0][k], (int,float)) else rs[0][k] for k in rs[0]}
    res = {k: dict(median(v), megabytes=config[k]['bytes']/1e6 if k in config else None) for k,v in runs.items()}
    save('infer', dict(benchmark='infer', seed=42, machine=where, n_train=len(train), n_valid=len(valid), captcha_accuracy=accuracy.value, runs=res, rounds=3,
                       ratio=res['model.onnx']['images_per_second']/res['ddddocr']['images_per_second']))
    print(json.dumps(res, indent=1))

if __name__=='__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--ddddocr')
    parser.add_argument('--worker', nargs=3)
    args = parser.parse_args()
    if args.worker:
        files = json.loads(Path(args.worker[2]).read_text())
        ours(args.worker[0], args.worker[1], files, [Path(f).stem for f in files[:104]])
    else: main(args.ddddocr)
