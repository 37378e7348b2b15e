"""Files changed in ways that their formats suggest; the same `random.Random` makes the same change."""
import copy, io, json, stat, zipfile
from contextlib import suppress

import numpy as np

# bytes and texts

def mutated(data, rng):
    "`data` with one to eight changes"
    a = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        i,j = sorted(rng.sample(range(len(a)+1), 2)) if len(a)>1 else (0, len(a))
        kind = rng.randrange(6)
        if kind==0 and a: a[rng.randrange(len(a))] ^= 1<<rng.randrange(8)
        elif kind==1: a[i:i] = rng.randbytes(rng.randint(1, 16))
        elif kind==2: del a[i:min(j, i+rng.randint(1, 64))]
        elif kind==3: a[i:j] = a[i:j][:256]*2
        elif kind==4: a[i:i+4] = rng.choice([b'\xff\xff\xff\xff', b'\0\0\0\0', b'\x7f\xff\xff\xff', b'IEND',
                                             b'\xff\xd8\xff\xd9'])
        elif kind==5: a = a[:rng.randint(0, len(a))]
    return bytes(a)

awkward_names = ['', '.', '..', '../a.png', '/etc/passwd', '/dev/zero', 'C:\\a.png', 'a\0b.png', '=1+1', 'a\nb',
                 'é.png', 'a'*300, 'a'*40_000, 'a/'*2000, '\u202egnp.a', 'con', ' ', '"']
awkward_chars = ['"', '""', '\0', '\r', '\n', '\r\n', ',', ';', '\t', ' ', '\ufeff', '\u2028', 'é', '\x1a', '[', '{',
                 '\\']

def awkward_text(rng):
    "A text that a reader may stumble over"
    kind = rng.randrange(8)
    if kind<4: return rng.choice(awkward_names)
    if kind<6: return ''.join(rng.choices(awkward_chars, k=rng.randint(1, 4)))
    return rng.choice(['[{', '1,', 'a\n', '"', 'é'])*rng.choice([2, 1000, 100_000])

def text_mutated(text, rng):
    "Bytes of a table, with one to three changes of cells, lines, quotes or the encoding"
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        lines = text.split('\n')
        i = rng.randrange(len(lines))
        at = rng.randint(0, len(lines[i]))
        kind = rng.randrange(8)
        if kind<2: lines[i] = lines[i][:at]+awkward_text(rng)+lines[i][at:]
        elif kind==2: lines[i] = awkward_text(rng)
        elif kind==3: lines[i:i] = [lines[i]]*min(rng.choice([1, 2, 5000]), 1+10**6//max(len(lines[i]), 1))
        elif kind==4: del lines[i]
        elif kind==5: lines[i] = rng.choice(',;\t" ').join(map(awkward_text, [rng]*rng.choice([1, 2, 30])))
        elif kind==6: lines = ['\n'.join(lines).replace(rng.choice(',;\t" '), rng.choice(awkward_chars))]
        else: lines[i] = lines[i][:at]
        text = '\n'.join(lines)
    data = text.encode(rng.choice(['utf-8']*6+['utf-16', 'utf-16-le', 'latin-1', 'utf-8-sig']), 'replace')
    return mutated(data, rng) if rng.random()<.2 else data

# JSON

def awkward_value(rng):
    "A value where another one is expected"
    deep = []
    for _ in range(rng.choice([1, 10, 100])): deep = [deep]
    return rng.choice([None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, -.5, 1e-320, 1e308, float('nan'),
                       float('inf'), '', '\ud800', [], {}, deep, [[]], [0]*1000, {'a': None}, ['a', 1],
                       awkward_text(rng), 'a'*100_000])

def near(value, rng):
    "A value that differs a little"
    if isinstance(value, bool) or value==10**400: return not value
    if isinstance(value, (int,float)): return rng.choice([value+1, value-1, -value, value*2, value*.5, str(value)])
    if isinstance(value, str): return rng.choice([value[1:], value[::-1], value*2, value+'é', value.upper(), [value]])
    if isinstance(value, list): return rng.choice([value[::-1], value*2, value[1:], [value]])
    pairs = list(value.items()) if isinstance(value, dict) else None
    if pairs: return rng.choice([pairs, dict(pairs[::-1]), {**value, 'goal': 1}])
    return 0

def places(value):
    "Pairs of container and key, of everything inside a JSON value"
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for k,v in list(items):
        yield value,k
        yield from places(v)

def json_mutated(value, rng):
    "A JSON value with one to three changes"
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        found = list(places(value))[:2000]
        if not found: return awkward_value(rng)
        at,k = rng.choice(found)
        other,j = rng.choice(found)
        kind = rng.randrange(6)
        if kind==0: del at[k]
        elif kind<3: at[k] = awkward_value(rng)
        elif kind<5: at[k] = near(at[k], rng)
        else: at[k] = copy.deepcopy(other[j]) # its like, from elsewhere
        if rng.random()<.1 and isinstance(at, dict) and at: at[awkward_text(rng)] = at.pop(rng.choice(list(at)))
    return value

def json_text(value, rng):
    "The text of a JSON value; sometimes with a change in it"
    text = json.dumps(value)
    if rng.random()<.8: return text.encode()
    return rng.choice([mutated(text.encode(), rng), b'['*100_000, b'{"a":'*20_000, text.encode('utf-16'), b'1'*5000,
                       text.encode()+b'\0', b'\xef\xbb\xbf'+text.encode()])

# safetensors

def safetensors_mutated(data, rng):
    "Other names, types, shapes, places or numbers"
    n = int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:8+n])
    body = data[8+n:]
    if rng.random()<.2: body = rng.choice([body[:-4], body+b'\0'*4, b'\xff'*len(body), rng.randbytes(len(body)), b''])
    if rng.random()<.9: header = json_mutated(header, rng)
    text = json_text(header, rng)
    n = rng.choice([len(text)]*9+[0, 1, len(text)-1, len(text)+8, 10**8, 2**63])
    return n.to_bytes(8, 'little')+text+body

