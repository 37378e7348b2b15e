"A service that reads images: uvicorn service:app, then curl -F image=@captcha.png localhost:8000/read"
from fastapi import FastAPI, HTTPException, UploadFile
from reader import Recogniser # in the folder of a recogniser

app = FastAPI()
recogniser = Recogniser.load(max_pixels=4_000_000)

@app.post('/read')
def read(image: UploadFile):
    try: reading = recogniser.read(image.file.read(8_000_000))
    except ValueError as e: raise HTTPException(422, str(e))
    return dict(text=reading.text, probability=reading.probability)
