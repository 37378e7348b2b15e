"""The page under load: clients that all ask at once, over loopback. Is an answer lost, is one given to another client, does the memory grow?

    python benchmarks/load.py FOLDER IMAGES [--clients 50] [--requests 200] [--minutes 15]

FOLDER is a recogniser, IMAGES a folder of images. Every client uploads an image of its own choice, asks /read and compares the answer with what
the recogniser reads in that image outside the page; one in fifty is a broken file, whose answer is a reason. Writes results/load.json."""
import argparse, asyncio, json, os, random, subprocess, sys, tempfile, time
from pathlib import Path

import httpx
from common import machine, save

class Memory:
    "Resident memory of a process, sampled"
    def __init__(self, pid): self.file,self.peak,self.samples = Path(f'/proc/{pid}/status'),0,[]
    def now(self): return int(next(l for l in self.file.read_text().splitlines() if l.startswith('VmRSS')).split()[1])/1024
    async def watch(self):
        while True:
            self.samples.append(self.now())
            self.peak = max(self.peak, self.samples[-1])
            await asyncio.sleep(.5)

async def ask(client, url, name, data):
    "Upload, call, and the answer"
    path = (await client.post(f'{url}gradio_api/upload', files=dict(files=(name, data)))).raise_for_status().json()[0]
    body = dict(data=[dict(path=path, orig_name=name, meta=dict(_type='gradio.FileData')), 1])
    event = (await client.post(f'{url}gradio_api/call/read', json=body)).raise_for_status().json()['event_id']
    text = (await client.get(f'{url}gradio_api/call/read/{event}')).raise_for_status().text
    assert 'event: complete' in text, text[:200]
    return json.loads(text.split('data: ', 1)[1].splitlines()[0])[0]

async def one_client(i, n, url, images, expected, log):
    "`n` requests, one after the other"
    rng = random.Random(i)
    async with httpx.AsyncClient(timeout=120) as client:
        for k in range(n):
            broken,file = rng.random()<.02,rng.choice(images)
            name,data = (f'broken {i} {k}.png',f'no image {i} {k}'.encode()) if broken else (file.name,file.read_bytes())
            start = time.perf_counter()
            try: a = await ask(client, url, name, data)
            except (httpx.HTTPError, AssertionError, ValueError) as e: log['lost'].append(f'{type(e).__name__} {e}'[:200]); continue
            log['seconds'].append(time.perf_counter()-start)
            right = 'error' in a if broken else a.get('text')==expected[file]
            if not right or a['file']!=name: log['mixed_up'].append(str(a)[:200])
            log['broken'] += broken

async def load(url, pid, images, expected, n_clients, n_requests, minutes):
    log,memory = dict(lost=[], mixed_up=[], seconds=[], broken=0),Memory(pid)
    async with httpx.AsyncClient() as client:
        for o in images[:20]: await ask(client, url, o.name, o.read_bytes()) # warm
    before,start,watch = memory.now(),time.perf_counter(),asyncio.create_task(memory.watch())
    await asyncio.wait_for(asyncio.gather(*(one_client(i, n_requests, url, images, expected, log) for i in range(n_clients))), minutes*60)
    took = time.perf_counter()-start
    half = memory.samples[len(memory.samples)//2]
    await asyncio.sleep(5)
    watch.cancel()
    q = sorted(log['seconds'])
    return dict(clients=n_clients, requests=n_clients*n_requests, answered=len(q), lost=len(log['lost']), mixed_up=len(log['mixed_up']), broken_answered=log['broken'], examples=(log['lost']+log['mixed_up'])[:5],
                seconds=round(took, 1), per_second=round(len(q)/took, 1), median_ms=round(q[len(q)//2]*1000), p99_ms=round(q[int(.99*len(q))]*1000),
                rss_mb=dict(before=round(before), half=round(half), peak=round(memory.peak), after=round(memory.now())))

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for o in ('folder','images'): p.add_argument(o, type=Path)
    for o,n in dict(clients=50, requests=200, minutes=15).items(): p.add_argument(f'--{o}', type=int, default=n)
    p.add_argument('--name', default='load')
    a = p.parse_args()
    from captcha_fastai.inference import Recogniser
    note,rec,images = machine(),Recogniser.load(a.folder),sorted(a.images.glob('*.png'))
    expected = {o: rec.read(o).text for o in images}
    server = subprocess.Popen([sys.executable, '-c', 'import sys; from captcha_fastai.app import captcha_app; captcha_app(sys.argv[1])', str(a.folder)], stdout=subprocess.PIPE, text=True)
    try: result = asyncio.run(load(server.stdout.readline().strip(), server.pid, images, expected, a.clients, a.requests, a.minutes))
    finally: server.terminate(); server.wait(30)
    save(a.name, dict(machine=note, texts=len(set(expected.values())), **result))
    print(json.dumps(result, indent=1))

if __name__ == '__main__': main()
