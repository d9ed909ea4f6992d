"""A real, small IMAP server: it speaks the few commands that looking into a mailbox takes."""

import re
import socketserver
import threading
import time


class Mailbox:
    """What the server holds: mails by number, which were seen, and how it misbehaves."""

    def __init__(self):
        self.mails, self.seen, self.asked, self.opened = {}, set(), [], 0
        self.password = "secret"
        # "silent": says nothing; "drips": a letter at a time; "greets for ever": that
        # from the first word on; "drops": goes away after so many mails were fetched.
        self.trouble, self.drops_after = "", None

    def put(self, raw: bytes, size=None):
        self.mails[len(self.mails) + 1] = (raw, size or len(raw))


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        box = self.server.box
        box.opened += 1
        if box.trouble == "silent":
            time.sleep(60)
            return
        if box.trouble == "greets for ever":
            self.drip(b"* OK ")
        self.say(b"* OK here")
        while line := self.rfile.readline():
            tag, command = line.strip().split(b" ", 1)
            box.asked.append(command.decode())
            if self.answer(box, tag, command):
                return

    def say(self, line: bytes):
        self.wfile.write(line + b"\r\n")
        self.wfile.flush()

    def answer(self, box, tag, command):
        word = command.upper()
        if word.startswith(b"LOGIN") and box.password.encode() not in command:
            self.say(tag + b" NO wrong")
            return False
        if word.startswith(b"CAPABILITY"):
            self.say(b"* CAPABILITY IMAP4rev1")
        elif word.startswith(b"SELECT"):
            self.say(b"* %d EXISTS" % len(box.mails))
        elif word.startswith(b"UID SEARCH"):
            if box.trouble == "drips":
                self.drip(b"* SEARCH ")
            self.say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in box.mails if uid not in box.seen))
        elif word.startswith(b"UID FETCH"):
            self.fetch(box, int(command.split()[2]), command)
            if box.drops_after is not None and b"BODY" in word:
                box.drops_after -= 1
                if box.drops_after < 0:
                    return True
        elif word.startswith(b"UID STORE"):
            box.seen.add(int(command.split()[2]))
        self.say(tag + b" OK done")
        return word.startswith(b"LOGOUT")

    def drip(self, line):
        for _ in range(300):
            self.wfile.write(line[:1])
            self.wfile.flush()
            time.sleep(0.2)

    def fetch(self, box, uid, command):
        raw, size = box.mails[uid]
        if b"RFC822.SIZE" in command:
            self.say(b"* %d FETCH (UID %d RFC822.SIZE %d)" % (uid, uid, size))
            return
        most = int(re.search(rb"<0\.(\d+)>", command)[1])
        what = raw[: raw.find(b"\n\n") + 2] if b"HEADER" in command else raw
        what = what[:most]
        name = b"BODY[HEADER]<0>" if b"HEADER" in command else b"BODY[]<0>"
        self.wfile.write(b"* %d FETCH (UID %d %s {%d}\r\n" % (uid, uid, name, len(what)))
        self.wfile.write(what + b")\r\n")
        self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Whoever was left hanging up says nothing."""


def serve(box):
    """Start the server; return it and its address."""
    server = Server(("127.0.0.1", 0), Session)
    server.box = box
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"imap://us%40zarts.example:secret@127.0.0.1:{server.server_address[1]}/INBOX"
