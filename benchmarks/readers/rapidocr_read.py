"""PP-OCRv6_rec_small, from the wheel of rapidocr, as that package calls it: height 48, width in proportion and padded
to 320 at least, greedy CTC. Given characters are the only ones that may win a step."""
import math
from pathlib import Path

import cv2, numpy as np, onnxruntime, rapidocr
from PIL import Image
from rapidocr.utils.load_image import LoadImage

import each

model = Path(rapidocr.__file__).parent/'models'/'PP-OCRv6_rec_small.onnx'

def opened(file):
    "Blue, green, red; the package takes the indices of a palette for brightness, so palettes are resolved before"
    img = Image.open(file)
    if img.mode=='P': img = img.convert('RGBA' if 'transparency' in img.info else 'RGB')
    return LoadImage()(img)

def prepared(img, height=48, min_width=320):
    "float32 `(1, 3, height, width)` in −1…1"
    ratio = img.shape[1]/img.shape[0]
    res = np.zeros((1, 3, height, int(height*max(min_width/height, ratio))), np.float32)
    width = min(math.ceil(height*ratio), res.shape[-1])
    res[..., :width] = (cv2.resize(img, (width,height)).transpose(2,0,1)/255-.5)/.5
    return res

def load(chars):
    "A function from a path to a text, and the bytes of the model"
    each.one_threaded()
    session = onnxruntime.InferenceSession(str(model), providers=['CPUExecutionProvider'])
    names = ['', *session.get_modelmeta().custom_metadata_map['character'].splitlines(), ' ']
    kept = [i for i,o in enumerate(names) if not o or chars is None or o in chars]
    def read(file):
        probs, = session.run(None, {session.get_inputs()[0].name: prepared(opened(file))})
        best = probs[0][:, kept].argmax(1) if chars is not None else probs[0].argmax(1)
        new = best[np.flatnonzero(np.diff(best, prepend=-1))]
        return ''.join(names[kept[i]] for i in new)
    return read,model.stat().st_size

if __name__=='__main__': each.main(load)
