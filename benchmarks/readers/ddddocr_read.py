"""ddddocr as it comes; with given characters, `set_ranges` with both cases of them: it reads many capitals as small."""
from pathlib import Path

import each

def load(chars):
    "A function from a path to a text, and the bytes of the model"
    each.one_threaded()
    import ddddocr
    ocr = ddddocr.DdddOcr(show_ad=False)
    if chars is not None: ocr.set_ranges(''.join(sorted({*chars, *chars.swapcase()})))
    def read(file): return ocr.classification(Path(file).read_bytes())
    return read,(Path(ddddocr.__file__).parent/'common_old.onnx').stat().st_size

if __name__=='__main__': each.main(load)
