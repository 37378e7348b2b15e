"""The page that reads without a server, beside onnxruntime-web, tesseract.js and Recogniser: speed, memory, accuracy.

    python benchmarks/web.py

Trains `fast` on captcha_images_v2 (the usual split, seed 42), five_digits and water_meters, writes a page of each with
`to_web`, which compares it with Recogniser on images that were not trained on, and counts what the page reads right. Speed
is measured on the images of captcha_images_v2, decoded already: the reader in Node and in headless Chromium,
onnxruntime-web (one thread, WebAssembly with SIMD) with the same model in Node, Recogniser with one thread, and
tesseract.js in Node, which decodes the files itself, knows that each is one line, and is told the characters.
Memory is that of Node after 1,000 and after 10,000 images; opening is the time from the address to a reading, in
Chromium; the camera is a film of 30 frames a second in Chromium. It takes Node, npm, Chromium and playwright. Writes
results/web.json. About 15 minutes on 2 cores.
"""
import base64, hashlib, json, statistics, subprocess, sys, tempfile, time
from functools import cache
from pathlib import Path

import common
sys.path.insert(0, str(common.root/'.ci')) # for the browser
from common import parser, provenance, share, start, write_result
from sources import source

PACKAGES = {'onnxruntime-web':'1.30.0', 'tesseract.js':'7.0.0', '@tesseract.js-data/eng':'1.0.0'}

IN_NODE = """import {readFileSync} from 'node:fs'
import {pathToFileURL} from 'node:url'
const [, , folder, images, onnx, npm, rounds, most] = process.argv
const {load, prepare, paper} = await import(pathToFileURL(folder+'/reader.mjs'))
const reader = await load(pathToFileURL(folder+'/model.bin')), bytes = new Uint8Array(readFileSync(images))
const all = [], view = new DataView(bytes.buffer)
for (let at = 0; at < bytes.length;) {
  const width = view.getUint32(at, true), height = view.getUint32(at+4, true), end = at+8+width*height*4
  all.push({width, height, data: bytes.subarray(at+8, end)})
  at = end
}
const ms = async f => { // of each image
  const res = []
  for (const o of all) { const start = performance.now(); await f(o); res.push(performance.now()-start) }
  return res
}
const ort = await import(pathToFileURL(npm+'/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs'))
ort.env.wasm.numThreads = 1
const session = await ort.InferenceSession.create(readFileSync(onnx), {executionProviders: ['wasm']})
const run = o => { // the network alone, on prepared pixels
  const {width, height, channels, data} = prepare(o, reader.config), n = width*height
  const planes = new Uint8Array(n*channels), back = Float32Array.from(paper({width, height, channels, data}))
  for (let i = 0; i < n; i++) for (let c = 0; c < channels; c++) planes[c*n+i] = data[channels*i+c]
  const image = new ort.Tensor('uint8', planes, [1, channels, height, width])
  return session.run({image, paper: new ort.Tensor('float32', back, [1, channels])})
}
const network = o => reader.network.run(prepare(o, reader.config)), read = o => reader.read(o)
const res = {read: [], network: [], ort: []}
for (let i = 0; i <= rounds; i++) for (const [name, f] of Object.entries({read, network, ort: run})) {
  const times = await ms(f)
  if (i) res[name].push(...times) // the first round warms up
}
const memory = []
for (let i = 1; i <= most; i++) {
  reader.read(all[i%all.length])
  if (i == most/10 || i == most) memory.push(process.memoryUsage().rss/2**20)
}
console.log(JSON.stringify({...res, memory}))
"""
TESSERACT = """import {readFileSync} from 'node:fs'
const [, , npm, files, chars] = process.argv
const {createWorker} = (await import(npm+'/node_modules/tesseract.js/src/index.js')).default
const langPath = npm+'/node_modules/@tesseract.js-data/eng/4.0.0_best_int'
const worker = await createWorker('eng', 1, {langPath, gzip: true, cacheMethod: 'none'})
await worker.setParameters({tessedit_pageseg_mode: '7', tessedit_char_whitelist: chars})
const res = {ms: [], texts: []}
for (const file of JSON.parse(readFileSync(files))) {
  const start = performance.now(), {data} = await worker.recognize(file)
  res.ms.push(performance.now()-start)
  res.texts.push(data.text.replace(/\\s/g, ''))
}
await worker.terminate()
console.log(JSON.stringify(res))
"""
FIRST = """async data => {
  const image = Uint8Array.from(atob(data), o => o.charCodeAt(0))
  return (await window.reader.read(new Blob([image]))).best
}"""

