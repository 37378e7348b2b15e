"""The start that comes with the library; with given characters, `allowed`."""
from pathlib import Path

import each

def load(chars):
    "A function from a path to a text, and the bytes of the weights"
    import captcha_fastai
    from captcha_fastai.recogniser import Recogniser
    rec = Recogniser.load(threads=1)
    known = None if chars is None else ''.join(o for o in chars if o in rec.vocab.chars)
    rules = dict(min_probability=0) if known is None else dict(min_probability=0, allowed=known)
    files = (o for o in (Path(captcha_fastai.__file__).parent/'start').iterdir() if o.suffix!='.json')
    return lambda file: rec.read(file, **rules).text,sum(o.stat().st_size for o in files)

if __name__=='__main__': each.main(load)
