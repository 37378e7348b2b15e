"""Killed, on a full disk, and two at once: what is then on the disk, and does the same command get on with it?

    python benchmarks/faults.py predict export label train

Each command works on generated images, with a network that is fitted in a second. It is killed at 50 moments with
SIGKILL and at 50 with SIGTERM: half of them are drawn evenly from the time that it takes, half are the moments just
before it changes the disk (opens a file to write, renames, removes), which time alone would rarely hit. It runs on
disks (tmpfs; without the right to mount one, with a limit on the size of files) that are full after a part of what
it writes, and twice at once. After each, the earlier result or the new one has to be there whole, and the command
that a person would type next has to end with the result of a run that was left alone.

The processes are forked from one that has imported all libraries, which saves 5 seconds each; 50 more
`captcha_predict` begin afresh, so that a signal also arrives while they import. A folder that SIGKILL leaves is removed by
the next run when it is a minute old; here it is made older. What SIGKILL leaves in /tmp is not counted.
Writes results/faults_COMMAND.json. About 25 minutes on one core.
"""
import csv, http.client, json, os, random, re, shutil, signal, subprocess, sys, tempfile, time, traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import common
from captcha_fastai.files import sha256
from captcha_fastai.synth import synth_folder
from common import run_parts, some

size = '24x48'
names = {'lost': 'lost', 'mixed': 'mixed', 'left': 'left behind', 'unclear': 'unclear messages'}

def import_all():
    "Import what the commands import, and let PyTorch fill its tables; no thread of ours is started"
    import matplotlib.pyplot, onnx, onnxruntime, starlette.applications, uvicorn # noqa
    from captcha_fastai import cli, export, label_app, models, recipe, recogniser # noqa
    mlp = partial(models.mlp_model, widths=(32,))
    recipe.recipes['tiny'] = replace(recipe.recipes['mlp'], name='tiny', model=mlp, min_images=0)
    from captcha_fastai.learner import captcha_learner
    from captcha_fastai.data import synth_dls
    learn = captcha_learner(synth_dls(n=32, size=(24,48), lengths=[2]), 'tiny')
    with tempfile.TemporaryDirectory() as tmp: export.write_onnx(learn, Path(tmp)/'model.onnx')
    return dict(train=cli.captcha_train.main, predict=cli.captcha_predict.main, export=cli.captcha_export.main,
                label=label_app.captcha_label.main)

# Processes

changes = 'os.mkdir','os.rename','os.remove','os.rmdir','os.truncate','os.chmod'

def is_change(event, args):
    "Will the disk be changed?"
    if event in changes: return True
    return event=='open' and isinstance(args[2], int) and args[2] & (os.O_WRONLY|os.O_RDWR) and args[0]!=os.devnull

def end_before(number, sig, note):
    "Send `sig` to this process before its change `number` of the disk; without a number, write their count to `note`"
    n = 0
    def hook(event, args):
        nonlocal n
        if note is None or not is_change(event, args): return
        n += 1
        if n==number: os.kill(os.getpid(), sig)
    sys.addaudithook(hook)
    def count():
        nonlocal note
        path,note = note,None
        path.write_text(str(n))
    return count

@dataclass
class Moment:
    "When a signal arrives"
    sig: int = 0
    seconds: float = None # after the start; or
    change: int = None    # the number of a change of the disk