def quantiles(ms):
    "Median, 99th percentile, images a second"
    ordered = sorted(ms)
    return dict(one_median_ms=statistics.median(ms), one_p99_ms=ordered[int(len(ms)*.99)],
                one_per_second=1000*len(ms)/sum(ms))

def data_of(name):
    "Dataloaders, and pairs of file and label that are not trained on: of captcha_images_v2 the usual 104, which validate"
    from captcha_fastai.data import CaptchaDataLoaders
    if name=='captcha_images_v2':
        dls = CaptchaDataLoaders.from_folder(common.data_folder(name), seed=42)
        return dls,dls.valid_ds.items
    data = source(name)
    return CaptchaDataLoaders.from_items(data.train, valid_pct=.15, seed=0, chars=data.chars),data.test

def page_of(name, folder):
    "Train, export, compare; the folder of the recogniser, validation files and labels, and what was found"
    from captcha_fastai.recogniser import Recogniser
    from captcha_fastai.web import read_in_node, to_web
    dls,items = data_of(name)
    learn,_ = common.train(dls)
    learn.to_recogniser(folder/'recogniser')
    files = [f for f,_ in items]
    labels = [learn.vocab.normalise(o) for _,o in items]
    replay = to_web(folder/'recogniser', folder/'page', files)
    texts = [o['best'] for o in read_in_node(folder/'page', files)]
    right = sum(a==b for a,b in zip(texts, labels))
    python = sum(o.alternatives[0][0]==b for o,b in zip(Recogniser.load(folder/'recogniser').read(files), labels))
    sizes = {o.name: o.stat().st_size for o in (folder/'page').iterdir()}
    found = dict(ties=replay.ties, difference=replay.difference, where=replay.where, bytes=sizes)
    return files,labels,dict(share(right, len(files)), python=python, **found)

@cache
def installed():
    "The folder of npm with the packages to compare with"
    npm = common.root/'.venv-npm'
    npm.mkdir(exist_ok=True)
    names = [f'{k}@{v}' for k,v in PACKAGES.items()]
    subprocess.run(['npm', 'install', '--silent', '--prefix', npm, *names], check=True)
    return npm

def tesseract(folder, files, labels, chars):
    "Milliseconds and accuracy of tesseract.js, which takes files"
    (folder/'files.json').write_text(json.dumps([str(o) for o in files]))
    (folder/'tesseract.mjs').write_text(TESSERACT)
    command = ['node', folder/'tesseract.mjs', installed(), folder/'files.json', chars]
    done = subprocess.run([str(o) for o in command], check=True, capture_output=True, text=True)
    res = json.loads(done.stdout)
    return dict(quantiles(res['ms']), **share(sum(a==b for a,b in zip(res['texts'], labels)), len(labels)))

def in_node(folder, files, rounds):
    "Milliseconds and memory, in Node"
    from captcha_fastai.web import write_raw
    npm = installed()
    write_raw(files, folder/'images')
    (folder/'run.mjs').write_text(IN_NODE)
    paths = [folder/'page', folder/'images', folder/'recogniser'/'model.onnx', npm, rounds, common.some(10_000, 100)]
    done = subprocess.run(['node', folder/'run.mjs', *map(str, paths)], check=True, capture_output=True, text=True)
    res = json.loads(done.stdout)
    memory = dict(zip(('after_a_tenth_mb','after_all_mb'), res.pop('memory')), images=common.some(10_000, 100))
    return {**{k: quantiles(v) for k,v in res.items()}, 'memory': memory}

