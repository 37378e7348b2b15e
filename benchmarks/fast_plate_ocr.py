"""fast-plate-ocr 1.1, trained from random weights with its own command and its smallest configuration, for ten minutes,
on the images that `start.py` has with all labels.

    python benchmarks/fast_plate_ocr.py five_digits cn_plates kcaptcha [--minutes 10] [--base FOLDER]

Writes the two YAML files that it needs (the model is its `cct_xs_v1`, the plate 64×128 in colour, its template's) and
the lists of images, finds the seconds of an epoch by two short runs, and trains as many epochs as fit into the minutes,
the start of the program included; everything else is its default, its augmentation and its averaged weights too. The
last weights read the test part by its own command. It validates on a tenth of its training images, once, at the end,
which chooses nothing. Packages go into FOLDER/fpo (build/base). Writes results/fast_plate_ocr_SET.json.
"""
import csv, os, re, subprocess, tempfile, time
from pathlib import Path

import yaml
from PIL import Image

import common
from common import parser, provenance, share, start, write_result
from sources import parts, source
from zero_shot import python_of

# its files

def conv(n): return dict(layer='Conv2D', filters=n, kernel_size=3, strides=1, padding='valid', activation='relu')
pool = dict(layer='MaxBlurPooling2D', pool_size=2, filter_size=3)

model = dict(model='cct', rescaling=dict(scale=1/255, offset=0.),
    tokenizer=dict(blocks=[conv(32), pool, conv(48), conv(64), pool, conv(80), conv(96)], positional_emb=True,
                   patch_size=2, patch_mlp=dict(layer='MLP', hidden_units=[64], activation='gelu', dropout_rate=.05)),
    transformer_encoder=dict(layers=4, heads=1, projection_dim=64, units=[64,64], activation='gelu',
                             stochastic_depth=.05, attention_dropout=.05, mlp_dropout=.1, head_mlp_dropout=.05,
                             token_reducer_heads=4, normalization='dyt'))

def plate(data):
    "What it calls a plate: characters, most of them in a label, and the size that it sees"
    longest = max(len(label) for _,label in data.train+data.test)
    return dict(max_plate_slots=longest, alphabet=data.chars+'_', pad_char='_', img_height=64, img_width=128,
                keep_aspect_ratio=False, interpolation='linear', image_color_mode='rgb')

def write_list(path, items):
    "A list of images, and these as PNG beside it"
    folder = path.with_suffix('')
    folder.mkdir()
    with path.open('w', newline='', encoding='utf-8') as f:
        rows = csv.writer(f)
        rows.writerow(['image_path','plate_text'])
        for i,(file,label) in enumerate(items):
            Image.open(file).convert('RGB').save(folder/f'{i}.png')
            rows.writerow([f'{path.stem}/{i}.png', label])

def prepare(folder, data):
    "Everything that its commands read"
    for name,content in dict(model=model, plate=plate(data)).items():
        (folder/f'{name}.yaml').write_text(yaml.safe_dump(content, allow_unicode=True), encoding='utf-8')
    write_list(folder/'train.csv', data.train)
    write_list(folder/'valid.csv', data.train[:len(data.train)//10])
    write_list(folder/'test.csv', data.test)

# its commands

def command(python, folder, threads, *args):
    "Seconds and output of one of its commands"
    env = {**os.environ, 'KERAS_BACKEND': 'tensorflow', 'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': '',
           **{k: str(threads) for k in ('OMP_NUM_THREADS','TF_NUM_INTRAOP_THREADS','TF_NUM_INTEROP_THREADS')}}
    begin = time.perf_counter()
    done = subprocess.run([python.parent/'fast-plate-ocr', *map(str, args)], cwd=folder, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode: raise SystemExit(f'{args[0]} failed:\n{done.stdout[-3000:]}')
    return time.perf_counter()-begin,done.stdout

def train(python, folder, threads, epochs, out, seed=42):
    "Seconds of a fit, all in all"
    return command(python, folder, threads, 'train', '--model-config-file', 'model.yaml', '--plate-config-file',
                   'plate.yaml', '--annotations', 'train.csv', '--val-annotations', 'valid.csv', '--epochs', epochs,
                   '--validation-freq', epochs, '--seed', seed, '--output-dir', out)[0]

def epochs_in(seconds, python, folder, threads):
    "As many epochs as fit into `seconds`, with the start of the program"
    one,three = (train(python, folder, threads, n, f'trial{n}') for n in (1,3))
    epoch = (three-one)/2
    return max(1, int((seconds-(one-epoch))/epoch)),epoch

def accuracy(python, folder, threads, weights):
    "The share of labels that its own command finds right in the test part"
    shown = command(python, folder, threads, 'valid', '--model', weights, '--plate-config-file', 'plate.yaml',
                    '--annotations', 'test.csv')[1]
    return float(re.findall(r'(?<!\w)acc: (\d[\d.]*(?:e[+-]?\d+)?)', shown)[-1])

def measure(name, python, minutes, threads):
    "Train and validate on one set"
    data = source(name)
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        prepare(folder, data)
        epochs,epoch = epochs_in(60*minutes, python, folder, threads)
        seconds = train(python, folder, threads, epochs, 'out')
        weights, = (folder/'out').glob('*/last.keras')
        right = round(accuracy(python, folder, threads, weights)*len(data.test))
        size = weights.stat().st_size
    return dict(data=name, n_train=len(data.train), minutes=minutes, threads_of_fit=threads, epochs=epochs,
                seconds_an_epoch=epoch, fit_seconds=seconds, model_bytes=size, **share(right, len(data.test)))

if __name__=='__main__':
    p = parser(__doc__)
    p.add_argument('sets', nargs='+', choices=list(parts))
    p.add_argument('--minutes', type=float, default=10.)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--base', metavar='FOLDER', default=common.root/'build'/'base', help='of the environment')
    args = start(p.parse_args())
    if common.trying: args.minutes = min(args.minutes, 1.)
    python = python_of(args.base, 'fpo', ['fast-plate-ocr[train,onnx]==1.1.0'])
    for name in args.sets:
        note = provenance('fast_plate_ocr.py', 'others', [name])
        write_result(f'fast_plate_ocr_{name}', note, **measure(name, python, args.minutes, args.threads))
