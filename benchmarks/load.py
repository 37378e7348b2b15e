"""The page under load: clients that all ask at once, over loopback. Is an answer lost, is one given to another
client, does the memory grow?

    python benchmarks/load.py FOLDER IMAGES [--clients 50] [--requests 200] [--frames 36000] [--minutes 30]

FOLDER is a recogniser, IMAGES a folder of PNG images. Every client uploads an image of its own choice, asks
/read and compares the answer with what the recogniser reads in that image outside the page; one in fifty is a
broken file, whose answer is a reason. Then eight cameras send as many frames as one does in an hour, as fast as they
are answered, and compare with what it reads in the part of the image that a camera is aimed at. Writes
results/load.json. Ends with an error if an answer was lost or mixed up, if the requests made the memory grow by more
than `--grow` MB (50), or the frames by more than `--frames_grow` MB (100): Gradio keeps about 3 kB of each frame until
the stream's time limit of ten minutes is over. About 25 minutes on 2 cores.
"""
import asyncio, base64, json, random, subprocess, sys, time
from pathlib import Path

import httpx

import common
from captcha_fastai.app import aim_at, aimed_size
from captcha_fastai.image import open_image
from captcha_fastai.recogniser import Recogniser
from common import parser, provenance, start, write_result

class Memory:
    "Resident memory of a process, sampled"
    def __init__(self, pid):
        self.file = Path(f'/proc/{pid}/status')
        self.samples = []
    def now(self):
        line = next(o for o in self.file.read_text().splitlines() if o.startswith('VmRSS'))
        return int(line.split()[1])/1024
    async def watch(self):
        while True:
            self.samples.append(self.now())
            await asyncio.sleep(.5)

async def ask(client, url, name, data):
    "Upload an image, call /read, return the answer"
    uploaded = await client.post(f'{url}gradio_api/upload', files=dict(files=(name, data)))
    path = uploaded.raise_for_status().json()[0]
    body = dict(data=[dict(path=path, orig_name=name, meta=dict(_type='gradio.FileData')), 1])
    called = await client.post(f'{url}gradio_api/call/read', json=body)
    event = called.raise_for_status().json()['event_id']
    text = (await client.get(f'{url}gradio_api/call/read/{event}')).raise_for_status().text
    if 'event: complete' not in text: raise ValueError(text[:200])
    return json.loads(text.split('data: ', 1)[1].splitlines()[0])[0]

async def one_client(i, n, url, expected, log):
    "`n` requests, one after the other"
    rng = random.Random(i)
    async with httpx.AsyncClient(timeout=120) as client:
        for k in range(n):
            broken = rng.random()<.02
            file = rng.choice(list(expected))
            name,data = (f'broken {i} {k}.png', f'no image {i} {k}'.encode()) if broken else (file.name,
                file.read_bytes())
            begin = time.perf_counter()
            try: answer = await ask(client, url, name, data)
            except (httpx.HTTPError, ValueError) as e:
                log['lost'].append(f'{type(e).__name__} {e}'[:200])
                continue
            log['seconds'].append(time.perf_counter()-begin)
            right = 'error' in answer if broken else answer.get('text')==expected[file]
            if not right or answer['file']!=name: log['mixed_up'].append(str(answer)[:200])
            log['broken'] += broken

# the camera: one event of Gradio's queue, to which frames are posted until its time is over

async def stream_of(client, url):
    "Number of the page's one streaming event"
    config = (await client.get(f'{url}config')).raise_for_status().json()
    found = [o['id'] for o in config['dependencies'] if any(t[1]=='stream' for t in o['targets'])]
    return found[0]

def as_frame(data):
    "A frame as a browser sends it"
    return dict(url='data:image/png;base64,'+base64.b64encode(data).decode(), meta=dict(_type='gradio.FileData'))