def camera(folder, files, seconds=5):
    "Readings a second from a film of 30 frames a second, in Chromium"
    from browser import FLAGS, chromium
    from browser_reader import FPS, quick_film
    from playwright.sync_api import sync_playwright
    quick_film(folder/'film.y4m', files[0])
    with sync_playwright() as p:
        flag = f'--use-file-for-fake-video-capture={folder}/film.y4m'
        browser = p.chromium.launch(executable_path=chromium(), args=[*FLAGS, flag])
        page = browser.new_page()
        page.goto((folder/'page'/'reader.html').as_uri())
        page.click('#open-camera')
        page.wait_for_timeout(1000*seconds)
        res = page.evaluate(FPS)
        browser.close()
    return res

def in_chromium(folder, files):
    "Milliseconds in Chromium, and seconds from opening to the first reading"
    from browser import FLAGS, chromium
    from captcha_fastai.web import read_in_browser
    from playwright.sync_api import sync_playwright
    data = base64.b64encode(Path(files[0]).read_bytes()).decode()
    opened = []
    with sync_playwright() as p:
        for _ in range(5):
            browser = p.chromium.launch(executable_path=chromium(), args=FLAGS)
            page = browser.new_page()
            begin = time.perf_counter()
            page.goto((folder/'page'/'reader.html').as_uri())
            page.locator('main').wait_for()
            page.evaluate(FIRST, data)
            opened.append(time.perf_counter()-begin)
            browser.close()
    ms = [o['ms'] for o in read_in_browser(folder/'page', files)]
    return dict(quantiles(ms[len(ms)//4:]), open_seconds=common.median(opened), camera_per_second=camera(folder, files))

def recogniser(folder, files):
    "Recogniser with one thread, on decoded images"
    from captcha_fastai.image import open_image
    from captcha_fastai.recogniser import Recogniser
    rec = Recogniser.load(folder/'recogniser', threads=1)
    images = [open_image(o) for o in files]
    for o in images[:20]: rec.read(o)
    return quantiles([1000*common.timed(rec.read, o)[0] for o in images])

def sizes():
    "Megabytes that a page of each package loads: its script, its WebAssembly and, for tesseract.js, the language"
    at = installed()/'node_modules'
    of = {'onnxruntime-web': ['dist/ort.wasm.bundle.min.mjs', 'dist/ort-wasm-simd-threaded.wasm'],
          'tesseract.js': ['dist/tesseract.min.js', 'dist/worker.min.js', '../tesseract.js-core/tesseract-core-simd-lstm.wasm.js',
                           '../@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz']}
    return {k: sum((at/k/o).stat().st_size for o in v) for k,v in of.items()}

def main():
    "Train, export, measure, write"
    sets = ['captcha_images_v2','five_digits','water_meters']
    note = provenance('web.py', 'reading', sets)
    pages = common.library/'pages'
    note['depends']['reader'] = hashlib.sha256((pages/'reader.mjs').read_bytes()).hexdigest()[:12]
    accuracy = {}
    with tempfile.TemporaryDirectory() as tmp:
        for name in sets[:1] if common.trying else sets:
            files,labels,accuracy[name] = page_of(name, Path(tmp)/name)
            if name!=sets[0]: continue
            folder = Path(tmp)/name
            node = in_node(folder, files, common.some(5, 1))
            runs = dict(node=node, chromium=in_chromium(folder, files), recogniser=recogniser(folder, files),
                        tesseract=tesseract(folder, files, labels, ''.join(sorted(set(''.join(labels))))))
    write_result('web', note, sets=accuracy, runs=runs, packages=PACKAGES, bytes_installed=sizes(),
                 ratio_network=node['ort']['one_median_ms']/node['network']['one_median_ms'])

if __name__=='__main__':
    start(parser(__doc__).parse_args())
    main()
