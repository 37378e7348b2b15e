"""Check the site in `_docs/`: every link leads to a page and a place that exist, and nothing is loaded from elsewhere

    python .ci/check_docs.py    exit status 1 with a line for each fault"""
import re, sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

site = Path(__file__).resolve().parent.parent/'_docs'
loading = ('img','script','iframe','source','video') # tags whose `src` a browser fetches

class Page(HTMLParser):
    "The places of a page, its links, what it loads"
    def __init__(self, text):
        super().__init__()
        self.ids,self.links,self.loads = set(),set(),set()
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get('id'))
        if tag=='a' and attrs.get('href'): self.links.add(attrs['href'])
        if tag in loading and attrs.get('src'): self.loads.add(attrs['src'])
        if tag=='link' and attrs.get('rel') not in ('canonical','prev','next'): self.loads.add(attrs['href'])

def faults(file, pages):
    "What is wrong with the links of a page"
    page = pages[file]
    for link in page.loads:
        if re.match(r'(\w+:)?//', link): yield f'loads {link}'
    for link in page.links | page.loads:
        if re.match(r'\w+:|//', link): continue
        path,_,anchor = unquote(link).partition('#')
        target = (file.parent/path).resolve() if path else file
        if target.is_dir(): target /= 'index.html'
        if not target.exists(): yield f'{link} does not exist'
        elif anchor and target in pages and anchor not in pages[target].ids: yield f'{link}: no such place on that page'

def main():
    "The faults of all pages, and how many pages there are"
    files = sorted(o for o in site.rglob('*.html') if o.name!='404.html') # whose links are absolute
    pages = {o: Page(o.read_text(encoding='utf-8')) for o in files}
    found = [f'{o.relative_to(site)}: {s}' for o in files for s in faults(o, pages)]
    for o in site.rglob('*.css'):
        text = o.read_text(encoding='utf-8')
        found += [f'{o.name} loads {s}' for s in re.findall(r'url\(["\']?((?:https?:)?//[^)]*)\)', text)]
    return found,len(pages),sum(len(o.links) for o in pages.values())

if __name__=='__main__':
    found,n_pages,n_links = main()
    if found: sys.exit('\n'.join(found))
    print(f'{n_pages} pages, {n_links} links: none is broken, nothing is loaded from elsewhere')
