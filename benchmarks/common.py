"""What every benchmark shares: one way to train and to time, and result files that know what they depend on.

A script `NAME.py` has parts; `python benchmarks/NAME.py PART ...` writes `results/NAME_PART.json`, or
`results/NAME.json` where it has only one. With `--try` a script runs on a fraction of its data and writes
nothing.
"""
import argparse, ast, hashlib, json, os, platform, statistics, subprocess, sys, time
from datetime import datetime, timezone
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

here = Path(__file__).resolve().parent
root = here.parent
results = here/'results'
library = root/'captcha_fastai'
trying = 'BENCHMARKS_TRY' in os.environ # with --try, and in the processes that a script starts then

# Data. A digest is that of the names and the contents of all files.

url = 'https://github.com/AakashKumarNain/CaptchaCracker/raw/master/captcha_images_v2.zip'
digests = dict(captcha_images_v2='cf42806e2e18', simplecaptcha='cb6400d4d234', mathcaptcha='ea54fed2840b',
               display_digits='ec8a7365e18a', MNIST='2fdb6eb3eaae', water_meters='25528dceb5d5',
               cn_plates='530c69f53533', kcaptcha='7be62b77f838', five_digits='0cf7b02cb3f6')

def data_folder(name):
    "The folder of a data set; all but `captcha_images_v2` must have been put into fastai's archive folder"
    from fastai.data.external import fastai_path, untar_data
    if name=='captcha_images_v2': return untar_data(url)
    if name=='MNIST':
        from captcha_fastai.drawings import mnist_digits
        mnist_digits() # torchvision downloads it if necessary
        return Path(fastai_path('data'))/'MNIST'/'raw'
    archive = Path(fastai_path('archive'))/f'{name}.zip'
    if not archive.exists(): raise ValueError(f"{archive} does not exist; put the archive of {name} there")
    return untar_data(f'https://placed.invalid/{name}.zip') # not downloaded, because the archive exists

def digest(folder):
    "Twelve digits of a checksum over the names and the contents of all files in `folder` but archives"
    h = hashlib.sha256()
    for f in sorted(o for o in Path(folder).rglob('*') if o.is_file() and o.suffix!='.gz'):
        h.update(f'{f.relative_to(folder)}\0'.encode())
        h.update(hashlib.sha256(f.read_bytes()).digest())
    return h.hexdigest()[:12]

def check_data(names):
    "Digests of these data sets; one that differs from what the other results were measured on is an error"
    res = {o: digest(data_folder(o)) for o in names}
    for k,v in res.items():
        if digests.get(k, v)==v: continue
        raise ValueError(f"{data_folder(k)} has the digest {v}, not {digests[k]}: these are other images")
    return res

def captchas():
    "The 1040 captchas of the blog: pairs of file and label, sorted"
    from captcha_fastai.items import folder_items
    return sorted(folder_items(data_folder('captcha_images_v2')))

def in_folds(items, n=5, seed=42):
    "`n` pairs of lists: images to train on, images to test on"
    import numpy as np
    fold = np.random.default_rng(seed).permutation(len(items))%n
    return [([items[i] for i in np.flatnonzero(fold!=k)],
             [items[i] for i in np.flatnonzero(fold==k)]) for k in range(n)]

