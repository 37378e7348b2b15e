"""Pretrain the start: an endless variety of drawn strings, for as many hours as it is given, in pieces.

    python benchmarks/pretrain.py train FOLDER --hours 1.5     train on, from the checkpoint in FOLDER if there is one
    python benchmarks/pretrain.py release FOLDER               write captcha_fastai/start/ from that checkpoint

`train` begins with the start that the repository has, unless FOLDER has a checkpoint (or with `--random`). It draws
every image once, on a process of its own, and trains on one thread at low priority. Every ten minutes
it writes its checkpoint and one line to FOLDER/log.jsonl: loss, images a second, the accuracy on drawn strings by
kind, and, zero-shot, on parts of the eight development sets, whose images are never trained on. It can be killed at
any moment and started again. The weights that are measured and released are the running mean of the trained ones.
"""
import argparse, copy, json, os, pickle, time
os.environ.setdefault('OMP_NUM_THREADS', '1')
from datetime import datetime, timezone
from pathlib import Path

import numpy as np, torch
from PIL import Image
from safetensors.torch import save_file

from captcha_fastai.alphabet import start_alphabet as alphabet
from captcha_fastai.batches import pad_images
from captcha_fastai.ctc import greedy_decode
from captcha_fastai.data import CaptchaDataLoaders
from captcha_fastai.drawings import mnist_digits
from captcha_fastai.export import write_graph
from captcha_fastai.files import new_folder
from captcha_fastai.folder import folder_config, write_config
from captcha_fastai.fonts import font_licences, installed_fonts
from captcha_fastai.image import ImagePrep
from captcha_fastai.losses import CTCLoss
from captcha_fastai.models import fast_model
from captcha_fastai.pieces import ink_steps, widths_of, with_widths
from captcha_fastai.recipe import recipes
from captcha_fastai.start import read_start
from captcha_fastai.task import CTC
from captcha_fastai.text_learner import recipe_learner
from captcha_fastai.variety import Variety
from captcha_fastai.vocab import Vocab
from common import digest, git, library, provenance, write_result
from sources import parts, source

height,max_width = 48,512
columns = 48*160       # of a batch, all its images together
widths = (48,80,112,144,176,208,256,320,400) # of the batches: as few as can be compiled
valid_from = 1<<40     # drawn strings from this number on are for measuring

# images

def width_of(img, stretch, text):
    "The width of a drawn image at 48 pixels height, wide enough for its text"
    w = img.width*height/img.height*stretch
    return int(np.clip(max(w, 8*len(text)+4), 16, 400))

def resized(img, width):
    "uint8 `(3, 48, width)`"
    if img.size!=(width,height): img = img.resize((width,height), Image.Resampling.BILINEAR)
    return np.asarray(img).transpose(2,0,1)

def prepared(source):
    "An image, drawn or from a file, as the model takes it: uint8 `(3, 48, width)`"
    return np.asarray(prep(source)).transpose(2,0,1)

prep = ImagePrep((height,max_width), grey=False, resize='keep')