@dataclass
class Run:
    "A process of a command"
    pid: int
    log: Path
    killer: int = 0
    status: int = None
    n_changes: int = 0
    def is_over(self):
        "Has it ended? Its number stays taken until `end`"
        if self.status is not None: return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED|os.WNOWAIT|os.WNOHANG) is not None
    def send(self, sig):
        if not self.is_over(): os.kill(self.pid, sig)
    def end(self, limit=120):
        "Wait for the end"
        until = time.monotonic()+limit
        while not self.is_over() and time.monotonic()<until: time.sleep(.002)
        late = not self.is_over()
        if late: os.kill(self.pid, signal.SIGKILL)
        if self.killer:
            os.kill(self.killer, signal.SIGKILL)
            os.waitpid(self.killer, 0)
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if late: self.status = f'{self.status}, killed after {limit} s'
        note = self.log/'changes'
        if note.exists(): self.n_changes = int(note.read_text())
        return self
    @property
    def out(self): return (self.log/'out').read_text(errors='replace')
    @property
    def err(self): return (self.log/'err').read_text(errors='replace')
    def others(self):
        "Processes that it began and that are still there"
        res = []
        for o in Path('/proc').glob('[0-9]*/stat'):
            try: fields = o.read_text().rpartition(')')[2].split()
            except OSError: continue
            if int(fields[3])==self.pid and fields[0]!='Z': res.append(o.parent.name)
        return res

def fork(f):
    "Number of a child that calls `f` and ends with its status"
    sys.stdout.flush()
    pid = os.fork()
    if pid: return pid
    status = 1
    try: status = f()
    except SystemExit as e: status = e.code or 0
    except BaseException: traceback.print_exc()
    finally:
        for o in (sys.stdout, sys.stderr):
            try: o.flush()
            except (OSError, ValueError): pass
        os._exit(status if isinstance(status, int) else 1)

def begin(main, argv, cwd, log, moment=Moment(), max_file=None):
    "Start a command as a process of its own session; its temporary files go to CWD/temp"
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir(parents=True)
    for o in ('out','err'): (log/o).touch()
    def child():
        os.setsid()
        os.chdir(cwd)
        for n,name in ((1,'out'),(2,'err')): os.dup2(os.open(log/name, os.O_WRONLY|os.O_CREAT|os.O_TRUNC), n)
        sys.stdin = open(os.devnull)
        sys.stdout,sys.stderr = (open(n, 'w', buffering=1, errors='surrogateescape', closefd=False) for n in (1,2))
        tempfile.tempdir = os.environ['TMPDIR'] = str(Path(cwd)/'temp')
        if max_file is not None: limit_files(max_file)
        count = end_before(moment.change, moment.sig, log/'changes')
        try: main(argv)
        finally: count()
        return 0
    run = Run(fork(child), log)
    def kill():
        time.sleep(moment.seconds)
        os.kill(run.pid, moment.sig)
    if moment.seconds is not None: run.killer = fork(kill)
    return run

def limit_files(n_bytes):
    "No file may become larger"
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

# Folders

def contents(folder):
    "Name → checksum of each file"
    return {str(o.relative_to(folder)): sha256(o) for o in sorted(Path(folder).rglob('*')) if o.is_file()}

def make_older(folder):
    "As if two minutes had gone by since a process was killed"
    for o in folder.rglob('.captcha_fastai-new-*'): os.utime(o, (time.time()-120,)*2)

def link_images(a, b):
    "Images are only read, so a second name will do"
    try: os.link(a, b) if a.endswith('.png') else shutil.copy(a, b)
    except OSError: shutil.copy(a, b)

@contextmanager
def disk_of(n_bytes, place):
    "A disk at `place`; its value makes it larger, or is `None` if none may be mounted"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    def mount(*options): return subprocess.run(['mount', '-t', 'tmpfs', '-o', *options, 'tmpfs', place], capture_output=True).returncode
    if os.geteuid() or mount(f'size={n_bytes}'): yield None
    else:
        try: yield lambda more: mount(f'remount,size={more}')
        finally: subprocess.run(['umount', '-l', place], check=True)
    shutil.rmtree(place)

# Commands