async def one_camera(i, n, url, expected, log):
    "Send `n` frames, each when the one before is answered"
    rng = random.Random(f'camera {i}')
    files = list(expected)
    left = n
    async with httpx.AsyncClient(timeout=120) as client:
        fn = await stream_of(client, url)
        while left>0:
            session = f'camera{i}and{left}'
            file = rng.choice(files)
            joined = dict(data=[as_frame(file.read_bytes())], fn_index=fn, session_hash=session)
            (await client.post(f'{url}gradio_api/queue/join', json=joined)).raise_for_status()
            async with client.stream('GET', f'{url}gradio_api/queue/data', params=dict(session_hash=session)) as answers:
                async for line in answers.aiter_lines():
                    if not line.startswith('data:'): continue
                    o = json.loads(line[5:])
                    if o['msg']=='process_completed' or not left: break
                    if o['msg']!='process_streaming': continue
                    left -= 1
                    log['frames'] += 1
                    if expected[file] not in json.dumps(o['output']): log['mixed_up'].append(f"{file.name}: {o}"[:200])
                    file = rng.choice(files)
                    joined.update(data=[as_frame(file.read_bytes())], event_id=o['event_id'])
                    to = f"{url}gradio_api/stream/{o['event_id']}"
                    (await client.post(to if left else f'{to}/close', json=joined)).raise_for_status()

def summary(log, seconds):
    "The figures of a run"
    ordered = sorted(log['seconds'])
    n = len(ordered)
    return dict(answered=n, lost=len(log['lost']), mixed_up=len(log['mixed_up']), broken_answered=log['broken'],
                examples=(log['lost']+log['mixed_up'])[:5], seconds=round(seconds, 1), per_second=round(n/seconds, 1),
                median_ms=round(ordered[n//2]*1000), p99_ms=round(ordered[int(.99*n)]*1000))

async def load(url, pid, expected, aimed, clients, requests, frames, minutes):
    "All clients at once, then all cameras; figures, and the memory of the server"
    log = dict(lost=[], mixed_up=[], seconds=[], broken=0, frames=0)
    memory = Memory(pid)
    async with httpx.AsyncClient(timeout=120) as client:
        for o in list(expected)[:20]: await ask(client, url, o.name, o.read_bytes()) # warm up
    before = memory.now()
    begin = time.perf_counter()
    watch = asyncio.create_task(memory.watch())
    await asyncio.wait_for(asyncio.gather(*(one_client(i, requests, url, expected, log) for i in range(clients))),
                           minutes*60)
    seconds = time.perf_counter()-begin
    half = memory.samples[len(memory.samples)//2]
    after_requests = memory.now()
    begin = time.perf_counter()
    await asyncio.wait_for(asyncio.gather(*(one_camera(i, frames//8, url, aimed, log) for i in range(8))), minutes*60)
    camera = dict(frames=log['frames'], frames_per_second=round(log['frames']/(time.perf_counter()-begin), 1))
    await asyncio.sleep(5)
    watch.cancel()
    mb = dict(before=before, half=half, after_requests=after_requests, peak=max(memory.samples), after=memory.now())
    return dict(clients=clients, requests=clients*requests, **summary(log, seconds), **camera,
                rss_mb={k: round(v) for k,v in mb.items()})

serve = 'import sys; from captcha_fastai.app import captcha_app; captcha_app(sys.argv[1])'

def main():
    p = parser(__doc__)
    for o in ('folder','images'): p.add_argument(o, type=Path)
    for o,n in dict(clients=50, requests=200, frames=36000, minutes=30, grow=50, frames_grow=100).items(): p.add_argument(f'--{o}', type=int, default=n)
    args = start(p.parse_args())
    note = provenance('load.py', 'page')
    rec = Recogniser.load(args.folder)
    expected = {o: rec.read(o).text for o in sorted(args.images.glob('*.png'))}
    size = aimed_size(rec)
    def aimed_at(file):
        img = open_image(file)
        return rec.read(img.crop(aim_at(img.size, size))).text
    aimed = {o: aimed_at(o) for o in expected}
    amounts = (3, 10, 80) if common.trying else (args.clients, args.requests, args.frames)
    server = subprocess.Popen([sys.executable, '-c', serve, str(args.folder)], stdout=subprocess.PIPE, text=True)
    try: result = asyncio.run(load(server.stdout.readline().strip(), server.pid, expected, aimed, *amounts,
                                   args.minutes))
    finally:
        server.terminate()
        server.wait(30)
    write_result('load', note, texts=len(set(expected.values())), **result)
    if result['lost'] or result['mixed_up']: sys.exit(f"{result['lost']} lost, {result['mixed_up']} mixed up")
    mb = result['rss_mb']
    check_growth('requests', mb['after_requests']-mb['before'], args.grow)
    check_growth('frames', mb['peak']-mb['after_requests'], args.frames_grow)

def check_growth(what, grown, most):
    "End with an error if `what` made the memory grow by more than `most` MB"
    if grown>most: sys.exit(f'{what} made the memory grow by {grown} MB, more than {most}')

if __name__=='__main__': main()
