"""Reading with the exported recogniser, beside ddddocr 1.6.1, on the PNG files of captcha_images_v2, in one run.

    python benchmarks/infer.py [--ddddocr PYTHON]

Trains `fast` on the 936 images of the usual split (seed 42), exports it, and measures in processes of their own
that do not load torch: import and load, one image at a time, many at once, memory, and where the time goes.
Accuracy is on the 104 images that were not trained on, speed on all 1040.

ddddocr is a general reader that takes one image at a time and was not trained on such images. It is measured
with its defaults and with the 19 characters of these captchas given (`set_ranges`), and counted
case-insensitively in both. It is installed into an environment of its own (`.venv-ddddocr`) unless PYTHON is
given. Rounds alternate between all. Writes results/infer.json. About 5 minutes on 2 cores.
"""
import json, os, subprocess, sys, tempfile, time
from pathlib import Path

import common
from common import parser, peak_mb, provenance, start, timed, write_result

n_valid = 104

def quantiles(seconds):
    "Median and 99th percentile, in milliseconds"
    ordered = sorted(seconds)
    return dict(one_median_ms=1000*ordered[len(ordered)//2], one_p99_ms=1000*ordered[int(len(ordered)*.99)])

# in a process without torch

def ours(folder, name, note):
    "What a process of its own measures"
    files = json.loads(Path(note).read_text())['files']
    begin = time.perf_counter()
    from captcha_fastai.recogniser import Recogniser
    imported = time.perf_counter()-begin
    rec = Recogniser.load(folder, name=name)
    loaded = time.perf_counter()-begin
    rec.read(files[0])
    ones = [timed(rec.read, f)[0] for f in files[:600]]
    rec.read(files[:256])
    bulk,readings = timed(lambda: [o for _ in range(3) for o in rec.read(files)])
    assert not {'torch','fastai'} & set(sys.modules)
    return dict(import_seconds=imported, load_seconds=loaded, **quantiles(ones), one_per_second=len(ones)/sum(ones),
                images_per_second=3*len(files)/bulk, resident_mb=peak_mb(), texts=[o.text for o in readings[:n_valid]],
                stages=stages(rec, files[:512]))

def stages(rec, files):
    "Milliseconds an image of each stage, one after the other"
    import numpy as np
    from captcha_fastai.image import fit_size, open_image, to_mode
    from captcha_fastai.reading import read_batch
    prep = rec.prep
    decode,images = timed(lambda: list(map(open_image, files)))
    def pixels_of(img):
        pixels = np.asarray(fit_size(to_mode(img, prep.grey), prep.size, prep.resize))
        return pixels[None] if pixels.ndim==2 else pixels.transpose(2,0,1)
    resize,pixels = timed(lambda: np.stack(list(map(pixels_of, images))))
    model,outs = timed(lambda: [rec.run(pixels[i:i+64]) for i in range(0, len(files), 64)])
    sizes = [o.size[::-1] for o in images]
    def texts(): return [read_batch(rec.task, o, rec.vocab, sizes[64*i:64*i+64], prep, lengths=rec.lengths) for i,
                         o in enumerate(outs)]
    text,_ = timed(texts)
    return {k: 1000*v/len(files) for k,v in dict(decode=decode, resize=resize, model=model, text=text).items()}

ddddocr = """
import json, sys, time
note,start = json.load(open(sys.argv[1])),time.perf_counter()
import ddddocr
ocr,ones,texts = ddddocr.DdddOcr(show_ad=False),[],[]
if sys.argv[2]: ocr.set_ranges(sys.argv[2])
loaded,files = time.perf_counter()-start,note['files']
ocr.classification(open(files[0], 'rb').read())
for f in files:
    one = time.perf_counter()
    texts.append(ocr.classification(open(f, 'rb').read()))
    ones.append(time.perf_counter()-one)
rss = next(o for o in open('/proc/self/status') if o.startswith('VmHWM')).split()[1]
print(json.dumps(dict(texts=texts, load_seconds=loaded, ones=ones, resident_mb=int(rss)/1024)))
"""

# in the main process

def ddddocr_python(given):
    "A Python that has ddddocr, installed if necessary"
    if given: return given
    python = common.root/'.venv-ddddocr'/'bin'/'python'
    if not python.exists():
        subprocess.run([sys.executable, '-m', 'venv', python.parent.parent], check=True)
        subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'ddddocr==1.6.1'],
                       check=True)
    return python