@dataclass
class Case:
    "A command, and how to judge what it leaves"
    main: object
    tmp: Path          # with `base`, what each try begins with
    name: str = ''
    stable: set = field(default_factory=set) # files that do not differ between two runs
    whole: dict = field(default_factory=dict)
    seconds: float = 0.
    n_changes: int = 0
    ok = 0,143,-signal.SIGTERM # statuses after SIGTERM
    kept = ()                  # patterns of files that are kept for resuming

    def fresh(self, cwd):
        "The state before each try"
        if not os.path.ismount(cwd): shutil.rmtree(cwd, ignore_errors=True)
        shutil.copytree(self.tmp/'base', cwd, dirs_exist_ok=True, copy_function=link_images)
        (cwd/'temp').mkdir()
    def argv(self, cwd): return self.line
    def begin(self, cwd, moment=Moment(), log='log', argv=None, **kwargs):
        return begin(self.main, argv or self.argv(cwd), cwd, self.tmp/log, moment, **kwargs)
    def meanwhile(self, run, cwd): "What a client does"
    def run(self, cwd, moment=Moment(), **kwargs):
        run = self.begin(cwd, moment, **kwargs)
        self.meanwhile(run, cwd)
        return run.end()

    def result(self, cwd): return contents(cwd/self.out)
    def alone(self, argv=None):
        "The result of a run that is left alone"
        cwd = self.tmp/'try'
        self.fresh(cwd)
        start = time.perf_counter()
        run = self.run(cwd, argv=argv)
        self.seconds = time.perf_counter()-start
        self.n_changes = run.n_changes
        if run.status: raise RuntimeError(f'{self.name} ended with {run.status}: {run.err}')
        return self.result(cwd)
    def learn_whole(self):
        "What runs result in that are left alone, how long they take, and how often they change the disk"
        self.before = contents(self.tmp/'base')
        self.second = self.alone(self.other)
        self.whole = self.alone()
        self.find_stable(self.alone())
        self.after = set(contents(self.tmp/'try'))
    def find_stable(self, again):
        "Which files have the same content in all runs; weights, graph and configuration have to"
        self.stable = {k for k,v in self.whole.items() if v==again.get(k)}
        lacking = {'model.safetensors','model.onnx'}-self.stable
        if lacking: raise RuntimeError(f'{self.name}: two runs write different {lacking}')
    def is_new(self, found, whole=None):
        whole = whole or self.whole
        return set(found)==set(whole) and all(found[k]==whole[k] for k in self.stable)
    def old(self): return {k.removeprefix(f'{self.out}/'): v for k,v in self.before.items() if k.startswith(f'{self.out}/')}
    def damage(self, cwd):
        "What is wrong with the result after a fault, as pairs of kind and words"
        found = {k: v for k,v in self.result(cwd).items() if not k.startswith('.captcha_fastai-old-')}
        if found==self.old() or self.is_new(found): return []
        return [('mixed', f'{self.out} is neither the old nor the new one')]
    def unfinished(self, cwd):
        "What is wrong with a result that should be complete"
        return [] if self.is_new(self.result(cwd)) else [('lost', f'{self.out} is not that of a run that was left alone')]
    def left(self, cwd, over):
        "Files that should not be there; those kept for resuming may be, unless the run is `over`"
        known = set(self.before)|self.after|{'temp'}
        folders = {str(o) for k in known for o in Path(k).parents}
        there = sorted(str(o.relative_to(cwd)) for o in cwd.rglob('*'))
        more = [o for o in there if o not in known|folders and not o.startswith('temp/')]
        if not over: more = [o for o in more if not any(re.fullmatch(p, o) for p in self.kept)]
        return [('left', ', '.join(more[:4]))] if more else []
    def of_one(self, cwd):
        "Is the result that of one of two runs?"
        found = self.result(cwd)
        return [] if self.is_new(found) or self.is_new(found, self.second) else [('mixed', f'{self.out} is that of neither run')]
    def both(self, a, b, cwd): "What a client does with two"
    def was_refused(self, run): return run.status!=0
    def was_cut(self, run): return run.status!=0
    def told(self, run):
        "Does it say what could not be written?"
        if run.status==0: return []
        return [*unclear(run, (2,)), *one_sentence(run, 'cannot be written', 'free some space', self.out.split('/')[0])]
    def survivors(self, *runs, seconds=1):
        "Processes that are left after a while"
        until = time.monotonic()+seconds
        while (found := [o for run in runs for o in run.others()]) and time.monotonic()<until: time.sleep(.05)
        return [('left', f'process {o}') for o in found]
    def next_run(self, cwd):
        "Type what a person would type now; what is wrong with that"
        make_older(cwd)
        shutil.rmtree(cwd/'temp')
        (cwd/'temp').mkdir()
        run = self.run(cwd, log='next')
        if run.status: return [('lost', f'the next command ended with {run.status}: {run.err[-500:]}')]
        return [*self.unfinished(cwd), *self.left(cwd, True), *self.survivors(run)]

