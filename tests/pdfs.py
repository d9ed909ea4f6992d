"""What the tests ask of a PDF: what it says, and whether it is fit for an archive."""

import io
import re
import unicodedata

import pikepdf
import pypdfium2

FORBIDDEN = {"/JS", "/JavaScript", "/AA", "/OpenAction", "/EmbeddedFiles", "/Launch", "/RichMedia", "/XFA", "/URI"}
PDFA = "{http://www.aiim.org/pdfa/ns/id/}"


def pages_of(file: bytes) -> list[str]:
    """Return what stands on each page, with its spaces and parted words put right."""
    document = pypdfium2.PdfDocument(file)
    pages = [document[place].get_textpage().get_text_range() for place in range(len(document))]
    return [plain(page) for page in pages]


def text_of(file: bytes) -> str:
    return " ".join(pages_of(file))


def plain(text) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\u200b", "").replace("\ufffe", "")
    return re.sub(r"\s+", " ", text)


def dictionaries(pdf):
    """Yield every dictionary of a file, those within others too."""
    waiting = list(pdf.objects)
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            waiting += [each for each in one if isinstance(each, pikepdf.Object) and not each.is_indirect]
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            yield one
            waiting += [each for _, each in one.items() if isinstance(each, pikepdf.Object) and not each.is_indirect]


def faults_of(file: bytes) -> list[str]:
    """Return what keeps a file from being PDF/A-2b, as far as its objects tell."""
    found = []
    with pikepdf.open(io.BytesIO(file)) as pdf:
        if pdf.is_encrypted:
            found.append("encrypted")
        intents = pdf.Root.get("/OutputIntents", [])
        if not any(intent.get("/S") == "/GTS_PDFA1" and "/DestOutputProfile" in intent for intent in intents):
            found.append("no output intent")
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
            if (xmp.get(f"{PDFA}part"), xmp.get(f"{PDFA}conformance")) != ("2", "B"):
                found.append("does not say PDF/A-2b")
            if "/Title" in pdf.docinfo and str(pdf.docinfo["/Title"]) != xmp.get("dc:title"):
                found.append("two titles")
        if "/ID" not in pdf.trailer:
            found.append("no identifier")
        for one in dictionaries(pdf):
            found += [f"has {name}" for name in FORBIDDEN & set(one.keys())]
            found += faults_of_part(one)
        if pdf.check_pdf_syntax():
            found.append("broken syntax")
    return found


def faults_of_part(one) -> list[str]:
    kind = one.get("/Type")
    if kind == "/FontDescriptor" and not {"/FontFile", "/FontFile2", "/FontFile3"} & set(one.keys()):
        return [f"the font {one.get('/FontName')} is not embedded"]
    if kind == "/Font" and one.get("/Subtype") in ("/Type1", "/TrueType") and "/FontDescriptor" not in one:
        return ["a font without its description"]
    if kind == "/Annot" and (not int(one.get("/F", 0)) & 4 or int(one.get("/F", 0)) & 0b100011):
        return ["a note that is not printed, or is hidden"]
    if "/F" in one and isinstance(one, pikepdf.Stream):
        return ["words that stand outside of the file"]
    if "/LZWDecode" in str(one.get("/Filter", "")):
        return ["a filter that archives do not read"]
    return []