def theirs(python, note, chars):
    "One round of ddddocr"
    done = subprocess.run([python, '-c', ddddocr, note, chars], capture_output=True, text=True, check=True)
    res = json.loads(done.stdout.strip().splitlines()[-1])
    ones = res.pop('ones')
    return dict(res, **quantiles(ones), one_per_second=len(ones)/sum(ones))

def trained(folder):
    "`fast` on the usual split, exported with its 8-bit model; files to validate on, and all others"
    from captcha_fastai.data import CaptchaDataLoaders
    dls = CaptchaDataLoaders.from_folder(common.data_folder('captcha_images_v2'), seed=42)
    learn,result = common.train(dls)
    learn.to_recogniser(folder, int8=True, results=result)
    valid,train = ([str(f) for f,_ in o.items] for o in (dls.valid_ds, dls.train_ds))
    return valid,train,result['captcha_accuracy']

def counted(run, labels):
    "A round with its texts counted, in these cases and in any"
    texts = run.pop('texts')[:len(labels)]
    return dict(run, n=len(labels), right=sum(a==b for a,b in zip(texts, labels)),
                right_any_case=sum(a.lower()==b.lower() for a,b in zip(texts, labels)))

def middle(rounds):
    "The median of each figure"
    number = lambda v: isinstance(v, (int,float))
    return {k: common.median([o[k] for o in rounds]) if number(v) else v for k,v in rounds[0].items()}

def measure(folder, note, python, labels, chars):
    "Runs by name, the median of all rounds"
    files = json.loads((folder/'config.json').read_text())['files']
    models = [o for o in files if o.endswith('.onnx')]
    runs = {}
    for _ in range(1 if common.trying else 3):
        for name in models: runs.setdefault(name, []).append(common.alone('infer.py', '--worker', folder, name, note))
        for name,given in {'ddddocr':'', 'ddddocr, characters given':chars}.items(): runs.setdefault(name,
            []).append(theirs(python, note, given))
    res = {k: middle([counted(o, labels) for o in v]) for k,v in runs.items()}
    for o in models: res[o]['megabytes'] = files[o]['bytes']/1e6
    return res

def main(python):
    "Train, export, measure, write"
    note = provenance('infer.py', 'reading', ['captcha_images_v2'])
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)/'recogniser'
        valid,train,accuracy = trained(folder)
        labels = [Path(f).stem for f in valid]
        (Path(tmp)/'files.json').write_text(json.dumps(dict(files=valid+train)))
        chars = ''.join(sorted(set(''.join(labels))))
        runs = measure(folder, Path(tmp)/'files.json', ddddocr_python(python), labels, chars)
    ratio = lambda k: runs['model.onnx'][k]/runs['ddddocr']['one_per_second']
    write_result('infer', note, data='captcha_images_v2', seed=42, n_train=len(train), n_valid=len(valid), chars=chars,
                 captcha_accuracy=accuracy.value, rounds=3, runs=runs, ratio_one=ratio('one_per_second'),
                 ratio_batches=ratio('images_per_second'))

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('--ddddocr', metavar='PYTHON', help='a Python that has ddddocr')
    p.add_argument('--worker', nargs=3, metavar=('FOLDER', 'MODEL', 'FILES'),
                   help='for the processes that this script starts')
    args = start(p.parse_args())
    if args.worker: print(json.dumps(ours(*args.worker)))
    else: main(args.ddddocr)
