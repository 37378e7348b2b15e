"""What the readers of files do with files whose structure was changed: results and `ValueError`s, and nothing else.

    python benchmarks/fuzz.py [N=1000] [--first 0] [--only STRUCTURE] [--keep FOLDER]

Changes `config.json`, `model.safetensors` and `model.onnx` of a recogniser with random weights (the checksums fit
afterwards), label files, the `labels.csv` of the labelling page, zips and SVHN's `digitStruct.mat`, see mutators.py,
and reads each as the commands do. Every process that reads is watched. A case fails if it raises anything but a plain
`ValueError`, takes more than 5 seconds of a processor, a gigabyte, or the process with it. Exit status 1 if one failed.
A seed repeats its case; `--keep` leaves the changed files. `make test` runs a thousand, robustness.py 20,000.
"""
import argparse, json, multiprocessing, random, re, shutil, sys, tempfile, time, traceback, warnings
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Callable, NamedTuple

from mutators import hdf5_mutated, json_mutated, json_text, onnx_mutated, safetensors_mutated, text_mutated, zip_made

most_seconds = 5 # of a processor, for a case
most_mb = 1024   # that a process may grow by
patience = 60    # seconds until a process is ended that does not answer

# originals

def write_recogniser(folder):
    "A recogniser of the recipe `fast`, small and with random weights"
    import torch
    from captcha_fastai.data import synth_dls
    from captcha_fastai.learner import captcha_learner
    from captcha_fastai.models import fast_model
    from captcha_fastai.recipe import recipes
    small = partial(fast_model, widths=(4,4,8,8), depths=(1,1,1), hidden=8)
    recipes['fast'] = replace(recipes['fast'], model=small, tuning={}) # `load_recogniser` finds it by this name
    torch.set_num_threads(1)
    torch.manual_seed(0)
    learn = captcha_learner(synth_dls(12, resize=None), 'fast')
    learn.thresholds = {'0.98': dict(probability=.9, proven=False, accuracy=.99, low=.95, high=1., n_right=99, n=100,
                                     answered=.5, suspects=0), '0.9': .5}
    learn.lengths = [4]
    learn.to_recogniser(folder, results=learn.evaluate())

def write_images(folder):
    "Twelve small images, named after their texts"
    from captcha_fastai.synth import captcha_image
    folder.mkdir()
    for i in range(1234, 1246): captcha_image(str(i), seed=i).resize((20,12)).save(folder/f'{i}.png')

def write_labels(folder):
    "The decisions of a person who labelled the images"
    from captcha_fastai.label_file import LabelLog
    log = LabelLog(folder)
    for i,o in enumerate(sorted(folder.glob('*.png'))): log.add(o.name, o.stem, is_valid=i%3==0, who='a, "b"')
    log.add(o.name, decision='unreadable')
    log.undo(o.name)
    log.path.write_text(re.sub(r'20[\dT:-]+Z', '2026-11-28T11:00:06Z', log.path.read_text())) # the same whenever

def write_svhn(folder, libver):
    "A folder of SVHN, in the layout of MATLAB or in the newest of HDF5"
    from captcha_fastai.svhn import write_digit_struct
    rows = [(o.name, [[int(c) or 10, 4*j, 1, 4, 9] for j,c in enumerate(o.stem)]) for o in sorted(folder.glob('*.png'))]
    write_digit_struct(folder/'digitStruct.mat', rows[:3]+[(rows[3][0], [[1,0,0,9,9]])], libver)

def write_originals(folder):
    "All files that are changed"
    write_recogniser(folder/'recogniser')
    write_images(folder/'images')
    for name in ('labels','earliest','latest'): shutil.copytree(folder/'images', folder/name)
    write_labels(folder/'labels')
    for name in ('earliest','latest'): write_svhn(folder/name, name)

# changes: each is called with a copy of the originals and a source of random numbers

def sign(fields):
    "Add the checksum that fits"
    from captcha_fastai.folder import config_sha256
    with suppress(ValueError, TypeError): fields['sha256'] = config_sha256(fields) # NaN has none
    return fields

