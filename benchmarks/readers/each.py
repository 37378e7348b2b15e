"""Read images one at a time, timed, on one thread: what the scripts of this folder share.

Each runs in an environment of its own: `PYTHON SCRIPT NOTE.json`. The note holds `files`, and `chars` if the
characters are given. It prints JSON.
"""
import json, sys, time

def one_threaded():
    "Every session of ONNX Runtime gets one thread, also those that a package makes for itself"
    import onnxruntime
    made = onnxruntime.InferenceSession
    def session(model, sess_options=None, **kwargs):
        options = sess_options or onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return made(model, sess_options=options, **kwargs)
    onnxruntime.InferenceSession = session

def text_of(read, file):
    "What `read` returns, or an empty text and its error"
    try: return read(file),None
    except Exception as e: return '',f'{file}: {type(e).__name__}: {e}'[:200]

def main(load):
    "`load` gets the characters or `None`; it returns a function from a path to a text, and the bytes of the model"
    with open(sys.argv[1]) as f: note = json.load(f)
    begin = time.perf_counter()
    read,model_bytes = load(note.get('chars'))
    loaded = time.perf_counter()-begin
    text_of(read, note['files'][0])
    texts,ms,errors = [],[],[]
    for file in note['files']:
        start = time.perf_counter()
        text,error = text_of(read, file)
        ms.append(1000*(time.perf_counter()-start))
        texts.append(text)
        if error: errors.append(error)
    print(json.dumps(dict(texts=texts, ms=ms, errors=errors, load_seconds=loaded, model_bytes=model_bytes)))