class Batches(torch.utils.data.IterableDataset):
    """Batches of drawn strings, from number `first` on: pixels, class ids, and the number to go on from.

    Each image is brought to the nearest of `widths` that its text fits into, so that a batch needs no padding."""
    def __init__(self, folder, first, vocab, n=512):
        self.folder,self.first = folder,first
        self.vocab,self.n = vocab,n
    def __iter__(self):
        torch.set_num_threads(1)
        variety = make_variety(self.folder)
        start = self.first
        waiting = {w: [] for w in widths}
        while True:
            rng = np.random.default_rng([3, start])
            for i,stretch in zip(range(start, start+self.n), np.exp(rng.uniform(-.35, .2, self.n))):
                img,text = variety[i]
                width = nearest(width_of(img, stretch, text), 8*len(text)+4)
                waiting[width].append((resized(img, width), text))
            start += self.n
            full = [(w, rows) for w,rows in waiting.items() if len(rows)>=batch_size(w)]
            for k in rng.permutation(len(full)):
                w,rows = full[k]
                for at in range(0, len(rows)-batch_size(w)+1, batch_size(w)):
                    yield encode(rows[at:at+batch_size(w)], self.vocab)+(start,)
                waiting[w] = rows[len(rows)//batch_size(w)*batch_size(w):]

def batch_size(width): return columns//width

def nearest(width, least):
    "The one of `widths` nearest to `width`, by their ratio, that is at least `least`"
    return min((o for o in widths if o>=least), key=lambda o: abs(np.log(o/width)))

def encode(part, vocab):
    "Pixels `(bs, 3, 48, width)` and class ids `(bs, n)`"
    n = max(1, *(len(t) for _,t in part))
    return torch.from_numpy(np.stack([x for x,_ in part])),torch.tensor([vocab.encode(t, n) for _,t in part])

def make_variety(folder):
    "The generator, with all fonts of this machine and MNIST's training digits"
    path = Path(folder)/'fonts.pkl'
    if not path.exists():
        fonts = installed_fonts() # takes a minute
        path.write_bytes(pickle.dumps(fonts))
    return Variety(pickle.loads(path.read_bytes()), mnist_digits())

# measuring

def log_probs(model, images):
    "Log-probabilities `(bs, n_steps, n_class)` of prepared images"
    batch = pad_images([torch.from_numpy(o) for o in images])
    x = with_widths(batch.float()/255, widths_of(batch))
    with torch.no_grad(): return model.eval()(x).float().log_softmax(-1).numpy()

def read(model, images, vocab, chars=None, case=True):
    "Greedy texts of prepared images; `chars` are the only characters that may be read"
    order = sorted(range(len(images)), key=lambda i: images[i].shape[-1])
    texts = [None]*len(images)
    keep = None if chars is None else np.array([0, *[i+1 for i,c in enumerate(vocab.chars) if c in chars]])
    for at in (order[i:i+32] for i in range(0, len(order), 32)):
        lp = log_probs(model, [images[i] for i in at])
        if keep is not None:
            cut = np.full_like(lp, -1e4)
            cut[...,keep] = lp[...,keep]
            lp = cut
        for i,t in zip(at, greedy_decode(lp, vocab).texts): texts[i] = t
    return texts

def measure(model, vocab, variety, dev, n=60):
    "Accuracy on drawn strings by kind, and on the development sets"
    drawn = {}
    for kind in variety.kinds:
        rows = []
        for i in range(n):
            img,text = variety.draw(valid_from+i, kind=kind)
            x = prepared(img)
            rows.append((x, text))
        got = read(model, [o for o,_ in rows], vocab)
        drawn[kind] = round(float(np.mean([a==b for a,(_,b) in zip(got, rows)])), 3)
    sets = {}
    for name,(images,labels,chars) in dev.items():
        got = read(model, images, vocab, chars)
        sets[name] = round(float(np.mean([a==b for a,b in zip(got, labels)])), 4)
    return dict(drawn=round(float(np.mean(list(drawn.values()))), 4), by_kind=drawn, sets=sets)

def dev_sets(n=200, part='test'):
    "Images, labels and characters of a part of the development sets"
    res = {}
    for o in map(source, parts):
        items = getattr(o, part)
        items = items[::max(1, len(items)//n)][:n]
        res[o.name] = ([prepared(f) for f,_ in items], [t for _,t in items], set(o.chars))
    return res

# training

def mean_of(mean, model, decay):
    "Move the running mean of all weights and statistics towards those of `model`"
    with torch.no_grad():
        for a,b in zip(mean.state_dict().values(), model.state_dict().values()):
            if a.dtype.is_floating_point: a.lerp_(b, 1-decay)
            else: a.copy_(b)

def new_model(vocab, args): return fast_model(len(vocab), 12, (height,160), n_in=3, widths=args.widths, hidden=args.hidden, dropout=args.dropout).to(memory_format=torch.channels_last)

class Training:
    "A model, its running mean, its optimiser, and how far they are"
    def __init__(self, args):
        self.args = args
        self.folder = Path(args.folder)
        self.vocab = Vocab(alphabet)
        self.model = new_model(self.vocab, args)
        self.compiled = torch.compile(self.model, dynamic=False) if args.compile else self.model # a fifth faster
        self.mean = copy.deepcopy(self.model)
        self.loss = CTCLoss(self.vocab)
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=args.lr, weight_decay=.02, betas=(.9,.98), fused=True)
        self.at = dict(step=0, images=0, seconds=0., first=args.first)
        self.path = self.folder/'checkpoint.pt'
        if self.path.exists(): self.load()
        elif not args.random: begin_at_start(self.model, self.mean, self.at, args.ink)

    def load(self):
        o = torch.load(self.path, weights_only=True)
        self.model.load_state_dict(o['model'])
        self.mean.load_state_dict(o['mean'])
        self.opt.load_state_dict(o['opt'])
        self.at.update(o['at'])

    def save(self):
        tmp = self.path.with_suffix('.tmp')
        torch.save(dict(model=self.model.state_dict(), mean=self.mean.state_dict(), opt=self.opt.state_dict(),
                        at=self.at, args=vars(self.args)), tmp)
        os.replace(tmp, self.path)

    def step(self, x, y, falling):
        "One step of the optimiser on a batch; `falling` is a factor of the learning rate. Returns the loss"
        step = self.at['step']
        lr = self.args.lr*min(1., (step+1)/self.args.warm)*max(falling, .02)
        for g in self.opt.param_groups: g['lr'] = lr
        images = x.float().div_(255).contiguous(memory_format=torch.channels_last)
        self.model.train()
        with torch.autocast('cpu', torch.bfloat16, enabled=not self.args.fp32): pred = self.compiled(images)
        self.loss.start_weight = max(0., 1-step/self.args.ink)
        if self.loss.start_weight: self.loss.start_at = by_ink(x, y, pred.shape[1])
        value = self.loss(pred, y)
        self.opt.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.)
        self.opt.step()
        mean_of(self.mean, self.model, min(.9995, 1-1/(1+step/10)))
        return value.item()

def train(args):
    "Train for as many hours as asked, and measure on the way"
    os.nice(args.nice)
    torch.set_num_threads(args.threads)
    torch._dynamo.config.recompile_limit = 2*len(widths) # one for each width
    Path(args.folder).mkdir(parents=True, exist_ok=True)
    run = Training(args)
    print(f"{run.at['images']:,} images so far, {run.at['seconds']/3600:.2f} hours", flush=True)
    variety = make_variety(args.folder)
    dev = {} if args.no_dev else dev_sets()
    batches = Batches(args.folder, run.at['first'], run.vocab)
    dl = torch.utils.data.DataLoader(batches, batch_size=None, num_workers=args.workers, prefetch_factor=24)
    began = last = time.time()
    ends = began+args.hours*3600
    losses,before = [],run.at['images']
    for x,y,first in dl:
        left = max(0., (ends-time.time())/(args.hours*3600))
        losses.append(run.step(x, y, min(1., left/args.anneal) if args.anneal else 1.))
        run.at.update(step=run.at['step']+1, images=run.at['images']+len(x), first=first)
        now = time.time()
        if now<ends and now-last<args.every*60: continue
        run.at['seconds'] += now-last
        last = now
        run.save()
        note(run, losses, (run.at['images']-before)/(now-began), measure(run.mean, run.vocab, variety, dev))
        losses = []
        if now>ends: return

def note(run, losses, rate, found):
    "A line of the log"
    row = dict(**run.at, loss=round(float(np.mean(losses)), 4), images_a_second=round(rate, 1), **found)
    with (run.folder/'log.jsonl').open('a') as f: f.write(json.dumps(row)+'\n')
    print(json.dumps(row), flush=True)

def begin_at_start(model, mean, at, step):
    "Go on from the start that the repository has, at a `step` behind the ink start, without the state of its optimiser"
    config,state = read_start()
    for o in (model, mean): o.load_state_dict(state)
    known = config['data']
    at.update(images=known['images'], seconds=known['hours']*3600, first=known['next'], step=step)

def by_ink(x, y, n_steps):
    "About the steps of the characters: equal shares of the ink of each image"
    return ink_steps(x.float(), (y!=Vocab.blank).sum(1), y.shape[1], n_steps)

# release

start = library/'start'

def release(args):
    "Write the running mean as captcha_fastai/start/, with what it was trained on and what it reads"
    o = torch.load(Path(args.folder)/'checkpoint.pt', weights_only=True)
    vocab = Vocab(alphabet)
    learn = learner_of(o['mean'], vocab, argparse.Namespace(**o['args']))
    dev = dev_sets(args.n_dev, part='train')
    learn.temperature,threshold = calibrated(learn.model, vocab, dev)
    learn.thresholds = {'0.9': threshold}
    variety = make_variety(args.folder)
    found = measure(learn.model, vocab, variety, {})
    known = dict(images=o['at']['images'], hours=round(o['at']['seconds']/3600, 2), next=o['at']['first'], seed=variety.seed, stopped=datetime.now(timezone.utc).isoformat()[:16],
                 commit=git('rev-parse', 'HEAD')[:12], fonts=len(variety.hands.faces), kinds=list(variety.kinds))
    with new_folder(start, force=True) as tmp:
        state = {k: v.half() if v.is_floating_point() else v for k,v in learn.model.state_dict().items()}
        save_file({k: v.contiguous() for k,v in state.items()}, tmp/'model.safetensors')
        write_graph(learn, tmp/'graph.onnx')
        write_config(tmp, folder_config(learn, dict(drawn=found['drawn'], by_kind=found['by_kind']), known), ['model.safetensors','graph.onnx'])
        (tmp/'fonts.json').write_text(json.dumps(fonts_of(variety), indent=0, ensure_ascii=False)+'\n', encoding='utf-8')
    print(json.dumps(dict(known, temperature=learn.temperature, threshold=threshold, drawn=found['drawn'])))
    write_log(args.folder, known)

def write_log(folder, known):
    "Write results/pretrain.json: what the start read on the way, from the log of `train`"
    rows = [json.loads(o) for o in (Path(folder)/'log.jsonl').read_text().splitlines()]
    note = provenance('pretrain.py', 'reading', parts)
    write_result('pretrain', note, start=digest(start), known=known, rows=rows)

def fonts_of(variety):
    "Debian package → its licences and the number of its fonts that were drawn with"
    return {k: dict(licences=licences, fonts=n) for k,(licences,n) in font_licences(variety.hands.faces).items()}

def learner_of(state, vocab, args):
    "A learner around the weights in 16 bits, without data"
    r = recipes['fast']
    dls = CaptchaDataLoaders.from_parts([], ImagePrep((height,1024), grey=False, resize='keep'), vocab, 24)
    model = new_model(vocab, args)
    model.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k,v in state.items()})
    return recipe_learner(dls, model.eval(), r, 24)