def change_config(d, rng):
    path = d/'recogniser/config.json'
    fields = json_mutated(json.loads(path.read_text()), rng)
    path.write_bytes(json_text(sign(fields) if rng.random()<.9 else fields, rng))

def change_model(name, change, d, rng):
    "Change a model, and write size and checksum into the configuration"
    from captcha_fastai.folder import write_config
    folder = d/'recogniser'
    (folder/name).write_bytes(change((folder/name).read_bytes(), rng))
    fields = json.loads((folder/'config.json').read_text())
    write_config(folder, fields, fields['files'])

def table_rows(d): return [dict(file=o.name, label=o.stem, part=o.stem[-1]) for o in sorted((d/'images').glob('*.png'))]

def change_table(d, rng):
    rows = [list(o.values()) for o in table_rows(d)]
    suffix,sep = rng.choice([('.csv', ','), ('.csv', ','), ('.csv', ';'), ('.tsv', '\t'), ('.txt', ' ')])
    lines = [['file','label','part'], *rows] if sep!=' ' else [o[:2] for o in rows]
    (d/f'images/labels{suffix}').write_bytes(text_mutated('\n'.join(map(sep.join, lines)), rng))

def change_objects(d, rng):
    rows = table_rows(d)
    lines = '\n'.join(map(json.dumps, json_mutated(rows, rng) if rng.random()<.5 else rows))
    mapping = {o['file']: o['label'] for o in rows}
    suffix,data = rng.choice([('.jsonl', text_mutated(lines, rng)), ('.json', json_text(json_mutated(rows, rng), rng)),
                              ('.json', json_text(json_mutated(mapping, rng), rng))])
    (d/f'images/labels{suffix}').write_bytes(data)

def change_labels(d, rng):
    path = d/'labels/labels.csv'
    path.write_bytes(text_mutated(path.read_text(), rng))

def change_zip(d, rng):
    files = {o.name: o.read_bytes() for o in sorted((d/'images').glob('*.png'))[:4]}
    (d/'images.zip').write_bytes(zip_made(files, rng))

def change_svhn(d, rng):
    (d/rng.choice(['earliest','latest'])).rename(d/'svhn')
    hdf5_mutated(d/'svhn/digitStruct.mat', rng)

# readers: each is called with the copy

def check(reading):
    "Is this what a page can show?"
    from captcha_fastai.page import as_answer
    json.dumps(as_answer(reading, 'image'), allow_nan=False)
    assert 0<=reading.probability<=1, reading

def load(d):
    from captcha_fastai.recogniser import Recogniser
    return Recogniser.load(d/'recogniser')

def read_portable(d):
    "As captcha_predict and captcha_app"
    from captcha_fastai.reading import find_threshold, usual_threshold
    rec = load(d)
    check(rec.read(d/'images/1234.png', top_k=3))
    usual_threshold(rec.thresholds)
    str(find_threshold(rec.thresholds, .98))
    repr(rec)

def read_learner(d):
    "As captcha_export"
    from captcha_fastai.learner import load_recogniser
    check(load_recogniser(d/'recogniser').predict(d/'images/1234.png'))

def read_start(d):
    "As a fit that begins with the weights in a folder"
    from captcha_fastai.recipe import recipes
    from captcha_fastai.start import carry_over
    from captcha_fastai.vocab import Vocab
    carry_over(recipes['fast'].model(4, 4, (32,80), 1), Vocab('12é'), d/'recogniser')

def read_web(d):
    "As captcha_export --web, up to the page"
    from captcha_fastai.web import _checked_model
    from captcha_fastai.models import width_strides
    from captcha_fastai.web_model import model_bytes, network
    rec,arrays = _checked_model(d/'recogniser')
    model_bytes(rec, *network(arrays, width_strides(rec.prep.shape[1], rec.config['n_pos'])), 8)

def labels_of(d): return next((d/'images').glob('labels.*'))

