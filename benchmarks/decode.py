"""CTC decoders side by side: microseconds a row, one row at a time and in batches, and how probable the text is
that they find.

    pip install fast-ctc-decode; python benchmarks/decode.py

Ours (`greedy_decode`, `map_decode`, `prefix_beam_search`, and the blog's beam over paths as
`beam_search_decode`) in batches of 1, 64 and 1024, beside `fast-ctc-decode` (Rust), a prefix beam and a beam
over paths in plain Python, which take a row at a time; all with a beam of 10, in one process, on the same rows,
in turns; the median of the rounds counts. Where the package is missing, its rows are missing.

Scores: those of a real recogniser on 208 captchas that it was not trained on (scores/captcha_fast.npz, written
by folds.py), generated ones of 50 x 63 and 100 x 96 in which each step has one class well above the others
(peaked), and ones in which no class stands out (flat). The log-probability is the exact one of the text that
was found, mean over the same 64 rows. Memory is the most that NumPy held at once beside the input
(tracemalloc). Writes results/decode.json. About 4 minutes.
"""
import tracemalloc
from importlib.metadata import PackageNotFoundError, version
from itertools import product

import numpy as np

import common
from captcha_fastai.ctc import collapse, greedy_decode, posterior
from captcha_fastai.search import beam_search_decode, map_decode, prefix_beam_search
from captcha_fastai.vocab import Vocab
from common import median, parser, provenance, start, timed, write_result

try: import fast_ctc_decode
except ImportError: fast_ctc_decode = None

beam_size = 10
few = 64  # rows whose texts are compared
slow = 16 # rows for decoders in plain Python
batches = (1, 64, 1024)
ours = {o.__name__: o for o in (greedy_decode, map_decode, prefix_beam_search, beam_search_decode)}

# decoders that take one row: probabilities `(n_steps, n_class)` and the characters

def path_beam(p, chars):
    "The blog's beam over paths, in plain Python"
    beams = [((), 0.)]
    for step in np.log(p).tolist():
        best = max(step)
        beams = [((*path,c), score+s) for path,score in beams for c,s in enumerate(step) if s>=-4.6 or s==best]
        beams = sorted(beams, key=lambda o: -o[1])[:beam_size]
    total = {}
    for path,score in beams:
        text = ''.join(chars[i-1] for i in collapse(path))
        total[text] = total.get(text, 0)+np.exp(score)
    return max(total, key=total.get)

def prefix_beam(p, chars):
    "A beam over prefixes, in plain Python"
    beams = {(): (1., 0.)}
    for step in p.tolist():
        new = {}
        for prefix,(blank,char) in beams.items():
            b,n = new.get(prefix, (0., 0.))
            new[prefix] = b+(blank+char)*step[0],n+(char*step[prefix[-1]] if prefix else 0.)
            for c,q in enumerate(step[1:], 1):
                b,n = new.get((*prefix,c), (0., 0.))
                new[(*prefix,c)] = b,n+q*(blank if prefix and prefix[-1]==c else blank+char)
        beams = dict(sorted(new.items(), key=lambda o: -sum(o[1]))[:beam_size])
    return ''.join(chars[i-1] for i in next(iter(beams)))

def rust(p, chars): return fast_ctc_decode.beam_search(p, '\0'+chars, beam_size=beam_size)[0]

others = {'path beam, Python': (path_beam, slow), 'prefix beam, Python': (prefix_beam, slow)}
if fast_ctc_decode: others['fast-ctc-decode'] = rust,few

# scores

def normalised(x): return (x-np.log(np.exp(x).sum(-1, keepdims=True))).astype(np.float32)

def generated(n, n_steps, n_class, peak, seed=0):
    "Log-probabilities `(n, n_steps, n_class)` with a peak at each step, seven of ten at blank"
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, n_steps, n_class))
    best = rng.integers(0, n_class, (n, n_steps))
    best[rng.random((n, n_steps))<.7] = 0
    np.put_along_axis(x, best[...,None], peak+rng.standard_normal((n, n_steps, 1)), -1)
    return normalised(x)

def real(n):
    "The scores of a real recogniser, repeated to `n` rows, and its vocabulary"
    o = np.load(common.here/'scores'/'captcha_fast.npz')
    a = normalised(o['log_probs'].astype(np.float32))
    return np.tile(a, (-(-n//len(a)), 1, 1))[:n],Vocab(str(o['chars']))

def cases(n=1024):
    "Name → scores and vocabulary"
    chinese = lambda n_class: Vocab([chr(0x4e00+i) for i in range(n_class-1)])
    res = {'real, 25 x 20': real(n), 'flat, 25 x 20': (generated(n, 25, 20, 0), chinese(20))}
    for (n_steps,n_class),(kind,peak) in product(((50,63), (100,96)), (('peaked',9), ('flat',0))):
        res[f'{kind}, {n_steps} x {n_class}'] = generated(n, n_steps, n_class, peak),chinese(n_class)
    return res

# measuring

def one_round(a, vocab):
    "Seconds a row, by decoder and batch"
    p = np.exp(a[:few])
    for name,(f,n) in others.items():
        seconds,_ = timed(lambda: [f(o, vocab.chars) for o in p[:n]])
        yield name,'1',seconds/n
    for (name,f),batch in product(ours.items(), batches):
        n = min(len(a), max(batch, slow))
        seconds,_ = timed(lambda: [f(a[i:i+batch], vocab) for i in range(0, n, batch)])
        yield name,str(batch),seconds/n

def texts_of(a, vocab):
    "What each decoder reads in the first rows"
    res = {name: f(a[:few], vocab).texts for name,f in ours.items()}
    for name,(f,_) in others.items(): res[name] = [f(o, vocab.chars) for o in np.exp(a[:few])]
    return res

def compare(a, vocab, rounds=5):
    "Decoder → microseconds by batch, and the mean log-probability of its texts"
    seconds = {}
    for _ in range(1 if common.trying else rounds):
        for name,batch,s in one_round(a, vocab): seconds.setdefault(name, {}).setdefault(batch, []).append(s)
    found = {k: posterior(a[:few], v, vocab) for k,v in texts_of(a, vocab).items()}
    res = {k: dict(log_probability=float(found[k].mean()),
                   microseconds={b: 1e6*median(s) for b,s in v.items()}) for k,v in seconds.items()}
    res['map_decode']['certified'] = float(map_decode(a, vocab).certified.mean())
    for name in ('map_decode','prefix_beam_search'):
        if not fast_ctc_decode: continue
        res[name]['less_probable_than_rust'] = int((found[name]<found['fast-ctc-decode']-1e-5).sum())
    return res

def memory(f, *args):
    "The most that `f` held at once, in MB"
    tracemalloc.start()
    f(*args)
    most = tracemalloc.get_traced_memory()[1]/2**20
    tracemalloc.stop()
    return most

def main():
    start(parser(__doc__).parse_args())
    note = provenance('decode.py', 'decoding')
    try: note['machine']['versions']['fast-ctc-decode'] = version('fast-ctc-decode')
    except PackageNotFoundError: print('fast-ctc-decode is not installed; its rows are left out')
    result = dict(beam_size=beam_size, seed=0, n_valid=1024, cases={}, memory_mb={})
    for name,(a,vocab) in cases(64 if common.trying else 1024).items():
        result['cases'][name] = compare(a, vocab)
        print(name, {k: v['microseconds'] for k,v in result['cases'][name].items()}, flush=True)
    for f in (map_decode, prefix_beam_search): result['memory_mb'][f.__name__] = memory(f, a, vocab)
    write_result('decode', note, **result)

if __name__=='__main__': main()
