"What every benchmark shares: a note on the machine, and result files that are there whole or not at all."
import json, os, platform, subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

results = Path(__file__).parent/'results'

def cpu_name():
    try: return next(l.split(':')[1].strip() for l in Path('/proc/cpuinfo').read_text().splitlines() if l.startswith('model name'))
    except (OSError, StopIteration): return platform.processor()

def commit():
    "The commit that was measured, with a + where the working tree differs from it"
    run = lambda *a: subprocess.run(['git', *a], capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip()
    return run('rev-parse', '--short', 'HEAD') + ('+' if run('status', '--porcelain') else '')

def machine():
    "Where a result was measured: processor, threads, load at the start, versions, date"
    import torch
    return dict(cpu=cpu_name(), cores=os.cpu_count(), threads=torch.get_num_threads(), gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
                load_at_start=round(os.getloadavg()[0], 2), python=platform.python_version(), commit=commit(),
                versions={p: version(p) for p in ('torch','fastai','numpy','pillow')}, date=datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'))

def peak_mb():
    "The most memory that this process had, in MB of 2^20 bytes; not `ru_maxrss`, which begins with that of the process that started it"
    return int(next(l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('VmHWM')).split()[1])/1024

strong = dict(max_zoom=1.2, max_stretch=1.2, max_shear=.3, max_shift=(.04,.1), max_elastic=2., max_blur=.7, max_noise=.05) # for `FusedAugment`: all it can do

def fit(learn, epochs=None, factor=1.):
    "Fit `learn` as its recipe says, with the learning rate multiplied by `factor`, without printing"
    from captcha_fastai.learner import get_recipe
    r = get_recipe(learn.recipe)
    with learn.no_bar(),learn.no_logging(): learn.fit_one_cycle(epochs or r.epochs, factor*r.lr, **r.schedule)
    return learn

def seconds_to(rows, goal=.971):
    "Seconds up to the end of the first epoch whose captcha accuracy reaches `goal`; `None` where none does"
    return next((o['seconds'] for o in rows if o['captcha_accuracy']>=goal), None)

def save(name, result):
    "Write `result` to `results/name.json`"
    results.mkdir(exist_ok=True)
    tmp = results/f'.{name}.tmp'
    tmp.write_text(json.dumps(result, indent=1, ensure_ascii=False)+'\n', encoding='utf-8')
    tmp.replace(results/f'{name}.json')
