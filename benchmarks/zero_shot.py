"""Readers that were not trained on these images, on the test parts of the eight development sets.

    python benchmarks/zero_shot.py [--readers rapidocr ddddocr start] [--sets SET ...] [--base FOLDER] [--out FILE]

`rapidocr`: PP-OCRv6_rec_small inside the wheel of rapidocr; `ddddocr`: ddddocr 1.6.1; `start`: what comes with this
library. Each as it comes, and with the characters of the set given. All read one image at a time on one thread, in
processes of their own; readers alternate within a set. Readings are counted by one rule (`sources.as_label`): in the
case of the set's characters if these have one, without what is not among them, such as spaces and the dot of a plate.
`n_right_exact` counts readings of which nothing is dropped; `n_right_ascii` counts plates without their first, Chinese
character.

The packages are installed into FOLDER/NAME (build/base) if they are not there. Writes results/zero_shot.json, or FILE.
With all readers about 10 minutes on one thread.
"""
import json, os, statistics, subprocess, sys, tempfile
from pathlib import Path

import common
from captcha_fastai.counts import Share
from common import here, parser, provenance, start, write_result
from sources import as_label, ascii_only, in_case, n_right, parts, source

packages = dict(rapidocr=['rapidocr==3.10.0', 'onnxruntime'], ddddocr=['ddddocr==1.6.1'])
readers = [*packages, 'start']

def python_of(base, name, packages):
    "A Python of an environment of its own, which is made and filled if it does not exist"
    folder = Path(base)/name
    if not (folder/'bin'/'python').exists():
        subprocess.run([sys.executable, '-m', 'venv', folder], check=True)
        subprocess.run([folder/'bin'/'python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check',
                        *packages], check=True)
    return folder/'bin'/'python'

def readings(python, name, files, chars=None):
    "What the script of a reader prints about `files`"
    with tempfile.TemporaryDirectory() as tmp:
        note = Path(tmp)/'note.json'
        note.write_text(json.dumps(dict(files=[str(f) for f in files], chars=chars)), encoding='utf-8')
        done = subprocess.run([python, here/'readers'/f'{name}_read.py', note], stdout=subprocess.PIPE, text=True,
                              check=True, env={**os.environ, 'OMP_NUM_THREADS': '1'})
    return json.loads(done.stdout.splitlines()[-1])

def counted(run, labels, chars):
    "The figures of what a reader returned"
    right = n_right(run['texts'], labels, chars)
    low,high = Share(right, len(labels)).interval
    res = dict(n_right=right, captcha_accuracy=right/len(labels), captcha_accuracy_low=low, captcha_accuracy_high=high,
               median_ms=statistics.median(run['ms']), mean_ms=statistics.mean(run['ms']), errors=run['errors'],
               load_seconds=run['load_seconds'], model_bytes=run['model_bytes'])
    res['n_right_exact'] = sum(in_case(a, chars)==b for a,b in zip(run['texts'], labels))
    if not chars.isascii():
        res['n_right_ascii'] = sum(ascii_only(as_label(a, chars))==ascii_only(b) for a,b in zip(run['texts'], labels))
    return dict(res, texts=run['texts'])

def of_set(name, pythons):
    "All readers on the test part of a set"
    files,labels = zip(*source(name).test[:20 if common.trying else None])
    chars = source(name).chars
    res = {}
    for reader,python in pythons.items():
        for title,given in {reader:None, f'{reader}, characters given':chars}.items():
            res[title] = o = counted(readings(python, reader, files, given), labels, chars)
            failed = len(o['errors'])
            print(f"{name}: {title} {o['n_right']} of {len(labels)}, {o['median_ms']:.1f} ms, {failed} errors",
                  flush=True)
    return dict(n_test=len(labels), chars=chars, labels=labels, readers=res)

def main(args):
    "Measure; write"
    note = provenance('zero_shot.py', 'reading', args.sets)
    pythons = {o: python_of(args.base, o, packages[o]) if o in packages else sys.executable for o in args.readers}
    result = dict(threads_of_readers=1, sets={o: of_set(o, pythons) for o in args.sets})
    if not args.out: return write_result('zero_shot', note, **result)
    Path(args.out).write_text(json.dumps({**note, **result}, indent=1, ensure_ascii=False), encoding='utf-8')

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('--readers', nargs='+', choices=readers, default=readers)
    p.add_argument('--sets', nargs='+', choices=list(parts), default=list(parts))
    p.add_argument('--base', metavar='FOLDER', default=common.root/'build'/'base', help='of the environments')
    p.add_argument('--out', metavar='FILE', help='write there instead of to results')
    main(start(p.parse_args()))