def read_table(d):
    "As captcha_train FILE"
    from captcha_fastai.labels import read_labels
    read_labels(labels_of(d))

def read_folder(d):
    "As captcha_train FOLDER --group label"
    from captcha_fastai.labels import read_labels
    read_labels(d/'images', group='label')

def read_csv(d):
    "As `CaptchaDataLoaders.from_csv`"
    from captcha_fastai.items import csv_items
    csv_items(labels_of(d))

def read_decisions(d):
    "As captcha_label"
    from captcha_fastai.label_file import LabelLog
    log = LabelLog(d/'labels')
    log.add('1234.png', '77')
    log.refresh()
    log.undo('1235.png')
    log.close()
    assert LabelLog(d/'labels').decisions['1234.png'].label=='77', 'the label is lost'

def read_decided(d):
    "As captcha_train, of the labelling page's file"
    from captcha_fastai.labels import read_labels
    read_labels(d/'labels')

loaded = [] # the recogniser of read_zip, which is never changed

def read_zip(d):
    "As captcha_app"
    from captcha_fastai.app import read_many
    if not loaded: loaded.append(load(d))
    answers = read_many(loaded[0], [('a.zip', (d/'images.zip').read_bytes())])
    json.dumps(answers, allow_nan=False)

def read_svhn(d):
    "As `CaptchaDataLoaders.from_svhn`"
    from captcha_fastai.svhn import svhn_items
    items = svhn_items(d/'svhn', skip_missing=True)
    assert all(0<=n<=20 for o in items for n in o.box), items

class Structure(NamedTuple):
    "A kind of file"
    folders: str      # of the originals that a case needs
    change: Callable  # is called with a copy of them, and with random numbers
    readers: tuple    # one of them is called with the copy

_readers = (read_portable, read_learner, read_start, read_web)
structures = {
    'config.json': Structure('recogniser images', change_config, _readers),
    'safetensors': Structure('recogniser images', partial(change_model, 'model.safetensors', safetensors_mutated),
                             _readers[1:]),
    'ONNX': Structure('recogniser images', partial(change_model, 'model.onnx', onnx_mutated), (read_portable,)),
    'CSV': Structure('images', change_table, (read_table, read_folder, read_csv)),
    'JSON labels': Structure('images', change_objects, (read_table, read_folder)),
    'labels.csv': Structure('labels', change_labels, (read_decisions, read_decided)),
    'zip': Structure('recogniser images', change_zip, (read_zip,)),
    'HDF5': Structure('earliest latest', change_svhn, (read_svhn,))}

# one case

class Case(NamedTuple):
    "What became of a case"
    structure: str
    seed: int
    outcome: str    # 'read', 'refused' or 'failed'
    why: str        # the error
    seconds: float  # of a processor
    mb: float       # by which its process has grown, with all cases before

def make(originals, name, seed, d):
    "Write the changed files of a case into the folder `d`; returns its reader"
    s = structures[name]
    rng = random.Random(f'{name} {seed}')
    for o in s.folders.split(): shutil.copytree(originals/o, d/o)
    s.change(d, rng)
    return rng.choice(s.readers)

def outcome(reader, d):
    "What a reader does with a changed copy"
    try: reader(d)
    except MemoryError as e: return 'failed',repr(e)
    except Exception as e:
        if type(e) is ValueError: return 'refused',str(e).replace(str(d), '')
        at = traceback.extract_tb(e.__traceback__)[-1]
        return 'failed',f'{reader.__name__}: {e!r:.200} in {at.filename.split("/")[-1]}, line {at.lineno}'
    return 'read',''

def memory_mb(pid, field):
    "What a process has (`VmRSS`), or had at most (`VmHWM`); 0 where the system does not say"
    with suppress(OSError):
        line = next((o for o in Path(f'/proc/{pid}/status').read_text().splitlines() if o.startswith(field)), '0 0')
        return int(line.split()[1])/1024
    return 0

