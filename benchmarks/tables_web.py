"""Tables of the page that reads without a server.

Each function returns a `Table` (see table.py), made from the result file of web.py.
"""
from table import Table, load, table

def result(): return load('web') or dict(runs={}, sets={})

@table
def web_table():
    "How fast the page reads, beside others"
    r = result()
    names = dict(chromium='`reader.html` in Chromium', read='`reader.mjs` in Node', network='its network alone',
                 ort='the same network in onnxruntime-web', recogniser='`Recogniser` in Python, one thread',
                 tesseract='tesseract.js, with decoding the file')
    runs = {**r['runs'].get('node', {}), **r['runs']}
    def cells(name, o):
        return [name, f"{o['one_median_ms']:.1f} ms", f"{o['one_p99_ms']:.1f} ms", f"{o['one_per_second']:,.0f}"]
    rows = [('web', cells(names[k], runs[k])) for k in names if k in runs]
    return Table(['', 'one image, median', '99th percentile', 'images a second'], rows, 'web.py')

@table
def web_accuracy_table():
    "What the page reads right of images that were not trained on, and Recogniser of the same"
    def cells(k, o):
        right = [f"{n} of {o['n_valid']}" for n in (o['n_right'], o['python'])]
        return [k, *right, f"{o['difference']:.4f}", f"{o['bytes']['reader.html']/1e6:.2f} MB"]
    rows = [('web', cells(*o)) for o in result()['sets'].items()]
    head = ['images of', 'the page', '`Recogniser`', 'largest difference of a probability', '`reader.html`']
    return Table(head, rows, 'web.py')

@table
def web_numbers_table():
    "What else was measured of the page"
    r = result()
    head,name = ['', ''],'web.py'
    if not r['runs']: return Table(head, [], name)
    memory,chromium,tesseract = r['runs']['node']['memory'],r['runs']['chromium'],r['runs']['tesseract']
    bytes = r['bytes_installed']
    rows = [['from opening to the first reading', f"{chromium['open_seconds']:.2f} s"],
            ['readings a second of a film of 30 frames a second', chromium['camera_per_second']],
            [f"memory of Node after {memory['images']//10:,} images", f"{memory['after_a_tenth_mb']:.0f} MB"],
            [f"after {memory['images']:,}", f"{memory['after_all_mb']:.0f} MB"],
            ['tesseract.js, told the characters: right', f"{tesseract['n_right']} of {tesseract['n_valid']}"],
            ['bytes that it loads', f"{bytes['tesseract.js']/1e6:.1f} MB"],
            ['bytes that onnxruntime-web loads, without a model', f"{bytes['onnxruntime-web']/1e6:.1f} MB"]]
    return Table(head, [('web', o) for o in rows], name)
