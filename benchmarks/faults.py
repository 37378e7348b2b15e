"""Killed, on a full disk, and two at once: what is then on the disk, and does the same command get on with it?

    python benchmarks/faults.py predict export label train

Each command works on generated images, with a network that is fitted in a second. It is killed at 50 moments with
SIGKILL and at 50 with SIGTERM: half of them are drawn evenly from the time that it takes, half are the moments just
before it changes the disk (opens a file to write, renames, removes), which time alone would rarely hit. It runs on
disks (tmpfs; without the right to mount one, with a limit on the size of files) that are full after a part of what
it writes, and twice at once. After each, the earlier result or the new one has to be there whole, and the command
that a person would type next has to end with the result of a run that was left alone.

The processes are forked from one that has imported all libraries, which saves 5 seconds each; 50 more
`captcha_predict` begin afresh, so that a signal also arrives while they import. A folder that SIGKILL leaves is
removed by the next run when it is a minute old; here it is made older. What SIGKILL leaves in /tmp is not counted.
Writes results/faults_COMMAND.json. About 25 minutes on one core.
"""
import os, random, shutil, signal, subprocess, sys, tempfile, time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import common
from captcha_fastai.synth import synth_folder
from common import run_parts, some
from fault_cases import (Export, Label, Moment, Predict, Run, Train, begin, fork, import_all, one_sentence,
                         unclear)

names = {'lost': 'lost', 'mixed': 'mixed', 'left': 'left behind', 'unclear': 'unclear messages'}

# Faults

class Tally:
    "How many tries of a fault there were, and what went wrong"
    def __init__(self, case, fault):
        self.case,self.fault = case,fault
        self.n = 0
        self.counts = Counter()
        self.examples = []
    def add(self, problems, **when):
        "Count a try; a kind of problem counts once"
        self.n += 1
        self.counts.update({kind for kind,_ in problems})
        for kind,text in problems:
            print(f'{self.case.name}, {self.fault}, {when}: {names[kind]}: {text}', flush=True)
            if len(self.examples)<10: self.examples.append(dict(kind=names[kind], text=text[:300], **when))
    def more(self, problems):
        "Problems of all tries together"
        self.n -= 1
        self.add(problems)
    def row(self, **more):
        counts = {v: self.counts[k] for k,v in names.items()}
        res = dict(fault=self.fault, tries=self.n, **counts, **more)
        print(self.case.name, res, flush=True)
        return dict(res, examples=self.examples)