# ONNX

def messages(m):
    "A protobuf message, and all that are in it"
    yield m
    for field,value in m.ListFields():
        if field.type!=field.TYPE_MESSAGE: continue
        for o in value if hasattr(value, 'append') else [value]: yield from messages(o)

def other_number(value, rng): return rng.choice([0, -1, 1, 2, 3, 7, 2**31-1, 2**62, -2**63, value+1, value-1, -value])

def other_value(value, texts, rng):
    "A value of the same type"
    if isinstance(value, float): return rng.choice([0., -1., float('nan'), float('inf'), 1e38])
    if isinstance(value, int): return max(-2**63, min(other_number(value, rng), 2**63-1))
    if isinstance(value, bytes):
        return rng.choice([value[:-1], value*2, b'\xff'*len(value), rng.randbytes(len(value)), b''])
    return rng.choice(texts)

def list_changed(items, rng):
    "Remove, repeat or swap one of a list of messages"
    i,j = (rng.randrange(len(items)) for _ in range(2))
    kind = rng.randrange(3)
    if kind==0: del items[i]
    elif kind==1: items.add().CopyFrom(items[i])
    else:
        kept = type(items[i])()
        kept.CopyFrom(items[i])
        items[i].CopyFrom(items[j])
        items[j].CopyFrom(kept)

def onnx_mutated(data, rng):
    "A graph with one to three other fields, or other bytes"
    import onnx
    if rng.random()<.1: return mutated(data, rng)
    model = onnx.load_from_string(data)
    g = model.graph
    texts = [*{o.op_type for o in g.node}, *(o for n in g.node for o in [*n.input, *n.output]), '', 'If', 'Loop', 'Foo',
             'Pad', 'Tile', 'Expand', 'Resize', 'Slice', 'Gather', 'Reshape', 'LSTM', 'MaxPool', 'é'*200]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        m = rng.choice([o for o in messages(model) if o.ListFields()])
        field,value = rng.choice(m.ListFields())
        many = hasattr(value, 'append')
        with suppress(ValueError, TypeError): # a number that the field cannot hold
            if field.type==field.TYPE_MESSAGE:
                if many: list_changed(value, rng)
                else: m.ClearField(field.name)
            elif many: value[:] = [other_value(o, texts, rng) if rng.random()<.5 else o for o in value]
            else: setattr(m, field.name, other_value(value, texts, rng))
    return model.SerializeToString()

# zip

def zip_entry(z, name, data, rng):
    "Add a file under some name, compressed in some way"
    info = zipfile.ZipInfo(name, rng.choice([(1980,1,1,0,0,0), (2107,12,31,23,59,58)]))
    info.compress_type = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    if rng.random()<.2: info.external_attr = rng.choice([stat.S_IFLNK|0o777, stat.S_IFCHR|0o666, stat.S_IFDIR])<<16
    z.writestr(info, data)

