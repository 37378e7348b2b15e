"""CTC decoders side by side: microseconds a row, and how probable the text is that they find.

    pip install fast-ctc-decode; python benchmarks/decode.py

Ours (`greedy_decode`, `map_decode`, `prefix_beam_search`, and the blog's beam over paths as `beam_search_decode`) in batches of 1, 64
and 1024, beside `fast-ctc-decode` (Rust), a prefix beam and a beam over paths in plain Python, which take a row at a time; all with a
beam of 10, in one process, on the same rows, in turns; the median of the rounds counts. Emissions: the scores of a real recogniser on 208
captchas that it was not trained on (scores/captcha_fast.npz, 25 steps, 20 classes); made-up ones of 50 x 63 and 100 x 96 in which each step has
one class well above the others (peaked); and ones in which no class stands out (flat). The log-probability is the exact one of the
text that was found, mean over the same 64 rows. Memory is the most that NumPy held at once beside the input (tracemalloc). Writes
results/decode.json. About 4 minutes.
"""
import statistics, time, tracemalloc
from importlib.metadata import version
from pathlib import Path

import fast_ctc_decode
import numpy as np

from captcha_fastai.decode import beam_search_decode, collapse, greedy_decode, map_decode, posterior, prefix_beam_search
from captcha_fastai.vocab import Vocab
from common import machine, save

beam_size = 10

def path_beam(p, chars):
    "The blog's beam over paths, in plain Python: `p` is `(n_steps, n_class)`"
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
    beams = {(): (1.,0.)}
    for step in p.tolist():
        new = {}
        for prefix,(blank,char) in beams.items():
            b,n = new.get(prefix, (0.,0.))
            new[prefix] = b+(blank+char)*step[0],n+(char*step[prefix[-1]] if prefix else 0.)
            for c,q in enumerate(step[1:], 1):
                b,n = new.get((*prefix,c), (0.,0.))
                new[(*prefix,c)] = b,n+q*(blank if prefix and prefix[-1]==c else blank+char)
        beams = dict(sorted(new.items(), key=lambda o: -sum(o[1]))[:beam_size])
    return ''.join(chars[i-1] for i in next(iter(beams)))

def rust(p, chars): return fast_ctc_decode.beam_search(p, '\0'+chars, beam_size=beam_size)[0]

def emissions(n, n_steps, n_class, peak, seed=0):
    "Log-probabilities `(n, n_steps, n_class)`; seven of ten steps are blank, where they have a peak"
    rng = np.random.default_rng(seed)
    x,best = rng.standard_normal((n, n_steps, n_class)),rng.integers(0, n_class, (n, n_steps))
    best[rng.random((n, n_steps))<.7] = 0
    np.put_along_axis(x, best[...,None], peak+rng.standard_normal((n, n_steps, 1)), -1)
    return (x-np.log(np.exp(x).sum(-1, keepdims=True))).astype(np.float32)

def real(n):
    "The scores of a real recogniser, repeated to `n` rows, and its vocabulary"
    o = np.load(Path(__file__).parent/'scores'/'captcha_fast.npz')
    a = o['log_probs'].astype(np.float32)
    a -= np.log(np.exp(a).sum(-1, keepdims=True))
    return np.tile(a, (-(-n//len(a)), 1, 1))[:n],Vocab(str(o['chars']))

def timed(f):
    start = time.perf_counter()
    res = f()
    return time.perf_counter()-start,res

def compare(a, vocab, rounds=5, few=64, slow=16):
    "Microseconds a row by decoder and batch, and the mean log-probability of the text on the first `few` rows"
    p,ours = np.exp(a[:few]),dict(greedy_decode=greedy_decode, map_decode=map_decode, prefix_beam_search=prefix_beam_search, beam_search_decode=beam_search_decode)
    alone = {'fast-ctc-decode': (rust, few), 'path beam, Python': (path_beam, slow), 'prefix beam, Python': (prefix_beam, slow)}
    seconds,texts = {},{}
    for _ in range(rounds):
        for name,(f,n) in alone.items():
            s,_ = timed(lambda: [f(o, vocab.chars) for o in p[:n]])
            seconds.setdefault((name,'1'), []).append(s/n)
        for name,f in ours.items():
            for batch in (1,64,1024):
                n = min(len(a), max(batch, slow))
                s,_ = timed(lambda: [f(a[i:i+batch], vocab) for i in range(0, n, batch)])
                seconds.setdefault((name,str(batch)), []).append(s/n)
    for name,f in ours.items(): texts[name] = f(a[:few], vocab).texts
    for name,(f,n) in alone.items(): texts[name] = [f(o, vocab.chars) for o in p]
    found = {k: posterior(a[:few], v, vocab) for k,v in texts.items()}
    res = {}
    for (name,batch),s in seconds.items(): res.setdefault(name, dict(log_probability=float(found[name].mean()), microseconds={}))['microseconds'][batch] = 1e6*statistics.median(s)
    res['map_decode']['certified'] = float(map_decode(a, vocab).certified.mean())
    for name in ('map_decode','prefix_beam_search'): res[name]['less_probable_than_rust'] = int((found[name]<found['fast-ctc-decode']-1e-5).sum())
    return res

def memory(f, *args):
    "The most that `f` held at once, in MB"
    tracemalloc.start()
    f(*args)
    most = tracemalloc.get_traced_memory()[1]/2**20
    tracemalloc.stop()
    return most

if __name__=='__main__':
    where = machine()
    where['versions']['fast-ctc-decode'] = version('fast-ctc-decode')
    made = lambda n_class: Vocab([chr(0x4e00+i) for i in range(n_class-1)])
    cases = [('real, 25 x 20', *real(1024)), ('flat, 25 x 20', emissions(1024, 25, 20, 0), made(20))]
    cases += [(f'{kind}, {n_steps} x {n_class}', emissions(1024, n_steps, n_class, peak), made(n_class)) for n_steps,n_class in ((50,63),(100,96)) for kind,peak in (('peaked',9),('flat',0))]
    result = dict(benchmark='decode', beam_size=beam_size, seed=0, n_valid=1024, machine=where, cases={}, memory_mb={})
    for name,a,vocab in cases:
        result['cases'][name] = compare(a, vocab)
        print(name, {k: ({b: round(s) for b,s in v['microseconds'].items()}, round(v['log_probability'], 3)) for k,v in result['cases'][name].items()}, flush=True)
    for f in (map_decode, prefix_beam_search): result['memory_mb'][f.__name__] = memory(f, a, vocab)
    print(result['memory_mb'])
    save('decode', result)