def moments(case, sig, n, rng):
    "Half evenly over the time, half before a change of the disk"
    by_time = [Moment(sig, seconds=rng.uniform(0, case.seconds)) for _ in range(n-n//2)]
    return by_time+[Moment(sig, change=rng.randint(1, case.n_changes)) for _ in range(n//2)]

def killed(case, sig, n):
    "`n` runs that a signal ends"
    tally = Tally(case, f'SIG{signal.Signals(sig).name[3:]}')
    rng = random.Random(sig)
    ended = 0
    runs = [] # what SIGKILL leaves ends by itself in seconds
    cwd = case.tmp/'try'
    for moment in moments(case, sig, n, rng):
        case.fresh(cwd)
        run = case.run(cwd, moment)
        ended += case.was_cut(run)
        problems = case.damage(cwd)
        if sig==signal.SIGKILL: runs.append(run)
        else: problems += [*unclear(run, (0, *case.ok)), *case.left(cwd, False), *in_temp(cwd), *case.survivors(run)]
        problems += case.next_run(cwd)
        tally.add(problems, seconds=moment.seconds, change=moment.change, status=run.status)
    tally.more(case.survivors(*runs, seconds=10))
    return tally.row(ended_by_it=ended)

def in_temp(cwd):
    "What is left in the folder of temporary files"
    found = sorted(o.name for o in (cwd/'temp').iterdir() if o.name!='.ses') # ONNX Runtime writes this one for itself
    return [('left', f'temp/{", ".join(found[:3])}')] if found else []

def started_afresh(case, n):
    "The same for processes that import their libraries when the signal comes"
    tally = Tally(case, 'SIGTERM, started afresh')
    rng = random.Random(0)
    cwd = case.tmp/'try'
    start = time.perf_counter()
    fresh_process(case, cwd).wait()
    seconds = time.perf_counter()-start
    ended = 0
    for _ in range(n):
        moment = rng.uniform(0, seconds)
        p = fresh_process(case, cwd)
        time.sleep(moment)
        p.send_signal(signal.SIGTERM)
        p.wait()
        ended += p.returncode!=0
        run = Run(p.pid, case.tmp/'log', status=p.returncode)
        problems = [*case.damage(cwd), *case.left(cwd, False), *in_temp(cwd), *unclear(run, (0, *case.ok))]
        tally.add([*problems, *case.next_run(cwd)], seconds=moment, status=p.returncode)
    return tally.row(ended_by_it=ended)

def fresh_process(case, cwd):
    "Start `captcha_predict` as the shell does"
    case.fresh(cwd)
    code = 'from captcha_fastai.cli import captcha_predict; captcha_predict.main()'
    env = dict(os.environ, PYTHONPATH=str(common.root), TMPDIR=str(cwd/'temp'))
    with (case.tmp/'log'/'out').open('w') as out,(case.tmp/'log'/'err').open('w') as err:
        return subprocess.Popen([sys.executable, '-c', code, *case.line], cwd=cwd, stdout=out, stderr=err, env=env)

@contextmanager
def disk_of(n_bytes, place):
    "A disk at `place`; its value makes it larger, or is `None` if none may be mounted"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    def mount(options):
        line = ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', place]
        return subprocess.run(line, capture_output=True).returncode
    if os.geteuid() or mount(f'size={n_bytes}'): yield None
    else:
        try: yield lambda more: mount(f'remount,size={more}')
        finally: subprocess.run(['umount', '-l', place], check=True)
    shutil.rmtree(place)

def used(place): return sum(o.lstat().st_size+4095 & ~4095 for o in place.rglob('*'))

def needed(case):
    "Bytes that the disk must hold, at most, and at the start"
    cwd = case.tmp/'try'
    with disk_of(2**28, cwd) as grow:
        case.fresh(cwd)
        first = shutil.disk_usage(cwd).used if grow else used(cwd)
        run = case.begin(cwd)
        most = [first]
        note = fork(lambda: watch_disk(cwd, run.pid, case.tmp/'most')) if grow else 0
        case.meanwhile(run, cwd)
        run.end()
        if note: os.waitpid(note, 0)
        if note: most.append(int((case.tmp/'most').read_text()))
    return first,max(most)

def watch_disk(place, pid, note):
    "Write the most that was used at `place` until a process has ended"
    most = 0
    while Path(f'/proc/{pid}').exists() and Path(f'/proc/{pid}/stat').read_text().split()[2]!='Z':
        most = max(most, shutil.disk_usage(place).used)
        time.sleep(.001)
    note.write_text(str(most))
    return 0

def full(case, n):
    "`n` runs on a disk that is full after a part of what it has to hold"
    largest = max([o.stat().st_size for o in (case.tmp/'try').rglob('*') if o.is_file()])
    first,most = needed(case)
    by_size = most==first # no disk may be mounted
    tally = Tally(case, 'full disk')
    rng = random.Random(1)
    cwd = case.tmp/'try'
    failed = 0
    for _ in range(n):
        room = rng.randrange(largest) if by_size else rng.randrange(0, most-first, 4096)
        with disk_of(2**28 if by_size else first+room, cwd) as grow:
            case.fresh(cwd)
            run = case.run(cwd, max_file=room if by_size else None)
            failed += case.was_refused(run)
            problems = [*case.told(run), *case.damage(cwd), *case.left(cwd, False), *in_temp(cwd)]
            if grow: grow(2**28)
            problems += case.next_run(cwd)
            tally.add(problems, room=room, status=run.status)
    return tally.row(refused=failed, with_a_disk_of_its_own=not by_size)

def twice(case, n):
    "Two processes at once, `n` times: the second one begins while the first one runs"
    tally = Tally(case, 'two at once')
    rng = random.Random(2)
    cwd = case.tmp/'try'
    n_refused = 0
    for _ in range(n):
        case.fresh(cwd)
        a = case.begin(cwd, log='a')
        time.sleep(rng.uniform(0, case.seconds*.7))
        b = case.begin(cwd, log='b', argv=case.other)
        case.both(a, b, cwd)
        problems = []
        for run in (a, b):
            run.end()
            n_refused += run.status==2
            problems += unclear(run, (0, 2))
            if run.status==2: problems += one_sentence(run)
        if a.status and b.status: problems.append(('lost', 'neither ends with a result'))
        problems += [*case.of_one(cwd), *case.left(cwd, True), *in_temp(cwd)]
        tally.add(problems, statuses=[a.status, b.status])
    return tally.row(refused=n_refused)

# Data, and the parts of the result

def base_of(tmp, mains, name):
    "Make what the tries of a command begin with"
    base = tmp/'base'
    (tmp/'models'/'temp').mkdir(parents=True)
    data = synth_folder(tmp/'models'/'data', 60, seed=0, lengths=[2], size=(24,48))
    if name=='predict': synth_folder(base/'many', 200, seed=1, lengths=[3], size=(24,48))
    else: shutil.copytree(data, base/('images' if name=='label' else 'data'))
    def train(*args):
        argv = ['data', *Train.line[3:-3], *args]
        run = begin(mains['train'], argv, tmp/'models', tmp/'log').end()
        if run.status: raise RuntimeError(run.err)
    def put(model, into, *args):
        train('--out', model, '--seed', *args)
        shutil.copytree(tmp/'models'/model, base/into)
    if name=='train': put('zero', 'run', '0')
    if name in ('predict','export'): put('one', 'one', '1')
    if name=='export':
        put('two', 'two', '2')
        put('zero', 'shipped', '0')
    if name in ('train','export'): (base/('run' if name=='train' else 'shipped')/'notes.txt').write_text('mine')
    if name=='predict':
        (base/'earlier').mkdir()
        (base/'earlier'/'out.tsv').write_text('a.png\t1\t0.9000\t1\n')
    if name=='label':
        rows = [(o.name, o.stem) for o in sorted((base/'images').iterdir())[:5]]
        (base/'images'/'labels.csv').write_text('file,label\n'+''.join(f'{k},{v}\n' for k,v in rows))

def part(name, kind):
    "All faults of a command"
    mains = import_all()
    with tempfile.TemporaryDirectory() as tmp:
        case = kind(mains[name], Path(tmp), name)
        base_of(Path(tmp), mains, name)
        case.learn_whole()
        print(f'{name}: {case.seconds:.2f} s, {case.n_changes} changes of the disk', flush=True)
        n = some(50, 4)
        rows = [killed(case, o, n) for o in (signal.SIGKILL, signal.SIGTERM)]
        if name=='predict': rows.append(started_afresh(case, n))
        rows.append(full(case, some(10, 3)))
        rows.append(twice(case, some(5, 2)))
    return dict(seconds=case.seconds, n_changes=case.n_changes, rows=rows)

parts = {k: partial(part, k, kind) for k,kind in dict(predict=Predict, export=Export, label=Label, train=Train).items()}

if __name__=='__main__':
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    run_parts(__doc__, parts, 'reading')
