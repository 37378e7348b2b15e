"""The processes that faults.py starts, and how it judges what they leave on the disk"""
import csv, http.client, json, os, re, shutil, signal, sys, tempfile, time, traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from captcha_fastai.files import sha256

size = '24x48'

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
    def differing(self, found, whole=None):
        "The files in which `found` differs from the result of a run that was left alone"
        whole = whole or self.whole
        return sorted({*found}^{*whole}|{k for k in self.stable if found.get(k)!=whole.get(k)})
    def is_new(self, found, whole=None): return not self.differing(found, whole)
    def old(self):
        start = f'{self.out}/'
        return {k.removeprefix(start): v for k,v in self.before.items() if k.startswith(start)}
    def damage(self, cwd):
        "What is wrong with the result after a fault, as pairs of kind and words"
        found = {k: v for k,v in self.result(cwd).items() if not k.startswith('.captcha_fastai-old-')}
        if found==self.old() or self.is_new(found): return []
        return [('mixed', f'{self.out} is neither the old nor the new one')]
    def unfinished(self, cwd):
        "What is wrong with a result that should be complete"
        differing = self.differing(self.result(cwd))
        return [('lost', f'{self.out} is not that of a run that was left alone: {differing[:5]}')] if differing else []
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
        if self.is_new(found) or self.is_new(found, self.second): return []
        return [('mixed', f'{self.out} is that of neither run')]
    def both(self, a, b, cwd): "What a client does with two"
    def was_refused(self, run): return run.status!=0
    def was_cut(self, run): return run.status!=0
    def told(self, run):
        "Does it say what could not be written?"
        if run.status==0: return []
        return [*unclear(run, (2,)), *one_sentence(run, 'written (', 'free some space', self.out.split('/')[0])]
    def survivors(self, *runs, seconds=5):
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
        whole = ''.join(self.whole.values())
        return [('mixed', 'the part is not a beginning of the result') for o in parts if not whole.startswith(o)]
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
        if sorted(again)!=sorted(self.texts.items()): raise RuntimeError(f'label: labels are missing, {self.refused}')
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
        bad = [('lost', o) for o in lost[:3]]+[('mixed', o) for o in strange+twice]
        return [(kind, f'the label of {o}') for kind,o in bad]
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

# Messages

def unclear(run, statuses):
    "Is the end of a process told in a way that people understand?"
    if 'Traceback' in run.err: return [('unclear', f'a traceback: {run.err[-400:]}')]
    return [] if run.status in statuses else [('unclear', f'it ended with {run.status}: {run.err[-200:]}')]

def one_sentence(run, *words):
    "Is an error told in one line that begins with `error:`?"
    said = [o for o in run.err.splitlines() if o.startswith('error: ')]
    if len(said)==1 and all(o in said[0] for o in words): return []
    return [('unclear', f'not one clear sentence: {run.err[-400:]}')]