class Export(Case):
    out = 'shipped'
    line = ['one', 'shipped', '--force']
    other = ['two', 'shipped', '--force']

class Train(Case):
    out = 'run'
    line = ['data', '--out', 'run', '--recipe', 'tiny', '--epochs', '2', '--size', size, '--seed', '1', '--force']
    other = [*line[:-2], '2', '--force']
    kept = 'run.part', 'run.part/(args.json|files.json|checkpoint.pt)'
    def argv(self, cwd): return ['--resume', 'run'] if (cwd/'run.part'/'args.json').exists() else self.line

class Predict(Case):
    out = 'out.tsv'
    line = other = ['one', 'many', '--bs', '4', '--out', 'out.tsv']
    kept = (r'out\.tsv\.[0-9a-f]{8}\.part',)
    def result(self, cwd): return dict(enumerate((cwd/self.out).read_text().splitlines(True)))
    def find_stable(self, again): self.stable = set(self.whole)
    def damage(self, cwd):
        if contents(cwd/'earlier')!=contents(self.tmp/'base'/'earlier'): return [('lost', 'an earlier file')]
        if (cwd/self.out).exists(): return self.unfinished(cwd)
        parts = [o.read_text() for o in cwd.glob('out.tsv.*.part')]
        return [('mixed', 'the part is not a beginning of the result') for o in parts if not ''.join(self.whole.values()).startswith(o)]
    def argv(self, cwd): return ['--help'] if (cwd/self.out).exists() else self.line # it is complete
    def old(self): return {}

class Label(Case):
    "The page receives labels one by one; when all are saved, it is ended as its user would"
    out = 'images/labels.csv'
    line = other = ['images', '--no_browser', '--who', 'me']
    kept = (r'images/\.captcha_label(/(lock|newest|readings)\.json|/log\.txt)?',)
    ok = 0,143,-signal.SIGTERM
    def fresh(self, cwd):
        self.acked = dict(self.earlier)
        self.refused = []
        super().fresh(cwd)
    def result(self, cwd):
        with open(cwd/self.out, encoding='utf-8', newline='') as f:
            return [(o['file'], o['label']) for o in csv.DictReader(f)]
    def learn_whole(self):
        self.texts = {o.name: o.stem for o in sorted((self.tmp/'base'/'images').glob('*.png'))}
        self.earlier = dict(self.result(self.tmp/'base'))
        super().learn_whole()
    def find_stable(self, again):
        if sorted(again)!=sorted(self.texts.items()): raise RuntimeError(f'label: labels are missing, {again}, {self.refused}')
    def meanwhile(self, run, cwd):
        if (port := self.port(run)) is None: return
        for file,text in self.texts.items():
            if file in self.acked: continue
            while True:
                try: status,answer = decide(port, file, text)
                except ConnectionRefusedError: # it does not listen yet, or any more
                    if run.is_over(): return
                    time.sleep(.005)
                except (OSError, http.client.HTTPException): return run.send(signal.SIGTERM)
                else: break
            if status==200: self.acked[file] = text
            else:
                self.refused.append((status, answer.get('error', '')))
                break
        run.send(signal.SIGTERM) # as its user ends it
    def port(self, run):
        "Where it listens, when it does; `None` if it ended before"
        while not (found := re.search(r':(\d+)/', run.out)):
            if run.is_over(): return None
            time.sleep(.005)
        return int(found[1])
    def damage(self, cwd):
        found = self.result(cwd)
        lost = [k for k,v in self.acked.items() if (k, v) not in found]
        strange = [k for k,v in found if self.texts.get(k)!=v]
        twice = [k for k,n in Counter(k for k,_ in found).items() if n>1]
        return [*[('lost', f'the label of {o}') for o in lost[:3]], *[('mixed', f'the label of {o}') for o in strange+twice]]
    def both(self, a, b, cwd):
        for run in (a, b): self.meanwhile(run, cwd)
    def of_one(self, cwd): return self.unfinished(cwd)
    def was_refused(self, run): return run.status!=0 or bool(self.refused)
    def was_cut(self, run): return run.status!=0 or len(self.acked)<len(self.texts)
    def told(self, run):
        if run.status: return super().told(run)
        clear = all(status==507 and 'labels.csv' in why and 'free some space' in why for status,why in self.refused)
        return [] if clear else [('unclear', str(self.refused[0]))]
    def unfinished(self, cwd):
        if sorted(self.result(cwd))==sorted(self.texts.items()): return []
        return [*self.damage(cwd), ('lost', 'labels are missing')]