def calibrated(model, vocab, dev):
    """The temperature and the threshold of readings that nothing restricts, over parts of the development sets that no
    table tests on: above the threshold, nine of ten readings are right, apart from case and from characters that the
    start does not know"""
    rows = []
    task = CTC()
    for images,labels,chars in dev.values():
        known = [''.join(c for c in o if c in alphabet) for o in labels]
        for x,label in zip(images, known): rows.append((log_probs(model, [x]), label))
    def readings(t):
        found = [(task.decode(task.temper(dict(scores=lp), t), vocab), label) for lp,label in rows]
        return np.array([o.probabilities[0] for o,_ in found]),np.array([o.texts[0].lower()==b.lower() for o,b in found])
    def loss(t):
        p,right = readings(t)
        return -np.mean(np.log(np.where(right, p, 1-p).clip(1e-6)))
    t = min(np.exp(np.linspace(-.4, 1.6, 11)), key=loss)
    p,right = readings(t)
    at = np.argsort(-p)
    share = np.cumsum(right[at])/np.arange(1, len(at)+1)
    ok = np.flatnonzero(share>=.9)
    return float(t),float(p[at][ok[-1]]) if len(ok) else 1.

if __name__=='__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('part', choices=('train','release'))
    p.add_argument('folder')
    p.add_argument('--hours', type=float, default=1.)
    p.add_argument('--lr', type=float, default=2e-3)
    p.add_argument('--warm', type=int, default=500)
    p.add_argument('--ink', type=int, default=1500)
    p.add_argument('--anneal', type=float, default=0.)
    p.add_argument('--compile', type=int, default=1)
    p.add_argument('--dropout', type=float, default=0.)
    p.add_argument('--widths', type=int, nargs=4, default=[16,32,64,160])
    p.add_argument('--hidden', type=int, default=320)
    p.add_argument('--every', type=float, default=10.)
    p.add_argument('--threads', type=int, default=1)
    p.add_argument('--workers', type=int, default=1)
    p.add_argument('--nice', type=int, default=5)
    p.add_argument('--first', type=int, default=0)
    p.add_argument('--n_dev', type=int, default=50)
    p.add_argument('--no_dev', action='store_true')
    p.add_argument('--random', action='store_true', help='begin with random weights')
    p.add_argument('--fp32', action='store_true')
    args = p.parse_args()
    train(args) if args.part=='train' else release(args)