def zip_made(images, rng):
    "A zip of `images` (name → bytes), with awkward names, links, bombs, zips in it, other flags or other bytes"
    buf = io.BytesIO()
    with zipfile.ZipFile(buf, 'w') as z:
        for name,data in images.items():
            if rng.random()<.4:
                name = rng.choice([awkward_text(rng)[:20_000], 'a.png', 'b.zip', 'a/', '__MACOSX/a.png'])
            if rng.random()<.03:
                data = rng.choice([b'', bytes(4_999_999), bytes(6_000_000), mutated(data, rng), b'/etc/passwd'])
            with suppress(ValueError): zip_entry(z, name.replace('\0', '_') or 'x', data, rng)
        if rng.random()<.02:
            for i in range(1500): z.writestr(str(i), b'')
        if rng.random()<.1: z.comment = awkward_text(rng).encode()[:60_000]
    data = bytearray(buf.getvalue())
    for _ in range(rng.randint(0, 3)): zip_field_changed(data, rng)
    return mutated(data, rng) if rng.random()<.3 else bytes(data)

def zip_field_changed(data, rng):
    "Another number in one of the headers: version, flags, method, time, checksum, sizes, lengths, places"
    marks = (b'PK\1\2', b'PK\3\4', b'PK\5\6')
    at = [i for i in range(len(data)-4) if data[i]==80 and bytes(data[i:i+4]) in marks] if len(data)<200_000 else []
    if not at: return
    i = rng.choice(at)+4+2*rng.randrange(21)
    size = rng.choice([2, 4])
    data[i:i+size] = rng.choice([b'\xff'*size, bytes(size), b'\1'+bytes(size-1), rng.randbytes(size)])

# HDF5

def hdf5_mutated(path, rng):
    "Change a file in place: another object somewhere in it, or other bytes"
    import h5py
    if rng.random()<.5: return path.write_bytes(mutated(path.read_bytes(), rng))
    with h5py.File(path, 'r+') as h, suppress(KeyError, ValueError, TypeError, OSError, OverflowError, RuntimeError):
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            names = []
            h.visit(names.append)
            if not names: break
            name = rng.choice(names)
            kind = rng.randrange(4)
            if kind==0: del h[name]
            elif kind==1 and isinstance(h[name], h5py.Dataset): value_changed(h, h[name], rng)
            else:
                del h[name]
                object_made(h, name, rng)

def value_changed(h, data, rng):
    "Another value in a dataset"
    import h5py
    if data.dtype!=object: data[:] = rng.choice([0, -1, 65535, 2**31, 1e308, float('nan')])
    else:
        names = list(h.get('#refs#', ()))
        refs = [h5py.Reference(), h.ref, h[rng.choice(names)].ref] if names else [h.ref]
        data[rng.randrange(len(data)),0] = rng.choice(refs)

def object_made(h, name, rng):
    "Something else under this name: links, other types and shapes, arrays that are not stored"
    import h5py
    kind = rng.randrange(10)
    if kind==0: h[name] = h5py.SoftLink(rng.choice(['/', f'/{name}', '/digitStruct/name', '/nowhere']))
    elif kind==1: h[name] = h5py.ExternalLink(rng.choice(['/etc/passwd', '/dev/zero', 'digitStruct.mat']), '/')
    elif kind==2: h.create_group(name)
    elif kind==3: h[name] = rng.choice(['text', b'\xff', 1, 1.5, *map(np.zeros, [(0,1), 3, (2,3), (1,1,1)])])
    elif kind==4:
        shape = rng.choice([(10**9,1), (2**40,1), (1,10**9), (10**5,1)])
        h.create_dataset(name, shape, rng.choice(['f8', 'u2']), chunks=(1,1))
    elif kind==5: h.create_dataset(name, (30,1), rng.choice([h5py.ref_dtype, h5py.regionref_dtype]))
    elif kind==6: h.create_dataset(name, data=np.zeros((30,1), [('a', 'i4'), ('b', 'f8')]))
    elif kind==7: h.create_dataset(name, (30,1), 'u2', external=[(rng.choice(['/dev/zero', '/etc/passwd']), 0, 60)])
    elif kind==8: h.create_dataset(name, data=np.zeros((10**6,1)), compression='gzip')
    else: h.create_dataset(name, (30,1), h5py.string_dtype())