def some(n, at_least=64):
    "`n`; with --try a hundredth of it"
    return max(at_least, n//100) if trying else n

# What a result depends on

# a group is all modules that these import, directly or not
groups = dict(training=('learner','synth','drawings'), reading=('recogniser','export','learner'),
              decoding=('search',), page=('app','recogniser'), labelling=('labelling','label_round','learner'),
              checking=('wrong_labels','mistakes','learner'), # wrong labels
              others=()) # programs of others
# modules that do not determine what a training or a reading results in
measuring = ('advice','breakdown','decisions','diagnose','evaluate','labels','layouts','names','sheet','to_label')
not_followed = dict(training={'export','recogniser','folder','files','interpret','cli','output','cluster',
                              'distributed','svhn','app',*measuring},
                    labelling={'export','recogniser','folder','files','interpret','label_file',*measuring},
                    checking={'export','recogniser','folder','files','interpret','command','run',*measuring},
                    reading={'interpret','cli','output','cluster','distributed','svhn','app',*measuring}, decoding=set(),
                    page={'learner','data'}, others=set())

def imported(path):
    "The modules of the library that a module imports"
    res = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        name = getattr(node, 'module', None) or '' if isinstance(node, ast.ImportFrom) else ''
        name = name.removeprefix('captcha_fastai.')
        if (library/f'{name}.py').exists() and name: res.add(name)
        if name or not isinstance(node, ast.ImportFrom): continue
        res |= {o.name for o in node.names if (library/f'{o.name}.py').exists()} # from . import name
    return res

@lru_cache
def modules_of(group):
    "Sorted names of the modules that a group consists of"
    todo,found = list(groups[group]),set()
    while todo:
        name = todo.pop()
        if name in found or name in not_followed[group]: continue
        found.add(name)
        todo += imported(library/f'{name}.py')
    return sorted(found)

def is_docstring(node): return isinstance(node, ast.Expr) and isinstance(node.value,
    ast.Constant) and isinstance(node.value.value, str)

def plain_tree(node):
    "A syntax tree as text, without docstrings and without the wording of errors; the same in all versions of Python"
    if isinstance(node, list): return '[' + ','.join(plain_tree(o) for o in node if not is_docstring(o)) + ']'
    if not isinstance(node, ast.AST): return repr(node)
    if isinstance(node, ast.Raise): return f"Raise({getattr(getattr(node.exc, 'func', None), 'id', '')})"
    fields = [(k, plain_tree(v)) for k,v in ast.iter_fields(node) if v is not None and v!=[]]
    return f'{type(node).__name__}({",".join(f"{k}={v}" for k,v in fields)})'

@lru_cache
def code_of(path):
    "All definitions of a file, sorted; its imports and its list of names are left out"
    skip = (ast.Import, ast.ImportFrom)
    body = [o for o in ast.parse(path.read_text(encoding='utf-8')).body if not isinstance(o,
        skip) and not is_docstring(o)]
    return '\n'.join(sorted(o for o in map(plain_tree, body) if '__all__' not in o))

def fingerprint(script, group):
    "Twelve digits of a checksum over the code of a script, of this module, and of the modules of a group"
    paths = [here/script, Path(__file__).resolve(), *(library/f'{o}.py' for o in modules_of(group))]
    return hashlib.sha256('\0'.join(map(code_of, paths)).encode()).hexdigest()[:12]

def is_current(result):
    "Was `result` measured with the code and the data that the repository has now?"
    o = result.get('depends')
    if not o or not (here/o['script']).exists(): return False
    return o['code']==fingerprint(o['script'], o['group']) and all(digests.get(k)==v for k,v in o['data'].items())

# Where and when

def cpu_name():
    "What the system calls its processor"
    lines = Path('/proc/cpuinfo').read_text().splitlines() if Path('/proc/cpuinfo').exists() else []
    return next((o.split(':')[1].strip() for o in lines if o.startswith('model name')), platform.processor())

def git(*args): return subprocess.run(['git', *args], capture_output=True, text=True, cwd=root).stdout.strip()

def uncommitted():
    "Is there a change that is not committed? Results, notebooks and pictures do not count: a run writes them"
    return bool(git('status', '--porcelain', '--', '*.py', 'settings.ini', ':!.ci'))

def threads():
    "The number of threads that PyTorch uses; the cores where this process does not use it"
    torch = sys.modules.get('torch')
    return torch.get_num_threads() if torch else int(os.environ.get('OMP_NUM_THREADS', os.cpu_count()))

def gpu():
    torch = sys.modules.get('torch')
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None

def machine():
    "Where a result is measured: processor, threads, load at the start, versions, date"
    return dict(cpu=cpu_name(), cores=os.cpu_count(), threads=threads(), gpu=gpu(),
                load_at_start=round(os.getloadavg()[0], 2),
                python=platform.python_version(), commit=git('rev-parse', '--short', 'HEAD'), dirty=uncommitted(),
                versions={o: version(o) for o in ('torch','fastai','numpy','pillow','onnxruntime')},
                date=datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'))

def provenance(script, group, data=()):
    "What a result file records besides the result; to be called before anything is measured"
    depends = dict(script=script, group=group, modules=modules_of(group), code=fingerprint(script, group),
                   data=check_data(data))
    return dict(benchmark=Path(script).stem, depends=depends, machine=machine())

# Training and timing

def train(dls, recipe='fast', seed=42, fit=None, change=None, **kwargs):
    """Train as a notebook does; return the learner and its `Evaluation`.

    `fit` holds arguments of `fit_recipe`, `kwargs` go to `captcha_learner`; `change` is called with the learner.
    """
    from captcha_fastai.learner import captcha_learner
    from fastai.torch_core import set_seed
    fit = dict(fit or {})
    if trying and not fit.get('budget'): fit['epochs'] = 3 if fit.get('unlabelled') else 1
    set_seed(seed, reproducible=True)
    learn = captcha_learner(dls, recipe, **kwargs)
    if change: change(learn)
    with learn.no_bar(),learn.no_logging(): result = learn.fit_recipe(tell=lambda *_: None, **fit)
    return learn,result

def precision_of(learn):
    "The floats that the model was trained in"
    return 'bfloat16' if any(cb.name=='autocast' and cb.on for cb in learn.cbs) else 'float32'

def timed(f, *args):
    "Seconds, and what `f` returns"
    start = time.perf_counter()
    res = f(*args)
    return time.perf_counter()-start,res

def median(values): return statistics.median_low(values)

def peak_mb():
    "The most memory that this process had, in MB of 2^20 bytes (`ru_maxrss` would begin with that of the parent)"
    line = next(o for o in Path('/proc/self/status').read_text().splitlines() if o.startswith('VmHWM'))
    return int(line.split()[1])/1024

def alone(script, *args):
    "Run `script` with `args` in a process of its own; return the JSON that it prints last"
    done = subprocess.run([sys.executable, here/script, *map(str, args)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])

# Results

def figures(result):
    "An `Evaluation` as plain numbers, with the interval of the accuracy"
    low,high = result['captcha_accuracy'].interval
    values = {k: getattr(v, 'value', v) for k,v in result.items()}
    return dict(values, captcha_accuracy_low=low, captcha_accuracy_high=high)

def share(right, n):
    "Accuracy of `right` of `n` with its 95 % interval, under the names of `figures`"
    from captcha_fastai.counts import Share
    low,high = Share(right, n).interval
    return dict(n_valid=n, n_right=right, captcha_accuracy=right/n, captcha_accuracy_low=low,
                captcha_accuracy_high=high)

def seconds_to(rows, goal=.971):
    "Seconds up to the end of the first epoch whose captcha accuracy reaches `goal`, or `None`"
    return next((o['seconds'] for o in rows if o['captcha_accuracy']>=goal), None)

def write_result(name, note, **result):
    "Write `results/name.json`; with --try, only print"
    result = {**note, **result}
    shown = {k: v for k,v in result.items() if k not in ('benchmark','depends','machine','epochs','runs','history')}
    print(name, json.dumps(shown, ensure_ascii=False, default=str)[:2000], flush=True)
    if trying: return
    results.mkdir(exist_ok=True)
    tmp = results/f'.{name}.tmp'
    tmp.write_text(json.dumps(result, indent=1, ensure_ascii=False, default=float)+'\n', encoding='utf-8')
    tmp.replace(results/f'{name}.json')

def load_result(name):
    "The result file `name`, or `None` if the benchmark was not run"
    path = results/f'{name}.json'
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else None

def parser(doc):
    "A parser with the option that all scripts have"
    res = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    res.add_argument('--try', dest='trying', action='store_true',
                     help='run on a fraction of the data and write nothing')
    return res

def start(args):
    "Note what `parser` found; return `args`"
    global trying
    trying = trying or args.trying
    if trying: os.environ['BENCHMARKS_TRY'] = '1'
    return args

def run_parts(doc, parts, group, data=()):
    "Run the parts that are named at the command line, each of which returns its result, and write these"
    p = parser(doc)
    p.add_argument('parts', nargs='+', choices=list(parts))
    script = Path(sys.argv[0]).name
    for name in start(p.parse_args()).parts:
        note = provenance(script, group, data.get(name, ()) if isinstance(data, dict) else data)
        write_result(f'{Path(script).stem}_{name}', note, **parts[name]())