def work(conn, originals, name, seeds):
    "The process that reads: send a `Case` for each seed"
    warnings.simplefilter('ignore')
    base = memory_mb('self', 'VmHWM')
    for seed in seeds:
        with tempfile.TemporaryDirectory() as tmp:
            reader = make(originals, name, seed, Path(tmp))
            begin = time.process_time()
            found,why = outcome(reader, Path(tmp))
            seconds = time.process_time()-begin
        mb = memory_mb('self', 'VmHWM')-base
        if mb>most_mb: found,why = 'failed',f'{reader.__name__}: {mb:.0f} MB, with all cases before'
        if seconds>most_seconds: found,why = 'failed',f'{reader.__name__}: {seconds:.1f} seconds'
        conn.send(Case(name, seed, found, why, seconds, mb))

# many cases

def next_case(conn, process, base):
    "What the process sends, or why it was ended"
    begin = time.monotonic()
    while time.monotonic()-begin<patience:
        try:
            if conn.poll(.05): return conn.recv()
        except EOFError:
            process.join()
            return f'the process ended with {process.exitcode}'
        if memory_mb(process.pid, 'VmRSS')-base>most_mb: return f'more than {most_mb} MB'
    return f'no end in {patience} seconds'

def cases(originals, name, seeds):
    "A `Case` for each seed, in processes that end with a case that fails badly"
    context = multiprocessing.get_context('fork') # the modules are loaded already
    seeds = list(seeds)
    while seeds:
        ours,theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(theirs, originals, name, seeds))
        process.start()
        theirs.close()
        base = memory_mb(process.pid, 'VmRSS')
        ended = False
        while seeds and not ended:
            found = next_case(ours, process, base)
            ended = isinstance(found, str)
            seed = seeds.pop(0)
            yield Case(name, seed, 'failed', found, 0, 0) if ended else found
        process.kill()
        process.join()

def summary(found):
    "Counts, the slowest and the growth of each structure"
    res = {}
    for name in structures:
        those = [o for o in found if o.structure==name]
        if not those: continue
        counts = Counter(o.outcome for o in those)
        res[name] = dict({k: counts[k] for k in ('read','refused','failed')},
                         slowest_seconds=max(o.seconds for o in those), grown_mb=max(o.mb for o in those))
    return res

def fuzz(n, first=0, only=None, tell=lambda case: None):
    "All `n` cases, an equal number of each structure"
    names = [only] if only else list(structures)
    found = []
    for o in ('app','items','label_file','labels','page','svhn','web'): import_module(f'captcha_fastai.{o}')
    with tempfile.TemporaryDirectory() as tmp:
        write_originals(Path(tmp))
        for i,name in enumerate(names):
            for o in cases(Path(tmp), name, range(first, first+(n+i)//len(names))):
                found.append(o)
                if o.outcome=='failed': tell(o)
    return found

def keep(name, seed, folder):
    "Write the files of a case, and read them where errors have a traceback"
    with tempfile.TemporaryDirectory() as tmp:
        write_originals(Path(tmp))
        reader = make(Path(tmp), name, seed, folder)
    print(f'{reader.__name__} reads {folder}', flush=True)
    reader(folder)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('n', nargs='?', type=int, default=1000)
    p.add_argument('--first', type=int, default=0, help='the first seed')
    p.add_argument('--only', choices=list(structures))
    p.add_argument('--keep', type=Path, help='write the files of the first seed of --only here, and read them')
    args = p.parse_args()
    if args.keep: return keep(args.only, args.first, args.keep)
    def tell(o): print(f"{o.structure}, seed {o.seed}: {o.why}; to repeat it: python benchmarks/fuzz.py "
                       f"--only '{o.structure}' --first {o.seed} --keep FOLDER", flush=True)
    found = fuzz(args.n, args.first, args.only, tell)
    for k,v in summary(found).items(): print(f'{k:12}', ', '.join(f'{a} {round(b, 1)}' for a,b in v.items()))
    sys.exit(any(o.outcome=='failed' for o in found))

if __name__=='__main__': main()