def decide(port, file, text):
    "Send a label as the page does; status and answer"
    host = f'127.0.0.1:{port}'
    c = http.client.HTTPConnection(host, timeout=30)
    try:
        c.request('POST', '/api/decide', json.dumps(dict(session='a', file=file, label=text)),
                  {'content-type': 'application/json', 'origin': f'http://{host}'})
        r = c.getresponse()
        return r.status,json.loads(r.read())
    finally: c.close()

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
        res = dict(fault=self.fault, tries=self.n, **{v: self.counts[k] for k,v in names.items()}, **more, examples=self.examples)
        print(self.case.name, {k: v for k,v in res.items() if k!='examples'}, flush=True)
        return res

def moments(case, sig, n, rng):
    "Half evenly over the time, half before a change of the disk"
    by_time = [Moment(sig, seconds=rng.uniform(0, case.seconds)) for _ in range(n-n//2)]
    return by_time+[Moment(sig, change=rng.randint(1, case.n_changes)) for _ in range(n//2)]

def unclear(run, statuses):
    "Is the end of a process told in a way that people understand?"
    if 'Traceback' in run.err: return [('unclear', f'a traceback: {run.err[-400:]}')]
    return [] if run.status in statuses else [('unclear', f'it ended with {run.status}: {run.err[-200:]}')]

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
        if sig==signal.SIGTERM: problems += [*unclear(run, (0, *case.ok)), *case.left(cwd, False), *in_temp(cwd), *case.survivors(run)]
        else: runs.append(run)
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
    code = 'from captcha_fastai.cli import captcha_predict; captcha_predict.main()'
    def begin():
        case.fresh(cwd)
        return subprocess.Popen([sys.executable, '-c', code, *case.line], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True, env=dict(os.environ, PYTHONPATH=str(common.root), TMPDIR=str(cwd/'temp')))
    start = time.perf_counter()
    begin().communicate()
    seconds = time.perf_counter()-start
    ended = 0
    for _ in range(n):
        moment = rng.uniform(0, seconds)
        p = begin()
        time.sleep(moment)
        p.send_signal(signal.SIGTERM)
        err = p.communicate()[1]
        ended += p.returncode!=0
        said = [('unclear', f'it ended with {p.returncode}: {err[-400:]}')]*(p.returncode not in (0, *case.ok) or 'Traceback' in err)
        tally.add([*case.damage(cwd), *case.left(cwd, False), *in_temp(cwd), *said, *case.next_run(cwd)], seconds=moment, status=p.returncode)
    return tally.row(ended_by_it=ended)

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

def one_sentence(run, *words):
    "Is an error told in one line that begins with `error:`?"
    said = [o for o in run.err.splitlines() if o.startswith('error: ')]
    if len(said)==1 and all(o in said[0] for o in words): return []
    return [('unclear', f'not one clear sentence: {run.err[-400:]}')]

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
        print(name, f'{case.seconds:.2f} s, {case.n_changes} changes of the disk; the same in all runs: {sorted(case.stable)[:12]}', flush=True)
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
